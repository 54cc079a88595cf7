import type { BucketSpec, BucketStatus } from '@operator/api';
import { conditionTypes, eventReasons, reasons } from '@operator/api';
import { blocked, progressing, settled, type Outcome } from '@operator/outcome';
import { bucketArn, partitionOf } from '@operator/policy';
import { isTold, type Bucket } from '@operator/references';
import { ownStatus, type Reconciler } from '@operator/runtime';
import type { Step } from '@operator/s3';
import { createOwned, type MadeBucket } from './create.ts';
import type { BucketDeps, BucketWork } from './deps.ts';
import { finalizeBucket } from './finalize.ts';
import { observeBucket, observeOwned, type AbsentBucket, type Blocked, type SeenBucket } from './observe.ts';
import { planBucket } from './plan.ts';
import { claimsOfBucketFault, claimsOfSeen, reportBucket, reportForeign, type BucketPass } from './report.ts';

/** Brings a bucket into being and keeps its features as the spec says. */
export const bucketReconciler = (deps: BucketDeps): Reconciler<BucketSpec, BucketStatus> => ({
  async reconcile(bucket, pass) {
    const work: BucketWork = { bucket, deps, pass };
    const seen = await observeBucket(work);
    if (seen.state === 'absent') return create(work, seen);
    return seen.state === 'ours' ? converge(work, seen) : refuse(work, seen);
  },

  finalize: (bucket, pass) => finalizeBucket({ bucket, deps, pass }),

  claimsOf: (fault, bucket) => claimsOfBucketFault(fault, bucket.status?.ownership !== undefined),

  providerOf: ({ spec, metadata }) => `${spec.providerRef.namespace ?? metadata.namespace}/${spec.providerRef.name}`,
});

/** Whatever the status says of a bucket that is surely somebody else's is void; all else is kept. */
const refuse = ({ bucket }: BucketWork, seen: Blocked): Outcome<BucketStatus> =>
  seen.isVoid
    ? blocked(reportForeign(bucket.spec), seen.fault, claimsOfBucketFault(seen.fault, false))
    : blocked(ownStatus(bucket), seen.fault);

/** Creates the bucket, and gives it its mark and its features in the same pass. */
const create = async (work: BucketWork, seen: AbsentBucket): Promise<Outcome<BucketStatus>> => {
  const { bucket, pass } = work;
  const made = await createOwned(work, seen);
  const after: BucketWork = { ...work, bucket: { ...bucket, status: made.status } };
  try {
    const look = await observeOwned(after, seen.provided, seen.region, { isNew: true });
    return look.state === 'ours' ? await converge(after, look, made) : refuse(after, look);
  } catch (caught) {
    // The answer to the creation is the best proof there is; what the next pass finds, before the mark is set, may prove nothing.
    await pass.record(await ownedStatus(work, { ...seen, ownership: 'Created', formerTagKeys: [] }, made));
    throw caught;
  }
};

/** Milliseconds until a bucket is looked at again on which a borrower may have left its policy: nothing tells when that is gone. */
const remainsRetryMs = 60_000;

/** Closes the gaps of a bucket that is ours. `made`: by this pass, a moment ago. */
const converge = async (work: BucketWork, seen: SeenBucket, made?: MadeBucket): Promise<Outcome<BucketStatus>> => {
  const { bucket, pass } = work;
  const plan = planBucket(seen, bucket.spec, bucket.status);
  const claims = claimsOfSeen(seen, bucket);
  for (const claim of claims) {
    const isNews = claim.type === conditionTypes.GrantWithdrawn || claim.reason === reasons.OwnershipInDoubt;
    if (isNews && !isTold(bucket, claim)) pass.event('Warning', claim.reason, claim.message);
  }
  if (seen.ownership === 'Adopted' && bucket.status?.ownership === undefined) {
    pass.event('Normal', eventReasons.BucketAdopted, `Adopted bucket ${bucket.spec.name}.`);
  }
  const taken = made === undefined ? [] : ['create'];
  if (plan.steps.length > 0) {
    const { lastSyncTime } = bucket.status ?? {};
    const converging = await ownedStatus(work, { ...seen, managedTagKeys: plan.managedTagKeys, lastSyncTime }, made);
    if (plan.recordsFirst) await pass.record(converging);
    await applyAll(plan.steps, pass);
    const names = [...taken, ...plan.steps.map(({ name }) => name)];
    if (made === undefined) pass.event('Normal', eventReasons.BucketUpdated, `Changed ${names.join(', ')}.`);
    return progressing(converging, { reason: reasons.Converging, steps: names, claims });
  }
  const lastSyncTime = (wasSettled(bucket) ? bucket.status?.lastSyncTime : undefined) ?? pass.now.toISOString();
  const status = await ownedStatus(work, { ...seen, managedTagKeys: plan.managedTagKeys, lastSyncTime }, made);
  return made === undefined
    ? settled(status, { claims, ...(seen.remains === undefined ? {} : { resyncAfterMs: remainsRetryMs }) })
    : progressing(status, { reason: reasons.Converging, steps: taken, claims });
};

/** True when the last pass of this generation found nothing to do, whether or not the server has every feature. */
const wasSettled = ({ metadata, status }: Bucket): boolean =>
  status?.observedGeneration === metadata.generation &&
  status.conditions?.some(
    ({ type, reason }) =>
      type === conditionTypes.Reconciling || (type === conditionTypes.Stalled && reason !== reasons.Unsupported),
  ) !== true;

type Owned = Pick<SeenBucket, 'provided' | 'region' | 'ownership' | 'formerTagKeys' | 'memory'> & {
  readonly managedTagKeys?: readonly string[];
  readonly lastSyncTime?: string | undefined;
};

/** The status of a bucket that is ours, with its proof. */
const ownedStatus = ({ bucket, deps, pass }: BucketWork, owned: Owned, made?: MadeBucket): Promise<BucketStatus> => {
  const { provided, region, ownership, memory, formerTagKeys, managedTagKeys = formerTagKeys, lastSyncTime } = owned;
  const { driver } = provided;
  const since = memory.memory?.since ?? made?.at ?? driver.wire(region).serverNow();
  const status = reportBucket(bucket.spec, {
    region,
    endpoint: driver.serverIdentity,
    arn: bucketArn(bucket.spec.name, partitionOf(region)),
    ownership,
    managedTagKeys,
    ownedSince: since?.toISOString(),
    lastSyncTime,
  });
  return deps.ownership.sealBucket(status, bucket, provided, pass.signal);
};

/** Takes every step, so that one that the server refuses keeps no other off. @throws what the first that failed threw */
const applyAll = async (steps: readonly Step[], pass: BucketPass): Promise<void> => {
  const failed: unknown[] = [];
  for (const step of steps) {
    await pass.step(step.name, () => step.apply(pass)).catch((caught: unknown) => failed.push(caught));
  }
  if (failed.length > 0) throw failed[0];
};
