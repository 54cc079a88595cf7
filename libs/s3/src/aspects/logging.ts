import {
  GetBucketLoggingCommand,
  PutBucketLoggingCommand,
  type LoggingEnabled,
  type TargetObjectKeyFormat,
} from '@aws-sdk/client-s3';
import { reasons, type BucketSpec } from '@operator/api';
import { Fault, onlyFault, terminal, waiting, type CallContext } from '@operator/outcome';
import type { Aspect, BucketContext, BucketWire, Written } from '../aspect.ts';
import { mayHaveEnded } from '../ended-references.ts';
import { answerOf } from '../wire-answer.ts';

/** What the keys of logs have after the prefix: the time alone, or folders by the day of the delivery or of the events. */
type KeyFormat = 'simple' | 'DeliveryTime' | 'EventTime';

/** Where the logs go. */
export interface LogTarget {
  readonly bucket: string;
  readonly prefix: string;
  readonly keyFormat: KeyFormat;
  /** True when others were given rights to the logs; no spec asks for that. */
  readonly isShared: boolean;
}

export interface LoggingWant {
  /** `unchanged`: what is named cannot be used now. */
  readonly target: 'off' | 'unchanged' | LogTarget;
  /** Why. */
  readonly fault?: Fault;
  /** Buckets that may get the logs on behalf of this one, where the Provider is lent: what leads elsewhere the lender has set. */
  readonly own?: readonly string[];
}

export type LoggingHave = 'off' | LogTarget;

export interface LoggingServer {
  /** Of the driver. */
  readonly serverIdentity: string;
  /** True when it is known to keep or refuse all that is asked for, as Amazon does, so that a write needs no look after it. */
  readonly keepsAll: boolean;
}

const targetInput = 'logging.target';

const byNameOfBorrower = terminal(
  reasons.ReferenceNotGranted,
  'The account of the Provider has buckets of others, so only Buckets of its own namespace may name logging.targetBucket. Name a Bucket by logging.targetBucketRef.',
);

/** The operator writes the setting with the rights of the Provider, and the keys of a borrower have none to it. */
const ofLender = (bucket: string): Fault =>
  terminal(
    reasons.ReferenceNotGranted,
    `The logs go to bucket ${bucket}, which this Bucket has not set. Only Buckets of the Provider's own namespace may end that, or send the logs elsewhere. Remove logging, or ask the owner of the Provider to change it.`,
  );

const isElsewhere = (key: string, there: string, here: string): Fault =>
  terminal(
    reasons.SpecInvalid,
    `Bucket ${key} is on ${there}, and ${here} sends logs to its own buckets only. Name another Bucket in logging.targetBucketRef.`,
  );

const desiredTarget = (
  declared: NonNullable<BucketSpec['logging']>,
  { isBorrowed, inputs }: BucketContext,
  serverIdentity: string,
): LoggingWant => {
  if (!declared.enabled) return { target: 'off' };
  const { targetBucketRef, targetBucket = '', targetPrefix, targetObjectKeyFormat } = declared;
  const keyFormat = targetObjectKeyFormat?.partitionedPrefix?.partitionDateSource ?? 'simple';
  const to = (bucket: string): LoggingWant => ({
    target: { bucket, prefix: targetPrefix, keyFormat, isShared: false },
  });
  const unchanged = (fault: Fault): LoggingWant => ({ target: 'unchanged', fault });
  if (targetBucketRef === undefined) return isBorrowed ? unchanged(byNameOfBorrower) : to(targetBucket);

  const input = inputs.get(targetInput);
  if (input instanceof Fault) return unchanged(input);
  // What others lent and took back gets no more.
  if (input?.kind === 'Ended') return { target: 'off', fault: input.fault };
  if (input?.kind !== 'Bucket') throw new TypeError(`${targetInput} is not among the inputs`);
  const there = input.driver.serverIdentity;
  return there === serverIdentity ? to(input.bucket) : unchanged(isElsewhere(input.key, there, serverIdentity));
};

const isSame = (target: LoggingWant['target'], have: LoggingHave): boolean =>
  JSON.stringify(target) === JSON.stringify(have);

/** Why what is there may not be changed; undefined when it may, or nothing differs. */
const faultOfChange = ({ target, own }: LoggingWant, have: LoggingHave): Fault | undefined =>
  own === undefined || have === 'off' || own.includes(have.bucket) || isSame(target, have)
    ? undefined
    : ofLender(have.bucket);

const keyFormatOf = ({ PartitionedPrefix }: TargetObjectKeyFormat): KeyFormat =>
  PartitionedPrefix === undefined ? 'simple' : (PartitionedPrefix.PartitionDateSource ?? 'DeliveryTime');

const fromServer = (found: LoggingEnabled): LogTarget => ({
  bucket: found.TargetBucket ?? '',
  prefix: found.TargetPrefix ?? '',
  // Some servers name the simple one, which is the default.
  keyFormat: keyFormatOf(found.TargetObjectKeyFormat ?? {}),
  isShared: (found.TargetGrants ?? []).length > 0,
});

const toServer = ({ bucket, prefix, keyFormat }: LogTarget): LoggingEnabled => ({
  TargetBucket: bucket,
  TargetPrefix: prefix,
  ...(keyFormat !== 'simple' && {
    TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: keyFormat } },
  }),
});

const readLogging = async ({ wire, bucket }: BucketWire, context: CallContext): Promise<LoggingHave> => {
  const { LoggingEnabled: found } = await wire.send(new GetBucketLoggingCommand({ Bucket: bucket }), context);
  return found === undefined ? 'off' : fromServer(found);
};

/** What servers answer where they do not like the bucket that is to get the logs. AccessDenied may also be about our own rights. */
const ofTarget: ReadonlySet<string> = new Set([
  'InvalidTargetBucketForLogging',
  'CrossLocationLoggingProhibitted',
  'CrossLocationLoggingProhibited',
  'NoSuchKey',
  'AccessDenied',
]);

/** A Fault that says what the bucket must be that gets the logs, where that may be the cause. */
const explainRefusal = (fault: Fault, { bucket, prefix }: LogTarget): Fault => {
  const code = answerOf(fault.cause)?.code ?? '';
  if (!ofTarget.has(code)) return fault;
  const isDenied = code === 'AccessDenied';
  return waiting(
    isDenied ? reasons.AccessDenied : reasons.RequestRefused,
    `The server refuses to send logs to bucket ${bucket}. It must be in the same account and region, and its policy must let the server write: allow the service ` +
      `logging.s3.amazonaws.com the action s3:PutObject on arn:aws:s3:::${bucket}/${prefix}* in its BucketPolicy.` +
      `${isDenied ? ' The credentials of the Provider need s3:PutBucketLogging.' : ''} ${fault.message}`,
    { cause: fault.cause, retryAfterMs: 60_000 },
  );
};

const putLogging = async (
  { wire, bucket }: BucketWire,
  target: 'off' | LogTarget,
  context: CallContext,
): Promise<void> => {
  const BucketLoggingStatus = target === 'off' ? {} : { LoggingEnabled: toServer(target) };
  await wire
    .send(new PutBucketLoggingCommand({ Bucket: bucket, BucketLoggingStatus }), context)
    .catch((caught: unknown) => {
      const fault = onlyFault(caught);
      throw target === 'off' ? fault : explainRefusal(fault, target);
    });
};

const lostFormat = new Map([
  [
    'loggingPartitionedPrefix',
    'The server accepts logging.targetObjectKeyFormat.partitionedPrefix and does not keep it; the logs have simple keys. Remove it.',
  ],
] as const);

/**
 * Logs of the requests to a bucket, which the server writes into another one. A single setting: what others were given rights to goes.
 * Source: Amazon S3 API, GetBucketLogging and PutBucketLogging, which without content switches it off.
 */
export const logging = ({
  serverIdentity,
  keepsAll,
}: LoggingServer): Aspect<LoggingWant, LoggingHave, 'off' | LogTarget> => ({
  name: 'logging',
  readsWith: 'GetBucketLogging',
  refersTo: ({ logging: declared }) =>
    declared?.enabled === true && declared.targetBucketRef !== undefined
      ? [{ as: targetInput, kind: 'Bucket', ref: declared.targetBucketRef }]
      : [],
  desired: ({ logging: declared }, context) =>
    declared && {
      ...desiredTarget(declared, context, serverIdentity),
      ...(context.isBorrowed && { own: context.stands.get(targetInput) ?? [] }),
    },
  held: (want, have) => want.fault ?? faultOfChange(want, have),
  read: readLogging,
  isSet: (have) => have !== 'off',
  needs: ({ target }, have) =>
    typeof target === 'string' ||
    target.keyFormat === 'simple' ||
    (have !== 'off' && have.keyFormat === target.keyFormat)
      ? []
      : ['loggingPartitionedPrefix'],
  without: ({ target, ...rest }, have) => ({
    ...rest,
    target: typeof target === 'string' ? target : { ...target, keyFormat: have === 'off' ? 'simple' : have.keyFormat },
  }),
  diff: (want, have) =>
    want.target === 'unchanged' || isSame(want.target, have) || faultOfChange(want, have) !== undefined
      ? undefined
      : want.target,
  async write(s3, target, context): Promise<Written> {
    await putLogging(s3, target, context);
    if (keepsAll || target === 'off' || target.keyFormat === 'simple') return {};
    const kept = await readLogging(s3, context);
    return kept !== 'off' && kept.keyFormat !== target.keyFormat ? { lost: lostFormat } : {};
  },
  async end(s3, { ended }, context) {
    const have = await readLogging(s3, context);
    // Whoever has sent them elsewhere since did not do it by the reference.
    if (have === 'off' || !mayHaveEnded(ended, have.bucket)) return false;
    await putLogging(s3, 'off', context);
    return true;
  },
});
