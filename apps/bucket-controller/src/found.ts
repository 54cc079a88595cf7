import { reasons } from '@operator/api';
import { Fault } from '@operator/outcome';
import type { Bucket } from '@operator/references';
import { creationDateOf, readMark, readTags, type Driver, type Tags } from '@operator/s3';
import type { BucketDeps } from './deps.ts';
import type { FoundBucket } from './plan.ts';
import type { BucketPass } from './report.ts';

/** What a bucket that exists shows of its owner, and the tags that showed it; undefined where the server has none. */
export interface FoundOwner {
  readonly found: FoundBucket;
  readonly tags: Tags | undefined;
}

/**
 * Reads what decides whose bucket this is: its mark; where it has none, and a date can tell, when it was created. `madeAt`:
 * when this pass has made it itself.
 */
export const findOwner = async (
  bucket: Bucket,
  driver: Driver,
  region: string,
  deps: BucketDeps,
  pass: BucketPass,
  madeAt?: Date,
): Promise<FoundOwner> => {
  const { spec } = bucket;
  const place = { bucket: spec.name, region };
  const tags = driver.marksBuckets ? await readTags({ wire: driver.wire(region), bucket: spec.name }, pass) : undefined;
  const mark = tags && readMark(tags);
  const createdAt =
    madeAt ?? (await dateOf(bucket, mark !== undefined, tags !== undefined, () => creationDateOf(driver, place, pass)));
  const isOwnerGone =
    mark !== undefined && spec.adoptionPolicy === 'Always' && (await deps.ownerGone(mark, pass.signal));
  return { found: { mark, createdAt, isOwnerGone }, tags };
};

const dateOf = async (
  { metadata, status }: Bucket,
  isMarked: boolean,
  hasTags: boolean,
  read: () => Promise<Date | undefined>,
): Promise<Date | undefined> => {
  if (status?.ownership === undefined) return status?.createIntent === undefined ? undefined : read();
  // Where marks are kept, a missing one means that somebody has been here; and what is deleted is looked at twice.
  const isDoubtful = !isMarked && (hasTags || metadata.deletionTimestamp !== undefined);
  if (!isDoubtful || status.lastSyncTime === undefined) return undefined;
  return read().catch((caught: unknown) => {
    if (caught instanceof Fault && caught.reason === reasons.AccessDenied) return undefined;
    throw caught;
  });
};
