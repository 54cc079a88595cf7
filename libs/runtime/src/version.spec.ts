import { expect, it } from 'vitest';
import { versionLine, versionOf } from './version.ts';

it.each([
  ['1a2b3c4d5e6f', 'c 0.1.0 (commit 1a2b3c4d5e6f)\n'],
  [undefined, 'c 0.1.0\n'],
])('says the version, with commit %s', (commit, line) => {
  expect(versionLine('c', { version: '0.1.0', commit })).toBe(line);
});

it('knows no commit where the sources run as they are', () => {
  expect(versionOf('0.1.0')).toEqual({ version: '0.1.0', commit: undefined });
});
