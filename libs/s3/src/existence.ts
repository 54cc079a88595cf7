import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketLocationCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { reasons } from '@operator/api';
import { Fault, type CallContext } from '@operator/outcome';
import type { Driver } from './driver.ts';
import { answerOf } from './wire-answer.ts';

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
    if (head !== undefined) return { state: 'present', ...regionIn(head.BucketRegion) };
    if (!wasThere) return { state: 'absent' };
    // The same right as for the HEAD; its answer has a body.
    const list = new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 });
    return { state: (await wire.sendOrAbsent(list, ['NoSuchBucket'], context)) === undefined ? 'absent' : 'present' };
  } catch (error) {
    const answer = answerOfFault(error);
    if (answer?.status === 301 || answer?.status === 307) return elsewhere(bucket, answer.region);
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
    return found === wire.region
      ? { state: 'forbidden', message: `The credentials may not look at the bucket ${bucket} (HeadBucket is denied).` }
      : elsewhere(bucket, found);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.reason === reasons.AccessDenied) return { state: 'forbidden', message: error.message };
    if (error.reason === reasons.WrongRegion) return elsewhere(bucket, answerOfFault(error)?.region);
    throw error;
  }
};

const answerOfFault = (error: unknown) => (error instanceof Fault ? answerOf(error.cause) : undefined);
const regionIn = (region: string | undefined) => (region === undefined || region === '' ? {} : { region });

/** Source: Amazon S3 API, GetBucketLocation, which keeps an old name for eu-west-1 and has none for us-east-1. */
const regionOf = (constraint: string | undefined): string | undefined =>
  constraint === 'EU' ? 'eu-west-1' : constraint === '' ? undefined : constraint;

const elsewhere = (bucket: string, region: string | undefined): BucketExistence => ({
  state: 'elsewhere',
  ...regionIn(region),
  message:
    region === undefined
      ? `The server sends requests for bucket ${bucket} elsewhere without naming its region. Is the endpoint right?`
      : `Bucket ${bucket} is in region ${region}.`,
});

/**
 * When a bucket of these credentials' account was created; undefined when the server does not list it or has lost the date:
 * MinIO says the year 1 of a bucket whose settings were changed while it was being created.
 * Source: Amazon S3 API, ListBuckets.
 */
export const creationDateOf = async (
  driver: Driver,
  { bucket, region }: BucketPlace,
  context: CallContext,
): Promise<Date | undefined> => {
  const wire = driver.wire(region);
  let token: string | undefined;
  do {
    // Servers without paging ignore the prefix and list all.
    const page = await wire.send(new ListBucketsCommand({ Prefix: bucket, ContinuationToken: token }), context);
    const found = page.Buckets?.find(({ Name }) => Name === bucket);
    if (found !== undefined) return (found.CreationDate?.getTime() ?? 0) > 0 ? found.CreationDate : undefined;
    token = page.ContinuationToken === token ? undefined : page.ContinuationToken;
  } while (token !== undefined && token !== '');
  return undefined;
};

/**
 * Creates a bucket. Only after `observeExistence` said absent: creating a bucket of one's own again resets its ACL in AWS
 * us-east-1.
 * @returns `alreadyOurs` when this account has it; whether this object made it is for the caller to know
 * @throws Fault `waiting` NameTaken; `transient` Conflict while a deletion of that name is still under way
 * Source: Amazon S3 API, CreateBucket.
 */
export const createBucket = async (
  driver: Driver,
  { bucket, region, objectLock = false }: BucketPlace & { readonly objectLock?: boolean },
  context: CallContext,
): Promise<'created' | 'alreadyOurs'> => {
  // The client adds the LocationConstraint of its region, except for us-east-1.
  const command = new CreateBucketCommand({
    Bucket: bucket,
    ...(objectLock ? { ObjectLockEnabledForBucket: true } : {}),
  });
  const made = await driver.wire(region).sendOrAbsent(command, ['BucketAlreadyOwnedByYou'], context);
  return made === undefined ? 'alreadyOurs' : 'created';
};

/**
 * Removes an empty bucket; an absent one counts as removed.
 * @throws Fault `waiting` BucketNotEmpty, retry after 60 000 ms
 * Source: Amazon S3 API, DeleteBucket.
 */
export const removeBucket = async (
  driver: Driver,
  { bucket, region }: BucketPlace,
  context: CallContext,
): Promise<void> => {
  await driver.wire(region).sendOrAbsent(new DeleteBucketCommand({ Bucket: bucket }), ['NoSuchBucket'], context);
};
