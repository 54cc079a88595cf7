import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import { answerOf } from './wire-answer.ts';

/** True when an old server wants the Content-MD5 header instead of the newer checksums. */
export const asksForContentMd5 = (error: unknown): boolean => {
  const answer = answerOf(error);
  return (
    answer?.code === 'MissingContentMD5' ||
    (answer?.code === 'InvalidRequest' && /content-md5/i.test(answer.message ?? ''))
  );
};

interface BodyRequest {
  headers: Record<string, string>;
  readonly body?: unknown;
}

/**
 * Lets a client send Content-MD5 in place of the checksums of the SDK, while `isOn` says so. Needed by servers older than
 * the flexible checksums. Source: AWS SDK for JavaScript, MD5_FALLBACK.md.
 */
export const addContentMd5 = (client: S3Client, isOn: () => boolean): void => {
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as BodyRequest;
      if (isOn() && typeof request.body === 'string' && request.body !== '') {
        request.headers = {
          ...Object.fromEntries(
            Object.entries(request.headers).filter(([name]) => !/^x-amz-(sdk-)?checksum-/i.test(name)),
          ),
          'content-md5': createHash('md5').update(request.body).digest('base64'),
        };
      }
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'contentMd5' },
  );
};
