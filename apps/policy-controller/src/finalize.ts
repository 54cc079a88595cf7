import type { BucketPolicyStatus } from '@operator/api';
import { bucketResource, reasons } from '@operator/api';
import { waiting } from '@operator/outcome';
import { keyOfReference, type ReferredBucket } from '@operator/references';
import type { Finalized } from '@operator/runtime';
import type { PolicyWork } from './deps.ts';
import { removeDocument } from './removal.ts';
import { leaveBeforeGoing } from './withdrawal.ts';

/**
 * Removes what was applied. A status without proof names a place that anybody may have written: nothing is removed on its word.
 * @throws as `removeDocument`
 */
export const finalizePolicy = async (work: PolicyWork): Promise<Finalized<BucketPolicyStatus>> => {
  const { policy, memory, deps, pass } = work;
  const { bucketName, appliedHash, pendingHash } = policy.status ?? {};
  if (memory === undefined && bucketName !== undefined && (appliedHash ?? pendingHash) !== undefined) {
    pass.event(
      'Warning',
      reasons.NotOwned,
      `The policy of bucket ${bucketName} is left alone: nothing proves that this object put it there.`,
    );
  }
  await removeDocument(work, { isOrdered: false });
  await leaveBeforeGoing(work);
  deps.writes.forget(policy.metadata.uid);
  return { result: 'done' };
};

/** Milliseconds until a pass looks again whose cache was late; the watch is faster. */
const lateCacheMs = 1_000;

/**
 * Its Bucket may be another one by now, made anew under its name for another bucket: then the document goes from where it was.
 * @returns the work, without what was remembered of the former bucket
 * @throws Fault `waiting` BucketNotFound, BucketNotReady when the cache is late; and as `removeDocument`
 */
export const leaveFormerBucket = async (bucket: ReferredBucket, work: PolicyWork): Promise<PolicyWork> => {
  const { policy, memory, pass } = work;
  if (memory === undefined || isAt(memory, bucket)) return work;
  // The cache says when to look, not what to take away.
  const key = keyOfReference(policy.spec.bucketRef, policy.metadata.namespace);
  const live = await pass.live<ReferredBucket>(bucketResource, key);
  if (live === undefined) throw waiting(reasons.BucketNotFound, `Bucket ${key} does not exist any more.`);
  if (isAt(memory, live)) {
    const message = `Bucket ${key} has changed meanwhile; looking again.`;
    throw waiting(reasons.BucketNotReady, message, { retryAfterMs: lateCacheMs });
  }
  await removeDocument(work, { isOrdered: false });
  const status: BucketPolicyStatus = { applied: false };
  await pass.record(status);
  return { ...work, policy: { ...policy, status }, memory: undefined };
};

/** True when what is remembered is of the bucket that the Bucket means, or of none. */
const isAt = ({ bucketName, providerRef }: BucketPolicyStatus, { spec, metadata }: ReferredBucket): boolean =>
  bucketName === undefined ||
  providerRef === undefined ||
  (bucketName === spec.name &&
    keyOfReference(providerRef, metadata.namespace) === keyOfReference(spec.providerRef, metadata.namespace));
