import type { IamStatement } from '@operator/policy';
import { describe, expect, it } from 'vitest';
import { allowedBeyond } from './confinement.ts';

const allow = (change: Partial<IamStatement>): IamStatement => ({
  Effect: 'Allow',
  Action: ['s3:GetObject'],
  Resource: ['arn:aws:s3:::photos/*'],
  ...change,
});
const beyond = (...statements: readonly IamStatement[]) => allowedBeyond(statements, new Set(['photos']));

describe('a policy stays within its buckets', () => {
  it.each([
    ['objects of the bucket', allow({})],
    ['the bucket itself', allow({ Resource: ['arn:aws:s3:::photos'], Action: ['S3:ListBucket'] })],
    ['another partition', allow({ Resource: ['arn:aws-cn:s3:::photos/a'] })],
    ['a denial of anything', { Effect: 'Deny', Action: ['*'], Resource: ['*'] }],
  ] as const)('with %s', (_, statement) => {
    expect(beyond(statement)).toEqual([]);
  });
});

describe('a policy goes beyond its buckets', () => {
  it.each([
    ['another bucket', allow({ Resource: ['arn:aws:s3:::other/*'] })],
    ['a pattern that only begins like the bucket', allow({ Resource: ['arn:aws:s3:::photos*'] })],
    ['every bucket', allow({ Resource: ['*'] })],
    ['every bucket, as an ARN', allow({ Resource: ['arn:aws:s3:::*/a'] })],
    ['a variable in place of the bucket', allow({ Resource: ['arn:aws:s3:::${aws:username}/a'] })],
    ['actions of other services', allow({ Action: ['iam:CreateUser'] })],
    ['every action of every service', allow({ Action: ['*'] })],
    ['all actions but some', { Effect: 'Allow', NotAction: ['s3:GetObject'], Resource: ['arn:aws:s3:::photos/*'] }],
    ['all resources but some', { Effect: 'Allow', Action: ['s3:GetObject'], NotResource: ['arn:aws:s3:::a'] }],
  ] as const)('with %s', (_, statement) => {
    expect(beyond(allow({}), statement)).toEqual([expect.stringContaining('statement[1]')]);
  });
});
