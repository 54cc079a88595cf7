import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketLocationCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  type BucketLocationConstraint,
  type CreateBucketCommandInput,
} from '@aws-sdk/client-s3';
import { reasons } from '@operator/api';
import { Fault, oneLine, onlyFault, transient, waiting, type CallContext } from '@operator/outcome';
import { tagsOfMark, type SignedMark } from '@operator/ownership';
import { bucketPages } from './bucket-pages.ts';
import { findContent } from './contents.ts';
import type { BucketWire } from './aspect.ts';
import type { Driver } from './driver.ts';
import { readOwner } from './owner-mark.ts';
import { answerOfFault, isRedirect, regionIn } from './wire-answer.ts';
import { hostOf } from './wire-fault.ts';
import type { Wire } from './wire.ts';

/** A bucket and where it is to be. */
export interface BucketPlace {
  readonly bucket: string;
  /** The connection's own region when absent. */
  readonly region?: string | undefined;
}

/** What a look for a bucket found. `forbidden`: it exists, or may exist, and these credentials may not look. */
export type BucketExistence =
  | { readonly state: 'absent' }
  /** `region`: where the bucket is, when the server tells. */
  | { readonly state: 'present'; readonly region?: string }
  | { readonly state: 'forbidden'; readonly message: string }
  /** `region`: where, when the server tells; it may only redirect. */
  | { readonly state: 'elsewhere'; readonly region?: string; readonly message: string };

/**
 * Looks for a bucket. One call when it is there or absent; a second one where a HEAD, which has no body, leaves the cause open.
 * `wasThere`: it is known from before, so that its absence is believed only when the server names it, which a proxy does not.
 * @throws Fault, `waiting` AuthFailed and the like; never for the four states
 * Source: Amazon S3 API, HeadBucket.
 */
export const observeExistence = async (
  driver: Driver,
  { bucket, region, wasThere = false }: BucketPlace & { readonly wasThere?: boolean },
  context: CallContext,
): Promise<BucketExistence> => {
  const wire = driver.wire(region);
  let headStatus: number;
  try {
    const head = await wire.sendOrAbsent(new HeadBucketCommand({ Bucket: bucket }), [404], context);
    if (head !== undefined) return { state: 'present', ...placeIn(head.BucketRegion) };
    return wasThere ? await askByList(wire, bucket, context) : { state: 'absent' };
  } catch (error) {
    const answer = answerOfFault(error);
    if (isRedirect(answer?.status)) return elsewhere(bucket, answer?.region, answer?.location);
    if (answer?.status !== 403 && answer?.status !== 400) throw error;
    if (answer.region !== undefined && answer.region !== wire.region) return elsewhere(bucket, answer.region);
    headStatus = answer.status;
  }
  try {
    const location = await wire.sendOrAbsent(
      new GetBucketLocationCommand({ Bucket: bucket }),
      ['NoSuchBucket'],
      context,
    );
    if (location === undefined) return { state: 'absent' };
    // MinIO tells the location whatever region a request is signed for, and refuses all else with 400.
    const unnamed = headStatus === 400 ? 'us-east-1' : wire.region;
    const found = regionOf(location.LocationConstraint) ?? unnamed;
    if (found !== wire.region) return elsewhere(bucket, found);
    // Wasabi says 403 to a call beyond its rate, too.
    if (headStatus === 403) return await askByList(wire, bucket, context);
    return { state: 'forbidden', message: `The server refuses to look at the bucket ${bucket} (HeadBucket, 400).` };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.reason === reasons.AccessDenied) return { state: 'forbidden', message: error.message };
    if (error.reason === reasons.WrongRegion) return elsewhere(bucket, answerOfFault(error)?.region);
    throw error;
  }
};

/** Needs the same right as the HEAD, and its answer has a body. */
const askByList = async (wire: Wire, bucket: string, context: CallContext): Promise<BucketExistence> => {
  const list = new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 });
  return { state: (await wire.sendOrAbsent(list, ['NoSuchBucket'], context)) === undefined ? 'absent' : 'present' };
};

const placeIn = (text = '') => {
  const region = regionIn(text);
  return region === '' ? {} : { region };
};

/** Source: Amazon S3 API, GetBucketLocation, which keeps an old name for eu-west-1 and has none for us-east-1. */
const regionOf = (constraint = ''): string | undefined =>
  constraint === 'EU' ? 'eu-west-1' : regionIn(constraint) || undefined;

const elsewhere = (bucket: string, region: string | undefined, location?: string): BucketExistence => ({
  state: 'elsewhere',
  ...placeIn(region),
  message:
    region === undefined
      ? `The server redirects requests for bucket ${bucket}${location === undefined ? '' : ` to ${location}`} without naming its region. Is the endpoint right?`
      : `Bucket ${bucket} is in region ${region}.`,
});

/** What the account's own list says of a bucket. */
export type Creation =
  | { readonly kind: 'listed'; readonly at: Date }
  /** Listed, and the server has lost the date: MinIO says the year 1 of a bucket whose settings were changed while it was made. */
  | { readonly kind: 'dateLost' }
  /** The whole list was read, and the bucket is not in it: it is not in this account, or these credentials may not see it. */
  | { readonly kind: 'notListed' }
  /** Nothing is known: the credentials may not list, or the server does not give the whole list. */
  | { readonly kind: 'mayNotList'; readonly message: string };

/** More pages than any account has buckets for, at a thousand each. */
const mostPages = 1_000;

/**
 * Looks a bucket up in the list of all buckets of these credentials' account, for when it was created. By the server's own
 * clock, in milliseconds or whole seconds. MinIO lists only what the credentials may list or locate.
 * @throws Fault of the connection and the credentials; `waiting` NotAnS3Server
 * Source: Amazon S3 API, ListBuckets.
 */
export const lookUpCreation = async (
  driver: Driver,
  { bucket, region }: BucketPlace,
  context: CallContext,
): Promise<Creation> => {
  const wire = driver.wire(region);
  try {
    for await (const { buckets, isLast } of bucketPages(wire, { prefix: bucket, mostPages }, context)) {
      const found = buckets.find(({ Name }) => Name === bucket);
      if (found !== undefined) return creationOf(found.CreationDate);
      if (isLast) return { kind: 'notListed' };
    }
  } catch (caught) {
    const fault = onlyFault(caught);
    if (fault.reason !== reasons.AccessDenied && fault.reason !== reasons.Unsupported) throw fault;
    return { kind: 'mayNotList', message: fault.message };
  }
  const message = `ListBuckets at ${hostOf(wire.endpoint)}: the pages of the list have no end.`;
  return { kind: 'mayNotList', message };
};

const creationOf = (date: Date | undefined): Creation =>
  date !== undefined && date.getTime() > 0 ? { kind: 'listed', at: date } : { kind: 'dateLost' };

/** How a creation ended. */
export interface CreatedBucket {
  /** `alreadyOurs`: this account has it already; whether this object made it is for the caller to know. */
  readonly outcome: 'created' | 'alreadyOurs';
  /** The server's own clock at its answer, up to a second behind; undefined when the answer has no date. */
  readonly at: Date | undefined;
}

/** What a new bucket is. */
export interface NewBucket extends BucketPlace {
  /** What `birthOf` says. */
  readonly born?: Partial<CreateBucketCommandInput>;
  /** Put on the bucket by the creation itself where the driver may try that; whether it is there, only a read tells. */
  readonly mark?: SignedMark;
}

/**
 * Creates a bucket. Only after `observeExistence` said absent: creating a bucket of one's own again resets its ACL in AWS us-east-1.
 * Where the server refuses the mark, the bucket is created without; that costs a call, and is remembered.
 * @throws Fault `waiting` NameTaken; `transient` Conflict while a deletion of that name is still under way
 * Source: Amazon S3 API, CreateBucket.
 */
export const createBucket = async (
  driver: Driver,
  { bucket, region, born = {}, mark }: NewBucket,
  context: CallContext,
): Promise<CreatedBucket> => {
  const wire = driver.wire(region);
  const create = async (input: Partial<CreateBucketCommandInput>): Promise<CreatedBucket> => {
    // There is no such constraint for us-east-1.
    const LocationConstraint = wire.region === 'us-east-1' ? undefined : (wire.region as BucketLocationConstraint);
    const CreateBucketConfiguration =
      LocationConstraint === undefined
        ? input.CreateBucketConfiguration
        : { LocationConstraint, ...input.CreateBucketConfiguration };
    const command = new CreateBucketCommand({ ...input, Bucket: bucket, CreateBucketConfiguration });
    const made = await wire.sendOrAbsent(command, ['BucketAlreadyOwnedByYou'], context).catch((caught: unknown) => {
      throw answerOfFault(caught)?.code === 'OperationAborted' ? nameNotFree(bucket, caught) : caught;
    });
    return { outcome: made === undefined ? 'alreadyOurs' : 'created', at: wire.serverNow() };
  };
  const { creationTags } = driver;
  if (mark === undefined || creationTags?.areTaken() !== true) return create(born);
  try {
    const Tags = [...tagsOfMark(mark)].map(([Key, Value]) => ({ Key, Value }));
    return await create({ ...born, CreateBucketConfiguration: { ...born.CreateBucketConfiguration, Tags } });
  } catch (caught) {
    if (!mayBeOfTags(caught)) throw caught;
  }
  // If this is refused too, the tags were not why.
  const made = await create(born);
  creationTags.refused();
  if (made.outcome === 'created') return made;
  // The refused creation may have made it: whose it is, the next look finds out, by the intent.
  throw transient(reasons.Conflict, `Bucket ${bucket} was created while the server refused to create it with tags.`);
};

/** Milliseconds until a name is tried again that a deletion keeps: minutes, says Amazon, and sometimes an hour. */
const nameRetryMs = 60_000;

const nameNotFree = (bucket: string, caught: unknown): Fault =>
  transient(
    reasons.Conflict,
    `The server has not finished with an earlier bucket named ${bucket}, which was deleted a short time ago (OperationAborted). ` +
      'The name is free after some minutes, at Amazon at times after an hour. The operator tries again every minute until then.',
    { cause: caught instanceof Fault ? caught.cause : caught, retryAfterMs: nameRetryMs },
  );

/** Codes by which a server may mean the tags of a creation: it does not know them, or the credentials lack s3:TagResource. */
const refusesCreationTags: ReadonlySet<string> = new Set(['MalformedXML', 'NotImplemented', 'AccessDenied']);

const mayBeOfTags = (caught: unknown): boolean => refusesCreationTags.has(answerOfFault(caught)?.code ?? '');

/**
 * Removes an empty bucket; an absent one counts as removed. Some servers, such as SeaweedFS, remove a bucket with all that is
 * in it: on all that are not known to refuse that, the bucket is looked into right before.
 * @throws Fault `waiting` BucketNotEmpty, retry after 60 000 ms; AccessDenied when the credentials may not look into it
 * Source: Amazon S3 API, DeleteBucket.
 */
export const removeBucket = async (
  driver: Driver,
  { bucket, region }: BucketPlace,
  context: CallContext,
): Promise<void> => {
  const wire = driver.wire(region);
  const content = driver.guardsContent ? undefined : await findContent({ wire, bucket }, context);
  if (content !== undefined) {
    const kind = content.uploadId === undefined ? 'objects or versions' : 'unfinished multipart uploads';
    throw waiting(
      reasons.BucketNotEmpty,
      `The bucket ${bucket} still holds ${kind}, such as ${JSON.stringify(oneLine(content.key, 200))}.`,
      { retryAfterMs: 60_000 },
    );
  }
  await wire.sendOrAbsent(new DeleteBucketCommand({ Bucket: bucket }), ['NoSuchBucket'], context);
};

/**
 * Removes the bucket that a PUT of a setting has surely made, because the bucket that it was for was gone by then. Whoever has put
 * something into it meanwhile, or marked it, keeps it.
 */
export const removeMistaken = async (s3: BucketWire, context: CallContext): Promise<void> => {
  const owner = await readOwner(s3, context);
  const isUsed = owner.kind === 'marked' || (await findContent(s3, context)) !== undefined;
  if (isUsed) return;
  await s3.wire.sendOrAbsent(new DeleteBucketCommand({ Bucket: s3.bucket }), ['NoSuchBucket'], context);
};
