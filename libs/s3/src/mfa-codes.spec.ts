import { asFault, redact } from '@operator/outcome';
import { describe, expect, it } from 'vitest';
import { createMfaCodes, type MfaDevice } from './mfa-codes.ts';

/** The seed of RFC 6238, Appendix B, in base32. */
const seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const device = (overrides: Partial<Record<'serial' | 'seed', string>> = {}): MfaDevice => ({
  secret: 'device',
  serial: redact(overrides.serial ?? 'arn:aws:iam::123456789012:mfa/root'),
  seed: redact(overrides.seed ?? seed),
});
const at = (seconds: number) => new Date(seconds * 1_000);
const faultOf = (run: () => unknown) => {
  try {
    return run();
  } catch (caught) {
    return asFault(caught);
  }
};

describe('codes of an MFA device', () => {
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [20_000_000_000, '353130'],
  ])('are those of RFC 6238: at %i s', (seconds, code) => {
    expect(createMfaCodes().spend(device(), at(seconds))).toEqual(['arn:aws:iam::123456789012:mfa/root', code]);
  });

  it('are taken from a seed as devices show it: in groups, in small letters, padded', () => {
    const shown = `${seed.toLowerCase().replace(/.{4}/g, '$& ')}==== `;
    expect(createMfaCodes().spend(device({ seed: shown, serial: ' GAHT12345678\n' }), at(59))).toEqual([
      'GAHT12345678',
      '287082',
    ]);
  });

  it('are good for one write each, and the next one is waited for as long as it takes', () => {
    const codes = createMfaCodes();
    codes.spend(device(), at(59));
    expect(faultOf(() => codes.spend(device(), at(59.5)))).toMatchObject({
      kind: 'waiting',
      reason: 'Conflict',
      retryAfterMs: 500,
    });
    // A clock that goes back makes no code new.
    expect(faultOf(() => codes.spend(device(), at(29)))).toMatchObject({ reason: 'Conflict', retryAfterMs: 1_000 });
    expect(codes.spend(device({ serial: 'another-device' }), at(59))).toHaveLength(2);
    // The same device, as another Secret writes it.
    expect(faultOf(() => codes.spend(device({ seed: seed.toLowerCase() }), at(59)))).toMatchObject({
      reason: 'Conflict',
    });
    expect(codes.spend(device(), at(60))).toHaveLength(2);
  });

  it('are not spent by who knows the serial number and not the seed', () => {
    const codes = createMfaCodes();
    codes.spend(device({ seed: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' }), at(59));
    expect(codes.spend(device(), at(59))).toHaveLength(2);
  });

  it.each([
    [
      'a password for a serial number',
      { serial: 'pass word!' },
      /^The serial number of the MFA device in Secret device/,
    ],
    ['a serial number that is too short', { serial: 'short' }, /^The serial number/],
    ['a serial number that no header can carry', { serial: 'serial\u00e912345' }, /^The serial number/],
    ['a code for a seed', { seed: '287082' }, /^The seed of the MFA device in Secret device is not base32/],
    ['a word for a seed', { seed: 'administrator' }, /^The seed/],
    ['a seed in hexadecimal', { seed: '3132333435363738393031323334353637383930' }, /^The seed/],
  ])('are not made from %s, and nothing of it is told', (_title, wrong, message) => {
    const fault = faultOf(() => createMfaCodes().spend(device(wrong), at(59)));
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'SecretValueInvalid' });
    expect((fault as Error).message).toMatch(message);
    for (const value of Object.values(wrong)) expect((fault as Error).message).not.toContain(value);
  });
});
