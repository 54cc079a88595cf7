import type { BucketStatus } from '@operator/api';
import { annotations, eventReasons, reasons } from '@operator/api';
import { waiting } from '@operator/outcome';
import { explainWait, type Bucket, type Provided } from '@operator/references';
import { keyOf, ownStatus, type Finalized, type Pass } from '@operator/runtime';
import { creationDateOf, emptyBucketBatch, observeExistence, readMark, readTags, removeBucket } from '@operator/s3';
import { markOf, type BucketDeps } from './deps.ts';
import { isMadeByIntent, isSameOwner } from './plan.ts';

type BucketPass = Pass<BucketStatus>;
const done: Finalized<BucketStatus> = { result: 'done' };

/** Milliseconds until locked objects are tried again: their retention ends by time or by a person. */
const lockedRetryMs = 300_000;

/**
 * Does what the deletion policy asks for. Only a bucket that is ours by status, and by its mark where it has one, is ever
 * touched; an absent one counts as deleted.
 * @throws Fault `waiting` BucketNotEmpty, ObjectLocked, and those of the Provider: nothing is given up silently
 */
export const finalizeBucket = async (
  bucket: Bucket,
  deps: BucketDeps,
  pass: BucketPass,
): Promise<Finalized<BucketStatus>> => {
  const { spec, metadata, status } = bucket;
  const mayExist = status?.ownership !== undefined || status?.createIntent !== undefined;
  if (!mayExist || metadata.annotations?.[annotations.abandon] === 'true') return done;
  if (spec.deletionPolicy !== 'Delete') {
    // Who is removing a policy from the bucket still needs its Provider, which goes once no Bucket refers to it.
    const leaving = deps.policiesOf(keyOf(bucket)).filter(({ isLeaving }) => isLeaving);
    if (leaving.length > 0) {
      const names = leaving.map(({ name }) => name).join(', ');
      throw waiting(reasons.InUse, `The bucket's policy is being removed first: ${names}.`);
    }
    pass.event(
      'Normal',
      eventReasons.BucketRetained,
      `Bucket ${spec.name} stays on the server, as deletionPolicy says.`,
    );
    return done;
  }

  const provided = await deps.references
    .driverFor(spec.providerRef, metadata.namespace, pass.signal)
    .catch(explainWait('The bucket cannot be deleted yet'));
  const region = status.region ?? spec.region ?? provided.provider.spec.region;
  const existence = await observeExistence(provided.driver, { bucket: spec.name, region }, pass);
  if (existence.state === 'absent') return done;
  if (existence.state === 'forbidden') throw waiting(reasons.AccessDenied, existence.message);
  if (existence.state === 'elsewhere' || !(await isOurs(bucket, provided, region, deps, pass))) {
    pass.event('Warning', reasons.NotOwned, `Bucket ${spec.name} is no longer ours; it stays on the server.`);
    return done;
  }
  return remove(bucket, provided, region, pass);
};

const isOurs = async (
  bucket: Bucket,
  { driver }: Provided,
  region: string,
  deps: BucketDeps,
  pass: BucketPass,
): Promise<boolean> => {
  const { spec, status } = bucket;
  const tags = driver.marksBuckets ? await readTags({ wire: driver.wire(region), bucket: spec.name }, pass) : undefined;
  const mark = tags && readMark(tags);
  if (mark !== undefined) return isSameOwner(mark, markOf(bucket, await deps.clusterId(pass.signal)));
  if (status?.ownership !== undefined) return true;
  return isMadeByIntent(spec.name, status, await creationDateOf(driver, { bucket: spec.name, region }, pass));
};

const remove = async (
  bucket: Bucket,
  { driver }: Provided,
  region: string,
  pass: BucketPass,
): Promise<Finalized<BucketStatus>> => {
  const { spec } = bucket;
  const kept = ownStatus(bucket);
  if (driver.deletionWarning !== undefined && kept.deletionProgress === undefined) {
    pass.event('Warning', eventReasons.MinimumStorageDuration, driver.deletionWarning);
  }
  if (spec.forceDelete) {
    const batch = await emptyBucketBatch(driver, { bucket: spec.name, region }, pass);
    const former = kept.deletionProgress;
    const deletionProgress = {
      deletedObjects: (former?.deletedObjects ?? 0) + batch.deletedObjects,
      abortedUploads: (former?.abortedUploads ?? 0) + batch.abortedUploads,
      lockedObjects: batch.blocked.length,
    };
    const didWork = batch.deletedObjects + batch.abortedUploads > 0;
    const [locked] = batch.blocked;
    if (!didWork && locked !== undefined) {
      throw waiting(
        reasons.ObjectLocked,
        `The server refuses to delete ${String(batch.blocked.length)} objects or versions of bucket ${spec.name}, ` +
          `among them ${locked.key} (${locked.code}: ${locked.message}).`,
        { retryAfterMs: lockedRetryMs },
      );
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
  await removeBucket(driver, { bucket: spec.name, region }, pass);
  pass.event('Normal', eventReasons.BucketDeleted, `Deleted bucket ${spec.name}.`);
  return done;
};
