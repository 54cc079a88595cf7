import { answerOf } from './wire-answer.ts';

/**
 * True when an old server wants the Content-MD5 header instead of the newer checksums.
 * Source: AWS SDK for JavaScript, MD5_FALLBACK.md.
 */
export const asksForContentMd5 = (error: unknown): boolean => {
  const answer = answerOf(error);
  return (
    answer?.code === 'MissingContentMD5' ||
    (answer?.code === 'InvalidRequest' && /content-md5/i.test(answer.message ?? ''))
  );
};
