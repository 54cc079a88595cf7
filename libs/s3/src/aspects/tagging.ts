import { PutBucketTaggingCommand } from '@aws-sdk/client-s3';
import type { Aspect } from '../aspect.ts';
import { fetchTags, tagsOfMark, type Tags } from '../owner-mark.ts';

export interface TaggingWant {
  /** Tags that are to be there; as read and as written: all tags of the bucket. */
  readonly tags: Tags;
  /** Keys that an earlier spec had set and this one no longer has. */
  readonly remove: readonly string[];
}

/**
 * The spec's tags, the owner's mark (kept also where the spec declares no tags), and everybody else's tags, which stay.
 * Source: Amazon S3 API, GetBucketTagging and PutBucketTagging, which replaces the whole set.
 */
export const tagging: Aspect<TaggingWant> = {
  name: 'tagging',
  desired({ tagging: declared }, { mark, managedTagKeys }) {
    const wanted = Object.entries(declared?.tags ?? {});
    const keys = new Set(wanted.map(([key]) => key));
    return {
      tags: new Map([...wanted, ...tagsOfMark(mark)]),
      // Undeclared tags are unmanaged: those set earlier stay too.
      remove: declared === undefined ? [] : managedTagKeys.filter((key) => !keys.has(key)),
    };
  },
  read: async (s3, context) => ({ tags: s3.tags ?? (await fetchTags(s3, context)), remove: [] }),
  diff(want, have) {
    const found: Tags = have?.tags ?? new Map();
    const removed = want.remove.filter((key) => found.has(key) && !want.tags.has(key));
    const isThere = [...want.tags].every(([key, value]) => found.get(key) === value);
    if (isThere && removed.length === 0) return undefined;
    const kept = [...found].filter(([key]) => !removed.includes(key));
    return { tags: new Map([...kept, ...want.tags]), remove: [] };
  },
  async write({ wire, bucket }, { tags }, context) {
    // Never empty: the owner's mark is always among them.
    const TagSet = [...tags].map(([Key, Value]) => ({ Key, Value }));
    await wire.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet } }), context);
  },
};
