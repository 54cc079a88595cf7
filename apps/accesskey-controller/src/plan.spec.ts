import type { AccessKeyStatus } from '@operator/api';
import type { ObservedUser } from '@operator/s3';
import { expect, it } from 'vitest';
import { planPair, type PairPlan } from './plan.ts';

const user = (...keys: readonly string[]): ObservedUser => ({
  arn: 'arn',
  isOurs: true,
  policy: undefined,
  needsUpdate: false,
  // `-` before an id: a disabled key.
  keys: keys.map((key) => ({ accessKeyId: key.replace('-', ''), isActive: !key.startsWith('-') })),
});
const intent = (accessKeyId: string): AccessKeyStatus => ({
  keyIntent: { at: '2026-05-05T10:00:00Z', userName: 'u', accessKeyId },
});
const issue = (why: 'first' | 'secretLost' | 'keyLost', ...strays: readonly string[]): PairPlan => ({
  action: 'issue',
  why,
  strays,
});

it.each<[string, string | undefined, boolean, ObservedUser | undefined, AccessKeyStatus | undefined, PairPlan]>([
  ['no user', undefined, false, undefined, undefined, issue('first')],
  ['a user without keys', undefined, false, user(), undefined, issue('first')],
  ['a stray of a crash before the Secret', undefined, false, user('K1'), undefined, issue('first', 'K1')],
  ['the pair in the Secret', 'K1', false, user('K1'), { accessKeyId: 'K1' }, { action: 'keep', strays: [] }],
  [
    'a pair that the status does not know yet',
    'K2',
    false,
    user('K1', 'K2'),
    { accessKeyId: 'K1' },
    { action: 'keep', strays: ['K1'] },
  ],
  [
    'a former pair that is still valid',
    'K2',
    false,
    user('K1', 'K2', 'K3'),
    { accessKeyId: 'K2', previousKeys: [{ accessKeyId: 'K1', expiresAt: '2026-06-01T00:00:00Z' }] },
    { action: 'keep', strays: ['K3'] },
  ],
  [
    'a pair that a person disabled',
    'K1',
    false,
    user('-K1'),
    { accessKeyId: 'K1' },
    { action: 'leave', accessKeyId: 'K1' },
  ],
  [
    'the Secret of a pair that a person disabled lost',
    undefined,
    false,
    user('-K1'),
    { accessKeyId: 'K1' },
    { action: 'leave', accessKeyId: 'K1' },
  ],
  ['a pair that was refused', 'K1', true, user('K1', 'K0'), { accessKeyId: 'K1' }, issue('secretLost', 'K0')],
  ['a pair that was refused before the status knew it', 'K1', true, user('K1'), undefined, issue('first', 'K1')],
  ['the Secret lost', undefined, false, user('K1', 'K0'), { accessKeyId: 'K1' }, issue('secretLost', 'K0')],
  ['the key lost', 'K1', false, user(), { accessKeyId: 'K1' }, issue('keyLost')],
  ['the user lost', 'K1', false, undefined, { accessKeyId: 'K1' }, issue('keyLost')],
  ['a chosen pair that is not made yet', 'K1', false, user(), intent('K1'), { action: 'finish' }],
  ['a chosen pair whose user is not made yet', 'K1', false, undefined, intent('K1'), { action: 'finish' }],
  ['a chosen pair of another intent', 'K1', false, user(), intent('K2'), issue('first')],
  [
    'a chosen pair that was made and removed',
    'K1',
    false,
    user(),
    { ...intent('K1'), accessKeyId: 'K1' },
    issue('keyLost'),
  ],
])('%s', (_title, inSecret, isBroken, observed, status, want) => {
  expect(planPair(inSecret, isBroken, observed, status)).toEqual(want);
});
