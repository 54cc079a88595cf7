import { describe, expect, it } from 'vitest';
import { policyFromAccess } from './access.ts';
import { heldTo, sameByResource } from './buckets.ts';
import { withoutGains } from './narrow.ts';
import { renderPolicy, type IamPolicy, type IamStatement } from './render.ts';

const document = (...Statement: readonly IamStatement[]): IamPolicy => ({ Version: '2012-10-17', Statement });
const allow = (Action: string, Resource: string, more: Partial<IamStatement> = {}): IamStatement => ({
  Effect: 'Allow',
  Action: [Action],
  Resource: [Resource],
  ...more,
});
const deny = (Action: string, Resource: string): IamStatement => ({ ...allow(Action, Resource), Effect: 'Deny' });
const access = (...entries: Parameters<typeof policyFromAccess>[0]): IamPolicy =>
  renderPolicy({ version: '2012-10-17', statement: [...policyFromAccess(entries)] });
const photos = { bucketName: 'photos' };
const prefix = { 's3:prefix': ['a/*'] };
const listing = allow('s3:listbucket', 'arn:aws:s3:::photos', { Condition: { StringLike: prefix } });

describe('withoutGains', () => {
  it.each<[string, IamPolicy | undefined, IamPolicy | undefined, IamPolicy | undefined]>([
    ['nothing of nothing', undefined, access({ ...photos, level: 'Admin' }), undefined],
    ['nothing where nothing is wanted', access({ ...photos, level: 'Admin' }), undefined, undefined],
    ['all that stays', document(allow('s3:*', '*')), document(allow('S3:*', '*')), document(allow('s3:*', '*'))],
    [
      'no bucket that is new, and none that goes',
      access({ ...photos, level: 'ReadOnly' }, { bucketName: 'gone', level: 'ReadOnly' }),
      access({ ...photos, level: 'ReadOnly' }, { bucketName: 'new', level: 'ReadOnly' }),
      access({ ...photos, level: 'ReadOnly' }),
    ],
    [
      'the lower of two levels, when it goes down',
      access({ ...photos, level: 'ReadWrite' }),
      access({ ...photos, level: 'ReadOnly' }),
      access({ ...photos, level: 'ReadOnly' }),
    ],
    [
      'the lower of two levels, when it goes up',
      access({ ...photos, level: 'ReadOnly' }),
      access({ ...photos, level: 'Admin' }),
      access({ ...photos, level: 'ReadOnly' }),
    ],
    [
      'the new prefix of what the whole bucket was',
      access({ ...photos, level: 'ReadOnly' }),
      access({ ...photos, level: 'ReadOnly', prefix: 'a/' }),
      access({ ...photos, level: 'ReadOnly', prefix: 'a/' }),
    ],
    [
      'the former prefix',
      access({ ...photos, level: 'WriteOnly', prefix: 'a/b/' }),
      access({ ...photos, level: 'WriteOnly' }),
      access({ ...photos, level: 'WriteOnly', prefix: 'a/b/' }),
    ],
    [
      'what denies on either side',
      document(allow('s3:*', '*'), deny('s3:DeleteObject', '*')),
      document(allow('s3:*', '*'), deny('s3:PutObject', '*')),
      document(allow('s3:*', '*'), deny('s3:DeleteObject', '*'), deny('s3:PutObject', '*')),
    ],
    [
      'of two denials the one that denies more',
      document(allow('s3:*', '*'), heldTo(['photos', 'videos'], 'aws')),
      document(allow('s3:*', '*'), heldTo(['photos'], 'aws')),
      document(allow('s3:*', '*'), heldTo(['photos'], 'aws')),
    ],
    [
      'the denial of everything',
      document(heldTo(['photos'], 'aws')),
      document(heldTo([], 'aws')),
      document(heldTo([], 'aws')),
    ],
    [
      'nothing under two conditions',
      document({ ...listing, Condition: { StringLike: { 's3:prefix': ['b/*'] } } }),
      document(listing),
      undefined,
    ],
    ['nothing that only a variable tells', document(allow('s3:*', '${any}*')), document(allow('s3:*', 'x')), undefined],
    [
      'no more than a sign that stands for one',
      document(allow('s3:Get?', '*')),
      document(allow('s3:Get*', 'x')),
      document(allow('s3:get?', 'x')),
    ],
    [
      'what excludes less, where nothing else differs',
      document({ Effect: 'Allow', NotAction: ['s3:Get*', 's3:Put*'], Resource: ['*'] }),
      document({ Effect: 'Allow', NotAction: ['s3:Get*'], Resource: ['*'] }),
      document({ Effect: 'Allow', NotAction: ['s3:Get*', 's3:Put*'], Resource: ['*'] }),
    ],
  ])('leaves %s', (_title, standing, wanted, left) => {
    const found = withoutGains(standing, wanted);
    expect(sameByResource(found, left), JSON.stringify(found)).toBe(true);
    expect(sameByResource(withoutGains(found, wanted), found)).toBe(true);
  });

  it('reads what a server wrote as it is: one value for a list, a sid, another case', () => {
    const standing = { Statement: { Sid: 'x', Effect: 'Allow', Action: 'S3:GETOBJECT', Resource: 'arn:aws:s3:::a/*' } };
    const wanted = document(allow('s3:Get*', 'arn:aws:s3:::a/b/*'));
    expect(withoutGains(standing, wanted)).toEqual(document(allow('S3:GETOBJECT', 'arn:aws:s3:::a/b/*')));
  });
});
