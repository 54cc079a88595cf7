import type { BucketSpec, BucketStatus } from '@operator/api';
import { conditionTypes, eventReasons, reasons } from '@operator/api';
import { Fault, blocked, onlyFault, progressing, settled, type Claim, type Outcome } from '@operator/outcome';
import { bucketArn, partitionOf } from '@operator/policy';
import { isTold, type Bucket } from '@operator/references';
import { ownStatus, type Reconciler } from '@operator/runtime';
import type { Managed, Step } from '@operator/s3';
import { createOwned, type MadeBucket } from './create.ts';
import type { BucketDeps, BucketWork } from './deps.ts';
import { takeEnded, takeEndedWhilePaused } from './ended.ts';
import { finalizeBucket } from './finalize.ts';
import { withReferences } from './kept-references.ts';
import {
  isSettling,
  observeBucket,
  observeOwned,
  orNotKnownYet,
  type AbsentBucket,
  type BlockedBucket,
  type SeenBucket,
} from './observe.ts';
import { managedIn, planBucket, type BucketPlan } from './plan.ts';
import { claimsOfBucketFault, claimsOfSeen, reportBucket, reportForeign, type BucketPass } from './report.ts';

/** Brings a bucket into being and keeps its features as the spec says. */
export const bucketReconciler = (deps: BucketDeps): Reconciler<BucketSpec, BucketStatus> => ({
  async reconcile(bucket, pass) {
    const taken = await takeEnded({ bucket, deps, pass }).catch(onlyFault);
    if (taken === undefined) return keep({ bucket, deps, pass });
    if (!(taken instanceof Fault)) {
      await pass.record(taken);
      return keep({
        bucket: { ...bucket, status: withReferences({ ...bucket.status }, taken.references) },
        deps,
        pass,
      });
    }
    // All else goes on, and then says so.
    const outcome = await keep({ bucket, deps, pass });
    return outcome.result === 'settled' ? blocked(outcome.status, taken, outcome.claims) : outcome;
  },

  whilePaused: (bucket, pass) => takeEndedWhilePaused({ bucket, deps, pass }),

  finalize: (bucket, pass) => finalizeBucket({ bucket, deps, pass }),

  claimsOf: (fault, bucket) => claimsOfBucketFault(fault, bucket.status?.ownership !== undefined),

  providerOf: ({ spec, metadata }) => `${spec.providerRef.namespace ?? metadata.namespace}/${spec.providerRef.name}`,
});

/** Keeps the bucket as the spec says. */
const keep = async (work: BucketWork): Promise<Outcome<BucketStatus>> => {
  const seen = await observeBucket(work);
  if (seen.state === 'absent') return create(work, seen);
  return seen.state === 'ours' ? converge(work, seen) : refuse(work, seen);
};

/** Whatever the status says of a bucket that is surely somebody else's is void; all else is kept. */
const refuse = ({ bucket }: BucketWork, seen: BlockedBucket): Outcome<BucketStatus> =>
  seen.isVoid
    ? blocked(reportForeign(bucket.spec), seen.fault, claimsOfBucketFault(seen.fault, false))
    : blocked(ownStatus(bucket), seen.fault);

/** Creates the bucket, and gives it its mark and its features in the same pass. */
const create = async (work: BucketWork, seen: AbsentBucket): Promise<Outcome<BucketStatus>> => {
  const { bucket, pass } = work;
  const made = await createOwned(work, seen);
  const after: BucketWork = { ...work, bucket: { ...bucket, status: made.status } };
  try {
    const look = await observeOwned(after, seen.provided, seen.region, { isNew: true, isBlank: made.isBlank });
    return look.state === 'ours' ? await converge(after, look, made) : refuse(after, look);
  } catch (caught) {
    // The answer to the creation is the best proof there is; what the next pass finds, before the mark is set, may prove nothing.
    const managed = managedIn(made.status);
    await pass.record(await ownedStatus(work, { ...seen, ownership: 'Created', managed, references: {} }, made));
    throw caught;
  }
};

/** Milliseconds until a bucket is looked at again on which a borrower may have left its policy: nothing tells when that is gone. */
const remainsRetryMs = 60_000;

/** What a pass over a bucket of ours has found and means to do. */
interface Planned {
  readonly seen: SeenBucket;
  readonly plan: BucketPlan;
  readonly claims: readonly Claim[];
  /** Made by this pass, a moment ago. */
  readonly made: MadeBucket | undefined;
}

/** Closes the gaps of a bucket that is ours. `made`: by this pass, a moment ago. */
const converge = (work: BucketWork, seen: SeenBucket, made?: MadeBucket): Promise<Outcome<BucketStatus>> => {
  const plan = planBucket(seen, work.bucket.status);
  const claims = claimsOfSeen(seen, work.bucket);
  announce(work, seen, claims);
  const planned: Planned = { seen, plan, claims, made };
  return plan.steps.length > 0 ? apply(work, planned) : report(work, planned);
};

/** Tells what a look has found in Events, once each. */
const announce = ({ bucket, pass }: BucketWork, seen: SeenBucket, claims: readonly Claim[]): void => {
  for (const claim of claims) {
    const isNews = claim.type === conditionTypes.GrantWithdrawn || claim.reason === reasons.OwnershipInDoubt;
    if (isNews && !isTold(bucket, claim)) pass.event('Warning', claim.reason, claim.message);
  }
  if (seen.ownership === 'Adopted' && bucket.status?.ownership === undefined) {
    pass.event('Normal', eventReasons.BucketAdopted, `Adopted bucket ${bucket.spec.name}.`);
  }
};

/** Takes the steps of the plan; whether they came to something, the next look says. */
const apply = async (work: BucketWork, { seen, plan, claims, made }: Planned): Promise<Outcome<BucketStatus>> => {
  const { bucket, pass } = work;
  const { managed } = plan;
  const converging = await ownedStatus(work, { ...seen, managed, lastSyncTime: bucket.status?.lastSyncTime }, made);
  if (plan.recordsFirst) await pass.record(converging);
  const { done, changes, refused, failed } = await applyAll(plan.steps, pass);
  if (made === undefined && done.length > 0)
    pass.event(
      'Normal',
      eventReasons.BucketUpdated,
      `Wrote ${changes.join(', ')}; the next look shows whether it holds.`,
    );
  if (failed.length > 0) {
    const isYoung = made !== undefined || isSettling(seen.provided, seen.region, seen.memory.memory?.since);
    throw isYoung ? orNotKnownYet(failed[0], bucket.spec.name) : failed[0];
  }
  const steps = [...(made === undefined ? [] : ['create']), ...done];
  const message = `${progressOf(steps)}The server refused ${refused.join(', ')}; looking again.`;
  return progressing(converging, {
    reason: reasons.Converging,
    steps,
    claims,
    ...(refused.length > 0 && { message }),
  });
};

/** Says that there is nothing to do, or what is in the way. A bucket that was made in this pass is looked at once more first. */
const report = async (work: BucketWork, { seen, plan, claims, made }: Planned): Promise<Outcome<BucketStatus>> => {
  const { bucket, pass } = work;
  const { managed, fault } = plan;
  const lastSync = bucket.status?.lastSyncTime;
  if (fault !== undefined)
    return blocked(await ownedStatus(work, { ...seen, managed, lastSyncTime: lastSync }, made), fault, claims);
  const lastSyncTime = (wasSettled(bucket) ? lastSync : undefined) ?? pass.now.toISOString();
  const status = await ownedStatus(work, { ...seen, managed, lastSyncTime }, made);
  if (made !== undefined) return progressing(status, { reason: reasons.Converging, steps: ['create'], claims });
  return settled(status, { claims, ...(seen.remains !== undefined && { resyncAfterMs: remainsRetryMs }) });
};

/** True when the last pass of this generation found nothing to do, whether or not the server has every feature. */
const wasSettled = ({ metadata, status }: Bucket): boolean =>
  status?.observedGeneration === metadata.generation &&
  status.conditions?.some(
    ({ type, reason }) =>
      type === conditionTypes.Reconciling || (type === conditionTypes.Stalled && reason !== reasons.Unsupported),
  ) !== true;

const progressOf = (steps: readonly string[]): string => (steps.length === 0 ? '' : `Applied ${steps.join(', ')}. `);

type Owned = Pick<SeenBucket, 'provided' | 'region' | 'ownership' | 'memory' | 'references'> & {
  readonly managed: Managed;
  readonly lastSyncTime?: string | undefined;
};

/** The status of a bucket that is ours, with its proof. */
const ownedStatus = async (
  { bucket, deps, pass }: BucketWork,
  owned: Owned,
  made?: MadeBucket,
): Promise<BucketStatus> => {
  const { provided, region, ownership, memory, managed, references, lastSyncTime } = owned;
  const { driver } = provided;
  const since = memory.memory?.since ?? made?.at ?? driver.wire(region).serverNow();
  const status = reportBucket(bucket.spec, {
    region,
    endpoint: driver.serverIdentity,
    arn: bucketArn(bucket.spec.name, partitionOf(region)),
    ownership,
    managed,
    references: await deps.ownership.sealReferences(references, bucket, pass.signal),
    ownedSince: since?.toISOString(),
    lastSyncTime,
  });
  return deps.ownership.sealBucket(status, bucket, provided, pass.signal);
};

/** How the steps of a plan ended. */
interface Applied {
  readonly done: readonly string[];
  /** The same for people, with what else was changed on the way. */
  readonly changes: readonly string[];
  /** The server does not have them; the next look says so. */
  readonly refused: readonly string[];
  /** What the others threw. */
  readonly failed: readonly unknown[];
}

/** Takes every step, so that one that the server refuses keeps no other off. */
const applyAll = async (steps: readonly Step[], pass: BucketPass): Promise<Applied> => {
  const done: string[] = [];
  const changes: string[] = [];
  const refused: string[] = [];
  const failed: unknown[] = [];
  for (const step of steps) {
    try {
      const ended = await pass.step(step.name, () => step.apply(pass));
      if (ended.end === 'refused') refused.push(step.name);
      else {
        done.push(step.name);
        changes.push(ended.note === undefined ? step.name : `${step.name} (${ended.note})`);
      }
    } catch (caught) {
      failed.push(caught);
    }
  }
  return { done, changes, refused, failed };
};
