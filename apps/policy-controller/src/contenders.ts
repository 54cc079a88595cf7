import type { BucketPolicyStatus } from '@operator/api';
import { reasons } from '@operator/api';
import { waiting } from '@operator/outcome';
import { isPolicyOn, keyOfReference, withdrawalOf, type ReferredBucket } from '@operator/references';
import { keyOf } from '@operator/runtime';
import type { PolicyDeps, RivalPolicy, Work } from './deps.ts';
import { winnerOf, type Contender } from './plan.ts';

/**
 * A bucket can have one policy: that of the winner among all that refer to it, in whichever shard they are.
 * @throws Fault `waiting` PolicyConflict; it names the winner only to the Bucket's own namespace and the winner's
 */
export const requireNoRival = async (bucket: ReferredBucket, work: Work): Promise<void> => {
  const { uid, namespace } = work.policy.metadata;
  const winner = winnerOf(await contendersFor(bucket, work));
  if (winner === undefined || winner.uid === uid) return;
  const isTold = namespace === bucket.metadata.namespace || namespace === winner.namespace;
  const whose = isTold ? `BucketPolicy ${winner.namespace}/${winner.name}` : 'a BucketPolicy of another namespace';
  throw waiting(reasons.PolicyConflict, `Bucket ${keyOf(bucket)} has its policy from ${whose}; a bucket can have one.`);
};

/** Anybody may name any Bucket; who may not refer to it, and has nothing there, must not stand in the way of those who may. */
const contendersFor = async (bucket: ReferredBucket, { policy, memory, deps, pass }: Work): Promise<Contender[]> => {
  const contenders: Contender[] = [{ ...ageOf(policy), isLeaving: false, holds: isHolding(memory) }];
  for (const other of othersAmong(deps.policiesOf(keyOf(bucket)), policy)) {
    const state = await withdrawalOf(bucket, other.metadata.namespace, deps.labelsOf);
    const proven = await deps.ownership.provenPolicy(other, pass.signal);
    // What it remembers of another bucket or place is no matter of this Bucket.
    const holds = isHolding(proven) && isPolicyOn(bucket, proven);
    if (state !== 'granted' && !holds) continue;
    // What is to be removed stands until it is gone.
    const isLeaving = other.metadata.deletionTimestamp !== undefined || state === 'confirmed';
    contenders.push({ ...ageOf(other), isLeaving, holds });
  }
  return contenders;
};

const ageOf = ({ metadata: { namespace, name, uid, creationTimestamp } }: Pick<RivalPolicy, 'metadata'>) => ({
  namespace,
  name,
  uid,
  creationTimestamp,
});

const isHolding = (memory: BucketPolicyStatus | undefined): memory is BucketPolicyStatus =>
  memory?.appliedHash !== undefined || memory?.pendingHash !== undefined;

/** The BucketPolicies, others than this one and staying, that have by proof applied a document to the bucket of this one. */
export const othersWithDocument = async (
  { policy, deps, pass }: Work,
  place: Pick<BucketPolicyStatus, 'bucketName'>,
): Promise<readonly BucketPolicyStatus[]> => {
  const found: BucketPolicyStatus[] = [];
  for (const other of othersOn(policy, deps)) {
    if (other.metadata.deletionTimestamp !== undefined || other.status?.applied !== true) continue;
    const proven = await deps.ownership.provenPolicy(other, pass.signal);
    if (proven !== undefined && proven.bucketName === place.bucketName) found.push(proven);
  }
  return found;
};

const othersOn = (policy: Work['policy'], { policiesOf }: PolicyDeps): readonly RivalPolicy[] =>
  othersAmong(policiesOf(keyOfReference(policy.spec.bucketRef, policy.metadata.namespace)), policy);

/** All but this one: a name is of one object, so that another uid under it is a forerunner that is gone and that a late watch still shows. */
const othersAmong = (policies: readonly RivalPolicy[], policy: Work['policy']): readonly RivalPolicy[] =>
  policies.filter((other) => keyOf(other) !== keyOf(policy));
