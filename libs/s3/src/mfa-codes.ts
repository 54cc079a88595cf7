import { createHash } from 'node:crypto';
import { reasons } from '@operator/api';
import { waiting, type Fault, type Redacted } from '@operator/outcome';
import { Secret, TOTP } from 'otpauth';

/** A device that makes one-time codes, as a Secret describes it. */
export interface MfaDevice {
  /** Name of the Secret, for messages. */
  readonly secret: string;
  /** Serial number, or ARN. */
  readonly serial: Redacted<string>;
  /** Base32. */
  readonly seed: Redacted<string>;
}

/** Spends the codes of MFA devices: each is good for one call. One for each driver. */
export interface MfaCodes {
  /**
   * Serial number and code, as the header `x-amz-mfa` has them with a space between. `at`: the server's time, as near as it is known.
   * @throws Fault `waiting` Conflict until the next code when the one of this time is spent; SecretValueInvalid when no device can have
   * such a serial number or seed
   */
  spend(given: MfaDevice, at: Date): readonly [serial: string, code: string];
}

const periodSeconds = 30;
const periodMs = periodSeconds * 1_000;
/** An hour: no clock goes back further. */
const rememberedSteps = 120;

// Also what keeps other values of Secrets from being sent as the serial number. Source: AWS IAM API, EnableMFADevice, SerialNumber.
const serialPattern = /^[\w+=/:,.@-]{9,256}$/;
// At least 80 bits. Shorter ones are words, and no seeds.
const seedPattern = /^[A-Z2-7]{16,}$/i;

/** Source: RFC 6238, TOTP; Amazon S3 API, PutBucketVersioning. */
export const createMfaCodes = (): MfaCodes => {
  /** The last step of which each device's code was spent, by a digest of serial and seed: who knows the one alone spends nothing of others. */
  const spent = new Map<string, number>();
  return {
    spend(given, at) {
      const serial = given.serial.reveal().trim();
      if (!serialPattern.test(serial)) {
        throw invalid(given, 'serial number', 'is none: it has 9 to 256 letters, digits and +=/:,.@_-');
      }
      // Devices are set up with groups of letters, and some pad the last one.
      const seed = given.seed.reveal().replace(/[\s=-]/g, '');
      if (!seedPattern.test(seed)) {
        throw invalid(given, 'seed', 'is not base32: it has at least 16 of the letters A to Z and the digits 2 to 7');
      }
      const step = Math.floor(at.getTime() / periodMs);
      const device = deviceOf(serial, seed);
      if (step <= (spent.get(device) ?? -Infinity)) {
        throw waiting(
          reasons.Conflict,
          `The present code of the MFA device in Secret ${given.secret} was used for another write, and each is good for one. The operator waits for the next code.`,
          { retryAfterMs: (step + 1) * periodMs - at.getTime() },
        );
      }
      for (const [other, last] of spent) if (last < step - rememberedSteps) spent.delete(other);
      spent.set(device, step);
      const codes = new TOTP({ secret: Secret.fromBase32(seed), algorithm: 'SHA1', digits: 6, period: periodSeconds });
      return [serial, codes.generate({ timestamp: at.getTime() })];
    },
  };
};

const deviceOf = (serial: string, seed: string): string =>
  createHash('sha256')
    .update(JSON.stringify([serial, seed.toUpperCase()]))
    .digest('base64');

const invalid = ({ secret }: MfaDevice, what: string, why: string): Fault =>
  waiting(
    reasons.SecretValueInvalid,
    `The ${what} of the MFA device in Secret ${secret} ${why}. Store the serial number (or ARN) of the device, and the text that it was set up with, not a code that it shows.`,
  );
