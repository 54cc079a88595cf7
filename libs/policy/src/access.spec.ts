import { readFileSync } from 'node:fs';
import type { AccessLevel, PolicyStatement } from '@operator/api';
import { describe, expect, test } from 'vitest';
import { mergePolicies, policyFromAccess, type BucketAccess } from './access.ts';
import { bucketArn, partitionOf } from './arn.ts';
import { parsePolicy } from './parse.ts';
import { renderPolicy, type IamStatement } from './render.ts';

const data = 'arn:aws:s3:::data';

/** Whether an action on a resource is allowed, listing with this prefix when one is given. */
const allows = (statements: readonly PolicyStatement[], action: string, resource: string, prefix?: string): boolean => {
  const matches = (pattern: string, text: string) =>
    new RegExp(`^${pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(text);
  return statements.some(
    (statement) =>
      [statement.action].flat().some((pattern) => matches(String(pattern), action)) &&
      [statement.resource].flat().some((pattern) => matches(String(pattern), resource)) &&
      [statement.condition?.StringLike?.['s3:prefix'] ?? []]
        .flat()
        .every((pattern) => prefix !== undefined && matches(String(pattern), prefix)),
  );
};

const levels: readonly AccessLevel[] = ['ReadOnly', 'WriteOnly', 'ReadWrite', 'Admin'];

describe('the rights of', () => {
  const table: readonly (readonly [action: string, resource: string, levels: readonly AccessLevel[]])[] = [
    ['s3:GetBucketLocation', data, levels],
    ['s3:ListBucket', data, ['ReadOnly', 'ReadWrite', 'Admin']],
    ['s3:ListBucketVersions', data, ['ReadOnly', 'ReadWrite', 'Admin']],
    ['s3:GetObject', `${data}/a`, ['ReadOnly', 'ReadWrite', 'Admin']],
    ['s3:GetObjectVersion', `${data}/a`, ['ReadOnly', 'ReadWrite', 'Admin']],
    ['s3:PutObject', `${data}/a`, ['WriteOnly', 'ReadWrite', 'Admin']],
    ['s3:AbortMultipartUpload', `${data}/a`, ['WriteOnly', 'ReadWrite', 'Admin']],
    ['s3:ListMultipartUploadParts', `${data}/a`, ['WriteOnly', 'ReadWrite', 'Admin']],
    ['s3:ListBucketMultipartUploads', data, ['WriteOnly', 'ReadWrite', 'Admin']],
    ['s3:DeleteObject', `${data}/a`, ['ReadWrite', 'Admin']],
    ['s3:DeleteObjectVersion', `${data}/a`, ['Admin']],
    ['s3:DeleteBucket', data, ['Admin']],
    ['s3:PutBucketPolicy', data, ['Admin']],
    ['s3:GetObject', 'arn:aws:s3:::database/a', []],
    ['s3:ListBucket', 'arn:aws:s3:::database', []],
    ['s3:ListAllMyBuckets', '*', []],
    ['iam:CreateUser', '*', []],
  ];

  test.each(levels)('%s are what the table says', (level) => {
    const statements = policyFromAccess([{ bucketName: 'data', level }]);
    for (const [action, resource, allowed] of table) {
      expect(allows(statements, action, resource), `${action} on ${resource}`).toBe(allowed.includes(level));
    }
  });

  test.each(['ReadOnly', 'WriteOnly', 'ReadWrite'] as const)('%s end at the prefix', (level) => {
    const statements = policyFromAccess([{ bucketName: 'data', level, prefix: 'in/' }]);
    const reads = level !== 'WriteOnly';
    expect(allows(statements, 's3:GetObject', `${data}/in/a`)).toBe(reads);
    expect(allows(statements, 's3:PutObject', `${data}/in/a`)).toBe(level !== 'ReadOnly');
    expect(allows(statements, 's3:GetObject', `${data}/out/a`)).toBe(false);
    expect(allows(statements, 's3:PutObject', `${data}/out/a`)).toBe(false);
    expect(allows(statements, 's3:ListBucket', data, 'in/x')).toBe(reads);
    expect(allows(statements, 's3:ListBucket', data, 'out/')).toBe(false);
    expect(allows(statements, 's3:ListBucket', data)).toBe(false);
    expect(allows(statements, 's3:ListBucketMultipartUploads', data, 'in/x')).toBe(false);
  });
});

describe('statements from access', () => {
  test('are shared by buckets of one level, in one order', () => {
    const one = policyFromAccess([
      { bucketName: 'b', level: 'ReadOnly' },
      { bucketName: 'a', level: 'ReadOnly' },
    ]);
    const other = policyFromAccess([
      { bucketName: 'a', level: 'ReadOnly' },
      { bucketName: 'b', level: 'ReadOnly' },
      { bucketName: 'a', level: 'ReadOnly' },
    ]);
    expect(one).toHaveLength(2);
    expect(other).toEqual(one);
  });

  test('have the ARNs of their partition', () => {
    expect(JSON.stringify(policyFromAccess([{ bucketName: 'a', level: 'Admin' }], { partition: 'aws-cn' }))).toContain(
      'arn:aws-cn:s3:::a/*',
    );
  });

  test('leave out what the server does not know, and nothing else', () => {
    const lacked = 's3:ListBucketMultipartUploads';
    const entries = [{ bucketName: 'a', level: 'ReadWrite' }] as const;
    const actions = (lacks?: ReadonlySet<string>) =>
      policyFromAccess(entries, lacks && { lacks }).flatMap(({ action = [] }) => action);
    expect(actions()).toContain(lacked);
    expect(actions(new Set([lacked]))).toEqual(actions().filter((action) => action !== lacked));
  });

  test('deny what the server would allow beyond the level, but in a bucket of which the key is Admin', () => {
    const implied = new Map([['s3:DeleteObjectVersion', 's3:DeleteObject']]);
    const denied = (...entries: readonly BucketAccess[]) =>
      policyFromAccess(entries, { implied }).filter(({ effect }) => effect === 'Deny');
    const action = ['s3:DeleteObjectVersion'];
    expect(
      denied(
        { bucketName: 'a', level: 'ReadWrite' },
        { bucketName: 'b', level: 'ReadWrite', prefix: 'in/' },
        { bucketName: 'c', level: 'ReadWrite', prefix: 'in/' },
        { bucketName: 'c', level: 'Admin' },
        { bucketName: 'd', level: 'WriteOnly' },
      ),
    ).toEqual([
      { effect: 'Deny', action, resource: ['arn:aws:s3:::a/*'] },
      { effect: 'Deny', action, resource: ['arn:aws:s3:::b/in/*'] },
    ]);
  });

  const every = ['a', 'b'];
  test.each<[string, Partial<IamStatement>, readonly string[]]>([
    ['all buckets', { Action: ['S3:*'], Resource: ['*'] }, []],
    ['one bucket', { Action: ['s3:Delete*'], Resource: ['arn:aws:s3:::a/*'] }, ['b']],
    ['a part of one bucket', { Action: ['s3:DeleteObjectVersion'], Resource: ['arn:aws:s3:::a/logs/*'] }, ['b']],
    ['one bucket, by a variable', { Action: ['s3:*'], Resource: ['arn:aws:s3:::a/${aws:username}/*'] }, ['b']],
    ['a bucket that only a variable names', { Action: ['s3:*'], Resource: ['arn:aws:s3:::${aws:username}/*'] }, []],
    ['the bucket itself', { Action: ['s3:*'], Resource: ['arn:aws:s3:::a'] }, every],
    ['a bucket whose name begins so', { Action: ['s3:*'], Resource: ['arn:aws:s3:::ab/*'] }, every],
    ['all but one bucket', { Action: ['s3:*'], NotResource: ['arn:aws:s3:::b/*'] }, ['b']],
    ['all but some other actions', { NotAction: ['s3:Get*'], Resource: ['*'] }, []],
    ['all but this action', { NotAction: ['s3:delete*'], Resource: ['*'] }, every],
    ['nothing, for it denies', { Effect: 'Deny', Action: ['s3:*'], Resource: ['*'] }, every],
  ])('deny it not where the own policy allows it: %s', (_title, statement, denied) => {
    const implied = new Map([['s3:DeleteObjectVersion', 's3:DeleteObject']]);
    const entries = every.map((bucketName) => ({ bucketName, level: 'ReadWrite' as const }));
    const found = policyFromAccess(entries, { implied, own: [{ Effect: 'Allow', ...statement }] });
    expect(found.flatMap(({ effect, resource }) => (effect === 'Deny' ? resource : []))).toEqual(
      denied.map((name) => `arn:aws:s3:::${name}/*`),
    );
  });

  test('are none without access', () => {
    expect(policyFromAccess([])).toEqual([]);
  });

  test.each(levels)('for %s are a policy that a user may have, within what AWS takes', (level) => {
    const merged = mergePolicies(undefined, policyFromAccess([{ bucketName: 'a'.repeat(63), level }]));
    expect(parsePolicy(merged, 'identity', { maxBytes: 2048 })).toHaveProperty('document');
    expect(merged && JSON.stringify(renderPolicy(merged)).length).toBeLessThan(2048);
  });
});

describe('merged policies', () => {
  const own = { version: '2008-10-17', statement: [{ effect: 'Deny', action: 's3:*', resource: '*' }] } as const;

  test('have the statements of both, and the version of the written one', () => {
    const access = policyFromAccess([{ bucketName: 'a', level: 'Admin' }]);
    expect(mergePolicies(own, access)).toEqual({ version: '2008-10-17', statement: [...own.statement, ...access] });
    expect(mergePolicies(undefined, access)).toEqual({ version: '2012-10-17', statement: access });
    expect(mergePolicies(own, [])).toEqual(own);
  });

  test('are none when there is nothing to merge', () => {
    expect(mergePolicies(undefined, [])).toBeUndefined();
  });
});

test.each([
  ['us-east-1', 'arn:aws:s3:::a'],
  ['cn-north-1', 'arn:aws-cn:s3:::a'],
  ['us-gov-west-1', 'arn:aws-us-gov:s3:::a'],
  ['garage', 'arn:aws:s3:::a'],
])('the ARN of a bucket in %s is %s', (region, arn) => {
  expect(bucketArn('a', partitionOf(region))).toBe(arn);
});

/** The rows of the page, as action, what it is about, and the cells of the levels. */
const page = readFileSync(new URL('../../../docs/access-levels.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `s3:'))
  .map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );

describe('docs/access-levels.md', () => {
  const rights = (level: AccessLevel, prefix?: string) =>
    policyFromAccess([{ bucketName: 'data', level, ...(prefix === undefined ? {} : { prefix }) }]);

  test('has one row for each action of a level but Admin, and for no other', () => {
    const given = levels
      .filter((level) => level !== 'Admin')
      .flatMap((level) => rights(level).flatMap(({ action }) => [action ?? []].flat()));
    expect(page.map(([action]) => action).toSorted()).toEqual(
      [...new Set(given)].map((name) => `\`${name}\``).toSorted(),
    );
  });

  test.each(page)('says who may %s on the %s', (action = '', about = '', ...cells) => {
    const name = action.replaceAll('`', '');
    const resource = about === 'bucket' ? data : `${data}/in/a`;
    const cellOf = (level: AccessLevel): string => {
      if (!allows(rights(level), name, resource, 'in/')) return '';
      if (level === 'Admin') return 'yes';
      const statements = rights(level, 'in/');
      const isConfined =
        about === 'object' ? !allows(statements, name, `${data}/out/a`) : !allows(statements, name, data);
      if (!allows(statements, name, resource, 'in/')) return 'without prefix';
      return isConfined ? 'in prefix' : 'yes';
    };
    expect(cells).toEqual(levels.map(cellOf));
  });
});
