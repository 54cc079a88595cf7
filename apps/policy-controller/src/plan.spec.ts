import { transient, terminal, waiting } from '@operator/outcome';
import type { IamStatement } from '@operator/policy';
import { describe, expect, it } from 'vitest';
import { findUnsupported, winnerOf, type Contender } from './plan.ts';
import { claimsOfPolicyFault, reportPolicy, unheededClaims } from './report.ts';

describe('winnerOf', () => {
  const contender = (uid: string, day: number, isLeaving = false, holds = false): Contender => ({
    namespace: 'a',
    name: uid,
    uid,
    creationTimestamp: `2026-05-0${String(day)}T00:00:00Z`,
    isLeaving,
    holds,
  });
  it.each<[string, readonly Contender[], string | undefined]>([
    ['nobody', [], undefined],
    ['the older', [contender('b', 1), contender('a', 2)], 'b'],
    ['the older, though the younger holds', [contender('b', 1), contender('a', 2, false, true)], 'b'],
    ['the lower uid of the same age', [contender('b', 1), contender('a', 1)], 'a'],
    ['one that leaves and holds', [contender('a', 1), contender('b', 2, true, true)], 'b'],
    ['not one that leaves and holds nothing', [contender('a', 1, true), contender('b', 2)], 'b'],
  ])('%s', (_title, contenders, want) => {
    expect(winnerOf(contenders)?.uid).toBe(want);
    expect(winnerOf(contenders.toReversed())?.uid).toBe(want);
  });
});

describe('findUnsupported', () => {
  const everybody = { AWS: ['*'] };
  const lacking = new Map([
    ['policyNotAction', 'No notAction.'],
    ['policyNotPrincipal', 'No notPrincipal.'],
    ['policyPrincipalKinds', 'Only AWS.'],
  ]);
  const action = { Effect: 'Allow', Action: ['s3:GetObject'] } as const;
  const plain = { ...action, Principal: everybody };
  const notAction = { Effect: 'Deny', Principal: everybody, NotAction: ['s3:GetObject'] } as const;
  it.each<[string, readonly IamStatement[], ReadonlyMap<string, string>, string | undefined]>([
    ['takes what there is everywhere', [plain, { ...plain, NotResource: ['arn'] }], lacking, undefined],
    ['takes everything where nothing lacks', [notAction], new Map(), undefined],
    [
      'names each place',
      [notAction, plain, notAction],
      lacking,
      'statement[0].notAction, statement[2].notAction: No notAction.',
    ],
    [
      'names a kind of principal',
      [{ ...action, Principal: { AWS: ['*'], Service: ['a.b'] } }],
      lacking,
      'statement[0].principal.Service: Only AWS.',
    ],
    [
      'names everything at once',
      [notAction, { ...action, NotPrincipal: everybody }],
      lacking,
      'statement[0].notAction: No notAction. statement[1].notPrincipal: No notPrincipal.',
    ],
  ])('%s', (_title, Statement, unsupported, message) => {
    const fault = findUnsupported({ Version: '2012-10-17', Statement }, unsupported);
    if (message === undefined) expect(fault).toBeUndefined();
    else expect(fault).toMatchObject({ kind: 'terminal', reason: 'Unsupported', message });
  });
});

describe('claimsOfPolicyFault', () => {
  it.each([
    [terminal('PolicyInvalid', 'why'), ['PolicyInvalid']],
    [waiting('PolicyInvalid', 'why'), ['PolicyInvalid']],
    [waiting('PolicyConflict', 'why'), ['ApplyFailed']],
    [waiting('AccessKeyNotFound', 'why'), ['ApplyFailed']],
    [waiting('AccessDenied', 'why'), ['ApplyFailed']],
    [terminal('Unsupported', 'why'), ['ApplyFailed']],
    [waiting('BucketNotFound', 'why'), ['BucketNotReady']],
    [waiting('ProviderNotReady', 'why'), ['BucketNotReady']],
    [transient('Throttled', 'why'), []],
  ])('%s', (fault, types) => {
    const { reason } = fault;
    expect(claimsOfPolicyFault(fault)).toEqual(types.map((type) => ({ type, status: 'True', reason, message: 'why' })));
  });
});

describe('unheededClaims', () => {
  const policy = (effect: 'Allow' | 'Deny', ...names: readonly string[]) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: effect, Principal: { AWS: names } }],
  });
  it.each([
    ['everybody may', policy('Allow', '*'), 'lacks', 0],
    ['somebody may', policy('Allow', 'arn'), 'lacks', 1],
    ['nobody may', policy('Deny', '*'), 'lacks', 1],
    ['somebody may, on a server that heeds it', policy('Allow', 'arn'), undefined, 0],
  ])('%s', (_title, given, lacking, count) => {
    expect(unheededClaims(given, lacking)).toHaveLength(count);
  });
});

it('reportPolicy is the whole status of a policy that stands', () => {
  const place = { bucketName: 'b', region: 'r', providerRef: { namespace: 'n', name: 'p' }, lastSyncTime: 't' };
  expect(reportPolicy({ ...place, hash: 'h' })).toEqual({ ...place, applied: true, appliedHash: 'h' });
});
