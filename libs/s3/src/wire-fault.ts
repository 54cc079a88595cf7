import { reasons } from '@operator/api';
import { clean, Fault, reworded, terminal, transient, waiting } from '@operator/outcome';
import { classOf, type OwnCodes } from './error-classes.ts';
import { TakenForCreation } from './misrouted.ts';
import {
  isAnsweredWithList,
  isAnsweredWithPage,
  isNotHttp,
  isTlsCode,
  isUnreachable,
  malformedIn,
  networkCodeOf,
  refusedDestinationIn,
  tlsCodes,
  tooLargeIn,
  unreachableCodes,
} from './network-error.ts';
import {
  answerOf,
  encodingOf,
  isObject,
  isRedirect,
  isUnreadable,
  httpStatusOf,
  type SdkError,
  type WireAnswer,
} from './wire-answer.ts';

/** The call an error came from. */
export interface FailedCall {
  /** `s3`, `iam`, `minio-admin`. */
  readonly service: string;
  /** The API's own name, such as `PutBucketTagging`. */
  readonly operation: string;
  readonly endpoint: string;
  /** That it was signed for, where that counts. */
  readonly region?: string;
  /** The server's own codes, where the driver knows any. */
  readonly ownCodes?: OwnCodes | undefined;
}

const longestMessage = 400;
const wordsFollow = ' The server says:';

const inServersWords = (message: string | undefined): string => {
  const words = clean(message ?? '', longestMessage);
  if (words === '') return '';
  return `${wordsFollow} ${/[.!?\u2026]$/.test(words) ? words : `${words}.`}`;
};

/** The Fault without what the server said, which may name others in its account. */
export const withoutServersWords = (fault: Fault): Fault => {
  const at = fault.message.indexOf(wordsFollow);
  if (at < 0) return fault;
  return reworded(fault, `${fault.message.slice(0, at)} What the server says stands in the log of the controller.`);
};

/** The host of an endpoint, for messages; the text itself when it is no URL. */
export const hostOf = (endpoint: string): string => {
  try {
    return new URL(endpoint).host;
  } catch {
    return endpoint;
  }
};

/**
 * True for the refusal of a HEAD, which has no code, that names another region than the one that it was signed for.
 * Source: Amazon S3 API, HeadBucket: 400 and x-amz-bucket-region.
 */
const isElsewhere = (call: FailedCall, { code, status, region }: WireAnswer): boolean =>
  code === '' && status === 400 && call.region !== undefined && region !== undefined && region !== call.region;

/**
 * Turns an answer of a server into a Fault: by its code, else by its HTTP status. The one table for S3, IAM and the MinIO
 * admin API.
 */
export const faultFromAnswer = (call: FailedCall, answer: WireAnswer, cause?: unknown): Fault => {
  const { kind, reason, text, retryAfterSeconds } = classOf(
    isElsewhere(call, answer) ? { ...answer, code: 'AuthorizationHeaderMalformed' } : answer,
    call.ownCodes,
  );
  const named = [answer.code, answer.status].filter((part) => part !== undefined && part !== '').join(' ');
  const expected =
    reason !== reasons.WrongRegion
      ? ''
      : answer.region !== undefined
        ? ` It expects the region ${answer.region}.`
        : answer.location !== undefined
          ? ` It redirects to ${answer.location}.`
          : '';
  const message = `${call.operation} at ${hostOf(call.endpoint)}: ${text}${named === '' ? '' : ` (${named})`}.${expected}${inServersWords(answer.message)}`;
  return new Fault(kind, reason, message, {
    cause,
    ...(kind === 'waiting' && retryAfterSeconds !== undefined ? { retryAfterMs: retryAfterSeconds * 1000 } : {}),
  });
};

/** True when the server asks to slow down; for SDK errors and Faults. */
export const isThrottling = (error: unknown): boolean => {
  if (error instanceof Fault) return error.reason === reasons.Throttled;
  const answer = answerOf(error);
  return answer !== undefined && classOf(answer).reason === reasons.Throttled;
};

/** @returns the Fault for an endpoint that gives no answer */
export const unreachable = (
  call: FailedCall,
  why: string,
  options: { readonly retryAfterMs?: number; readonly cause?: unknown } = {},
): Fault =>
  transient(
    reasons.EndpointUnreachable,
    `${call.operation}: ${hostOf(call.endpoint)} cannot be reached, ${why}.`,
    options,
  );

/** @returns the Fault for an operation that the server lacks */
export const unsupported = (message: string, cause?: unknown): Fault =>
  terminal(reasons.Unsupported, message, { cause });

/**
 * Turns what an SDK client threw into a Fault. A Fault stays itself; what is neither an answer nor a network error is
 * returned as it is: a bug.
 */
export const faultFromError = (call: FailedCall, error: unknown): unknown => {
  if (error instanceof Fault || !isObject(error)) return error;
  const host = hostOf(call.endpoint);
  const code = networkCodeOf(error);
  if (httpStatusOf(error) === undefined && code !== undefined && isTlsCode(code)) {
    const why = tlsCodes.get(code) ?? 'the TLS handshake failed';
    return waiting(reasons.TlsFailed, `${call.operation}: no secure connection to ${host}, ${why} (${code}).`, {
      retryAfterMs: 60_000,
      cause: error,
    });
  }
  if (isUnreachable(error)) {
    const why = (code === undefined ? undefined : unreachableCodes.get(code)) ?? 'it did not answer in time';
    return unreachable(call, `${why}${code === undefined ? '' : ` (${code})`}`, { cause: error });
  }
  const refused = refusedDestinationIn(error);
  if (refused !== undefined) {
    return waiting(
      reasons.DestinationRefused,
      `${call.operation}: ${host} leads to ${refused.range}, where the operator makes no connections. Set another endpoint, or change the operator's refused destinations.`,
      { retryAfterMs: 300_000, cause: error },
    );
  }
  const tooLarge = tooLargeIn(error);
  if (tooLarge !== undefined) {
    return waiting(
      reasons.ResponseTooLarge,
      `${call.operation} at ${host}: the answer has more than ${String(tooLarge.limitBytes / 1024 / 1024)} MiB, and the rest was not read. Is the endpoint right?`,
      { retryAfterMs: 300_000, cause: error },
    );
  }
  if (isAnsweredWithList(error)) {
    return unsupported(
      `${call.operation} at ${host}: the server answers with the list of the bucket, so it does not have this operation.`,
      error,
    );
  }
  if (isAnsweredWithPage(error)) {
    return waiting(
      reasons.NotAnS3Server,
      `${call.operation} at ${host}: the answer is a web page, not one of an S3 server. Is the endpoint right?`,
      { retryAfterMs: 60_000, cause: error },
    );
  }
  if (httpStatusOf(error) === undefined && isNotHttp(error)) {
    return waiting(
      reasons.NotAnS3Server,
      `${call.operation}: what listens at ${host} does not speak HTTP. Is the port right?`,
      { retryAfterMs: 60_000, cause: error },
    );
  }
  const malformed = malformedIn(error);
  if (httpStatusOf(error) === undefined && malformed !== undefined) {
    return waiting(
      reasons.NotAnS3Server,
      `${call.operation} at ${host}: the answer cannot be read, ${malformed}. Look at the server, and at what stands before it.`,
      { retryAfterMs: 60_000, cause: error },
    );
  }
  const answer = answerOf(error);
  if (answer === undefined) return error;
  if (isRedirect(answer.status) && answer.region === undefined && answer.location !== undefined && answer.code === '') {
    return waiting(
      reasons.NotAnS3Server,
      `${call.operation} at ${host}: the endpoint redirects to ${answer.location} (${String(answer.status)}). Set the endpoint to the address that answers by itself.`,
      { retryAfterMs: 60_000, cause: error },
    );
  }
  if (isForeignAnswer(answer, error)) {
    const encoding = encodingOf(error.$response?.headers);
    const what =
      encoding === undefined
        ? 'is not one of an S3 server. Is the endpoint right?'
        : `is compressed (${encoding}), which nobody asked for. Look at what stands before the server.`;
    return waiting(reasons.NotAnS3Server, `${call.operation} at ${host}: the answer (${answer.status}) ${what}`, {
      retryAfterMs: 60_000,
      cause: error,
    });
  }
  return faultFromAnswer(call, answer, error);
};

// The SDK cannot read such a body and says so in its own words; a gateway that fails (5xx) may stand before an S3 server.
const isForeignAnswer = (answer: WireAnswer, error: SdkError): boolean =>
  answer.status !== undefined &&
  answer.status < 500 &&
  answer.status !== 429 &&
  ((answer.status < 300 && answer.code === '') || isUnreadable(error));

// Servers take a bucket-level PUT that they do not know for CreateBucket, whose body they then cannot read. In the body of these there are
// texts of people, which a server that knows them may not like.
const withTextsOfPeople: ReadonlySet<string> = new Set([
  'PutBucketTagging',
  'PutBucketPolicy',
  'PutBucketEncryption',
  'PutBucketCors',
  'PutBucketLifecycleConfiguration',
  'PutBucketNotificationConfiguration',
  'PutBucketReplication',
]);

const mayBeTakenForCreateBucket = (operation: string): boolean =>
  /^Put(Bucket|PublicAccessBlock)/.test(operation) && !withTextsOfPeople.has(operation);

/** True when the answer is one that only CreateBucket can get. */
const isOfCreateBucket = ({ operation }: FailedCall, { code, message = '' }: WireAnswer): boolean =>
  operation !== 'CreateBucket' &&
  (code === 'BucketAlreadyOwnedByYou' ||
    (code === 'MalformedXML' && mayBeTakenForCreateBucket(operation)) ||
    (code === 'InvalidArgument' && message.includes('CreateBucketConfiguration')));

/**
 * Reads an answer of CreateBucket as Unsupported where a server, not AWS, takes another operation for that one. For
 * `WirePoolOptions.readError`.
 */
export const readMisroutedPut = (call: FailedCall, error: unknown): Fault | undefined => {
  const answer = answerOf(error);
  return answer !== undefined && isOfCreateBucket(call, answer)
    ? unsupported(`${call.operation} at ${hostOf(call.endpoint)}: the server does not have this operation.`, error)
    : undefined;
};

/** The Fault of a PUT that was answered with 200 as CreateBucket is. */
export const takenForCreation = (call: FailedCall, hasMade: boolean): Fault =>
  unsupported(
    `${call.operation} at ${hostOf(call.endpoint)}: the server took it for CreateBucket, so it does not have this operation.`,
    new TakenForCreation(hasMade),
  );
