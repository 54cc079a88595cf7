import type { BucketStatus } from '@operator/api';
import { eventReasons, finalizerName, reasons } from '@operator/api';
import { Fault, blocked, oneLine, onlyFault, reworded, waiting } from '@operator/outcome';
import { explainWait, type Provided } from '@operator/references';
import { isAbandoned, ownStatus, type Finalized } from '@operator/runtime';
import {
  emptyBucketBatch,
  observeExistence,
  readHold,
  removeBucket,
  retireFeatures,
  type ObjectHold,
} from '@operator/s3';
import { rememberingRival } from './claims.ts';
import type { BucketWork } from './deps.ts';
import { leaveReferences } from './ended.ts';
import { contextOf } from './observe.ts';
import { creationLeftMs, mayHave } from './memory.ts';
import { explainAwaited, explainKept, reportForeign } from './report.ts';

const done: Finalized<BucketStatus> = { result: 'done' };

/** Milliseconds until locked objects are tried again: their retention ends by time or by a person. */
const lockedRetryMs = 300_000;
/** Milliseconds between two looks for a bucket that a creation under way may still bring. */
const lookForCreationMs = 30_000;

/**
 * Does what the deletion policy asks for. Only a bucket that is surely ours is ever touched; an absent one counts as deleted,
 * once no creation of ours can be under way any more.
 * @throws Fault `waiting` BucketNotEmpty, InUse, RegionMismatch, OwnershipInDoubt, and those of the Provider: nothing is given up
 * silently
 */
export const finalizeBucket = async (work: BucketWork): Promise<Finalized<BucketStatus>> => {
  const { bucket, deps, pass } = work;
  const { spec, status } = bucket;
  if (status === undefined || !mayHave(bucket)) return done;
  if (isAbandoned(bucket)) {
    const left = await leaveReferences(work).then(() => undefined, onlyFault);
    if (left !== undefined) pass.event('Warning', left.reason, left.message);
    pass.event(
      'Warning',
      eventReasons.BucketAbandoned,
      `Bucket ${spec.name} stays on the server, as if there were none.`,
    );
    return letGo(work);
  }
  // Who is removing a policy from the bucket still needs its Provider, which goes once no Bucket refers to it.
  const policies = await deps.policiesOf(bucket, deps.labelsOf, pass.signal);
  const awaited = policies.filter(({ isAwaited }) => isAwaited);
  if (awaited.length > 0) throw waiting(reasons.InUse, explainAwaited(awaited, bucket));
  if (spec.deletionPolicy !== 'Delete') {
    await leaveReferences(work);
    pass.event(
      'Normal',
      eventReasons.BucketRetained,
      `Bucket ${spec.name} stays on the server, as deletionPolicy says${explainKept(policies)}.`,
    );
    return letGo(work);
  }
  return finalizeAtServer(work, status);
};

const finalizeAtServer = async (work: BucketWork, status: BucketStatus): Promise<Finalized<BucketStatus>> => {
  const { bucket, deps, pass } = work;
  const { spec, metadata } = bucket;
  const cannot = explainWait('The bucket cannot be deleted yet');
  const provided = await deps.references
    .driverForRemoval(spec.providerRef, metadata.namespace, pass.signal)
    .catch(cannot);
  const { driver, provider } = provided;
  const region = status.region ?? spec.region ?? provider.spec.region;
  const existence = await observeExistence(driver, { bucket: spec.name, region, wasThere: true }, pass);
  if (existence.state === 'forbidden') throw waiting(reasons.AccessDenied, existence.message);
  if (existence.state === 'elsewhere') return cannot(waiting(reasons.RegionMismatch, existence.message));
  if (existence.state === 'present') {
    const look = await deps.ownership.look({ act: 'delete', bucket, provided, region }, pass);
    const { verdict, fault } = look;
    const rival =
      verdict.is === 'ours' && verdict.rule !== 'markIsOwn' && (await rememberingRival(work, provided, look));
    if (verdict.is === 'ours' && !rival) {
      await retire(work, provided, region);
      return remove(work, provided, region);
    }
    if (verdict.is === 'doubt' && fault !== undefined) throw fault;
  }
  if (status.endpoint !== undefined && status.endpoint !== driver.serverIdentity) {
    cannot(
      waiting(
        reasons.BucketMissing,
        `Bucket ${spec.name} is on ${status.endpoint}, and its Provider leads to ${driver.serverIdentity} now.`,
      ),
    );
  }
  if (existence.state === 'present') {
    pass.event('Warning', reasons.NotOwned, `Bucket ${spec.name} is not this object's; it stays on the server.`);
  }
  const leftMs = existence.state === 'absent' ? creationLeftMs(status, pass.now) : 0;
  if (leftMs > 0) {
    throw waiting(
      reasons.Converging,
      `The server may still be creating bucket ${spec.name}, as it was asked to. The deletion waits until that can no longer be.`,
      { retryAfterMs: Math.min(leftMs, lookForCreationMs) },
    );
  }
  if (existence.state === 'absent') await retire(work, provided, region, true);
  return letGo(work);
};

/** Undoes what the bucket's features have outside it, while the bucket is still there; where it is gone, what stands apart from it. */
const retire = async (work: BucketWork, provided: Provided, region: string, isGone = false): Promise<void> => {
  const { bucket, pass } = work;
  const { driver } = provided;
  const s3 = { wire: driver.wire(region), bucket: bucket.spec.name };
  const context = await contextOf(work, provided, bucket.status?.ownership === 'Created');
  const last = { spec: bucket.spec, bucket: context, isGone };
  await retireFeatures(driver, s3, last, pass);
};

/** The object may stay for the finalizer of somebody else: then its status no longer claims the bucket. */
const letGo = async ({ bucket, pass }: BucketWork): Promise<Finalized<BucketStatus>> => {
  const others = (bucket.metadata.finalizers ?? []).filter((name) => name !== finalizerName);
  if (others.length > 0) await pass.record(reportForeign(bucket.spec));
  return done;
};

/** A bucket that is emptied first may fill again meanwhile; it says the same then. */
const sayHowToEmpty = (caught: unknown): never => {
  if (!(caught instanceof Fault) || caught.reason !== reasons.BucketNotEmpty) throw caught;
  const ways = 'Set forceDelete: true to have it emptied first, or deletionPolicy: Retain to keep it.';
  throw reworded(caught, `${caught.message} ${ways}`);
};

/** What keeps an object, and who can end it. Governance is never bypassed. */
const explainHold = (hold: ObjectHold | undefined): string => {
  if (hold === undefined) return '';
  const { retention, hasLegalHold } = hold;
  const until = retention && `until ${retention.until.toISOString()} in mode ${retention.mode}`;
  const locked = until === undefined ? '' : ` Object lock keeps it ${until}, and the deletion waits for that.`;
  const way =
    retention?.mode === 'GOVERNANCE'
      ? ' The operator never bypasses it; somebody with s3:BypassGovernanceRetention can delete the object manually.'
      : '';
  return `${locked}${way}${hasLegalHold ? ' A legal hold keeps it until somebody takes it off (PutObjectLegalHold).' : ''}`;
};

const remove = async (work: BucketWork, { driver }: Provided, region: string): Promise<Finalized<BucketStatus>> => {
  const { bucket, pass } = work;
  const { spec } = bucket;
  const kept = ownStatus(bucket);
  if (spec.forceDelete) {
    if (driver.deletionWarning !== undefined && kept.deletionProgress === undefined) {
      pass.event('Warning', eventReasons.MinimumStorageDuration, driver.deletionWarning);
    }
    const batch = await pass.step('empty', () => emptyBucketBatch(driver, { bucket: spec.name, region }, pass));
    const former = kept.deletionProgress;
    const deletionProgress = {
      deletedObjects: (former?.deletedObjects ?? 0) + batch.deletedObjects,
      abortedUploads: (former?.abortedUploads ?? 0) + batch.abortedUploads,
      lockedObjects: batch.blocked.length,
    };
    const didWork = batch.deletedObjects + batch.abortedUploads > 0;
    const [locked] = batch.blocked;
    if (!didWork && locked !== undefined) {
      const hold = await readHold(driver, { bucket: spec.name, region }, locked, pass);
      const leftMs = (hold?.retention?.until.getTime() ?? Infinity) - pass.now.getTime();
      const fault = waiting(
        reasons.ObjectLocked,
        `The server refuses to delete ${String(batch.blocked.length)} objects or versions of bucket ${spec.name}, ` +
          `among them ${oneLine(locked.key, 200)} (${locked.code}: ${locked.message}).${explainHold(hold)}`,
        { retryAfterMs: Math.min(leftMs, lockedRetryMs) },
      );
      return blocked({ ...kept, deletionProgress }, fault);
    }
    // What was done before it stands.
    if (batch.fault !== undefined) return blocked({ ...kept, deletionProgress }, batch.fault);
    if (batch.remaining) {
      return {
        result: 'progressing',
        status: { ...kept, deletionProgress },
        reason: reasons.Emptying,
        message: `Deleted ${String(deletionProgress.deletedObjects)} objects and versions so far.`,
        // As long as it gets on, it goes on at once: the server is what bounds it.
        ...(didWork ? { retryAfterMs: 0 } : {}),
      };
    }
  }
  await pass.step('remove', () => removeBucket(driver, { bucket: spec.name, region }, pass)).catch(sayHowToEmpty);
  pass.event('Normal', eventReasons.BucketDeleted, `Deleted bucket ${spec.name}.`);
  return letGo(work);
};
