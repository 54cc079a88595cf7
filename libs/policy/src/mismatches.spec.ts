import { describe, expect, test } from 'vitest';
import { findMismatches } from './mismatches.ts';
import { parsePolicy, type PolicyKind } from './parse.ts';
import { describeProblems } from './problem.ts';

const wordsOf = (kind: PolicyKind, ...statements: readonly object[]): string => {
  const statement = statements.map((one) => ({
    effect: 'Allow',
    ...(kind === 'bucket' ? { principal: '*' } : {}),
    ...one,
  }));
  const parsed = parsePolicy({ statement }, kind, kind === 'bucket' ? { bucket: 'data' } : {});
  if ('problems' in parsed) throw new Error(describeProblems(parsed.problems));
  return describeProblems(findMismatches(parsed.document, kind));
};

const bucket = 'arn:aws:s3:::${bucket}';
const objects = 'arn:aws:s3:::${bucket}/*';

describe('an action of a bucket policy', () => {
  test.each([
    [
      'of the bucket on objects',
      { action: 's3:ListBucket', resource: objects },
      `statement[0].action: s3:ListBucket acts on the bucket itself: use ${bucket} as resource`,
    ],
    [
      'of the bucket, on the objects by name',
      { action: ['s3:ListBucket'], resource: 'arn:aws:s3:::data/*' },
      `statement[0].action[0]: s3:ListBucket acts on the bucket itself: use ${bucket} as resource`,
    ],
    [
      'of objects on the bucket',
      { action: 's3:GetObject', resource: 'arn:aws-cn:s3:::data' },
      'statement[0].action: s3:GetObject acts on objects: use arn:aws-cn:s3:::${bucket}/* as resource',
    ],
    [
      'of many, all of objects, on the bucket',
      { action: 's3:PutObject*', resource: bucket },
      `statement[0].action: s3:PutObject* acts on objects: use ${objects} as resource`,
    ],
    [
      'of the account',
      { action: 's3:ListAllMyBuckets', resource: bucket },
      'statement[0].action: s3:ListAllMyBuckets acts on the whole account, which a bucket policy says nothing about',
    ],
    [
      'in other case',
      { action: 's3:getobject', resource: objects },
      'statement[0].action: s3:getobject is written s3:GetObject, with these capitals',
    ],
    [
      'in other case and of the wrong level',
      { action: 's3:listbucket', resource: objects },
      `statement[0].action: s3:listbucket acts on the bucket itself: use ${bucket} as resource`,
    ],
    [
      'that is mistyped',
      { action: 's3:GetObjcet', resource: objects },
      'statement[0].action: s3:GetObjcet is not an action of S3 (did you mean "s3:GetObject"?)',
    ],
    [
      'that is a call',
      { action: 's3:ListObjectsV2', resource: bucket },
      'statement[0].action: s3:ListObjectsV2 is not an action of S3 (did you mean "s3:ListBucket"?)',
    ],
  ])('%s is told with what was meant', (_title, statement, words) => {
    expect(wordsOf('bucket', statement)).toBe(words);
  });

  test.each([
    ['of both levels', { action: ['s3:ListBucket', 's3:GetObject'], resource: [bucket, objects] }],
    ['that stands for both levels', { action: 's3:Get*', resource: objects }],
    ['that stands for all', { action: '*', resource: bucket }],
    [
      'on a resource that may be of both levels',
      { action: ['s3:ListBucket', 's3:GetObject'], resource: 'arn:aws:s3:::data*' },
    ],
    ['on all but some', { action: ['s3:ListBucket', 's3:GetObject'], notResource: 'arn:aws:s3:::data/private/*' }],
    ['all but some', { notAction: 's3:GetObject', resource: bucket }],
    ['that nobody knows yet', { action: 's3:TeleportObject', resource: objects }],
  ])('%s is nothing to tell of', (_title, statement) => {
    expect(wordsOf('bucket', statement)).toBe('');
  });

  test('is looked up in time, however many wildcards it has', () => {
    const stars = `s3:${'*?'.repeat(4_000)}`;
    const startedAt = performance.now();
    expect(wordsOf('bucket', { action: stars, resource: objects })).toBe('');
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  test('is told with the number of its statement', () => {
    const good = { action: 's3:GetObject', resource: objects };
    expect(wordsOf('bucket', good, good, { action: 's3:GetObject', resource: bucket })).toMatch(
      /^statement\[2\]\.action:/,
    );
  });
});

describe('an action in the policy of a user', () => {
  test.each([
    [
      'of objects on a bucket',
      { action: 's3:GetObject', resource: 'arn:aws:s3:::documents' },
      'use arn:aws:s3:::documents/* as resource',
    ],
    [
      'of the bucket on objects',
      { action: 's3:ListBucket', resource: ['arn:aws:s3:::documents/a/*'] },
      'use arn:aws:s3:::documents as resource',
    ],
    [
      'of the account on a bucket',
      { action: 's3:ListAllMyBuckets', resource: 'arn:aws:s3:::documents' },
      'use "*" as resource',
    ],
  ])('%s is told with what was meant', (_title, statement, words) => {
    expect(wordsOf('identity', statement)).toContain(words);
  });

  test.each([
    ['of the account', { action: 's3:ListAllMyBuckets', resource: 'arn:aws:s3:::*' }],
    ['on every resource', { action: ['s3:ListBucket', 's3:PutObject'], resource: '*' }],
    ['of another service', { action: 'kms:Decrypt', resource: 'arn:aws:kms:eu-central-1:123456789012:key/1' }],
    ['in a folder named by a variable', { action: 's3:ListBucket', resource: 'arn:aws:s3:::${aws:username}' }],
    [
      'at an access point',
      { action: 's3:GetObject', resource: 'arn:aws:s3:eu-west-1:123456789012:accesspoint/a/object/*' },
    ],
  ])('%s is nothing to tell of', (_title, statement) => {
    expect(wordsOf('identity', statement)).toBe('');
  });
});
