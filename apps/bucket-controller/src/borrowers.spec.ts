import { objectOf } from '@operator/references/testing';
import { expect, it } from 'vitest';
import { borrowersOf, bucketsBorrowedBy, trimBorrowingKey, type BorrowingKey } from './borrowers.ts';

const key = (namespace: string): BorrowingKey =>
  trimBorrowingKey(
    objectOf(
      'AccessKey',
      'app',
      {
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

it('borrowers are those of other namespaces', () => {
  expect(borrowersOf('team-a', [], [key('team-a'), key('team-b')])).toEqual([
    { kind: 'AccessKey', namespace: 'team-b' },
  ]);
});
