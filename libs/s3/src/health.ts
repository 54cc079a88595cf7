import { GetBucketLocationCommand, ListBucketsCommand, type ListBucketsCommandOutput } from '@aws-sdk/client-s3';
import { reasons } from '@operator/api';
import { Fault, waiting, type CallContext } from '@operator/outcome';
import type { Credentials } from './connection.ts';
import type { Driver, Health } from './driver.ts';
import { answerOf } from './wire-answer.ts';
import type { Wire } from './wire.ts';

/** @throws Fault `waiting` NotAnS3Server for what is no list of buckets: a web page can be well-formed XML too */
export const requireListOfBuckets = (
  { Owner, Buckets }: Pick<ListBucketsCommandOutput, 'Owner' | 'Buckets'>,
  endpoint: string,
): void => {
  // An S3 server names at least an empty list.
  if (Owner !== undefined || Buckets !== undefined) return;
  throw waiting(
    reasons.NotAnS3Server,
    `ListBuckets at ${endpoint}: the answer is not one of an S3 server. Is the endpoint right?`,
    { retryAfterMs: 60_000 },
  );
};

/** Lists buckets with one attempt; AccessDenied means that the credentials are good. */
const listBuckets = async (wire: Wire, context: CallContext): Promise<Health> => {
  try {
    const { Owner, Buckets } = await wire.send(new ListBucketsCommand({}), context);
    requireListOfBuckets({ Owner, Buckets }, wire.endpoint);
    const accountId = Owner?.ID;
    return { listDenied: false, ...(accountId === undefined || accountId === '' ? {} : { accountId }) };
  } catch (error) {
    if (error instanceof Fault && error.reason === reasons.AccessDenied) return { listDenied: true };
    throw error;
  }
};

/**
 * Reaches the server once by ListBuckets, past an open circuit. `probe`: the pool's wire for that.
 * @throws Fault as `Driver.checkHealth`
 */
export const checkS3Health = (probe: Wire, context: CallContext): Promise<Health> => listBuckets(probe, context);

/** Asks where a bucket is. Undefined when that proves nothing: in another region it is said before the signature is looked at. */
const reaches = async (wire: Wire, bucket: string, context: CallContext): Promise<KeyVerdict | undefined> => {
  try {
    await wire.sendOrAbsent(new GetBucketLocationCommand({ Bucket: bucket }), ['NoSuchBucket'], context);
    return 'accepted';
  } catch (error) {
    if (error instanceof Fault && error.reason === reasons.AccessDenied) return 'denied';
    if (error instanceof Fault && error.reason === reasons.WrongRegion) return undefined;
    throw error;
  }
};

/** How a server takes a key: `denied` is a good one that may not ask about its bucket; `unknown` is what it does not know yet, or no more. */
export type KeyVerdict = 'accepted' | 'denied' | 'unknown' | 'wrongSecret';

/**
 * Signs in with an issued key, as the application will. A key that may do nothing is good: AccessDenied proves that it is known.
 * `bucket`: one that it is for; asking about that costs the same on any server, while MinIO judges each bucket it has to list them.
 * @throws Fault as `Driver.checkHealth`; `waiting` AuthFailed only for an account that is locked for a while
 */
export const verifyKey = async (
  driver: Driver,
  credentials: Credentials,
  context: CallContext,
  bucket?: string,
): Promise<KeyVerdict> => {
  const wire = driver.wireAs(credentials);
  try {
    const verdict = bucket === undefined ? undefined : await reaches(wire, bucket, context);
    if (verdict !== undefined) return verdict;
    await listBuckets(wire, context);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof Fault) || error.reason !== reasons.AuthFailed) throw error;
    const code = answerOf(error.cause)?.code;
    if (code === 'AuthenticationLockout') throw error;
    return code === 'SignatureDoesNotMatch' ? 'wrongSecret' : 'unknown';
  } finally {
    wire.close();
  }
};
