import type { BucketPolicyStatus } from '@operator/api';
import { reasons } from '@operator/api';
import { blocked, waiting, type Blocked } from '@operator/outcome';
import { keyOfReference } from '@operator/references';
import { ownStatus } from '@operator/runtime';
import type { Work } from './deps.ts';
import { isWithdrawn } from './grant.ts';
import { removeDocument } from './removal.ts';

/** What was applied goes from the bucket, on the word of who lends it. @throws as `removeDocument` */
export const leaveWithdrawn = async (work: Work): Promise<Blocked<BucketPolicyStatus>> => {
  const { policy, memory } = work;
  await removeDocument(work, { isOrdered: true });
  const key = keyOfReference(policy.spec.bucketRef, policy.metadata.namespace);
  const status: BucketPolicyStatus = { ...(memory === undefined ? ownStatus(policy) : {}), applied: false };
  return blocked(
    status,
    waiting(
      reasons.ReferenceNotGranted,
      `The grant of Bucket ${key} was withdrawn for namespace ${policy.metadata.namespace}, and its owner has confirmed it: ` +
        'the policy is not on the bucket any more.',
    ),
  );
};

/** The same while the object is paused: a pause of the borrower does not stop what the lender decided. @throws as `removeDocument` */
export const leaveWithdrawnWhilePaused = async (work: Work): Promise<void> => {
  const { policy, memory, deps, pass } = work;
  if (memory === undefined || !(await isWithdrawn(policy, deps, pass.signal))) return;
  await removeDocument(work, { isOrdered: true });
  await pass.record({ applied: false });
};
