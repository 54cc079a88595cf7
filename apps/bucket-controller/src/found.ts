import { reasons } from '@operator/api';
import { Fault } from '@operator/outcome';
import type { Bucket } from '@operator/references';
import { creationDateOf, readMark, readTags, sameOwner, type Driver, type OwnerMark, type Tags } from '@operator/s3';
import { markOf, type BucketDeps } from './deps.ts';
import type { FoundBucket } from './plan.ts';
import type { BucketPass } from './report.ts';

/** What a bucket that exists shows of its owner, and the tags that showed it; undefined where the server has none. */
export interface FoundOwner {
  readonly found: FoundBucket;
  readonly tags: Tags | undefined;
}

/** Answers to which only the full look of `observeExistence` has the words. */
const unclear: ReadonlySet<string> = new Set([reasons.BucketMissing, reasons.WrongRegion, reasons.AccessDenied]);

/**
 * The tags of a bucket that was there at the last look, if our own mark is among them: then one call both proves and reads.
 * Undefined where that look is to be made in full: it is not known yet, or not where it was, or the mark is not ours. MinIO
 * says of a bucket that is not there that it has no tags, so that their absence proves nothing.
 */
export const tagsOfKnown = async (bucket: Bucket, driver: Driver, deps: BucketDeps, pass: BucketPass) => {
  const { spec, status } = bucket;
  const isKnown =
    status?.exists === true && status.bucketName === spec.name && status.endpoint === driver.serverIdentity;
  if (!isKnown || status.ownership === undefined || status.region === undefined || !driver.marksBuckets)
    return undefined;
  try {
    const tags = await readTags({ wire: driver.wire(status.region), bucket: spec.name }, pass);
    const mark = tags && readMark(tags);
    if (tags === undefined || mark === undefined) return undefined;
    const own = markOf(bucket, await deps.clusterId(pass.signal));
    return sameOwner(mark, own) ? { tags, region: status.region } : undefined;
  } catch (caught) {
    if (caught instanceof Fault && unclear.has(caught.reason)) return undefined;
    throw caught;
  }
};

/**
 * Reads what decides whose bucket this is: its mark; where it has none, and a date can tell, when it was created. `known`: what
 * this pass has learned already, the tags, or when it has made the bucket itself.
 */
export const findOwner = async (
  bucket: Bucket,
  driver: Driver,
  region: string,
  deps: BucketDeps,
  pass: BucketPass,
  known: { readonly tags?: Tags | undefined; readonly madeAt?: Date | undefined } = {},
): Promise<FoundOwner> => {
  const { spec } = bucket;
  const place = { bucket: spec.name, region };
  const wire = driver.wire(region);
  const tags = known.tags ?? (driver.marksBuckets ? await readTags({ wire, bucket: spec.name }, pass) : undefined);
  const mark = tags && readMark(tags);
  const createdAt =
    known.madeAt ??
    (isDateWanted(bucket, mark, tags) ? await unlessDenied(creationDateOf(driver, place, pass)) : undefined);
  const isOwnerGone =
    mark !== undefined && spec.adoptionPolicy === 'Always' && (await deps.ownerGone(mark, pass.signal));
  return { found: { mark, createdAt, isOwnerGone }, tags };
};

/** True when the date on which the bucket was created may decide. */
const isDateWanted = ({ metadata, status }: Bucket, mark: OwnerMark | undefined, tags: Tags | undefined): boolean => {
  if (status?.ownership === undefined) return status?.createIntent !== undefined && mark?.uid !== metadata.uid;
  // Where marks are kept, a missing one means that somebody has been here; and what is deleted is looked at twice.
  const isDoubtful = mark === undefined && (tags !== undefined || metadata.deletionTimestamp !== undefined);
  return isDoubtful && status.lastSyncTime !== undefined;
};

/** Credentials that may not list buckets are good enough for all else. */
const unlessDenied = (date: Promise<Date | undefined>): Promise<Date | undefined> =>
  date.catch((caught: unknown) => {
    if (caught instanceof Fault && caught.reason === reasons.AccessDenied) return undefined;
    throw caught;
  });
