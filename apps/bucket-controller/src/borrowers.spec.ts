import { createTestWorld, objectOf } from '@operator/references/testing';
import { bucketSpec, createMemoryS3 } from '@operator/testing';
import { expect, it } from 'vitest';
import { borrowersOf, bucketsBorrowedBy, trimBorrowingKey, type BorrowingKey } from './borrowers.ts';

const key = (namespace: string): BorrowingKey =>
  trimBorrowingKey(
    objectOf(
      'AccessKey',
      'app',
      {
        providerRef: { name: 'provider' },
        access: [
          { bucketRef: { name: 'own' }, level: 'ReadOnly' as const },
          { bucketRef: { name: 'photos', namespace: 'team-a' }, level: 'ReadOnly' as const },
        ],
      },
      { metadata: { namespace } },
    ),
  );

it('of an AccessKey only the Buckets of other namespaces are kept', () => {
  expect(bucketsBorrowedBy(key('team-b'))).toEqual(['team-a/photos']);
  expect(bucketsBorrowedBy(key('team-a'))).toEqual([]);
});

it('borrowers are those of other namespaces whose status proves rights in this Bucket', async () => {
  const { ownership } = createTestWorld(createMemoryS3({ now: () => new Date(0) }).driver);
  const { signal } = new AbortController();
  const having = async (namespace: string, bucket: string, isProven = true): Promise<BorrowingKey> => {
    const accessKey = key(namespace);
    const status = { userName: 'user', grantedBuckets: [bucket] };
    return { ...accessKey, status: isProven ? await ownership.sealAccessKey(status, accessKey, signal) : status };
  };
  const accessKeys = [
    await having('team-a', 'team-a/photos'),
    await having('team-b', 'team-a/photos'),
    await having('team-c', 'team-a/photos', false),
    await having('team-d', 'team-a/other'),
    key('team-e'),
  ];
  const bucket = objectOf('Bucket', 'photos', bucketSpec());
  expect(await borrowersOf(bucket, { policies: [], buckets: [], accessKeys }, ownership, signal)).toEqual([
    { kind: 'AccessKey', namespace: 'team-b' },
  ]);
});
