import { testCertificate } from '@operator/testing';
import { expect, it } from 'vitest';
import { caCertificatesIn } from './ca-certificates.ts';

const { cert, key } = testCertificate;
const broken = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

it.each([
  ['one certificate', cert, cert],
  ['a bundle', `${cert}${cert}`, `${cert}${cert}`],
  ['lines that end as on Windows', cert.replaceAll('\n', '\r\n'), cert],
  ['comments', `# Our authority\nhunter2\n${cert}# end`, cert],
  ['a private key before', `${key}${cert}`, cert],
  ['a private key after', `${cert}${key}`, cert],
  ['a private key alone', key, undefined],
  ['a password', 'hunter2', undefined],
  ['a password in the dress of a certificate', broken.replace('MIIB', 'aHVudGVyMg=='), undefined],
  ['a broken one among good ones', `${cert}${broken}`, undefined],
  ['nothing between the lines', '-----BEGIN CERTIFICATE----------END CERTIFICATE-----', undefined],
])('of %s', (_title, pem, want) => {
  expect(caCertificatesIn(pem)).toBe(want);
});

// In proportion to its length it takes milliseconds; with its square, minutes.
it('is done with a long text in time', { timeout: 20_000 }, () => {
  const long = '-----BEGIN CERTIFICATE-----\n'.repeat(300_000);
  expect(caCertificatesIn(long)).toBeUndefined();
});
