import { reasons } from '@operator/api';
import { waiting, type Fault } from '@operator/outcome';
import { isPublic, type IamPolicy } from '@operator/policy';
import type { ReferredBucket } from '@operator/references';
import { keyOf } from '@operator/runtime';
import { publicAccessOf, readPolicyBlock } from '@operator/s3';
import type { PolicyWork } from './deps.ts';
import type { ReachedBucket } from './observe.ts';

/**
 * Why a public document is not sent although it is well formed: `publicAccess` of the Bucket keeps public policies off, and the server
 * does not, or not yet. Where it does it answers for itself. Fault `waiting` PublicPolicyBlocked, BucketNotReady.
 */
export const findKeptOff = async (
  wanted: IamPolicy,
  bucket: ReferredBucket,
  { provided, s3 }: ReachedBucket,
  { memory, pass }: PolicyWork,
): Promise<Fault | undefined> => {
  const kept = publicAccessOf(bucket.spec, { created: bucket.status?.ownership === 'Created' });
  const isKeptOff = kept !== undefined && (kept.blockPublicPolicy || kept.restrictPublicBuckets);
  if (!isKeptOff || !isPublic(wanted)) return undefined;
  const at = `publicAccess of Bucket ${keyOf(bucket)}`;
  const block = await readPolicyBlock(provided.driver, s3, kept, pass);
  if (block === 'enforced') return undefined;
  if (block === 'later') {
    return waiting(reasons.BucketNotReady, `The policy is public, and ${at} is not in place yet; it comes first.`, {
      retryAfterMs: 10_000,
    });
  }
  const stays =
    memory?.appliedHash === undefined ? '' : ' The policy that was applied before stays on the bucket until then.';
  return waiting(
    reasons.PublicPolicyBlocked,
    `The policy is public, and ${at} keeps public policies off${bucket.spec.publicAccess === undefined ? ', as it does by default on a bucket that the operator created' : ''}. ` +
      'The server has no public access block, so the operator refuses the policy itself. To allow it, set publicAccess.blockPublicPolicy ' +
      `and publicAccess.restrictPublicBuckets of the Bucket to false; or name in principal who is meant, or add a condition.${stays}`,
    { retryAfterMs: 300_000 },
  );
};
