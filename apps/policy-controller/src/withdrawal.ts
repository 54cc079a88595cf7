import type { BucketPolicyStatus } from '@operator/api';
import { reasons } from '@operator/api';
import { blocked, onlyFault, reworded, waiting, type Blocked, type Fault } from '@operator/outcome';
import { keyOfReference } from '@operator/references';
import { ownStatus } from '@operator/runtime';
import type { PolicyWork } from './deps.ts';
import { isWithdrawn } from './grant.ts';
import { tellAcross } from './observe.ts';
import { removeDocument, removeRemains } from './removal.ts';

/**
 * What was applied goes from the bucket, on the word of who lends it. That it is gone is said after a look at the bucket alone.
 * @throws as `removeDocument`
 */
export const leaveWithdrawn = async (work: PolicyWork): Promise<Blocked<BucketPolicyStatus>> => {
  const { policy, memory } = work;
  await removeDocument(work, { isOrdered: true });
  const left = await findRemains(work);
  const key = keyOfReference(policy.spec.bucketRef, policy.metadata.namespace);
  const status: BucketPolicyStatus = { ...(memory === undefined ? ownStatus(policy) : {}), applied: false };
  const withdrawn = `The grant of Bucket ${key} was withdrawn for namespace ${policy.metadata.namespace}, and its owner has confirmed it`;
  return blocked(
    status,
    left === undefined
      ? waiting(reasons.ReferenceNotGranted, `${withdrawn}: no policy of this object is on the bucket any more.`)
      : reworded(left, `${withdrawn}. Whether the policy is gone from the bucket is not known: ${left.message}`),
  );
};

/** What hinders the look, too, leaves open whether anything is left; to another namespace the reason alone. */
const findRemains = async (work: PolicyWork): Promise<Fault | undefined> => {
  const { policy, deps } = work;
  const bucket = deps.bucketAt(keyOfReference(policy.spec.bucketRef, policy.metadata.namespace));
  const told = bucket === undefined ? onlyFault : tellAcross(bucket, work);
  const left = await removeRemains(work).catch(told).catch(onlyFault);
  if (left?.kind === 'transient') throw left;
  return left;
};

/** The same while the object is paused: a pause of the borrower does not stop what the lender decided. @throws as `removeDocument` */
export const leaveWithdrawnWhilePaused = async (work: PolicyWork): Promise<void> => {
  const { policy, memory, deps, pass } = work;
  if (!(await isWithdrawn(policy, deps, pass.signal))) return;
  await removeDocument(work, { isOrdered: true });
  const left = await findRemains(work);
  if (memory !== undefined) await pass.record({ applied: false });
  if (left !== undefined) throw left;
};

/** The same for an object that leaves: what may be left does not keep it, for the owner of the Bucket is told on the Bucket. */
export const leaveBeforeGoing = async (work: PolicyWork): Promise<void> => {
  const { policy, deps, pass } = work;
  if (!(await isWithdrawn(policy, deps, pass.signal))) return;
  const left = await findRemains(work);
  if (left !== undefined) pass.event('Warning', left.reason, left.message);
};
