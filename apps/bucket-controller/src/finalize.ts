import type { BucketStatus } from '@operator/api';
import { annotations, eventReasons, reasons } from '@operator/api';
import { Fault, blocked, reworded, waiting } from '@operator/outcome';
import { explainWait, type Bucket, type Provided } from '@operator/references';
import { ownStatus, type Finalized } from '@operator/runtime';
import { emptyBucketBatch, observeExistence, removeBucket } from '@operator/s3';
import { betterClaim } from './claims.ts';
import { markOf, type BucketDeps } from './deps.ts';
import { findOwner } from './found.ts';
import { decideOwnership } from './plan.ts';
import type { BucketPass } from './report.ts';

const done: Finalized<BucketStatus> = { result: 'done' };

/** Milliseconds until locked objects are tried again: their retention ends by time or by a person. */
const lockedRetryMs = 300_000;

/** True when there is, or after a crash may be, a bucket at the server that is ours. */
export const mayHave = ({ status }: Bucket): boolean =>
  status?.ownership !== undefined || status?.createIntent !== undefined;

/**
 * Does what the deletion policy asks for. Only a bucket that is ours by status, and by its mark where it has one, is ever
 * touched; an absent one counts as deleted.
 * @throws Fault `waiting` BucketNotEmpty, InUse, RegionMismatch, and those of the Provider: nothing is given up silently
 */
export const finalizeBucket = async (
  bucket: Bucket,
  deps: BucketDeps,
  pass: BucketPass,
): Promise<Finalized<BucketStatus>> => {
  const { spec, metadata, status } = bucket;
  if (status === undefined || !mayHave(bucket)) return done;
  if (metadata.annotations?.[annotations.abandon] === 'true') {
    pass.event(
      'Warning',
      eventReasons.BucketAbandoned,
      `Bucket ${spec.name} stays on the server, as if there were none.`,
    );
    return done;
  }
  // Who is removing a policy from the bucket still needs its Provider, which goes once no Bucket refers to it.
  const leaving = (await deps.policiesOf(bucket)).filter(({ isLeaving }) => isLeaving);
  if (leaving.length > 0) {
    const names = leaving.map(({ name }) => name).join(', ');
    throw waiting(reasons.InUse, `The bucket's policy is being removed first: ${names}.`);
  }
  if (spec.deletionPolicy !== 'Delete') {
    pass.event(
      'Normal',
      eventReasons.BucketRetained,
      `Bucket ${spec.name} stays on the server, as deletionPolicy says.`,
    );
    return done;
  }

  const cannot = explainWait('The bucket cannot be deleted yet');
  const provided = await deps.references
    .driverForRemoval(spec.providerRef, metadata.namespace, pass.signal)
    .catch(cannot);
  const { driver, provider } = provided;
  const region = status.region ?? spec.region ?? provider.spec.region;
  const existence = await observeExistence(driver, { bucket: spec.name, region, wasThere: true }, pass);
  if (existence.state === 'forbidden') throw waiting(reasons.AccessDenied, existence.message);
  if (existence.state === 'elsewhere') return cannot(waiting(reasons.RegionMismatch, existence.message));
  const isOurs = existence.state === 'present' && (await belongsTo(bucket, provided, region, deps, pass));
  if (isOurs) return remove(bucket, provided, region, pass);
  if (status.endpoint !== undefined && status.endpoint !== driver.serverIdentity) {
    cannot(
      waiting(
        reasons.BucketMissing,
        `Bucket ${spec.name} is on ${status.endpoint}, and its Provider leads to ${driver.serverIdentity} by now.`,
      ),
    );
  }
  if (existence.state !== 'absent') {
    pass.event('Warning', reasons.NotOwned, `Bucket ${spec.name} is no longer ours; it stays on the server.`);
  }
  return done;
};

/** A bucket that is emptied first may fill again meanwhile; it says the same then. */
const sayHowToEmpty = (caught: unknown): never => {
  if (!(caught instanceof Fault) || caught.reason !== reasons.BucketNotEmpty) throw caught;
  const ways = 'Set forceDelete: true to have it emptied first, or deletionPolicy: Retain to keep it.';
  throw reworded(caught, `${caught.message} ${ways}`);
};

/** True when nothing speaks against the bucket being ours: no better claim, no mark of somebody else, no later creation. */
const belongsTo = async (
  bucket: Bucket,
  { driver, provider }: Provided,
  region: string,
  deps: BucketDeps,
  pass: BucketPass,
): Promise<boolean> => {
  const { spec, status } = bucket;
  if ((await betterClaim(bucket, provider, deps.sameName(spec.name), deps.references)) !== undefined) return false;
  const { found } = await findOwner(bucket, driver, region, deps, pass);
  const mark = markOf(bucket, await deps.clusterId(pass.signal));
  // A deletion adopts nothing.
  const decided = decideOwnership({ ...spec, adoptionPolicy: 'Never' }, status, mark, found, driver.serverIdentity);
  return decided.verdict === 'ours';
};

const remove = async (
  bucket: Bucket,
  { driver }: Provided,
  region: string,
  pass: BucketPass,
): Promise<Finalized<BucketStatus>> => {
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
      const fault = waiting(
        reasons.ObjectLocked,
        `The server refuses to delete ${String(batch.blocked.length)} objects or versions of bucket ${spec.name}, ` +
          `among them ${locked.key} (${locked.code}: ${locked.message}).`,
        { retryAfterMs: lockedRetryMs },
      );
      return blocked({ ...kept, deletionProgress }, fault);
    }
    if (didWork || batch.remaining) {
      return {
        result: 'progressing',
        status: { ...kept, deletionProgress },
        reason: reasons.Emptying,
        message: `Deleted ${String(deletionProgress.deletedObjects)} objects and versions so far.`,
      };
    }
  }
  await pass.step('remove', () => removeBucket(driver, { bucket: spec.name, region }, pass)).catch(sayHowToEmpty);
  pass.event('Normal', eventReasons.BucketDeleted, `Deleted bucket ${spec.name}.`);
  return done;
};
