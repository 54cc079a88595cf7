import { describe, expect, test } from 'vitest';
import { findPublicWrites, isPublic } from './public.ts';

const statement = (change: Readonly<Record<string, unknown>> = {}) => ({
  Effect: 'Allow',
  Principal: { AWS: ['*'] },
  Action: ['s3:GetObject'],
  Resource: ['arn:aws:s3:::data/*'],
  ...change,
});
const policy = (...Statement: readonly unknown[]) => ({ Version: '2012-10-17', Statement });
const from = (...networks: readonly string[]) => statement({ Condition: { IpAddress: { 'aws:SourceIp': networks } } });
const eights = (count: number) => Array.from({ length: count }, (_, n) => `${String(n * 2)}.0.0.0/8`);
const when = (Condition: unknown) => policy(statement({ Condition }));

describe('a bucket policy is public', () => {
  test.each([
    ['when it allows everybody', policy(statement())],
    ['when it allows everybody in the short form', policy(statement({ Principal: '*' }))],
    ['when one of its principals is everybody', policy(statement({ Principal: { AWS: ['123456789012', '*'] } }))],
    ['when a federation is open', policy(statement({ Principal: { Federated: '*' } }))],
    ['when it allows all but one', policy(statement({ Principal: undefined, NotPrincipal: { AWS: '123456789012' } }))],
    ['when one of its statements is', policy(statement({ Effect: 'Deny' }), statement())],
    ['when its one statement stands without list', { Version: '2012-10-17', Statement: statement() }],
    [
      'when the condition is none of those that keep the public out',
      when({ StringEquals: { 'aws:Referer': 'https://example.com' } }),
    ],
    ['when the network is the internet', when({ IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } })],
    ['when the network is half the internet', when({ IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '0.0.0.0/1'] } })],
    ['when the IPv6 network is wide', when({ IpAddress: { 'aws:SourceIp': '2001::/16' } })],
    ['when the networks are the internet together', policy(from(...eights(16)))],
    ['when those of all its statements are', policy(...eights(16).map((network) => from(network)))],
    ['when the networks of IPv6 are', policy(from(...Array.from({ length: 16 }, (_, n) => `2001:${String(n)}::/32`)))],
    ['when the network is the internet in the form of IPv6', policy(from('::ffff:0:0/96'))],
    ['when the network holds that', policy(from('::/33'))],
    ['when the network is half of that', policy(from('::ffff:128.0.0.0/97'))],
    ['when it is for nobody by an id', when({ StringEquals: { 'aws:userid': '' } })],
    ['when it is for nobody or somebody', when({ StringEquals: { 'aws:userid': ['AIDAEXAMPLE', ' '] } })],
    ['when it is for nobody by a name', when({ StringEquals: { 'aws:userid': 'Anonymous' } })],
    ['when it is for nobody by an account', when({ StringLike: { 'aws:PrincipalAccount': '' } })],
    [
      'when anybody can send what it asks for',
      when({ StringEquals: { 's3:x-amz-server-side-encryption-aws-kms-key-id': 'key' } }),
    ],
    ['when the condition says who may not', when({ NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } })],
    ['when a wildcard stands for the account', when({ StringLike: { 'aws:SourceAccount': '*' } })],
    ['when a variable stands for it', when({ StringEquals: { 'aws:SourceAccount': '${aws:PrincipalAccount}' } })],
    ['when a request without the key passes', when({ StringEqualsIfExists: { 'aws:SourceVpc': 'vpc-1' } })],
    ['when a request without values passes', when({ 'ForAllValues:StringEquals': { 'aws:SourceVpc': 'vpc-1' } })],
  ])('%s', (_, given) => {
    expect(isPublic(given)).toBe(true);
  });
});

describe('a bucket policy is not public', () => {
  test.each([
    [
      'when it names accounts',
      policy(statement({ Principal: { AWS: ['123456789012', 'arn:aws:iam::123456789012:user/a'] } })),
    ],
    ['when it names a service', policy(statement({ Principal: { Service: 'cloudtrail.amazonaws.com' } }))],
    ['when it denies everybody', policy(statement({ Effect: 'Deny' }))],
    [
      'when everybody must come from a network',
      when({ IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '192.168.1.1', '2001:db8::/32'] } }),
    ],
    ['when everybody must come from one of many networks', policy(from(...eights(15)))],
    ['when a network stands in all its statements', policy(...Array.from({ length: 20 }, () => from('10.0.0.0/8')))],
    ['when the network is private in the form of IPv6', policy(from('::ffff:10.0.0.0/104'))],
    ['when everybody must have an id', when({ StringEquals: { 'aws:userid': 'AIDAEXAMPLE' } })],
    [
      'when everybody must have an id and come from anywhere',
      when({ StringEquals: { 'aws:userid': 'AIDAEXAMPLE' }, IpAddress: { 'aws:SourceIp': eights(16) } }),
    ],
    ['when everybody must come from a VPC', when({ StringEquals: { 'aws:SourceVpc': 'vpc-1' } })],
    [
      'when everybody must be of an organisation',
      when({
        'ForAnyValue:StringLike': { 'aws:PrincipalOrgPaths': 'o-1/r-1/ou-1/' },
        Bool: { 'aws:SecureTransport': 'true' },
      }),
    ],
    [
      'when the ARN of the source is fixed',
      when({ ArnLike: { 'AWS:SourceArn': 'arn:aws:cloudtrail:eu-west-1:123456789012:trail/a' } }),
    ],
    [
      'when the access points are of one account',
      when({ ArnLike: { 's3:DataAccessPointArn': 'arn:aws:s3:eu-west-1:123456789012:accesspoint/*' } }),
    ],
    ['when it is empty', policy()],
    ['when it is no policy', 'text'],
  ])('%s', (_, given) => {
    expect(isPublic(given)).toBe(false);
  });
});

describe('the world may write', () => {
  test.each([
    ['by all actions', statement({ Action: ['s3:*'] }), ['s3:*']],
    [
      'by actions by name, among others',
      statement({ Action: ['s3:GetObject', 's3:deleteobject'] }),
      ['s3:deleteobject'],
    ],
    ['by a wildcard', statement({ Action: ['s3:Put*'] }), ['s3:Put*']],
    [
      'by a change of who may do what',
      statement({ Action: ['s3:PutBucketPolicy'], Resource: ['arn:aws:s3:::data'] }),
      ['s3:PutBucketPolicy'],
    ],
    [
      'by all but some actions',
      statement({ Action: undefined, NotAction: ['s3:DeleteBucket'] }),
      ['everything but its notAction'],
    ],
  ])('%s', (_title, given, actions) => {
    expect(findPublicWrites(policy(statement(), given))).toEqual([{ index: 1, actions }]);
  });

  test.each([
    [
      'by reads',
      statement({ Action: ['s3:Get*', 's3:ListBucket'], Resource: ['arn:aws:s3:::data', 'arn:aws:s3:::data/*'] }),
    ],
    ['by a write that its resources are not made for', statement({ Action: ['s3:DeleteBucket'] })],
    ['by all but writes', statement({ Action: undefined, NotAction: ['s3:*'] })],
    ['when it is denied', statement({ Effect: 'Deny', Action: ['s3:*'] })],
    ['when it is but one account', statement({ Principal: { AWS: ['123456789012'] }, Action: ['s3:*'] })],
    [
      'when its network is known',
      statement({ Action: ['s3:*'], Condition: { IpAddress: { 'aws:SourceIp': ['192.0.2.0/24'] } } }),
    ],
  ])('not %s', (_title, given) => {
    expect(findPublicWrites(policy(given))).toEqual([]);
  });
});
