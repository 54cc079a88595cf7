import { GetBucketTaggingCommand } from '@aws-sdk/client-s3';
import { ownerTagKeys, reasons } from '@operator/api';
import { Fault, type CallContext } from '@operator/outcome';
import type { BucketWire, OwnerMark } from './aspect.ts';

/** The tags of a bucket by key. */
export type Tags = ReadonlyMap<string, string>;

/** The mark as tags. */
export const tagsOfMark = (mark: OwnerMark): Tags =>
  new Map([
    [ownerTagKeys.cluster, mark.cluster],
    [ownerTagKeys.namespace, mark.namespace],
    [ownerTagKeys.name, mark.name],
    [ownerTagKeys.uid, mark.uid],
  ]);

/** Reads the mark from a bucket's tags; undefined when any part of it is missing. */
export const readMark = (tags: Tags): OwnerMark | undefined => {
  const cluster = tags.get(ownerTagKeys.cluster);
  const namespace = tags.get(ownerTagKeys.namespace);
  const name = tags.get(ownerTagKeys.name);
  const uid = tags.get(ownerTagKeys.uid);
  return cluster === undefined || namespace === undefined || name === undefined || uid === undefined
    ? undefined
    : { cluster, namespace, name, uid };
};

/** True when both marks name the same object of the same cluster. */
export const sameOwner = (one: OwnerMark, other: OwnerMark): boolean =>
  one.cluster === other.cluster &&
  one.namespace === other.namespace &&
  one.name === other.name &&
  one.uid === other.uid;

/** The tags of a bucket; throws Fault `terminal` Unsupported where the server keeps none. */
export const fetchTags = async ({ wire, bucket }: BucketWire, context: CallContext): Promise<Tags> => {
  const answer = await wire.sendOrAbsent(
    new GetBucketTaggingCommand({ Bucket: bucket }),
    ['NoSuchTagSet', 'NoSuchTagSetError'],
    context,
  );
  return new Map((answer?.TagSet ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
};

/**
 * The tags of a bucket, none when it has none; undefined when the server keeps no tags, so that no mark can be there.
 * Source: Amazon S3 API, GetBucketTagging.
 */
export const readTags = async (s3: BucketWire, context: CallContext): Promise<Tags | undefined> => {
  try {
    return await fetchTags(s3, context);
  } catch (error) {
    if (error instanceof Fault && error.reason === reasons.Unsupported) return undefined;
    throw error;
  }
};
