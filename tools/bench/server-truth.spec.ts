import { expect, it } from 'vitest';
import type { Kube, MinioAdmin, S3View } from '@operator/tools/harness';
import type { Declared, DeclaredBucket } from './random-changes.ts';
import { compareWithApi, compareWithServer } from './server-truth.ts';

const bucket: DeclaredBucket = {
  namespace: 'one',
  name: 'b1',
  bucket: 'soak-1',
  features: { tagging: { tags: { team: 'storage' } } },
};
const declared: Declared = {
  buckets: new Map([['one/b1', bucket]]),
  policies: new Map([['one/b1', { bucket, action: 's3:GetObject' }]]),
  keys: new Map(),
};
const mark = { 's3.cloud37.dev/name': 'b1' };

interface Found {
  readonly buckets: Readonly<
    Record<string, { tags: Record<string, string>; differs?: readonly string[]; action?: string }>
  >;
  readonly users?: readonly string[];
  readonly policies?: readonly string[];
}

const serverWith = ({ buckets, users = [], policies = ['readwrite'] }: Found) => ({
  kube: { list: () => Promise.resolve([]) } as unknown as Kube,
  view: {
    bucketNames: () => Promise.resolve(Object.keys(buckets)),
    bucket: (name: string) => Promise.resolve(buckets[name]),
    differencesFrom: (_spec: object, name: string) => Promise.resolve(buckets[name]?.differs ?? []),
    policy: (name: string) =>
      Promise.resolve(
        buckets[name]?.action === undefined ? undefined : { Statement: [{ Action: [buckets[name].action] }] },
      ),
  } as unknown as S3View,
  admin: {
    userNames: () => Promise.resolve(users),
    policyNames: () => Promise.resolve(policies),
  } as unknown as MinioAdmin,
  server: { endpoint: 'http://127.0.0.1:1', region: 'us-east-1', accessKey: 'unused', secretKey: 'unused' },
});

const asDeclared = { tags: { team: 'storage', ...mark }, action: 's3:GetObject' };

it.each<[fact: string, found: Found, differences: readonly string[]]>([
  ['nothing where all is as declared', { buckets: { 'soak-1': asDeclared } }, []],
  ['a bucket that is missing', { buckets: {} }, ['bucket soak-1 is missing']],
  ['an orphan', { buckets: { 'soak-1': asDeclared, 'soak-2': asDeclared } }, ['bucket soak-2 is too much']],
  [
    'features that are not as declared',
    {
      buckets: {
        'soak-1': { tags: mark, differs: ['versioning is "off", not "on"', 'tagging is {}, not {"team":"storage"}'] },
      },
    },
    [
      'soak-1: versioning is "off", not "on"',
      'soak-1: tagging is {}, not {"team":"storage"}',
      'soak-1: the policy allows nothing, not s3:GetObject',
    ],
  ],
  [
    'the mark of another object',
    { buckets: { 'soak-1': { ...asDeclared, tags: { team: 'storage', 's3.cloud37.dev/name': 'b0' } } } },
    ['soak-1: has the mark of another'],
  ],
  [
    'users and their policies that nobody declared',
    { buckets: { 'soak-1': asDeclared }, users: ['s3op-a'], policies: ['readwrite', 's3op-b'] },
    ['user s3op-a is too much', 'policy of a user s3op-b is too much'],
  ],
])('tells %s', async (_, found, differences) => {
  expect(await compareWithServer(declared, serverWith(found))).toEqual(differences);
});

it('tells objects of the API that are missing, not Ready or still there', async () => {
  const object = (name: string, reason?: string) => ({
    metadata: { namespace: 'one', name, generation: 1 },
    ...(reason === undefined
      ? {}
      : {
          status: { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'False', reason, message: 'why' }] },
        }),
  });
  const kube = {
    list: (kind: string) => Promise.resolve(kind === 'Bucket' ? [object('b1', 'AccessDenied'), object('b0')] : []),
  } as unknown as Kube;
  expect(await compareWithApi(declared, kube)).toEqual([
    'Bucket one/b1 is not Ready: AccessDenied why',
    'Bucket one/b0 is still there',
    'BucketPolicy one/b1 is missing',
  ]);
});
