import { describe, expect, test } from 'vitest';
import { findLockouts } from './lockout.ts';
import type { IamPolicy, IamStatement } from './render.ts';

const bucketArn = 'arn:aws:s3:::data';
const statement = (change: Partial<IamStatement> = {}): IamStatement => ({
  Effect: 'Deny',
  Principal: { AWS: ['*'] },
  Action: ['s3:*'],
  Resource: [bucketArn, `${bucketArn}/*`],
  ...change,
});
const policy = (...Statement: readonly IamStatement[]): IamPolicy => ({ Version: '2012-10-17', Statement });
const without = (change: Partial<IamStatement>, ...keys: readonly (keyof IamStatement)[]): IamStatement =>
  Object.fromEntries(
    Object.entries(statement(change)).filter(([key]) => !keys.some((one) => one === key)),
  ) as unknown as IamStatement;
const account = '123456789012';
const lockouts = (...statements: readonly IamStatement[]) =>
  findLockouts(policy(...statements), { bucketArn, accountId: account });

const all = [
  's3:GetBucketTagging',
  's3:PutBucketTagging',
  's3:ListBucket',
  's3:GetBucketPolicy',
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
];

describe('a policy locks the operator out', () => {
  test.each<[string, IamStatement, readonly string[]]>([
    ['when it denies everybody everything', statement(), all],
    ['when it denies everybody all buckets', statement({ Resource: ['*'] }), all],
    ['when it denies its account', statement({ Principal: { AWS: [account] } }), all],
    [
      'when it denies the root of its account',
      statement({ Principal: { AWS: [`arn:aws:iam::${account}:root`] } }),
      all,
    ],
    ['when it denies its canonical id', statement({ Principal: { CanonicalUser: [account] } }), all],
    ['when it denies by a pattern in another case', statement({ Action: ['S3:*bucketPOLICY'] }), all.slice(3)],
    ['when it denies one of them', statement({ Action: ['s3:PutBucketPolicy'] }), ['s3:PutBucketPolicy']],
    ['when it denies all but some', without({ NotAction: ['s3:GetObject'] }, 'Action'), all],
    ['when it spares other resources alone', without({ NotResource: ['arn:aws:s3:::other'] }, 'Resource'), all],
    ['when the name of the bucket has a wildcard', statement({ Resource: ['arn:aws:s3:::d?t*'] }), all],
  ])('%s', (_, given, denied) => {
    expect(lockouts(statement({ Effect: 'Allow' }), given)).toEqual([{ index: 1, denied }]);
  });
});

describe('a policy does not lock the operator out', () => {
  test.each<[string, IamStatement]>([
    ['when it allows', statement({ Effect: 'Allow' })],
    ['when a condition may spare it', statement({ Condition: { Bool: { 'aws:SecureTransport': ['false'] } } })],
    ['when it names somebody else', statement({ Principal: { AWS: ['arn:aws:iam::999999999999:user/app'] } })],
    ['when it spares somebody', without({ NotPrincipal: { AWS: ['arn:aws:iam::123456789012:user/op'] } }, 'Principal')],
    ['when it is about objects alone', statement({ Resource: [`${bucketArn}/*`] })],
    ['when it is about another bucket', statement({ Resource: ['arn:aws:s3:::data2'] })],
    ['when a dot stands for itself', statement({ Resource: ['arn:aws:s3:::dat.'] })],
    ['when it denies what the operator does not need', statement({ Action: ['s3:DeleteBucket', 's3:*Object'] })],
    ['when it spares what the operator needs', without({ NotAction: ['s3:*Bucket*'] }, 'Action')],
    ['when it spares the bucket', without({ NotResource: [bucketArn] }, 'Resource')],
  ])('%s', (_, given) => {
    expect(lockouts(given)).toEqual([]);
  });

  test('when its account is not known', () => {
    const given = policy(statement({ Principal: { AWS: [account] } }));
    expect(findLockouts(given, { bucketArn })).toEqual([]);
  });
});

test('a pattern of many stars is read in no time', () => {
  const name = 'a'.repeat(63);
  const given = policy(statement({ Resource: [`arn:aws:s3:::${'*a'.repeat(60)}*b`] }));
  const startedAt = performance.now();
  expect(findLockouts(given, { bucketArn: `arn:aws:s3:::${name}` })).toEqual([]);
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});
