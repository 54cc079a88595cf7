import { DeleteBucketPolicyCommand, GetBucketPolicyCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import type { CallContext } from '@operator/outcome';
import type { BucketWire } from './aspect.ts';
import type { RenderedPolicy } from './key-issuer.ts';

/**
 * The policy of a bucket as the server returns it, in IAM's capitals and the server's own normal form; undefined when there
 * is none. Source: Amazon S3 API, GetBucketPolicy.
 */
export const readBucketPolicy = async (
  { wire, bucket }: BucketWire,
  context: CallContext,
): Promise<RenderedPolicy | undefined> => {
  const answer = await wire.sendOrAbsent(
    new GetBucketPolicyCommand({ Bucket: bucket }),
    ['NoSuchBucketPolicy'],
    context,
  );
  return answer?.Policy === undefined || answer.Policy === ''
    ? undefined
    : (JSON.parse(answer.Policy) as RenderedPolicy);
};

/**
 * Replaces the policy of a bucket.
 * @throws Fault `terminal` PolicyInvalid; `waiting` PolicyInvalid while a principal in it is not known to the server yet
 * Source: Amazon S3 API, PutBucketPolicy.
 */
export const putBucketPolicy = async (
  { wire, bucket }: BucketWire,
  policy: RenderedPolicy,
  context: CallContext,
): Promise<void> => {
  await wire.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(policy) }), context);
};

/** Removes the policy of a bucket; none, or no bucket, counts as removed. Source: Amazon S3 API, DeleteBucketPolicy. */
export const deleteBucketPolicy = async ({ wire, bucket }: BucketWire, context: CallContext): Promise<void> => {
  // Some servers take a sub-resource they do not know for the bucket itself and delete that: only what a GET has shown is deleted.
  const shown = await wire.sendOrAbsent(
    new GetBucketPolicyCommand({ Bucket: bucket }),
    ['NoSuchBucketPolicy', 'NoSuchBucket'],
    context,
  );
  if (shown === undefined) return;
  await wire.sendOrAbsent(
    new DeleteBucketPolicyCommand({ Bucket: bucket }),
    ['NoSuchBucketPolicy', 'NoSuchBucket'],
    context,
  );
};
