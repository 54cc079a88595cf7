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

it('takes time in proportion to the length of what it is given', () => {
  const long = '-----BEGIN CERTIFICATE-----\n'.repeat(30_000);
  const startedAt = performance.now();
  expect(caCertificatesIn(long)).toBeUndefined();
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});
