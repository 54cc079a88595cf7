import { objectOf } from '@operator/references/testing';
import { expect, it } from 'vitest';
import { issuedKeys } from './issued-keys.ts';

const now = new Date('2026-05-05T10:00:00.000Z');
const accessKey = (status: object) => objectOf('AccessKey', 'app', { providerRef: { name: 'p' } }, { status });

it.each([
  ['no key yet', {}, []],
  ['a key', { accessKeyId: 'K1', lastRotateTime: '2026-05-05T09:59:00.000Z' }, [{ ageSeconds: 60 }]],
  [
    'a key that is rotated',
    { accessKeyId: 'K1', lastRotateTime: '2026-05-05T09:59:00.000Z', nextRotateTime: '2026-05-06T10:00:00.000Z' },
    [{ ageSeconds: 60, nextRotationAt: new Date('2026-05-06T10:00:00.000Z') }],
  ],
  [
    'a key from a clock that is ahead',
    { accessKeyId: 'K1', lastRotateTime: '2026-05-05T10:01:00.000Z' },
    [{ ageSeconds: 0 }],
  ],
  ['a key that is being made', { keyIntent: { at: '2026-05-05T09:00:00.000Z', userName: 'u' } }, []],
])('%s', (_title, status, want) => {
  expect([...issuedKeys([accessKey(status)], now)]).toEqual(want);
});
