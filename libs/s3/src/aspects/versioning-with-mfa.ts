import { PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { reasons, type BucketSpec } from '@operator/api';
import { Fault, waiting, type CallContext } from '@operator/outcome';
import type { Aspect, BucketContext, BucketWire, Need, Written } from '../aspect.ts';
import { createMfaCodes, type MfaDevice } from '../mfa-codes.ts';
import { answerOf } from '../wire-answer.ts';
import { versioning, type VersioningWant } from './versioning.ts';

/** A Fault: the Secret is not there, or lacks a key. Undefined: the spec names none. */
type Device = MfaDevice | Fault | undefined;

interface Want extends VersioningWant {
  readonly device: Device;
}
interface Change {
  readonly want: Want;
  readonly have: VersioningWant;
}

const input = 'versioning.mfa';

const deviceOf = (spec: BucketSpec, { inputs }: Pick<BucketContext, 'inputs'>): Device => {
  const reference = spec.versioning?.mfaSecretRef;
  if (reference === undefined) return undefined;
  const found = inputs.get(input);
  if (found instanceof Fault) return found;
  const [serial, seed] =
    found?.kind === 'Secret' ? [found.values.get(reference.serialKey), found.values.get(reference.seedKey)] : [];
  return serial && seed && { secret: reference.name, serial, seed };
};

/** True for what a server with MFA delete takes only with a code. */
const needsCode = (want: VersioningWant, have: VersioningWant): boolean =>
  want.mfaDelete !== have.mfaDelete || (have.mfaDelete && want.enabled !== have.enabled);

/** What can be reached without a code. */
const withoutCode = (want: Want, { enabled, mfaDelete }: VersioningWant): Want => ({
  ...want,
  mfaDelete,
  enabled: mfaDelete ? enabled : want.enabled,
});

const ignored: Written = {
  lost: new Map([
    ['mfaDelete', 'The server answers that MFA delete is switched, and ignores it. Set mfaDelete: false.'],
  ]),
};

/** The same without what the server repeated of a Secret. */
const hush = (caught: unknown, secrets: readonly string[]): unknown => {
  if (!(caught instanceof Fault)) return caught;
  const text = `${caught.message} ${answerOf(caught.cause)?.message ?? ''}`;
  if (!secrets.some((secret) => text.includes(secret))) return caught;
  const { kind, reason, message, retryAfterMs } = caught;
  const cut = secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), message);
  return new Fault(kind, reason, cut, retryAfterMs === undefined ? {} : { retryAfterMs });
};

/** Where versioning cannot be seen, the deletion of versions says what stands in its way. */
const notSeen = (caught: unknown): undefined => {
  const isOfCall =
    caught instanceof Fault && (caught.reason === reasons.Unsupported || caught.reason === reasons.AccessDenied);
  if (!isOfCall) throw caught;
};

export interface MfaTraits {
  /** True where only the root user of the account may switch MFA delete, as on Amazon and Wasabi. */
  readonly needsRoot?: boolean;
  /** True where a look right after a write may be too early, as on Amazon: what the server took is believed then. */
  readonly isLate?: boolean;
}

/**
 * Versioning, where MFA delete can be switched with codes of a device that a Secret describes. Many servers answer 200 and ignore it,
 * so it is read back. Each code is good for one write, so that two buckets with one device wait for each other.
 * Source: Amazon S3 User Guide, Configuring MFA delete.
 */
export const versioningWithMfa = ({ needsRoot = false, isLate = false }: MfaTraits = {}): Aspect<
  Want,
  VersioningWant,
  Change
> => {
  const codes = createMfaCodes();
  const manually = `manually (aws s3api put-bucket-versioning --mfa "SERIAL CODE"${needsRoot ? ', as the root user' : ''})`;

  const noDevice: Need = {
    message:
      'MFA delete is switched with a code of an MFA device. Set versioning.mfaSecretRef to a Secret with its serial number and seed' +
      `${needsRoot ? ', on a Provider with the credentials of the root user, as no other user may switch it' : ''}. ` +
      `Or switch it ${manually}; the operator will then report it as in sync.`,
  };

  const refusal = (bucket: string, { secret }: MfaDevice, { message }: Fault): string =>
    `The server refuses to switch MFA delete of bucket ${bucket} with a code of the device in Secret ${secret}. ` +
    (needsRoot
      ? `Only the root user of the account may switch it. Where the Provider has other credentials, switch it ${manually}. Where it has those of the root user, check `
      : 'Check ') +
    "that the device is one of the user whose credentials the Provider has, that the Secret has the device's serial number and seed, and that " +
    `the clocks of this machine and of the server agree. ${message}`;

  /** Writes both settings with one code. @returns what the server did not keep */
  const putWithCode = async (
    s3: BucketWire,
    to: VersioningWant,
    device: MfaDevice,
    context: CallContext,
  ): Promise<Written> => {
    const { wire, bucket } = s3;
    // By the clock of the server, which checks the code.
    const spent = codes.spend(device, wire.serverNow() ?? context.now);
    const command = new PutBucketVersioningCommand({
      Bucket: bucket,
      MFA: spent.join(' '),
      VersioningConfiguration: {
        Status: to.enabled ? 'Enabled' : 'Suspended',
        MFADelete: to.mfaDelete ? 'Enabled' : 'Disabled',
      },
    });
    const isThere = async () => {
      const { enabled, mfaDelete } = await versioning.read(s3, context);
      return enabled === to.enabled && mfaDelete === to.mfaDelete;
    };
    try {
      await wire.send(command, context);
    } catch (caught) {
      const hushed = hush(caught, spent);
      if (!(hushed instanceof Fault) || hushed.reason !== reasons.AccessDenied) throw hushed;
      // A call whose answer was lost is sent again with the same code, which is spent by then.
      if (await isThere()) return {};
      const message = refusal(bucket, device, hushed);
      if (needsRoot) return { lost: new Map([['mfaDelete', message]]) };
      throw waiting(reasons.AccessDenied, message, { retryAfterMs: 60_000 });
    }
    return isLate || (await isThere()) ? {} : ignored;
  };

  return {
    name: 'versioning',
    readsWith: 'GetBucketVersioning',
    isSet: (have) => versioning.isSet(have),
    refersTo: ({ versioning: declared }) => {
      const reference = declared?.mfaSecretRef;
      if (reference === undefined) return [];
      const { name, serialKey, seedKey } = reference;
      return [{ as: input, kind: 'Secret', name, keys: [serialKey, seedKey] }];
    },
    desired: (spec, bucket) => {
      const plain = versioning.desired(spec, bucket);
      return plain && { ...plain, device: deviceOf(spec, bucket) };
    },
    needs: (want, have) => [
      ...(want.mfaDelete === have.mfaDelete ? [] : (['mfaDelete'] as const)),
      ...(needsCode(want, have) && want.device === undefined ? [noDevice] : []),
    ],
    without: withoutCode,
    read: (s3, context) => versioning.read(s3, context),
    held: (want, have) => (want.device instanceof Fault && needsCode(want, have) ? want.device : undefined),
    diff(want, have) {
      const to = want.device instanceof Fault ? withoutCode(want, have) : want;
      return versioning.diff(to, have) === undefined ? undefined : { want: to, have };
    },
    async write(s3, { want, have }, context) {
      const { enabled, mfaDelete, device } = want;
      // First what needs no code: a code that is refused does not hold it up.
      if (!have.mfaDelete && enabled !== have.enabled) {
        await versioning.write(s3, { enabled, mfaDelete: false }, context);
      }
      if (!needsCode(want, have)) return {};
      if (device === undefined || device instanceof Fault) {
        throw new Error('what needs a code is not asked for without a device');
      }
      return putWithCode(s3, { enabled, mfaDelete }, device, context);
    },
    /** A version of a bucket with MFA delete is deleted with a code only, and there is one for each half minute: it is switched off first. */
    async retire(s3, { spec, bucket }, context) {
      if (!spec.forceDelete) return;
      const have = await versioning.read(s3, context).catch(notSeen);
      if (have?.mfaDelete !== true) return;
      const cannot = (reason: string, why: string): Fault =>
        waiting(
          reason,
          `Bucket ${s3.bucket} cannot be emptied: it has MFA delete, so a version is deleted with a code only. The deletion waits. ${why}`,
          { retryAfterMs: 60_000 },
        );
      const device = deviceOf(spec, bucket);
      if (device === undefined) {
        const how = `Set versioning.mfaSecretRef, so that the operator switches it off first, or switch it off ${manually}.`;
        throw cannot(reasons.RequestRefused, how);
      }
      if (device instanceof Fault) throw cannot(device.reason, device.message);
      const { lost } = await putWithCode(s3, { ...have, mfaDelete: false }, device, context);
      if (lost !== undefined) throw cannot(reasons.RequestRefused, [...lost.values()].join(' '));
    },
  };
};
