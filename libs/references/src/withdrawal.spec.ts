import { describe, expect, it } from 'vitest';
import { objectOf } from './testing/index.ts';
import { grantWithdrawn, isTold, withdrawnBorrowers } from './withdrawal.ts';

const lender = (allowed: object, annotations: Readonly<Record<string, string>> = {}) =>
  objectOf('Provider', 'store', { allowedNamespaces: allowed }, { metadata: { namespace: 'platform', annotations } });
const borrower = (kind: string, namespace: string) => ({ kind, namespace });
const borrowers = [
  borrower('Bucket', 'platform'),
  borrower('Bucket', 'team-a'),
  borrower('AccessKey', 'team-a'),
  borrower('AccessKey', 'team-b'),
  borrower('AccessKey', 'team-c'),
];
const noLabels = () => Promise.resolve({});

describe('a withdrawn grant', () => {
  it('hits those whose namespace is not granted and not confirmed, and asks for the labels of a namespace once', async () => {
    const asked: string[] = [];
    const hit = await withdrawnBorrowers(
      lender(
        { names: ['team-b'], selector: { matchLabels: { s3: 'yes' } } },
        { 's3.cloud37.dev/confirm-withdrawal': 'team-c' },
      ),
      borrowers,
      (namespace) => {
        asked.push(namespace);
        return noLabels();
      },
    );
    expect(hit).toEqual([borrower('Bucket', 'team-a'), borrower('AccessKey', 'team-a')]);
    expect(asked).toEqual(['team-a', 'team-c']);
  });

  it('is told with the namespaces, how many objects it hits, and the command that confirms it', () => {
    const store = lender({}, { 's3.cloud37.dev/confirm-withdrawal': 'team-z' });
    expect(grantWithdrawn(store, borrowers.slice(1, 4))).toEqual({
      type: 'GrantWithdrawn',
      status: 'True',
      reason: 'GrantWithdrawn',
      onlyInforms: true,
      message:
        'allowedNamespaces does not grant namespaces team-a, team-b, where 2 AccessKeys and 1 Bucket still use this Provider. ' +
        'They keep what they have and get nothing new. Grant the namespace again, or remove their rights and policies: ' +
        'kubectl annotate --overwrite providers.s3.cloud37.dev store -n platform ' +
        's3.cloud37.dev/confirm-withdrawal=team-z,team-a,team-b',
    });
  });

  it('is told of a BucketPolicy on its Bucket', () => {
    const bucket = { ...lender({}), kind: 'Bucket' };
    const message = grantWithdrawn(bucket, [
      borrower('BucketPolicy', 'team-a'),
      borrower('BucketPolicy', 'team-a'),
    ])?.message;
    expect(message).toContain('namespace team-a, where 2 BucketPolicies still use this Bucket');
    expect(message).toContain('kubectl annotate --overwrite buckets.s3.cloud37.dev store -n platform');
  });

  it('names ten namespaces at most', () => {
    const many = Array.from({ length: 12 }, (_, index) => borrower('Bucket', `team-${String(index + 10)}`));
    const message = grantWithdrawn(lender({}), many)?.message ?? '';
    expect(message).toContain('team-19, and 2 more, where 12 Buckets');
    expect(message).not.toContain('team-20');
  });

  it('that hits nobody is not told', () => {
    expect(grantWithdrawn(lender({}), [])).toBeUndefined();
  });

  it('is news once', () => {
    const claim = grantWithdrawn(lender({}), borrowers.slice(1, 2));
    if (claim === undefined) throw new Error('no claim');
    expect(isTold(lender({}), claim)).toBe(false);
    const condition = { ...claim, observedGeneration: 1, lastTransitionTime: '2026-05-01T00:00:00Z' };
    expect(isTold({ status: { conditions: [condition] } }, claim)).toBe(true);
    const more = grantWithdrawn(lender({}), borrowers.slice(1, 3));
    const other = grantWithdrawn(lender({}), borrowers.slice(1, 4));
    expect([more, other].map((one) => one && isTold({ status: { conditions: [condition] } }, one))).toEqual([
      true,
      false,
    ]);
  });
});
