import { describe, expect, it } from 'vitest';
import { maxPolicyBytes, readUserPolicy, userPolicy } from './user-policy.ts';

const mark = { cluster: 'c-uid', namespace: 'team-a', name: 'reader', uid: 'k-uid' };
const statement = { Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::reports/*'] };
const policy = { Version: '2012-10-17', Statement: [statement] };

describe('the canned policy of a user', () => {
  it('comes back as it was given', () => {
    expect(readUserPolicy(userPolicy(policy, mark), mark)).toEqual({ owner: 'us', policy });
  });

  it('denies the key to make further keys', () => {
    expect(userPolicy(policy, mark).Statement).toContainEqual(
      expect.objectContaining({ Effect: 'Deny', Action: ['admin:CreateServiceAccount', 'admin:UpdateServiceAccount'] }),
    );
  });

  it('takes a single statement that is no list', () => {
    expect(userPolicy({ ...policy, Statement: statement }, mark)).toEqual(userPolicy(policy, mark));
  });

  it.each([
    { what: 'another owner', stored: userPolicy(policy, { ...mark, uid: 'other' }), owner: 'other' },
    { what: 'no mark', stored: { ...userPolicy(policy, mark), ID: undefined }, owner: 'unknown' },
    { what: "somebody's own ID", stored: { ...userPolicy(policy, mark), ID: 'mine' }, owner: 'unknown' },
    { what: 'no guard', stored: { ...policy, ID: userPolicy(policy, mark).ID }, owner: 'unknown' },
  ])('tells of $what', ({ stored, owner }) => {
    expect(readUserPolicy(stored, mark)).toEqual({ owner, policy });
  });

  it('fills the limit of the server with the longest mark', () => {
    const longest = { cluster: 'u'.repeat(36), namespace: 'n'.repeat(63), name: 'k'.repeat(253), uid: 'u'.repeat(36) };
    const empty = {
      Version: '2012-10-17',
      Statement: [{ Sid: '', Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::b/*'] }],
    };
    const Sid = 's'.repeat(maxPolicyBytes - JSON.stringify(empty).length);
    const largest = { ...empty, Statement: empty.Statement.map((only) => ({ ...only, Sid })) };
    expect(JSON.stringify(largest)).toHaveLength(maxPolicyBytes);
    expect(JSON.stringify(userPolicy(largest, longest))).toHaveLength(20_480);
  });
});
