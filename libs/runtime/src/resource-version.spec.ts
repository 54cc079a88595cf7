import { expect, it } from 'vitest';
import { compareResourceVersions } from './resource-version.ts';

it.each([
  ['9', '10', -1],
  ['10', '9', 1],
  ['100', '100', 0],
  ['18446744073709551615', '18446744073709551614', 1],
  ['9007199254740993', '9007199254740992', 1],
])('%s against %s has the sign %s', (a, b, sign) => {
  expect(Math.sign(compareResourceVersions(a, b))).toBe(sign);
});
