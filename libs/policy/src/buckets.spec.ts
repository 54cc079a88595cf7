import { describe, expect, it } from 'vitest';
import {
  allowedWithin,
  bucketInArn,
  denied,
  heldTo,
  notYetIn,
  ownerActions,
  sameByResource,
  sendingActions,
  statementsAbout,
  withoutBuckets,
} from './buckets.ts';
import { samePolicy } from './normalise.ts';
import type { IamStatement } from './render.ts';
import { matches } from './wildcard.ts';

const arn = (name: string) => `arn:aws:s3:::${name}`;
const allow = (action: string, ...names: readonly string[]): IamStatement => ({
  Effect: 'Allow',
  Action: [action],
  Resource: names.map(arn),
});
const deny = (action: string, ...names: readonly string[]): IamStatement => ({
  ...allow(action, ...names),
  Effect: 'Deny',
});
const policy = (...Statement: readonly object[]) => ({ Version: '2012-10-17', Statement });
const only = (...names: readonly string[]) => new Set(names);

it.each([
  [arn('photos'), 'photos'],
  [arn('photos/a/b'), 'photos'],
  [arn('photos*'), 'photos*'],
  ['arn:aws-cn:s3:::photos/*', 'photos'],
  ['*', undefined],
  ['arn:aws:s3:eu-west-1:1:accesspoint/photos', undefined],
])('the bucket in %s is %s', (resource, bucket) => {
  expect(bucketInArn(resource)).toBe(bucket);
});

describe('statementsAbout', () => {
  it.each<[string, unknown, readonly object[]]>([
    ['no document', undefined, []],
    ['a document without statements', {}, []],
    ['another bucket', policy(allow('s3:GetObject', 'videos/*')), []],
    ['the bucket', policy(allow('s3:GetObject', 'photos/*')), [allow('s3:GetObject', 'photos/*')]],
    [
      'the bucket among others',
      policy(allow('s3:GetObject', 'photos/*', 'videos/*', 'photos')),
      [allow('s3:GetObject', 'photos/*', 'photos')],
    ],
    ['what denies as well', policy(deny('s3:PutObject', 'photos/*')), [deny('s3:PutObject', 'photos/*')]],
    [
      'one statement, and scalars, as a server may give them',
      { Statement: { Effect: 'Allow', Action: 's3:*', Resource: arn('photos') } },
      [{ Effect: 'Allow', Action: 's3:*', Resource: [arn('photos')] }],
    ],
    [
      'no sid, and every other element as it stands',
      policy({ ...allow('s3:ListBucket', 'photos'), Sid: 'A', Condition: { StringLike: { 's3:prefix': 'a/*' } } }),
      [{ ...allow('s3:ListBucket', 'photos'), Condition: { StringLike: { 's3:prefix': 'a/*' } } }],
    ],
    ['nothing of names with wildcards', policy(allow('s3:GetObject', 'pho*/*', '*')), []],
    ['nothing of all but some', policy({ Effect: 'Deny', Action: ['s3:*'], NotResource: [arn('photos')] }), []],
    ['no bucket of a similar name', policy(allow('s3:GetObject', 'photos2/*')), []],
  ])('finds %s', (_title, document, want) => {
    expect(statementsAbout(document, only('photos'))).toEqual(want);
  });
});

describe('allowedWithin', () => {
  it.each<[string, readonly IamStatement[], readonly IamStatement[]]>([
    ['keeps what lies in the buckets', [allow('s3:GetObject', 'photos/*')], [allow('s3:GetObject', 'photos/*')]],
    ['takes off the others', [allow('s3:GetObject', 'photos/*', 'videos/*')], [allow('s3:GetObject', 'photos/*')]],
    ['drops what lies in others alone', [allow('s3:GetObject', 'videos/*')], []],
    ['keeps what denies whole', [deny('s3:GetObject', 'videos/*')], [deny('s3:GetObject', 'videos/*')]],
  ])('%s', (_title, statements, want) => {
    expect(allowedWithin(statements, only('photos'))).toEqual(want);
  });
});

describe('withoutBuckets', () => {
  it.each<[string, unknown, object | undefined]>([
    ['no document', undefined, undefined],
    ['nothing but the bucket', policy(allow('s3:GetObject', 'photos/*')), undefined],
    [
      'the bucket and another',
      policy(allow('s3:GetObject', 'photos/*', 'videos/*')),
      policy(allow('s3:GetObject', 'videos/*')),
    ],
    [
      'what denies all but the bucket and another',
      policy(heldTo(['photos', 'videos'], 'aws')),
      policy(heldTo(['videos'], 'aws')),
    ],
    ['what denies all but the bucket', policy(heldTo(['photos'], 'aws')), policy(heldTo([], 'aws'))],
    [
      'what allows all but something',
      policy({ Effect: 'Allow', Action: ['s3:*'], NotResource: [arn('photos')] }),
      policy({ Effect: 'Allow', Action: ['s3:*'], NotResource: [arn('photos')] }),
    ],
  ])('of %s', (_title, document, want) => {
    expect(withoutBuckets(document, only('photos'))).toEqual(want);
  });
});

it('a user is held to its buckets and their objects, or to nothing', () => {
  expect(heldTo(['b', 'a'], 'aws-cn')).toEqual({
    Effect: 'Deny',
    Action: ['s3:*'],
    NotResource: ['arn:aws-cn:s3:::a', 'arn:aws-cn:s3:::a/*', 'arn:aws-cn:s3:::b', 'arn:aws-cn:s3:::b/*'],
  });
  expect(heldTo([], 'aws')).toEqual({ Effect: 'Deny', Action: ['s3:*'], Resource: ['*'] });
});

it('notYetIn leaves out what stands there already, in whatever order, and repeats nothing', () => {
  const here = [allow('s3:GetObject', 'a', 'b')];
  const more = [allow('s3:getobject', 'b', 'a'), allow('s3:GetObject', 'a'), allow('s3:GetObject', 'a')];
  expect(notYetIn(here, more)).toEqual([allow('s3:GetObject', 'a')]);
});

describe('sameByResource', () => {
  it.each<[string, unknown, unknown, boolean]>([
    ['none and none', undefined, undefined, true],
    ['none and one', undefined, policy(allow('s3:GetObject', 'a')), false],
    [
      'one statement, and one for each resource',
      policy(allow('s3:GetObject', 'a', 'b')),
      policy(allow('s3:GetObject', 'b'), { ...allow('s3:getobject', 'a'), Sid: 'A' }),
      true,
    ],
    [
      'another resource',
      policy(allow('s3:GetObject', 'a', 'b')),
      policy(allow('s3:GetObject', 'a'), allow('s3:GetObject', 'c')),
      false,
    ],
    ['an allow and a deny', policy(allow('s3:GetObject', 'a')), policy(deny('s3:GetObject', 'a')), false],
    ['exceptions, which stay together', policy(heldTo(['a', 'b'], 'aws')), policy(heldTo(['b', 'a'], 'aws')), true],
    [
      'exceptions taken apart, which deny everything',
      policy(heldTo(['a', 'b'], 'aws')),
      policy(heldTo(['a'], 'aws'), heldTo(['b'], 'aws')),
      false,
    ],
  ])('%s', (_title, one, other, want) => {
    expect(sameByResource(one, other)).toBe(want);
    expect(sameByResource(other, one)).toBe(want);
  });

  it('holds whatever samePolicy holds', () => {
    const one = policy(allow('s3:GetObject', 'a', 'b'), deny('s3:*', 'c'));
    const other = policy(deny('S3:*', 'c'), allow('s3:GetObject', 'b', 'a'));
    expect([samePolicy(one, other), sameByResource(one, other)]).toEqual([true, true]);
  });
});

describe('denied', () => {
  const where = { partition: 'aws-cn', lacks: new Set(['s3:PutBucketLogging']) };
  const Action = ['s3:PutRep*', 's3:PutInv*', 's3:PutAn*'];

  it.each<[string, Parameters<typeof denied>[1], readonly string[]]>([
    [
      'some buckets, and what is in them',
      ['b', 'a'],
      ['arn:aws-cn:s3:::a', 'arn:aws-cn:s3:::a/*', 'arn:aws-cn:s3:::b', 'arn:aws-cn:s3:::b/*'],
    ],
    ['all there are', 'everywhere', ['*']],
  ])('denies what the server knows in %s', (_title, buckets, Resource) => {
    expect(denied(sendingActions, buckets, where)).toEqual([{ Effect: 'Deny', Action, Resource }]);
  });

  it('is nothing without buckets, and where the server knows no such action', () => {
    expect(denied(sendingActions, [], where)).toEqual([]);
    expect(denied(['s3:PutBucketLo*'], 'everywhere', where)).toEqual([]);
  });
});

/** Actions that a key with all rights has in a lent bucket all the same, of those whose names are alike. Source: Service Authorization Reference. */
const likeThem = [
  's3:DeleteBucketPolicy',
  's3:DeleteBucketWebsite',
  's3:GetBucketNotification',
  's3:GetBucketTagging',
  's3:ListBucket',
  's3:PutAccelerateConfiguration',
  's3:PutBucketCORS',
  's3:PutBucketObjectLockConfiguration',
  's3:PutBucketPolicy',
  's3:PutBucketPublicAccessBlock',
  's3:PutBucketRequestPayment',
  's3:PutBucketVersioning',
  's3:PutBucketWebsite',
  's3:PutEncryptionConfiguration',
  's3:PutIntelligentTieringConfiguration',
  's3:PutLifecycleConfiguration',
  's3:PutMetricsConfiguration',
  's3:PutObject',
  's3:PutObjectRetention',
  's3:PutObjectTagging',
  's3:PutObjectVersionTagging',
];
const stays = [
  's3:CreateBucket',
  's3:DeleteBucket',
  's3:ForceDeleteBucket',
  's3:PutAnalyticsConfiguration',
  's3:PutBucketAcl',
  's3:PutBucketLogging',
  's3:PutBucketNotification',
  's3:PutBucketOwnershipControls',
  's3:PutBucketTagging',
  's3:PutInventoryConfiguration',
  's3:PutObjectAcl',
  's3:PutObjectVersionAcl',
  's3:PutReplicationConfiguration',
];

it('the patterns of what an owner keeps to itself fit that alone', () => {
  const patterns = [...ownerActions, ...sendingActions];
  const fits = (action: string): boolean => patterns.some((pattern) => matches(pattern, action));
  expect([...stays, ...likeThem].filter(fits)).toEqual(stays);
});
