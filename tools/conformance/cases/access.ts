import {
  DeleteObjectCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Bench } from '../bench.ts';
import { failureOf } from '../target.ts';

/** What somebody tries with a bucket. `settings`: to read its tags, which is a right of its administrators. */
export type Deed = 'read' | 'write' | 'list' | 'remove' | 'settings';

const send: Readonly<Record<Deed, (client: S3Client, Bucket: string, Key: string) => Promise<unknown>>> = {
  read: (client, Bucket, Key) => client.send(new GetObjectCommand({ Bucket, Key })),
  write: (client, Bucket, Key) => client.send(new PutObjectCommand({ Bucket, Key: `${Key}-written`, Body: 'content' })),
  // As deep as the key lies: a right in a prefix is a right to list that prefix.
  list: (client, Bucket, Key) =>
    client.send(new ListObjectsV2Command({ Bucket, Prefix: Key.slice(0, Key.lastIndexOf('/') + 1) })),
  remove: (client, Bucket, Key) => client.send(new DeleteObjectCommand({ Bucket, Key: `${Key}-written` })),
  settings: (client, Bucket) => client.send(new GetBucketTaggingCommand({ Bucket })),
};

/** `yes`, or the code and status of the refusal. */
export const may = async (client: S3Client, deed: Deed, bucket: string, key: string): Promise<string> => {
  try {
    await send[deed](client, bucket, key);
    return 'yes';
  } catch (error) {
    return failureOf(error);
  }
};

const isRefused = (answer: string): boolean => / (401|403)$/.test(answer);

/** Waits until somebody may do all of `allowed` and is refused all of `refused`. */
export const can = async (
  bench: Bench,
  client: S3Client,
  at: { readonly bucket: string; readonly key: string },
  { allowed = [], refused = [] }: { readonly allowed?: readonly Deed[]; readonly refused?: readonly Deed[] },
): Promise<void> => {
  await bench.takesEffect(
    [...allowed, ...refused.map((deed) => `not ${deed}`)].join(', '),
    async () =>
      Object.fromEntries(
        await Promise.all(
          [...allowed, ...refused].map(async (deed) => [deed, await may(client, deed, at.bucket, at.key)] as const),
        ),
      ),
    (answers) =>
      allowed.every((deed) => answers[deed] === 'yes') && refused.every((deed) => isRefused(answers[deed] ?? '')),
  );
};

export const putObject = async (bench: Bench, bucket: string, key: string): Promise<void> => {
  await bench.independent.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: key.endsWith('/') ? '' : `content of ${key}` }),
  );
};

export const hasObject = async (bench: Bench, bucket: string, key: string): Promise<boolean> =>
  (await may(bench.independent, 'read', bucket, key)) === 'yes';
