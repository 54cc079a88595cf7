import type { PolicyDocument, PolicyStatement } from '@operator/api';
import { describe, expect, test } from 'vitest';
import { accessKeyRefs, renderPolicy } from './render.ts';

const document = (...statement: readonly PolicyStatement[]): PolicyDocument => ({ version: '2012-10-17', statement });

describe('a rendered policy', () => {
  test("has IAM's names, lists, and the name of the bucket", () => {
    const given = document({
      sid: 'Read',
      effect: 'Allow',
      principal: '*',
      action: 's3:GetObject',
      resource: ['arn:aws:s3:::${bucket}', 'arn:aws:s3:::${bucket}/home/${aws:username}/*'],
      condition: { Bool: { 'aws:SecureTransport': true }, NumericLessThan: { 's3:max-keys': [5, '10'] } },
    });
    expect(renderPolicy(given, { bucket: 'data' })).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'Read',
          Effect: 'Allow',
          Principal: { AWS: ['*'] },
          Action: ['s3:GetObject'],
          Resource: ['arn:aws:s3:::data', 'arn:aws:s3:::data/home/${aws:username}/*'],
          Condition: { Bool: { 'aws:SecureTransport': ['true'] }, NumericLessThan: { 's3:max-keys': ['5', '10'] } },
        },
      ],
    });
  });

  test('keeps the opposite forms, and says nothing that was not said', () => {
    const given = document({
      effect: 'Deny',
      notPrincipal: { AWS: '123456789012', Service: ['a.amazonaws.com'] },
      notAction: ['s3:GetObject'],
      notResource: 'arn:aws:s3:::${bucket}/a',
      condition: {},
    });
    expect(renderPolicy(given, { bucket: 'data' }).Statement).toEqual([
      {
        Effect: 'Deny',
        NotPrincipal: { AWS: ['123456789012'], Service: ['a.amazonaws.com'] },
        NotAction: ['s3:GetObject'],
        NotResource: ['arn:aws:s3:::data/a'],
      },
    ]);
  });

  test('has the principal of an AccessKey among the others', () => {
    const given = document({
      effect: 'Allow',
      principal: { AWS: '123456789012', accessKeyRef: { name: 'app' } },
      action: 's3:*',
      resource: 'arn:aws:s3:::a',
    });
    const resolvePrincipal = (name: string) => `arn:aws:iam::1:user/${name}`;
    expect(renderPolicy(given, { resolvePrincipal }).Statement[0]?.Principal).toEqual({
      AWS: ['123456789012', 'arn:aws:iam::1:user/app'],
    });
    expect(() => renderPolicy(given)).toThrow('needs resolvePrincipal');
  });

  test('tells how long an address is, for there are servers that guess wrong', () => {
    const given = document({
      effect: 'Allow',
      principal: '*',
      action: 's3:*',
      resource: 'arn:aws:s3:::a',
      condition: {
        IpAddress: { 'aws:SourceIp': ['10.0.0.1', '2001:db8::1', '10.0.0.0/8'] },
        StringEquals: { 'aws:a': '10.0.0.1' },
      },
    });
    expect(renderPolicy(given).Statement[0]?.Condition).toEqual({
      IpAddress: { 'aws:SourceIp': ['10.0.0.1/32', '2001:db8::1/128', '10.0.0.0/8'] },
      StringEquals: { 'aws:a': ['10.0.0.1'] },
    });
  });

  test('keeps a condition key named like an inherited one', () => {
    const condition = JSON.parse('{"StringEquals":{"__proto__":"x"}}') as NonNullable<PolicyStatement['condition']>;
    const given = document({ effect: 'Allow', action: 's3:*', resource: '*', condition });
    expect(JSON.stringify(renderPolicy(given))).toContain('"Condition":{"StringEquals":{"__proto__":["x"]}}');
  });
});

test('the AccessKeys of a policy are named once each', () => {
  const to = (name: string): PolicyStatement => ({ effect: 'Deny', principal: { accessKeyRef: { name } } });
  const given = document(
    to('a'),
    to('b'),
    to('a'),
    { effect: 'Deny', notPrincipal: { accessKeyRef: { name: 'c' } } },
    { effect: 'Allow', principal: '*' },
  );
  expect(accessKeyRefs(given)).toEqual(['a', 'b', 'c']);
});
