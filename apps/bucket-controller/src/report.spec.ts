import type { Reason } from '@operator/api';
import { waiting } from '@operator/outcome';
import type { Bucket, Ownership } from '@operator/references';
import { objectOf } from '@operator/references/testing';
import { bucketSpec } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import { policiesOn, trimPolicy, type TrimmedPolicy } from './policies.ts';
import {
  claimsOfBucketFault,
  explainAwaited,
  policyConflictClaims,
  unsupportedClaims,
  type PolicyOnBucket,
} from './report.ts';

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

it('unsupportedClaims leaves room for each where a condition has none for all that is to be said', () => {
  const aspects = [
    'publicAccess',
    'encryption',
    'cors',
    'lifecycle',
    'requestPayment',
    'notifications',
    'accelerate',
  ] as const;
  const [claim] = unsupportedClaims([
    ...aspects.map((aspect) => ({ aspect, verdict: 'unsupported' as const, message: 'Why. '.repeat(60) })),
    { aspect: 'quota', verdict: 'unsupported', message: 'No quota.' },
  ]);
  expect(claim?.message.length).toBeLessThanOrEqual(1_024);
  for (const aspect of aspects) expect(claim?.message).toContain(`${aspect}: Why. Why.`);
  expect(claim?.message).toMatch(/quota: No quota\.$/);
});

const onBucket: PolicyOnBucket = {
  name: 'team-a/p',
  namespace: 'team-a',
  isPublic: false,
  hashes: [],
  isWithdrawn: false,
  isAwaited: false,
};

describe('policyConflictClaims', () => {
  const policy = (name: string, isPublic = false) => ({ ...onBucket, name, isPublic });
  const blocks = {
    publicAccess: {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
  };
  const restricts = { publicAccess: { ...blocks.publicAccess, blockPublicPolicy: false } };
  it.each([
    ['one policy', {}, [policy('a/p')], undefined],
    [
      'two policies',
      {},
      [policy('a/q'), policy('a/p')],
      /^2 BucketPolicies.*: a\/p, a\/q\. The one whose status\.applied is true is in effect\. Move the statements of the others into it, and delete them\.$/,
    ],
    ['a public policy where nothing blocks it', {}, [policy('a/p', true)], undefined],
    ['a public policy under a block', blocks, [policy('a/p', true)], /a\/p is public/],
    ['a public policy that has no effect', restricts, [policy('a/p', true)], /restrictPublicBuckets to false/],
    ['a private policy under a block', blocks, [policy('a/p')], undefined],
  ])('%s', (_title, spec, policies, message) => {
    const [claim, ...others] = policyConflictClaims(bucketSpec(spec), {
      policies,
      remains: undefined,
      ownership: 'Adopted',
    });
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

  it.each([
    ['the operator created', 'Created', 1],
    ['was adopted', 'Adopted', 0],
  ] as const)(
    'judge a public policy by what is kept without being declared: a bucket that %s',
    (_what, ownership, count) => {
      const policies = [policy('a/p', true)];
      expect(policyConflictClaims(bucketSpec(), { policies, remains: undefined, ownership })).toHaveLength(count);
    },
  );
});

it('policyConflictClaims tells what a borrower may have left, before all else, and what ends that', () => {
  const remains = { namespaces: ['team-b'], notSeen: undefined };
  expect(
    policyConflictClaims(bucketSpec({}), { policies: [onBucket, onBucket], remains, ownership: 'Adopted' }),
  ).toEqual([
    {
      type: 'PolicyConflict',
      status: 'True',
      reason: 'OwnershipInDoubt',
      onlyInforms: true,
      message:
        'The bucket has a policy that no BucketPolicy proves to be its own, and the grant of namespace team-b was withdrawn: it may be ' +
        'from there. Remove it at the server (DeleteBucketPolicy), or replace it with a BucketPolicy of your own. If it is yours, ' +
        'take that name out of the annotation s3.cloud37.dev/confirm-withdrawal.',
    },
  ]);
});

it('explainAwaited names the word that ends the wait: the own one, and that of a lender', () => {
  const bucket: Bucket = objectOf('Bucket', 'photos', bucketSpec({}));
  expect(explainAwaited([onBucket], bucket)).toContain('annotate it with s3.cloud37.dev/abandon: "true"');
  const words = explainAwaited([{ ...onBucket, name: 'team-b/p', namespace: 'team-b' }], bucket);
  expect(words).toContain('team-b/p. If that does not come to its end, remove team-b from allowedNamespaces');
  expect(words).toContain('s3.cloud37.dev/confirm-withdrawal=team-b');
});

describe('policiesOn', () => {
  const open = {
    version: '2012-10-17',
    statement: [{ effect: 'Allow', principal: '*', action: 's3:GetObject', resource: 'arn:aws:s3:::${bucket}/*' }],
  };
  const policy = (name: string, namespace: string, overrides: object = {}): TrimmedPolicy =>
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
      { ...onBucket, name: 'team-a/own', isPublic: true },
      { ...onBucket, name: 'team-b/granted', namespace: 'team-b', isPublic: true },
      { ...onBucket, name: 'team-c/revoked', namespace: 'team-c', isPublic: true, hashes: ['x'] },
    ]);
  });

  it('waits for a leaving one only while it is surely being removed: no borrower holds up its lender', async () => {
    const status = { ...here, appliedHash: 'x', proof: 'holds' };
    const leaving = (change: object = {}) => ({
      namespace: 'team-b',
      deletionTimestamp: '2026-05-05T00:00:00Z',
      finalizers: ['s3.cloud37.dev/cleanup'],
      ...change,
    });
    const paused = { annotations: { 's3.cloud37.dev/paused': 'true' } };
    const confirmed = { annotations: { 's3.cloud37.dev/confirm-withdrawal': 'team-c' } };
    const found = await policiesOn(
      { ...bucket, metadata: { ...bucket.metadata, ...confirmed } },
      [
        policy('removed', 'team-b', { metadata: leaving(), status }),
        policy('own-paused', 'team-a', { metadata: leaving({ ...paused, namespace: 'team-a' }), status }),
        policy('paused', 'team-b', { metadata: leaving(paused), status }),
        policy('left', 'team-b', { metadata: leaving({ finalizers: ['team-b.test/hold'] }), status }),
        policy('unproven', 'team-b', { metadata: leaving(), status: { ...status, proof: 'forged' } }),
        policy('confirmed', 'team-c', { metadata: leaving({ namespace: 'team-c' }), status }),
      ].map(trimPolicy),
      { labelsOf, ownership: { provenPolicy } },
      new AbortController().signal,
    );
    expect(found.filter(({ isAwaited }) => isAwaited).map(({ name }) => name)).toEqual([
      'team-b/removed',
      'team-a/own-paused',
    ]);
    expect(found.filter(({ isWithdrawn }) => isWithdrawn).map(({ name }) => name)).toEqual(['team-c/confirmed']);
  });
});
