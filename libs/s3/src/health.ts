import { GetBucketLocationCommand, ListBucketsCommand, type ListBucketsCommandOutput } from '@aws-sdk/client-s3';
import { reasons } from '@operator/api';
import { Fault, oneLine, redact, waiting, type CallContext } from '@operator/outcome';
import type { Credentials } from './connection.ts';
import type { Driver, Health } from './driver.ts';
import { answerOf } from './wire-answer.ts';
import { hostOf } from './wire-fault.ts';
import type { Wire } from './wire.ts';
import type { WirePool } from './wire-pool.ts';

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

/** Lists buckets with one attempt. `listDenied`: AccessDenied, which most servers say to known keys only. */
const listBuckets = async (wire: Wire, context: CallContext): Promise<Health> => {
  try {
    const { Owner, Buckets } = await wire.send(new ListBucketsCommand({}), context);
    requireListOfBuckets({ Owner, Buckets }, wire.endpoint);
    const accountId = Owner?.ID ?? '';
    // It stands in the status, and tells one account from another: so it is not cut.
    const isShown = accountId !== '' && accountId === oneLine(accountId, 256);
    return { listDenied: false, ...(isShown ? { accountId } : {}) };
  } catch (error) {
    if (error instanceof Fault && error.reason === reasons.AccessDenied) return { listDenied: true };
    throw error;
  }
};

/** Signs in by a call that every key may make, where the server has one. */
const signsIn = async (
  { keys }: Pick<Driver, 'keys'>,
  credentials: Credentials,
  context: CallContext,
): Promise<boolean> => (typeof keys === 'string' ? false : ((await keys.signsIn?.(credentials, context)) ?? false));

/**
 * Reaches the server once by ListBuckets, past an open circuit, by the pool's wire for that. AccessDenied counts as a
 * proof that the credentials are known only where the server does not say it of unknown ones too.
 * @throws Fault as `Driver.checkHealth`
 */
export const checkS3Health = async (
  driver: Pick<Driver, 'deniesUnknownKeys' | 'keys' | 'connection'>,
  { probe, certificateExpiresAt: expiresAt }: Pick<WirePool, 'probe' | 'certificateExpiresAt'>,
  context: CallContext,
): Promise<Health> => {
  const listed = await listBuckets(probe, context);
  const certificateExpiresAt = expiresAt();
  const health = { ...listed, ...(certificateExpiresAt === undefined ? {} : { certificateExpiresAt }) };
  if (!health.listDenied || !(await driver.deniesUnknownKeys(context))) return health;
  if (await signsIn(driver, driver.connection.credentials, context)) return health;
  throw waiting(
    reasons.AuthFailed,
    `ListBuckets at ${hostOf(probe.endpoint)}: AccessDenied, which this server also answers to unknown keys, so nothing shows that the credentials are valid. Check them; if they are right, allow them to list buckets (s3:ListAllMyBuckets).`,
    { retryAfterMs: 60_000 },
  );
};

/**
 * Finds whether a server answers AccessDenied to a key that it does not know, as Ceph RGW does while STS is on. Asked once, with
 * a made-up key, and only when somebody needs to know. `random`: uniform in [0, 1).
 * @throws Fault of the connection; the question is then still open
 */
export const createUnknownKeyCheck = (
  wireAs: (credentials: Credentials) => Wire,
  random: () => number,
): Driver['deniesUnknownKeys'] => {
  const text = (length: number) =>
    Array.from({ length }, () => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.charAt(Math.floor(random() * 32))).join('');
  let answer: boolean | undefined;
  return async (context) => {
    if (answer !== undefined) return answer;
    const wire = wireAs({ accessKeyId: `AKIA${text(16)}`, secretAccessKey: redact(text(40)) });
    try {
      answer = (await listBuckets(wire, context)).listDenied;
    } catch (error) {
      if (!(error instanceof Fault) || error.reason !== reasons.AuthFailed) throw error;
      answer = false;
    }
    return answer;
  };
};

/** Asks where a bucket is. Undefined when that proves nothing: in another region it is said before the signature is looked at. */
const reaches = async (
  wire: Wire,
  bucket: string,
  context: CallContext,
): Promise<'accepted' | 'denied' | undefined> => {
  try {
    await wire.sendOrAbsent(new GetBucketLocationCommand({ Bucket: bucket }), ['NoSuchBucket'], context);
    return 'accepted';
  } catch (error) {
    if (error instanceof Fault && error.reason === reasons.AccessDenied) return 'denied';
    if (error instanceof Fault && error.reason === reasons.WrongRegion) return undefined;
    throw error;
  }
};

/**
 * How a server takes a key: `denied` is a good one that may not ask about its bucket; `unproven` is denied by a server that denies
 * unknown keys alike, so that nothing shows whether it is good; `unknown` is what it does not know yet, or no more.
 */
export type KeyVerdict = 'accepted' | 'denied' | 'unproven' | 'unknown' | 'wrongSecret';

/**
 * Signs in with an issued key, as the application will. A key that may do nothing is good, where AccessDenied proves that it is
 * known. `bucket`: one that it is for; asking about that costs the same on any server, while MinIO judges each bucket it has to
 * list them.
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
    const reached = bucket === undefined ? undefined : await reaches(wire, bucket, context);
    if (reached === 'accepted') return reached;
    const isDenied = reached === 'denied' || (await listBuckets(wire, context)).listDenied;
    if (!isDenied) return 'accepted';
    if ((await driver.deniesUnknownKeys(context)) && !(await signsIn(driver, credentials, context))) return 'unproven';
    return reached ?? 'accepted';
  } catch (error) {
    if (!(error instanceof Fault) || error.reason !== reasons.AuthFailed) throw error;
    const code = answerOf(error.cause)?.code;
    if (code === 'AuthenticationLockout') throw error;
    return code === 'SignatureDoesNotMatch' ? 'wrongSecret' : 'unknown';
  }
};
