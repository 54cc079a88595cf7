import { GetBucketTaggingCommand, HeadBucketCommand } from '@aws-sdk/client-s3';
import { reasons } from '@operator/api';
import { onlyFault, type CallContext } from '@operator/outcome';
import { markIn, type SeenMark } from '@operator/ownership';
import type { BucketWire } from './aspect.ts';
import { isOwnRefusal } from './lacking.ts';
import { answerOf } from './wire-answer.ts';

/** The tags of a bucket by key. */
export type Tags = ReadonlyMap<string, string>;

/** The tags of a bucket; throws Fault `terminal` Unsupported where the server keeps none. */
export const fetchTags = async ({ wire, bucket }: BucketWire, context: CallContext): Promise<Tags> => {
  const answer = await wire.sendOrAbsent(
    new GetBucketTaggingCommand({ Bucket: bucket }),
    ['NoSuchTagSet', 'NoSuchTagSetError'],
    context,
  );
  return new Map((answer?.TagSet ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
};

/** What the tags of a bucket say of its owner. */
export type SeenOwner =
  /** `tags`: all of the bucket's, the mark's own among them. Whether the proof of the mark holds was not looked at. */
  | { readonly kind: 'marked'; readonly mark: SeenMark; readonly tags: Tags }
  /** MinIO says so of a bucket that does not exist, too: it proves no existence. */
  | { readonly kind: 'unmarked'; readonly tags: Tags }
  /** Nobody can say whose it is: the credentials may not read tags, or something refuses it that may not be the server. */
  | { readonly kind: 'unreadable'; readonly message: string }
  /** The server keeps no tags, so no mark can be there. It has said so itself, twice, and answered something else between. */
  | { readonly kind: 'notKept' }
  /** There is no such bucket, says the server by name. */
  | { readonly kind: 'absent' };

/**
 * Reads whose mark a bucket bears. One call; two more before a server is believed for the first time that it keeps no tags.
 * @throws Fault of the connection and the credentials (AuthFailed, EndpointUnreachable, WrongRegion, Throttled …); never for
 * the five cases
 * Source: Amazon S3 API, GetBucketTagging.
 */
export const readOwner = async (s3: BucketWire, context: CallContext): Promise<SeenOwner> => {
  const seen = await lookAtTags(s3, context);
  if (seen.kind !== 'refused') return seen;
  if (s3.wire.lacks(readsTags)) return { kind: 'notKept' };
  if (seen.isOwn && (await isPresent(s3, context))) {
    const again = await lookAtTags(s3, context);
    if (again.kind !== 'refused') return again;
    if (s3.wire.lacks(readsTags)) return { kind: 'notKept' };
  }
  return { kind: 'unreadable', message: seen.message };
};

const readsTags = 'GetBucketTagging';

/** One look; `refused`: the answer says that there is no such operation. `isOwn`: the server's own answer, not a proxy's. */
const lookAtTags = async (
  s3: BucketWire,
  context: CallContext,
): Promise<SeenOwner | { readonly kind: 'refused'; readonly isOwn: boolean; readonly message: string }> => {
  try {
    const tags = await fetchTags(s3, context);
    const mark = markIn(tags);
    return mark === undefined ? { kind: 'unmarked', tags } : { kind: 'marked', mark, tags };
  } catch (caught) {
    const fault = onlyFault(caught);
    if (fault.reason === reasons.AccessDenied) return { kind: 'unreadable', message: fault.message };
    if (fault.reason === reasons.Unsupported) {
      return { kind: 'refused', isOwn: isOwnRefusal(fault), message: fault.message };
    }
    if (answerOf(fault.cause)?.code === 'NoSuchBucket') return { kind: 'absent' };
    throw fault;
  }
};

/** True when the server answers for the bucket itself. */
const isPresent = async ({ wire, bucket }: BucketWire, context: CallContext): Promise<boolean> =>
  (await wire.sendOrAbsent(new HeadBucketCommand({ Bucket: bucket }), [301, 403, 404, 405, 501], context)) !==
  undefined;
