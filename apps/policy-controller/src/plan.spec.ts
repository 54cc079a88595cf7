import type { BucketPolicyStatus } from '@operator/api';
import { transient, terminal, waiting } from '@operator/outcome';
import { hashPolicy, type IamPolicy, type IamStatement } from '@operator/policy';
import { describe, expect, it } from 'vitest';
import { findLockout, findUnsupported, planPolicy, winnerOf, type Contender } from './plan.ts';
import { claimsOfPolicyFault, unheededClaims } from './report.ts';

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
  const policy = (effect: 'Allow' | 'Deny', names: readonly string[], condition?: IamStatement['Condition']) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: effect, Principal: { AWS: names }, ...(condition && { Condition: condition }) }],
  });
  const user = 'arn:aws:iam::RGW1:user/app';
  const prefix = { 's3:prefix': ['open/'] };
  const here = { 'aws:SourceIp': ['10.0.0.0/8'] };
  it.each<[string, IamPolicy, string, number]>([
    ['everybody may', policy('Allow', ['*']), 'policyPrincipals', 0],
    ['somebody may', policy('Allow', [user]), 'policyPrincipals', 1],
    ['nobody may', policy('Deny', ['*']), 'policyPrincipals', 1],
    ['somebody may, on a server that heeds it', policy('Allow', [user]), 'policyNotAction', 0],
    ['all others are denied', policy('Deny', [user], { StringNotEquals: prefix }), 'policyAbsentKeys', 1],
    ['any other is denied', policy('Deny', ['*'], { 'ForAnyValue:StringNotLike': prefix }), 'policyAbsentKeys', 1],
    ['who says it is denied', policy('Deny', ['*'], { StringEquals: prefix }), 'policyAbsentKeys', 0],
    ['with IfExists', policy('Deny', ['*'], { StringNotEqualsIfExists: prefix }), 'policyAbsentKeys', 0],
    ['another network is denied', policy('Deny', ['*'], { NotIpAddress: here }), 'policyAbsentKeys', 0],
    ['all others may', policy('Allow', ['*'], { StringNotEquals: prefix }), 'policyAbsentKeys', 0],
    [
      'who comes without TLS is denied',
      policy('Deny', ['*'], { Bool: { 'aws:secureTransport': ['false'] } }),
      'policySecureTransport',
      1,
    ],
    [
      'who comes without TLS is denied, with IfExists',
      policy('Deny', ['*'], { BoolIfExists: { 'aws:SecureTransport': ['false'] } }),
      'policySecureTransport',
      0,
    ],
    ['who is here is denied', policy('Deny', ['*'], { IpAddress: here }), 'policySecureTransport', 0],
    ['the account may', policy('Allow', ['arn:aws:iam::RGW1:root']), 'policyAccountPrincipal', 1],
    ['the account may, by its number', policy('Allow', ['123456789012']), 'policyAccountPrincipal', 1],
    ['the account is denied', policy('Deny', ['123456789012']), 'policyAccountPrincipal', 0],
    ['one user of it may', policy('Allow', [user, '*']), 'policyAccountPrincipal', 0],
  ])('%s', (_title, given, part, count) => {
    expect(unheededClaims(given, new Map([[part, 'The server lacks it.']]))).toHaveLength(count);
  });

  it('names the statements, and tells everything at once', () => {
    const denial = policy('Deny', ['*'], { StringNotEquals: prefix, Bool: { 'aws:SecureTransport': ['false'] } });
    const both = { ...denial, Statement: [...policy('Allow', ['*']).Statement, ...denial.Statement] };
    const unsupported = new Map([
      ['policyAbsentKeys', 'One.'],
      ['policySecureTransport', 'Two.'],
    ]);
    expect(unheededClaims(both, unsupported)).toMatchObject([{ message: 'statement[1]: One. statement[1]: Two.' }]);
  });
});

describe('planPolicy', () => {
  const now = new Date('2026-05-05T10:00:00.000Z');
  const place = { bucketName: 'b', region: 'r', providerRef: { namespace: 'n', name: 'p' } };
  const policy = (action: string, principal: IamStatement['Principal'] = { AWS: ['*'] }): IamPolicy => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: principal, Action: [action], Resource: ['arn:aws:s3:::b/*'] }],
  });
  const wanted = policy('s3:GetObject', { CanonicalUser: ['64hex'] });
  const rewritten = policy('s3:GetObject', { AWS: ['arn:aws:iam::123456789012:root'] });
  const hash = hashPolicy(wanted);
  const plan = (current: IamPolicy | undefined, memory?: BucketPolicyStatus, isStoredForm = false) =>
    planPolicy({ place, wanted, current, isStoredForm }, memory, now);
  const before = '2026-05-01T00:00:00.000Z';

  it('keeps what stands, with the time since when', () => {
    const status = { ...place, applied: true, appliedHash: hash, lastSyncTime: now.toISOString() };
    expect(plan(wanted)).toEqual({ kind: 'keep', status });
    const memory = { ...status, lastSyncTime: before };
    expect(plan(wanted, memory)).toEqual({ kind: 'keep', status: memory });
  });

  it('remembers both documents while either may stand', () => {
    const put = (status: object) => ({ kind: 'put', document: wanted, status: { ...place, ...status } });
    expect(plan(undefined)).toEqual(put({ applied: false, pendingHash: hash }));
    const other = policy('s3:PutObject');
    const standing = hashPolicy(other);
    expect(plan(other, { applied: true, appliedHash: standing, lastSyncTime: before })).toEqual(
      put({ applied: false, pendingHash: hash, appliedHash: standing, lastSyncTime: before }),
    );
    expect(plan(other, { applied: false, appliedHash: 'older', pendingHash: standing })).toEqual(
      put({ applied: false, pendingHash: hash, appliedHash: standing }),
    );
  });

  it('keeps what the server made of the document, once that was seen, and remembers both forms', () => {
    const learned = plan(rewritten, undefined, true);
    const status = { applied: true, appliedHash: hashPolicy(rewritten), pendingHash: hash };
    expect(learned).toMatchObject({ kind: 'keep', status });
    expect(plan(rewritten, learned.status)).toEqual(learned);
    expect(plan(rewritten).kind).toBe('put');
  });

  it('writes over anything else, whatever form was learned', () => {
    const memory = { applied: true, appliedHash: hashPolicy(rewritten), pendingHash: hash };
    expect(plan(policy('s3:*'), memory).kind).toBe('put');
    expect(plan(undefined, memory).kind).toBe('put');
    expect(plan(rewritten, { ...memory, pendingHash: 'of another document' }).kind).toBe('put');
    expect(plan(rewritten, { ...memory, applied: false }).kind).toBe('put');
  });
});

describe('findLockout', () => {
  const deny: IamPolicy = {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: ['*'] }, Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::b/*'] },
      { Effect: 'Deny', Principal: { AWS: ['*'] }, Action: ['s3:*Policy'], Resource: ['*'] },
    ],
  };
  const find = (isAllowed: boolean) => findLockout(deny, { bucketArn: 'arn:aws:s3:::b', isAllowed });

  it('names the statement, what it denies, and the annotation', () => {
    expect(find(false)).toMatchObject({
      kind: 'terminal',
      reason: 'PolicyInvalid',
      message:
        'The policy would lock the operator out of the bucket: statement[1] denies s3:GetBucketPolicy, s3:PutBucketPolicy, ' +
        's3:DeleteBucketPolicy, without a condition. Spare the operator by a condition, or annotate this object with ' +
        's3.cloud37.dev/allow-lockout="true" to apply it all the same; only the owner of the account can undo it then.',
    });
  });

  it('finds nothing where it is meant', () => {
    expect(find(true)).toBeUndefined();
  });
});
