import { describe, expect, it } from 'vitest';
import { serviceAccountDescription, serviceAccountName, userNameFor } from './user-name.ts';

const mark = { cluster: 'c-uid', namespace: 'team-a', name: 'reader', uid: 'k-uid' };

describe('the user name', () => {
  it('is 20 characters that MinIO takes', () => {
    expect(userNameFor(mark)).toMatch(/^s3op-[a-z2-7]{15}$/);
  });

  it('stays the same for the same mark', () => {
    expect(userNameFor(mark)).toBe('s3op-lqmyymsaxhjcfjt');
  });

  it.each([
    { part: 'cluster', other: { ...mark, cluster: 'd-uid' } },
    { part: 'namespace', other: { ...mark, namespace: 'team-b' } },
    { part: 'name', other: { ...mark, name: 'writer' } },
    { part: 'uid', other: { ...mark, uid: 'l-uid' } },
    { part: 'border between parts', other: { ...mark, namespace: 'team-ar', name: 'eader' } },
  ])('differs for another $part', ({ other }) => {
    expect(userNameFor(other)).not.toBe(userNameFor(mark));
  });
});

describe('the words on a service account', () => {
  const long = { ...mark, namespace: '9'.repeat(63), name: 'a.b.'.repeat(63) + 'c' };

  it.each([mark, long, { ...mark, name: 'app.example.com' }])('have a name that MinIO takes', (owner) => {
    expect(serviceAccountName(owner)).toMatch(/^[A-Za-z][A-Za-z0-9_-]{0,31}$/);
  });

  it('tell the owner and its display name', () => {
    expect(serviceAccountDescription({ mark, displayName: 'Reports' })).toBe(
      'AccessKey team-a/reader (uid k-uid, cluster c-uid): Reports',
    );
  });

  it('never pass 256 characters', () => {
    expect(serviceAccountDescription({ mark: long })).toHaveLength(256);
  });
});
