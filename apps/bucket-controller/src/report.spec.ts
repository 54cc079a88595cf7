import type { Reason } from '@operator/api';
import { waiting } from '@operator/outcome';
import type { Bucket, Ownership } from '@operator/references';
import { objectOf } from '@operator/references/testing';
import { bucketSpec } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import { policiesOn, type BucketPolicy } from './policies.ts';
import { claimsOfBucketFault, policyConflictClaims, unsupportedClaims } from './report.ts';

describe('claimsOfBucketFault', () => {
  it.each<[Reason, boolean, readonly string[]]>([
    ['ProviderNotReady', true, ['ProviderNotReady']],
    ['ReferenceNotGranted', false, ['ProviderNotReady']],
    ['AlreadyClaimed', false, ['CreationFailed']],
    ['NotOwned', false, ['CreationFailed']],
    ['AccessDenied', false, ['CreationFailed']],
    ['AccessDenied', true, []],
    ['Throttled', false, []],
  ])('%s, ours: %s', (reason, isOurs, types) => {
    const claims = claimsOfBucketFault(waiting(reason, 'why'), isOurs);
    expect(claims).toEqual(types.map((type) => ({ type, status: 'True', reason, message: 'why' })));
  });
});

it('unsupportedClaims names every feature that is missing, in one claim', () => {
  expect(
    unsupportedClaims([
      { aspect: 'versioning', verdict: 'same' },
      { aspect: 'cors', verdict: 'unsupported', message: 'No CORS.' },
      { aspect: 'quota', verdict: 'unsupported', message: 'No quota.' },
    ]),
  ).toEqual([
    { type: 'Unsupported', status: 'True', reason: 'Unsupported', message: 'cors: No CORS. quota: No quota.' },
  ]);
  expect(unsupportedClaims([{ aspect: 'versioning', verdict: 'same' }])).toEqual([]);
});

describe('policyConflictClaims', () => {
  const policy = (name: string, isPublic = false) => ({ name, isPublic, isLeaving: false });
  const blocks = {
    publicAccess: {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
  };
  it.each([
    ['one policy', {}, [policy('a/p')], undefined],
    ['two policies', {}, [policy('a/q'), policy('a/p')], /^2 BucketPolicies.*: a\/p, a\/q\./],
    ['a public policy where nothing blocks it', {}, [policy('a/p', true)], undefined],
    ['a public policy under a block', blocks, [policy('a/p', true)], /a\/p is public/],
    ['a private policy under a block', blocks, [policy('a/p')], undefined],
  ])('%s', (_title, spec, policies, message) => {
    const [claim, ...others] = policyConflictClaims(bucketSpec(spec), policies);
    expect(others).toEqual([]);
    if (message === undefined) expect(claim).toBeUndefined();
    else
      expect(claim).toMatchObject({
        type: 'PolicyConflict',
        status: 'True',
        onlyInforms: true,
        message: expect.stringMatching(message) as string,
      });
  });
});

describe('policiesOn', () => {
  const open = {
    version: '2012-10-17',
    statement: [{ effect: 'Allow', principal: '*', action: 's3:GetObject', resource: 'arn:aws:s3:::${bucket}/*' }],
  };
  const policy = (name: string, namespace: string, overrides: object = {}): BucketPolicy =>
    objectOf(
      'BucketPolicy',
      name,
      { bucketRef: { name: 'photos', namespace: 'team-a' }, policy: open as never },
      {
        metadata: { namespace },
        ...overrides,
      },
    );
  const bucket: Bucket = objectOf('Bucket', 'photos', bucketSpec({ allowedNamespaces: { names: ['team-b'] } }));
  const labelsOf = () => Promise.resolve({});
  const here = { bucketName: 'photos', providerRef: { name: 'provider', namespace: 'team-a' } };
  const provenPolicy: Ownership['provenPolicy'] = ({ status }) =>
    Promise.resolve(status?.proof === 'holds' ? status : undefined);

  it('counts its own namespace, granted ones, and what surely stands at the server all the same', async () => {
    const found = await policiesOn(
      bucket,
      [
        policy('own', 'team-a'),
        policy('granted', 'team-b'),
        policy('stranger', 'team-c'),
        policy('revoked', 'team-c', { status: { ...here, appliedHash: 'x', proof: 'holds' } }),
        policy('forged', 'team-c', { status: { ...here, appliedHash: 'x' } }),
        policy('elsewhere', 'team-c', { status: { ...here, bucketName: 'other', appliedHash: 'x', proof: 'holds' } }),
        policy('abroad', 'team-c', {
          status: { ...here, providerRef: { name: 'provider', namespace: 'team-c' }, appliedHash: 'x', proof: 'holds' },
        }),
      ],
      { labelsOf, ownership: { provenPolicy } },
      new AbortController().signal,
    );
    expect(found).toEqual([
      { name: 'team-a/own', isPublic: true, isLeaving: false },
      { name: 'team-b/granted', isPublic: true, isLeaving: false },
      { name: 'team-c/revoked', isPublic: true, isLeaving: false },
    ]);
  });
});
