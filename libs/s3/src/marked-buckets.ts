import { reasons } from '@operator/api';
import { onlyFault, type CallContext } from '@operator/outcome';
import type { SeenMark } from '@operator/ownership';
import { bucketPages } from './bucket-pages.ts';
import type { Driver } from './driver.ts';
import { readOwner, type SeenOwner } from './owner-mark.ts';

/** A bucket of the account that bears the owner tags of an operator. Whether their proof holds was not looked at. */
export interface MarkedBucket {
  readonly name: string;
  readonly mark: SeenMark;
}

/** What a search found. `isComplete`: false where some buckets could not be looked at, or were too many. */
export interface MarkedBuckets {
  readonly buckets: readonly MarkedBucket[];
  readonly isComplete: boolean;
}

/** Buckets whose tags one search reads. */
const mostBucketsLookedAt = 200;
const mostPages = 20;

/**
 * Finds the buckets of the account that bear owner tags, but for those that `isKnown` names: one call for a page of the list, and one for each
 * bucket that is not known. @throws Fault of the connection and the credentials, AccessDenied where they may not list
 * Source: Amazon S3 API, ListBuckets.
 */
export const findMarkedBuckets = async (
  driver: Pick<Driver, 'wire'>,
  isKnown: (name: string) => boolean,
  context: CallContext,
): Promise<MarkedBuckets> => {
  const { places, isWhole } = await listPlaces(driver, isKnown, context);
  const buckets: MarkedBucket[] = [];
  let isComplete = isWhole && places.length <= mostBucketsLookedAt;
  for (const { name, region } of places.slice(0, mostBucketsLookedAt)) {
    const owner = await readOwner({ wire: driver.wire(region), bucket: name }, context).catch(ofThatBucket);
    if (owner === undefined || owner.kind === 'unreadable') isComplete = false;
    else if (owner.kind === 'marked') buckets.push({ name, mark: owner.mark });
  }
  return { buckets, isComplete };
};

/** A bucket that is elsewhere says nothing of the others. */
const ofThatBucket = (caught: unknown): SeenOwner | undefined => {
  const fault = onlyFault(caught);
  if (fault.reason === reasons.WrongRegion) return undefined;
  throw fault;
};

/** Where the buckets are that are not known, each once. */
const listPlaces = async (driver: Pick<Driver, 'wire'>, isKnown: (name: string) => boolean, context: CallContext) => {
  const regions = new Map<string, string | undefined>();
  let isWhole = false;
  for await (const { buckets, isLast } of bucketPages(driver.wire(), { mostPages }, context)) {
    for (const { Name: name, BucketRegion: region } of buckets) {
      if (name !== undefined && !isKnown(name)) regions.set(name, region);
    }
    isWhole = isLast;
  }
  return { places: [...regions].map(([name, region]) => ({ name, region })), isWhole };
};
