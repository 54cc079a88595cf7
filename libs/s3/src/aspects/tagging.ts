import { PutBucketTaggingCommand } from '@aws-sdk/client-s3';
import type { Aspect } from '../aspect.ts';
import { fetchTags, tagsOfMark, type Tags } from '../owner-mark.ts';

export interface TaggingWant {
  /** Tags that are to be there; as read: all tags of the bucket. */
  readonly tags: Tags;
  /** Keys that an earlier spec had set and this one no longer has. */
  readonly remove: readonly string[];
}

/** All tags of a bucket that has `found` once the wish is fulfilled: those of others stay. */
export const mergeTags = (found: Tags, { tags, remove }: TaggingWant): Tags =>
  new Map([...[...found].filter(([key]) => !remove.includes(key)), ...tags]);

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
    return isThere && removed.length === 0 ? undefined : { tags: want.tags, remove: removed };
  },
  async write(s3, to, context) {
    const { wire, bucket } = s3;
    // What others have put there since the look must not be lost. Nobody else knows a bucket that was made a moment ago.
    const found = s3.isNew === true && s3.tags !== undefined ? s3.tags : await fetchTags(s3, context);
    // Never empty: the owner's mark is always among them.
    const TagSet = [...mergeTags(found, to)].map(([Key, Value]) => ({ Key, Value }));
    await wire.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet } }), context);
  },
};
