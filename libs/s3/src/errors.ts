import { reasons, type Reason } from '@operator/api';
import { Fault, terminal, transient, waiting, type FaultKind } from '@operator/outcome';

/** What a server answered, by the API's own names. */
export interface WireAnswer {
  /** The error code of the API, such as `NoSuchBucket`; empty when the answer has none (HEAD). */
  readonly code: string;
  /** HTTP status. */
  readonly status?: number;
  readonly message?: string;
  /** The region that the answer names (`x-amz-bucket-region`). */
  readonly region?: string;
}

/** The call an error came from. */
export interface FailedCall {
  /** `s3`, `iam`, `minio-admin`. */
  readonly service: string;
  /** The API's own name, such as `PutBucketTagging`. */
  readonly operation: string;
  readonly endpoint: string;
}

interface ErrorClass {
  readonly kind: FaultKind;
  readonly reason: Reason;
  /** Seconds until the next attempt; only for `waiting`. */
  readonly retryAfterSeconds?: number;
  readonly codes: readonly string[];
  /** What to tell; the code and the server's own words are added. */
  readonly text: string;
}

// Wasabi locks the account for five minutes after many bad attempts: bad keys must not be tried more often than that.
const afterLockoutSeconds = 330;

/** Source: PROVIDERS' table of error classes; Amazon S3 API, Error responses; IAM API, Common errors; Wasabi, REST API introduction. */
const classes: readonly ErrorClass[] = [
  {
    kind: 'waiting',
    reason: reasons.AuthFailed,
    retryAfterSeconds: afterLockoutSeconds,
    text: 'the server does not accept the credentials',
    codes: [
      'InvalidAccessKeyId',
      'SignatureDoesNotMatch',
      'InvalidClientTokenId',
      'UnrecognizedClientException',
      'AuthFailure',
      'UserSuspended',
      'AuthenticationLockout',
      'InvalidSecurity',
      'MissingAuthenticationToken',
    ],
  },
  {
    kind: 'waiting',
    reason: reasons.AuthFailed,
    retryAfterSeconds: afterLockoutSeconds,
    text: 'the session token is expired or invalid',
    codes: ['ExpiredToken', 'ExpiredTokenException', 'InvalidToken', 'InvalidTokenId', 'TokenRefreshRequired'],
  },
  {
    kind: 'waiting',
    reason: reasons.AccessDenied,
    retryAfterSeconds: 60,
    text: 'the credentials are good but may not do this',
    codes: [
      'AccessDenied',
      'AccessDeniedException',
      'AllAccessDisabled',
      'AccountProblem',
      'AccountNotActivated',
      'UnauthorizedOperation',
      'XMinioAdminAccessDenied',
    ],
  },
  {
    kind: 'waiting',
    reason: reasons.ClockSkew,
    retryAfterSeconds: 60,
    text: 'the clocks of this machine and of the server are too far apart',
    codes: ['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'],
  },
  {
    kind: 'waiting',
    reason: reasons.WrongRegion,
    retryAfterSeconds: 300,
    text: 'the request went to the wrong region',
    codes: [
      'AuthorizationHeaderMalformed',
      'PermanentRedirect',
      'TemporaryRedirect',
      'IllegalLocationConstraintException',
      'InvalidLocationConstraint',
      'InvalidRegion',
      'IncorrectEndpoint',
    ],
  },
  {
    kind: 'transient',
    reason: reasons.Throttled,
    text: 'the server asks to slow down',
    codes: [
      'SlowDown',
      'SlowDownRead',
      'SlowDownWrite',
      'ServerBusy',
      'Throttling',
      'ThrottlingException',
      'ThrottledException',
      'RequestLimitExceeded',
      'RequestThrottled',
      'RequestThrottledException',
      'RequestRateLimitExceeded',
      'TooManyRequests',
      'TooManyRequestsException',
      'BandwidthLimitExceeded',
      'ServiceUnavailable',
    ],
  },
  {
    kind: 'transient',
    reason: reasons.Timeout,
    text: 'the request did not reach the server in time',
    codes: ['RequestTimeout', 'RequestTimeoutException'],
  },
  {
    kind: 'transient',
    reason: reasons.Conflict,
    text: 'another operation on the same thing is under way',
    codes: [
      'OperationAborted',
      'ConditionalRequestConflict',
      'ConcurrentModification',
      'ConcurrentModificationException',
      'EntityTemporarilyUnmodifiable',
      'EntityTemporarilyUnmodifiableException',
      'DeleteConflict',
      'DeleteConflictException',
      // MinIO: a user, a policy or their tie changed between two calls of one pass.
      'XMinioAdminNoSuchUser',
      'XMinioAdminNoSuchPolicy',
      'XMinioIAMPolicyInUse',
    ],
  },
  {
    // IAM tells changes around: a user made a moment ago may be missing for the next call.
    kind: 'transient',
    reason: reasons.Conflict,
    text: 'what the call is about does not exist, or not everywhere yet',
    codes: ['NoSuchEntity', 'NoSuchEntityException'],
  },
  {
    kind: 'waiting',
    reason: reasons.NameTaken,
    retryAfterSeconds: 300,
    text: 'the name belongs to somebody else',
    codes: ['BucketAlreadyExists', 'EntityAlreadyExists', 'EntityAlreadyExistsException'],
  },
  {
    kind: 'waiting',
    reason: reasons.BucketNotEmpty,
    retryAfterSeconds: 60,
    text: 'the bucket still holds objects, versions or delete markers',
    codes: ['BucketNotEmpty'],
  },
  {
    kind: 'waiting',
    reason: reasons.BucketMissing,
    retryAfterSeconds: 30,
    text: 'the bucket does not exist',
    codes: ['NoSuchBucket'],
  },
  {
    kind: 'waiting',
    reason: reasons.LimitExceeded,
    retryAfterSeconds: 300,
    text: 'a limit of the account is reached',
    codes: [
      'TooManyBuckets',
      'LimitExceeded',
      'LimitExceededException',
      'QuotaExceeded',
      'XMinioAdminBucketQuotaExceeded',
    ],
  },
  {
    kind: 'terminal',
    reason: reasons.SpecInvalid,
    text: 'the server does not accept the name or the tags',
    codes: ['InvalidBucketName', 'InvalidTag'],
  },
  {
    kind: 'terminal',
    reason: reasons.PolicyInvalid,
    text: 'the server does not accept the policy',
    codes: [
      'MalformedPolicy',
      'MalformedPolicyDocument',
      'MalformedPolicyDocumentException',
      'XMinioMalformedIAMPolicy',
      'PolicyTooLarge',
    ],
  },
  {
    kind: 'terminal',
    reason: reasons.Unsupported,
    text: 'the server does not have this operation',
    codes: [
      'NotImplemented',
      'XNotImplemented',
      'MethodNotAllowed',
      'UnsupportedNotification',
      'UnsupportedOperation',
      'InvalidAction',
    ],
  },
];

const classByCode: ReadonlyMap<string, ErrorClass> = new Map(
  classes.flatMap((errorClass) => errorClass.codes.map((code) => [code, errorClass] as const)),
);

const byReason = (reason: Reason): ErrorClass => {
  const found = classes.find((errorClass) => errorClass.reason === reason);
  if (found === undefined) throw new TypeError(`no error class has the reason ${reason}`);
  return found;
};

const serverError: ErrorClass = {
  kind: 'transient',
  reason: reasons.ServerError,
  text: 'the server failed',
  codes: [],
};
const refused: ErrorClass = {
  kind: 'waiting',
  reason: reasons.RequestRefused,
  retryAfterSeconds: 300,
  text: 'the server refused the request',
  codes: [],
};

const classOf = ({ code, status, message }: WireAnswer): ErrorClass => {
  // IAM and STS tell of a skewed clock under the code of a bad secret.
  if (code === 'SignatureDoesNotMatch' && /signature (expired|not yet current)/i.test(message ?? '')) {
    return byReason(reasons.ClockSkew);
  }
  // A user made a moment ago is not known to S3 yet: the same policy is accepted a little later.
  if (code === 'MalformedPolicy' && /invalid principal/i.test(message ?? '')) {
    return { ...byReason(reasons.PolicyInvalid), kind: 'waiting', retryAfterSeconds: 30 };
  }
  const known = classByCode.get(code);
  if (known !== undefined && !(status === 501)) return known;
  // A HEAD has no body, so only its status speaks.
  if (status === 501 || status === 405) return byReason(reasons.Unsupported);
  if (status === 301 || status === 307) return byReason(reasons.WrongRegion);
  if (status === 401 || status === 403) return byReason(reasons.AccessDenied);
  if (status === 404 && (code === '' || code === 'NotFound')) return byReason(reasons.BucketMissing);
  if (status === 408) return byReason(reasons.Timeout);
  if (status === 429 || status === 503) return byReason(reasons.Throttled);
  return status !== undefined && status >= 500 ? serverError : refused;
};

// A long run of base64 may be a session token that a proxy echoed; nothing a person needs looks like that.
const tokenLike = /[A-Za-z0-9+/=_]{80,}/g;
const longestMessage = 400;

const inServersWords = (message: string | undefined): string => {
  const words = (message ?? '').replace(/\s+/g, ' ').replace(tokenLike, '…').trim();
  if (words === '') return '';
  return ` The server says: ${words.length > longestMessage ? `${words.slice(0, longestMessage)}…` : words}`;
};

const hostOf = (endpoint: string): string => {
  try {
    return new URL(endpoint).host;
  } catch {
    return endpoint;
  }
};

/**
 * Turns an answer of a server into a Fault: by its code, else by its HTTP status. The one table for S3, IAM and the MinIO
 * admin API.
 */
export const faultFromAnswer = (call: FailedCall, answer: WireAnswer, cause?: unknown): Fault => {
  const { kind, reason, text, retryAfterSeconds } = classOf(answer);
  const named = [answer.code, answer.status].filter((part) => part !== undefined && part !== '').join(' ');
  const expected =
    reason === reasons.WrongRegion && answer.region !== undefined ? ` It expects the region ${answer.region}.` : '';
  const message = `${call.operation} at ${hostOf(call.endpoint)}: ${text}${named === '' ? '' : ` (${named})`}.${expected}${inServersWords(answer.message)}`;
  return new Fault(kind, reason, message, {
    cause,
    ...(kind === 'waiting' && retryAfterSeconds !== undefined ? { retryAfterMs: retryAfterSeconds * 1000 } : {}),
  });
};

const unreachableCodes: ReadonlyMap<string, string> = new Map([
  ['ENOTFOUND', 'its name is not known to DNS'],
  ['EAI_AGAIN', 'DNS gives no answer'],
  ['ECONNREFUSED', 'it refuses connections'],
  ['EHOSTUNREACH', 'there is no route to it'],
  ['ENETUNREACH', 'there is no route to its network'],
  ['ECONNRESET', 'it broke off the connection'],
  ['EPIPE', 'it broke off the connection'],
  ['ETIMEDOUT', 'it did not answer in time'],
  ['ECONNABORTED', 'it broke off the connection'],
  ['UND_ERR_SOCKET', 'it broke off the connection'],
  ['UND_ERR_CONNECT_TIMEOUT', 'it did not answer in time'],
  ['UND_ERR_HEADERS_TIMEOUT', 'it did not answer in time'],
  ['UND_ERR_BODY_TIMEOUT', 'it did not answer in time'],
]);

const tlsCodes: ReadonlyMap<string, string> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is self-signed and not in tls.caCertSecretRef'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'a certificate in its chain is self-signed and not in tls.caCertSecretRef'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate was signed by an unknown authority'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'its certificate was signed by an unknown authority'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate was signed by an unknown authority'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['CERT_NOT_YET_VALID', 'its certificate is not yet valid'],
  ['CERT_SIGNATURE_FAILURE', 'the signature of its certificate is wrong'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another name'],
  ['EPROTO', 'it does not speak TLS on this port'],
]);

const isTlsCode = (code: string): boolean =>
  tlsCodes.has(code) || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_');

/** The parts of an SDK error that we read; none of them is sure to be there. */
interface SdkError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly Code?: unknown;
  readonly Region?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown };
  readonly $response?: { readonly statusCode?: unknown; readonly headers?: Readonly<Record<string, string>> };
}

const isObject = (value: unknown): value is SdkError => typeof value === 'object' && value !== null;

/** The code of a network or TLS error, looked for in causes too (Node wraps the attempts over IPv4 and IPv6 in one). */
const networkCodeOf = (error: unknown): string | undefined => {
  for (let current = error, depth = 0; isObject(current) && depth < 5; depth += 1) {
    const { code } = current;
    if (typeof code === 'string' && (unreachableCodes.has(code) || isTlsCode(code))) return code;
    current = current.cause ?? (Array.isArray(current.errors) ? (current.errors as unknown[])[0] : undefined);
  }
  return undefined;
};

const statusOf = (error: SdkError): number | undefined => {
  const status = error.$metadata?.httpStatusCode ?? error.$response?.statusCode;
  return typeof status === 'number' ? status : undefined;
};

/** Names the SDK gives where the answer had no code of its own. */
const namelessCodes: ReadonlySet<string> = new Set([
  'Unknown',
  'UnknownError',
  'Error',
  'S3ServiceException',
  'IAMServiceException',
]);

/**
 * Reads an error of an SDK client as what the server answered; undefined when there was no answer.
 * HEAD answers have the code ''.
 */
export const answerOf = (error: unknown): WireAnswer | undefined => {
  if (!isObject(error)) return undefined;
  const status = statusOf(error);
  if (status === undefined) return undefined;
  const name = typeof error.Code === 'string' ? error.Code : typeof error.name === 'string' ? error.name : '';
  // The header is on every answer of AWS, the element in the body of some errors.
  const region = error.$response?.headers?.['x-amz-bucket-region'] ?? error.Region;
  return {
    code: namelessCodes.has(name) ? '' : name,
    status,
    ...(typeof error.message === 'string' && error.message !== 'UnknownError' ? { message: error.message } : {}),
    ...(typeof region === 'string' && region !== '' ? { region } : {}),
  };
};

/** True when the server asks to slow down; for SDK errors and Faults. */
export const isThrottling = (error: unknown): boolean => {
  if (error instanceof Fault) return error.reason === reasons.Throttled;
  const answer = answerOf(error);
  return answer !== undefined && classOf(answer).reason === reasons.Throttled;
};

/** True when the endpoint gave no answer at all: no name, no route, no connection, no answer in time. */
export const isUnreachable = (error: unknown): boolean => {
  if (!isObject(error) || error instanceof Fault || statusOf(error) !== undefined) return false;
  const code = networkCodeOf(error);
  return error.name === 'TimeoutError' || (code !== undefined && unreachableCodes.has(code));
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
  if (statusOf(error) === undefined && code !== undefined && isTlsCode(code)) {
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
  const answer = answerOf(error);
  if (answer === undefined) return error;
  if (isForeignAnswer(answer, error)) {
    return waiting(
      reasons.NotAnS3Server,
      `${call.operation} at ${host}: the answer (${answer.status}) is not one of an S3 server. Is the endpoint right?`,
      { retryAfterMs: 60_000, cause: error },
    );
  }
  return faultFromAnswer(call, answer, error);
};

// The SDK cannot read such a body and says so in its own words; a gateway that fails (5xx) may stand before an S3 server.
const isForeignAnswer = (answer: WireAnswer, error: SdkError): boolean =>
  answer.status !== undefined &&
  answer.status < 500 &&
  answer.status !== 429 &&
  (answer.status < 300 || error instanceof SyntaxError || /deserialization error/i.test(answer.message ?? ''));

// Bucket-level PUTs that servers without them take for CreateBucket, whose body they then cannot read.
const takenForCreateBucket: ReadonlySet<string> = new Set([
  'PutPublicAccessBlock',
  'PutBucketOwnershipControls',
  'PutBucketLogging',
]);

/** Reads `MalformedXML` as Unsupported where a server, not AWS, takes the operation for another one. For `WirePoolOptions.readError`. */
export const readMisroutedPut = (call: FailedCall, error: unknown): Fault | undefined =>
  takenForCreateBucket.has(call.operation) && answerOf(error)?.code === 'MalformedXML'
    ? unsupported(`${call.operation} at ${hostOf(call.endpoint)}: the server does not have this operation.`, error)
    : undefined;
