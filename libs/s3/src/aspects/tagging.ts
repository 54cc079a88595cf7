import { PutBucketTaggingCommand } from '@aws-sdk/client-s3';
import { ownerTagKeys, reasons } from '@operator/api';
import { onlyFault, terminal, type CallContext, type Fault } from '@operator/outcome';
import { tagsOfMark } from '@operator/ownership';
import type { Aspect, BucketWire } from '../aspect.ts';
import { fetchTags, type Tags } from '../owner-mark.ts';
import { answerOf } from '../wire-answer.ts';

export interface TaggingWant {
  /** Tags that are to be there, the owner's mark among them. */
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
export const tagging: Aspect<TaggingWant, Tags> = {
  name: 'tagging',
  blank: new Map(),
  desired({ tagging: declared }, { mark, managed }) {
    const wanted = Object.entries(declared?.tags ?? {});
    const keys = new Set(wanted.map(([key]) => key));
    return {
      tags: new Map([...wanted, ...tagsOfMark(mark)]),
      // Undeclared tags are unmanaged: those set earlier stay too.
      remove: declared === undefined ? [] : (managed.tagging ?? []).filter((key) => !keys.has(key)),
    };
  },
  owns: ({ tags }) => [...tags.keys()].filter((key) => !isOwnerTag(key)),
  holds: (have) => [...have.keys()],
  read: async (s3, context) => s3.tags ?? fetchTags(s3, context),
  isSet: (have) => have.size > 0,
  diff(want, have) {
    const removed = want.remove.filter((key) => have.has(key) && !want.tags.has(key));
    const isThere = [...want.tags].every(([key, value]) => have.get(key) === value);
    return isThere && removed.length === 0 ? undefined : { tags: want.tags, remove: removed };
  },
  async write(s3, to, context) {
    // What others have put there since the look must not be lost. Nobody else knows a bucket that was made a moment ago.
    const found = s3.isNew === true && s3.tags !== undefined ? s3.tags : await fetchTags(s3, context);
    const owners = new Map([...to.tags].filter(([key]) => isOwnerTag(key)));
    const isMarked = [...owners].every(([key, value]) => found.get(key) === value);
    // What goes makes room for the mark.
    const marked: Tags = isMarked ? found : mergeTags(found, { tags: owners, remove: to.remove });
    const wanted = mergeTags(found, to);
    if (isSame(wanted, found)) return;
    const isMore = !isSame(wanted, marked);
    await putTags(s3, wanted, isMore ? 'declared' : 'mark', to.tags, context).catch(async (caught: unknown) => {
      // Tags that the server refuses must not leave the bucket without its mark.
      if (isMore && !isMarked && isAnswer(onlyFault(caught))) await putTags(s3, marked, 'mark', to.tags, context);
      throw caught;
    });
  },
};

/** True when what was sent was looked at, and another content may be taken. */
const isAnswer = ({ reason, cause }: Fault): boolean => reason !== reasons.Throttled && answerOf(cause) !== undefined;

const isOwnerTag = (key: string): boolean => (Object.values(ownerTagKeys) as readonly string[]).includes(key);

const isSame = (one: Tags, other: Tags): boolean =>
  one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);

/**
 * Puts all tags of a bucket, of which `changed` are new: those of the spec, or the owner's mark alone.
 * @throws Fault, which blames the tags of the spec where they are new, or where there are too many
 */
const putTags = async (
  { wire, bucket }: BucketWire,
  tags: Tags,
  changed: 'declared' | 'mark',
  declared: Tags,
  context: CallContext,
): Promise<void> => {
  // Never empty: the owner's mark is always among them.
  const TagSet = [...tags].map(([Key, Value]) => ({ Key, Value }));
  await wire
    .send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet } }), context)
    .catch((caught: unknown) => {
      const fault = onlyFault(caught);
      const isBlamed = isOfTags(fault) && (changed === 'declared' || tags.size > mostTags);
      throw isBlamed ? refusedTags(tags, declared, fault) : fault;
    });
};

/** Codes by which servers refuse a set of tags that is well-formed. MinIO calls each of its rules MalformedXML. */
const refusesTags: ReadonlySet<string> = new Set(['InvalidTag', 'MalformedXML', 'BadRequest', 'InvalidArgument']);

const isOfTags = ({ cause }: Fault): boolean => refusesTags.has(answerOf(cause)?.code ?? '');

const mostTags = 50;

/** What every server takes in a tag; AWS takes letters of any language. Source: Amazon S3, Categorizing storage using tags. */
const plain = /^[A-Za-z0-9 _.:/=+\-@]*$/;

/** Says which tags of the spec the server refuses, as far as that can be known. */
const refusedTags = (wanted: Tags, declared: Tags, fault: Fault): Fault => {
  const own = [...declared].filter(([key]) => !isOwnerTag(key));
  const unusual = own.filter(([key, value]) => !plain.test(key) || !plain.test(value));
  const names = (unusual.length > 0 ? unusual : own).map(([key]) => key).join(', ');
  const why =
    wanted.size > mostTags
      ? `The bucket would have ${String(wanted.size)} tags with those of others and the owner's, and servers take ${String(mostTags)}. Declare fewer, or remove some that others put there.`
      : unusual.length > 0
        ? `The server refuses the tags ${names}: use letters a to z, digits, spaces and _ . : / = + - @ there.`
        : `The server refuses the tags ${names}.`;
  return terminal(reasons.SpecInvalid, `spec.tagging: ${why} ${fault.message}`, { cause: fault.cause });
};
