import type { BucketPolicyStatus } from '@operator/api';
import { reasons } from '@operator/api';
import { waiting } from '@operator/outcome';
import {
  askingOnce,
  commandToWithdraw,
  isPolicyOn,
  isTakingLeave,
  withdrawalOf,
  type ReferredBucket,
} from '@operator/references';
import { isPaused, keyOf } from '@operator/runtime';
import type { RivalPolicy, PolicyWork } from './deps.ts';
import { winnerOf, type Contender } from './plan.ts';

/**
 * A bucket can have one policy: that of the winner among all that refer to it, in whichever shard they are.
 * @throws Fault `waiting` PolicyConflict; it names the winner only to the Bucket's own namespace and the winner's
 */
export const requireNoRival = async (bucket: ReferredBucket, work: PolicyWork): Promise<void> => {
  const { uid, namespace } = work.policy.metadata;
  const winner = winnerOf(await contendersFor(bucket, work));
  if (winner === undefined || winner.uid === uid) return;
  const isTold = namespace === bucket.metadata.namespace || namespace === winner.namespace;
  const whose = isTold ? `BucketPolicy ${winner.namespace}/${winner.name}` : 'a BucketPolicy of another namespace';
  throw waiting(
    reasons.PolicyConflict,
    `Bucket ${keyOf(bucket)} has its policy from ${whose}; a bucket can have one.${wordAgainst(winner, bucket, work)}`,
  );
};

/** How the owner of a Bucket ends what a borrower's policy holds; nothing for anybody else. */
const wordAgainst = (
  { namespace: of }: Contender,
  bucket: ReferredBucket,
  { policy }: Pick<PolicyWork, 'policy'>,
): string => {
  const owner = bucket.metadata.namespace;
  return of === owner || policy.metadata.namespace !== owner
    ? ''
    : ` To take it back, remove namespace ${of} from allowedNamespaces of the Bucket and confirm that: ${commandToWithdraw(bucket, [of])}`;
};

/**
 * Anybody may name any Bucket; who may not refer to it, and has nothing there, must not stand in the way of those who may. Neither must
 * one that asks for nothing, or whose removal nobody carries out. One whose lender has confirmed that its grant is withdrawn is waited for
 * while it has its document there, unless it is paused.
 */
const contendersFor = async (
  bucket: ReferredBucket,
  { policy, memory, deps, pass }: PolicyWork,
): Promise<Contender[]> => {
  const contenders: Contender[] = [{ ...ageOf(policy), isLeaving: false, holds: isHolding(memory) }];
  const labelsOf = askingOnce(deps.labelsOf);
  for (const other of othersAmong(deps.policiesOf(keyOf(bucket)), policy)) {
    const state = await withdrawalOf(bucket, other.metadata.namespace, labelsOf);
    const proven = await deps.ownership.provenPolicy(other, pass.signal);
    // What it remembers of another bucket or place is no matter of this Bucket.
    const holds = isHolding(proven) && isPolicyOn(bucket, proven);
    // Its removal is carried out by another process, perhaps, and would take along what is put there meanwhile.
    const isAwaited = state === 'confirmed' && !isPaused(other);
    if (state !== 'granted' && !(holds && (state !== 'confirmed' || isAwaited))) continue;
    const isLeaving = other.metadata.deletionTimestamp !== undefined;
    const isIdle = isLeaving ? !isTakingLeave(other, bucket.metadata.namespace) : isPaused(other) && !holds;
    if (!isIdle) contenders.push({ ...ageOf(other), isLeaving, holds });
  }
  return contenders;
};

const ageOf = ({ metadata: { namespace, name, uid, creationTimestamp } }: Pick<RivalPolicy, 'metadata'>) => ({
  namespace,
  name,
  uid,
  creationTimestamp,
});

/** True when a document of it stands at the server, or may stand there after a crash. */
const isHolding = (memory: BucketPolicyStatus | undefined): memory is BucketPolicyStatus =>
  memory?.appliedHash !== undefined || memory?.pendingHash !== undefined;

/** All but this one: a name is of one object, so that another uid under it is a forerunner that is gone and that a late watch still shows. */
export const othersAmong = <T extends RivalPolicy>(
  policies: readonly T[],
  policy: PolicyWork['policy'],
): readonly T[] => policies.filter((other) => keyOf(other) !== keyOf(policy));
