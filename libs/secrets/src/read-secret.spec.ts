import { Fault } from '@operator/outcome';
import { describe, expect, it } from 'vitest';
import { secretValue, storedSecret } from './read-secret.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const metadata = { namespace: 'n', name: 's', uid: 'u', resourceVersion: '1' };
const secretOf = (data: Record<string, string>) =>
  storedSecret({
    metadata,
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
  });
const faultOf = (run: () => unknown): Fault => {
  try {
    run();
  } catch (caught) {
    if (caught instanceof Fault) return caught;
  }
  throw new Error('no Fault');
};
const at = (key: string) => ({ namespace: 'n', name: 's', key });

describe('secretValue', () => {
  it('gives the value, wrapped', () => {
    const value = secretValue(secretOf({ 'access-key': 'AKIA é' }), at('access-key'));
    expect(String(value)).toBe('[redacted]');
    expect(value.reveal()).toBe('AKIA é');
  });

  it.each([
    ['no Secret', undefined, 'k', 'SecretNotFound', 'Secret n/s does not exist.'],
    ['no key', secretOf({ other: 'hush' }), 'k', 'SecretKeyMissing', 'Secret n/s has no key "k".'],
    [
      'a key that every object has',
      secretOf({}),
      '__proto__',
      'SecretKeyMissing',
      'Secret n/s has no key "__proto__".',
    ],
    ['an empty value', secretOf({ k: '' }), 'k', 'SecretValueInvalid', 'The value of key "k" in Secret n/s is empty.'],
    ['blanks', secretOf({ k: '  ' }), 'k', 'SecretValueInvalid', 'is empty.'],
    [
      'a line break at the end',
      secretOf({ k: 'hush\n' }),
      'k',
      'SecretValueInvalid',
      'a line break or another control character',
    ],
    ['a NUL', secretOf({ k: 'hu\u0000sh' }), 'k', 'SecretValueInvalid', 'control character'],
  ])('waits on %s, and never tells the value', (_title, secret, key, reason, message) => {
    const fault = faultOf(() => secretValue(secret, at(key)));
    expect([fault.kind, fault.reason]).toEqual(['waiting', reason]);
    expect(fault.message).toContain(message);
    expect(fault.message).not.toContain('hush');
  });

  it.each(['AKIA\u200b', 'AKIA\u00e9', '\ufeffAKIA'])(
    'keeps %j out of a header, and the value out of the message',
    (text) => {
      const fault = faultOf(() => secretValue(secretOf({ k: text }), at('k'), { form: 'header' }));
      expect(fault).toMatchObject({ kind: 'waiting', reason: 'SecretValueInvalid' });
      expect(fault.message).toBe('The value of key "k" in Secret n/s holds a character that is not printable ASCII.');
      expect(secretValue(secretOf({ k: 'AKIA/+=~' }), at('k'), { form: 'header' }).reveal()).toBe('AKIA/+=~');
    },
  );

  it('lets a certificate have lines, and nothing else', () => {
    const pem = '-----BEGIN CERTIFICATE-----\r\nMII\n-----END CERTIFICATE-----\n';
    expect(secretValue(secretOf({ k: pem }), at('k'), { form: 'lines' }).reveal()).toBe(pem);
    expect(faultOf(() => secretValue(secretOf({ k: 'a\u0000\n' }), at('k'), { form: 'lines' })).reason).toBe(
      'SecretValueInvalid',
    );
    expect(faultOf(() => secretValue(secretOf({ k: '\n\n' }), at('k'), { form: 'lines' })).reason).toBe(
      'SecretValueInvalid',
    );
  });

  it('reads a key called __proto__ that is really there', () => {
    const secret = storedSecret({
      metadata,
      data: JSON.parse(`{"__proto__":"${base64('value')}"}`) as Record<string, string>,
    });
    expect(secretValue(secret, at('__proto__')).reveal()).toBe('value');
  });
});
