import { reasons, type Reason } from '@operator/api';
import type { FaultKind } from '@operator/outcome';
import { isRedirect, type WireAnswer } from './wire-answer.ts';

/** What one group of answers means. */
export interface ErrorClass {
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

const serverError: ErrorClass = {
  kind: 'transient',
  reason: reasons.ServerError,
  text: 'the server failed',
  codes: ['InternalError'],
};

/** Source: docs/providers/README.md, error classes; Amazon S3 API, Error responses; IAM API, Common errors; Wasabi, REST API introduction. */
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
    text: 'the server does not allow this',
    codes: [
      'AccessDenied',
      'AccessDeniedException',
      'AllAccessDisabled',
      'AccountProblem',
      'AccountNotActivated',
      'UnauthorizedOperation',
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
    codes: ['TooManyBuckets', 'LimitExceeded', 'LimitExceededException', 'QuotaExceeded'],
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
      'InvalidPolicyDocument',
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
  serverError,
];

const classByCode: ReadonlyMap<string, ErrorClass> = new Map(
  classes.flatMap((errorClass) => errorClass.codes.map((code) => [code, errorClass] as const)),
);

const byReason = (reason: Reason): ErrorClass => {
  const found = classes.find((errorClass) => errorClass.reason === reason);
  if (found === undefined) throw new TypeError(`no error class has the reason ${reason}`);
  return found;
};

const refused: ErrorClass = {
  kind: 'waiting',
  reason: reasons.RequestRefused,
  retryAfterSeconds: 300,
  text: 'the server refused the request',
  codes: [],
};

/** Codes that one kind of server has to itself: its code → the code of the common table that means the same. */
export type OwnCodes = ReadonlyMap<string, string>;

/** The class of an answer: by its code, else by its HTTP status. */
export const classOf = ({ code, status, message }: WireAnswer, ownCodes?: OwnCodes): ErrorClass => {
  // IAM and STS tell of a skewed clock under the code of a bad secret.
  if (code === 'SignatureDoesNotMatch' && /signature (expired|not yet current)/i.test(message ?? '')) {
    return byReason(reasons.ClockSkew);
  }
  // Garage has no code for it. Source: garage, src/api/common/signature/payload.rs.
  if (code === 'InvalidRequest' && /date is too old/i.test(message ?? '')) return byReason(reasons.ClockSkew);
  // A user made a moment ago is not known to S3 yet: the same policy is accepted a little later.
  if (code === 'MalformedPolicy' && /invalid principal/i.test(message ?? '')) {
    return { ...byReason(reasons.PolicyInvalid), kind: 'waiting', retryAfterSeconds: 30 };
  }
  const known = classByCode.get(ownCodes?.get(code) ?? code);
  if (known !== undefined && !(status === 501)) return known;
  // A HEAD has no body, so only its status speaks.
  if (status === 501 || status === 405) return byReason(reasons.Unsupported);
  if (isRedirect(status)) return byReason(reasons.WrongRegion);
  // Who is not let in is not known to be anybody.
  if (status === 401) return byReason(reasons.AuthFailed);
  if (status === 403) return byReason(reasons.AccessDenied);
  if (status === 404 && (code === '' || code === 'NotFound')) return byReason(reasons.BucketMissing);
  if (status === 408) return byReason(reasons.Timeout);
  if (status === 429 || status === 503) return byReason(reasons.Throttled);
  return status !== undefined && status >= 500 ? serverError : refused;
};
