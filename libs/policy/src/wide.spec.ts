import type { PolicyStatement } from '@operator/api';
import { expect, it } from 'vitest';
import { explainWide, findWideGrants } from './wide.ts';
import type { PolicyKind } from './parse.ts';

const find = (kind: PolicyKind, rest: Partial<PolicyStatement>) =>
  findWideGrants({ statement: [{ effect: 'Allow', resource: '*', ...rest }] }, kind);

it.each<[PolicyKind, Partial<PolicyStatement>, string | undefined]>([
  ['bucket', { action: 's3:*' }, 'allows s3:*, also to delete the bucket and to change this policy'],
  ['bucket', { action: ['s3:GetObject', '*'] }, 'allows *, also to delete the bucket and to change this policy'],
  ['bucket', { action: 'S3:**' }, 'allows S3:**, also to delete the bucket and to change this policy'],
  [
    'bucket',
    { notAction: ['s3:DeleteBucket'] },
    'allows all but s3:DeleteBucket, also to delete the bucket and to change this policy',
  ],
  ['bucket', { action: 's3:Get*' }, undefined],
  ['bucket', { action: 's3:*', effect: 'Deny' }, undefined],
  ['identity', { action: 's3:*' }, 'allows s3:* on every bucket of the account'],
  [
    'identity',
    { action: '*', resource: ['arn:aws:s3:::mine', 'arn:aws:s3:::*'] },
    'allows * on every bucket of the account',
  ],
  ['identity', { action: 's3:*', resource: 'arn:aws:s3:::*/*' }, 'allows s3:* on every bucket of the account'],
  ['identity', { action: 's3:*', resource: 'arn:aws:s3:::mine*' }, undefined],
  ['identity', { action: 's3:GetObject' }, undefined],
])('%s %j', (kind, rest, gives) => {
  expect(find(kind, rest).map((grant) => grant.gives)).toEqual(gives === undefined ? [] : [gives]);
});

it('what is not about all is wide in what it leaves', () => {
  const statement = { effect: 'Allow', action: 's3:*', notResource: ['arn:aws:s3:::mine'] } as const;
  expect(findWideGrants({ statement: [statement] }, 'identity')).toHaveLength(1);
});

it('is told with the statement and the way out', () => {
  expect(explainWide(find('identity', { action: 's3:*' }), 'spec.policy.statement')).toBe(
    'spec.policy.statement[0] allows s3:* on every bucket of the account. List the actions that are needed, and the resources, unless all are.',
  );
});
