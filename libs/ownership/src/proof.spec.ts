import { redact } from '@operator/outcome';
import { describe, expect, it } from 'vitest';
import { bucketFacts, bucketPolicyFacts, lastingPlaceOf, markFacts, placesOf } from './facts.ts';
import { createProver } from './proof.ts';

const prover = createProver(redact(Buffer.alloc(32, 1).toString('base64')));
const other = createProver(redact(Buffer.alloc(32, 2).toString('base64')));
const bearer = { cluster: 'cluster', uid: 'uid' };
const status = {
  bucketName: 'photos',
  ownership: 'Created',
  ownedSince: '2026-05-05T10:00:00Z',
  createIntent: { at: '2026-05-05T10:00:00Z', bucketName: 'photos' },
} as const;
const facts = bucketFacts(bearer, 'place', status);

describe('a proof', () => {
  const proof = prover.prove(facts);

  it('holds for the facts that it was made for, and is the same each time', () => {
    expect(prover.holds(proof, facts)).toBe(true);
    expect(prover.prove(facts)).toBe(proof);
  });

  it('is what an earlier version of the operator made, for it lies in statuses and on buckets', () => {
    expect(proof).toBe('v1.stFBMNnN0_YJ7K7T_1u1Qvj2VVDqvrIb4KJo4ORBrH8');
  });

  it.each<[string, Parameters<typeof bucketFacts>]>([
    ['another object', [{ ...bearer, uid: 'other' }, 'place', status]],
    ['another cluster', [{ ...bearer, cluster: 'other' }, 'place', status]],
    ['another place', [bearer, 'elsewhere', status]],
    ['another bucket', [bearer, 'place', { ...status, bucketName: 'other' }]],
    ['another ownership', [bearer, 'place', { ...status, ownership: 'Adopted' }]],
    ['another time', [bearer, 'place', { ...status, ownedSince: '2026-05-05T10:00:01Z' }]],
    ['an intent of another time', [bearer, 'place', { ...status, createIntent: { ...status.createIntent, at: 'x' } }]],
    [
      'an intent with a time of the server',
      [bearer, 'place', { ...status, createIntent: { ...status.createIntent, serverTime: 'x' } }],
    ],
    ['no intent', [bearer, 'place', { bucketName: 'photos', ownership: 'Created', ownedSince: status.ownedSince }]],
  ])('does not hold for %s', (_title, parameters) => {
    expect(prover.holds(proof, bucketFacts(...parameters))).toBe(false);
  });

  it('is the same once it is forgotten', () => {
    const proofs = () => Array.from({ length: 600 }, (_, nth) => prover.prove({ kind: 'bucket', name: String(nth) }));
    const before = proofs();
    expect(new Set(before).size).toBe(600);
    expect(proofs()).toEqual(before);
  });

  it('does not hold under another key, for another kind of memory, when it is cut, or when there is none', () => {
    expect(other.holds(proof, facts)).toBe(false);
    expect(prover.holds(prover.prove({ ...facts, kind: 'bucketPolicy' }), facts)).toBe(false);
    expect(prover.holds(proof.slice(0, -1), facts)).toBe(false);
    expect(prover.holds(undefined, facts)).toBe(false);
  });
});

describe('bucketPolicyFacts', () => {
  it('cover where the document is and which it is', () => {
    const given = { bucketName: 'photos', region: 'r', providerRef: { name: 'p', namespace: 'n' }, appliedHash: 'h' };
    const proof = prover.prove(bucketPolicyFacts(bearer, 'n/photos', given));
    expect(prover.holds(proof, bucketPolicyFacts(bearer, 'n/photos', given))).toBe(true);
    expect(prover.holds(proof, bucketPolicyFacts(bearer, 'n/other', given))).toBe(false);
    for (const forged of [
      { ...given, bucketName: 'other' },
      { ...given, region: 'other' },
      { ...given, providerRef: { name: 'p', namespace: 'other' } },
      { ...given, appliedHash: 'other' },
      { ...given, pendingHash: 'h' },
    ]) {
      expect(prover.holds(proof, bucketPolicyFacts(bearer, 'n/photos', forged))).toBe(false);
    }
  });
});

it('lastingPlaceOf names the Provider object, and the account where it is known', () => {
  expect(lastingPlaceOf('https://s3.test', 'acme', 'uid')).toBe('https://s3.test provider uid account acme');
  expect(lastingPlaceOf('https://s3.test', undefined, 'uid')).toBe(
    placesOf('https://s3.test', undefined, 'uid').at(-1),
  );
});

describe('markFacts', () => {
  const mark = { cluster: 'c', namespace: 'team-a', name: 'photos', uid: 'u' };
  const about = { bucketName: 'team-a-photos', lender: 'storage' };
  const proof = prover.prove(markFacts(mark, about));

  it('cover the object, the bucket and the lender', () => {
    expect(prover.holds(proof, markFacts(mark, about))).toBe(true);
    for (const forged of [
      markFacts({ ...mark, cluster: 'x' }, about),
      markFacts({ ...mark, namespace: 'x' }, about),
      markFacts({ ...mark, name: 'x' }, about),
      markFacts({ ...mark, uid: 'x' }, about),
      markFacts(mark, { ...about, bucketName: 'x' }),
      markFacts(mark, { ...about, lender: 'x' }),
    ]) {
      expect(prover.holds(proof, forged)).toBe(false);
    }
  });

  it('are proved in characters that every server takes in the value of a tag, and few of them', () => {
    expect(proof).toMatch(/^[A-Za-z0-9_.-]{1,64}$/);
  });
});

describe('placesOf', () => {
  it('names the account first, and the Provider object always', () => {
    expect(placesOf('https://s3.test', 'acme', 'uid')).toEqual([
      'https://s3.test account acme',
      'https://s3.test provider uid',
    ]);
    expect(placesOf('https://s3.test', undefined, 'uid')).toEqual(['https://s3.test provider uid']);
  });
});
