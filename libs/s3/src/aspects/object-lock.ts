import {
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  PutObjectLockConfigurationCommand,
  type DefaultRetention,
} from '@aws-sdk/client-s3';
import { reasons, type BucketSpec } from '@operator/api';
import { Fault, terminal, waiting, type CallContext } from '@operator/outcome';
import type { Aspect, BucketWire, Part } from '../aspect.ts';
import { answerOf } from '../wire-answer.ts';

type Declared = NonNullable<BucketSpec['objectLock']>;
type Retention = NonNullable<Declared['defaultRetention']>;

/** Whether objects can be locked, and for how long each new one is. */
interface ObjectLock {
  readonly enabled: boolean;
  readonly retention: Retention | undefined;
}

const retentionOf = ({ Mode, Days, Years }: DefaultRetention): Retention | undefined => {
  // A period of 0 is none: some servers fill the other one in.
  if (Mode === undefined || (!Days && !Years)) return undefined;
  return { mode: Mode, ...(Days ? { days: Days } : { years: Years ?? 0 }) };
};

const isSame = (one: ObjectLock, other: ObjectLock): boolean =>
  one.enabled === other.enabled &&
  one.retention?.mode === other.retention?.mode &&
  one.retention?.days === other.retention?.days &&
  one.retention?.years === other.retention?.years;

/**
 * Object lock, with the lock that every new object gets. A bucket is made with it; some servers add it later to a versioned bucket,
 * and none takes it away. Source: Amazon S3 API, GetObjectLockConfiguration and PutObjectLockConfiguration.
 */
export const objectLock: Aspect<ObjectLock> = {
  name: 'objectLock',
  readsWith: 'GetObjectLockConfiguration',
  desired: ({ objectLock: declared }) =>
    declared && { enabled: declared.enabled, retention: declared.defaultRetention },
  atCreation: ({ enabled }) => (enabled ? { ObjectLockEnabledForBucket: true } : {}),
  async read({ wire, bucket }, context) {
    const answer = await wire.sendOrAbsent(
      new GetObjectLockConfigurationCommand({ Bucket: bucket }),
      ['ObjectLockConfigurationNotFoundError'],
      context,
    );
    if (answer === undefined) return { enabled: false, retention: undefined };
    const found = answer.ObjectLockConfiguration;
    if (found?.ObjectLockEnabled === undefined) {
      throw terminal(
        reasons.Unsupported,
        `The server answers GetObjectLockConfiguration of bucket ${bucket} with something else.`,
      );
    }
    const rule = found.Rule?.DefaultRetention;
    return { enabled: true, retention: rule && retentionOf(rule) };
  },
  isSet: ({ enabled }) => enabled,
  needs(want, have) {
    if (want.enabled === have.enabled) return [];
    return want.enabled ? ['laterObjectLock'] : [forEver];
  },
  without: (_want, have) => have,
  diff: (want, have) => (isSame(want, have) ? undefined : want),
  async write(s3, { retention }, context) {
    const rule = retention && {
      Mode: retention.mode,
      ...(retention.days === undefined ? { Years: retention.years } : { Days: retention.days }),
    };
    const command = new PutObjectLockConfigurationCommand({
      Bucket: s3.bucket,
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        ...(rule === undefined ? {} : { Rule: { DefaultRetention: rule } }),
      },
    });
    try {
      await s3.wire.send(command, context);
      return {};
    } catch (caught) {
      if (!(caught instanceof Fault) || answerOf(caught.cause)?.code !== 'InvalidBucketState') throw caught;
      return { lost: await partRefused(s3, caught, context) };
    }
  },
};

const forEver = {
  message:
    'The bucket has object lock, which no server takes away. Set objectLock.enabled: true, or leave objectLock out.',
};

/**
 * The server says that the bucket is not in a state for it. That stands for one that was made without it, and for one without versions,
 * which may get it later. @throws Fault `waiting` RequestRefused for the latter
 */
const partRefused = async (
  { wire, bucket }: BucketWire,
  refusal: Fault,
  context: CallContext,
): Promise<ReadonlyMap<Part, string>> => {
  const { Status } = await wire.send(new GetBucketVersioningCommand({ Bucket: bucket }), context);
  if (Status !== 'Enabled') {
    throw waiting(reasons.RequestRefused, 'Object lock needs versioning, which is not on yet.', {
      cause: refusal,
      retryAfterMs: 60_000,
    });
  }
  const message =
    'This server gives object lock to new buckets only, and this bucket was made without it. Recreate the bucket, or leave objectLock out.';
  return new Map([['laterObjectLock', message]]);
};
