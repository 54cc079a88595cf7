import { conditionOf, type OurKind } from '@operator/tools/harness';
import { expectRefusedAtAdmission, Found, platform, undisclosed, type Attempt, type Case } from './case.ts';

const messageOf = async (given: Case, kind: OurKind, name: string) =>
  conditionOf(await given.verdict(kind, name), 'Ready')?.message ?? '';

/** What is said of an object that exists must be what is said of one that does not, but for its name. */
const expectSameWords = (one: string, its: string, other: string, others: string) => {
  if (one.replaceAll(its, 'X') !== other.replaceAll(others, 'X'))
    throw new Found('name', `the messages tell what exists: "${one}" and "${other}"`);
};

export const references: readonly Attempt[] = [
  {
    threat: 'T25',
    title:
      'an AccessKey names a Bucket of another namespace that is not granted, one that exists and one that does not',
    async act(given) {
      const { name } = await given.victim();
      for (const [key, bucket] of [
        ['there', name],
        ['nowhere', 'nosuchbucket'],
      ] as const) {
        const access = [{ bucketRef: { name: bucket, namespace: undisclosed }, level: 'Admin' }];
        await given.key(key, 'shared', [], { access });
        await given.verdict('AccessKey', key);
        given.refuse('AccessKey', key);
      }
      expectSameWords(
        await messageOf(given, 'AccessKey', 'there'),
        name,
        await messageOf(given, 'AccessKey', 'nowhere'),
        'nosuchbucket',
      );
      await forgetNamed(given);
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T26',
    title:
      'a BucketPolicy names a Bucket of another namespace that is not granted, one that exists and one that does not',
    async act(given) {
      const { name } = await given.victim();
      for (const [policy, bucket] of [
        ['there', name],
        ['nowhere', 'nosuchbucket'],
      ] as const) {
        const statement = [{ effect: 'Allow', principal: '*', action: 's3:*', resource: 'arn:aws:s3:::${bucket}/*' }];
        await given.tenant.create('BucketPolicy', given.namespace, policy, {
          spec: { bucketRef: { name: bucket, namespace: undisclosed }, policy: { statement } },
        });
        await given.verdict('BucketPolicy', policy);
        given.refuse('BucketPolicy', policy);
      }
      expectSameWords(
        await messageOf(given, 'BucketPolicy', 'there'),
        name,
        await messageOf(given, 'BucketPolicy', 'nowhere'),
        'nosuchbucket',
      );
      await forgetNamed(given);
    },
    twin: (given) => given.lawfulPolicy(),
  },
  {
    threat: 'T27',
    title: 'a Bucket names a Provider that is not granted, one that exists and one that does not',
    async act(given) {
      const bucket = given.freshName('wanted');
      for (const [name, provider] of [
        ['there', 'private'],
        ['nowhere', 'nosuchprovider'],
      ] as const) {
        const spec = { spec: { providerRef: { name: provider, namespace: platform }, name: bucket } };
        await given.tenant.create('Bucket', given.namespace, name, spec);
        await given.verdict('Bucket', name);
        given.refuse('Bucket', name);
      }
      expectSameWords(
        await messageOf(given, 'Bucket', 'there'),
        'private',
        await messageOf(given, 'Bucket', 'nowhere'),
        'nosuchprovider',
      );
    },
    async judge(given) {
      const root = given.as(given.world.server('minio'), 'minio');
      if ((await root.bucketNames(`${given.namespace}-wanted`)).length > 0)
        throw new Found('harm', 'a Provider that is not granted made a bucket');
    },
    twin: (given) => given.lawfulBucket(),
  },
  {
    threat: 'T28',
    title: 'a namespace without the Provider comes to its account by a Bucket that was granted to it',
    async act(given) {
      const victim = await given.victim();
      const { name, bucket } = await given.lawfulBucket();
      const guest = `${given.namespace}-guest`;
      await given.tenant.patch('Bucket', given.namespace, name, { spec: { allowedNamespaces: { names: [guest] } } });
      await given.verdict('Bucket', name);
      // Of another tenant, whose namespace the Provider does not name.
      const bucketRef = { name, namespace: given.namespace };
      await given.tenant.create('AccessKey', guest, 'key', {
        spec: {
          providerRef: { name: 'shared', namespace: platform },
          access: [{ bucketRef, level: 'Admin' }],
        },
      });
      await given.verdict('AccessKey', 'key', guest);
      const secret = await given.admin.get('Secret', guest, 'key-credentials');
      if (secret !== undefined) throw new Found('harm', `a namespace without the Provider has a key to ${bucket}`);
      await given.mind(victim);
    },
    async twin(given) {
      const { name } = await given.lawfulBucket();
      const guest = `${given.namespace}-guest`;
      await given.tenant.patch('Bucket', given.namespace, name, { spec: { allowedNamespaces: { names: [guest] } } });
      const statement = [
        { effect: 'Allow', principal: '*', action: 's3:GetObject', resource: 'arn:aws:s3:::${bucket}/*' },
      ];
      await given.tenant.create('BucketPolicy', guest, 'lawful', {
        spec: { bucketRef: { name, namespace: given.namespace }, policy: { statement } },
      });
      await given.admin.untilReady('BucketPolicy', guest, 'lawful', 60_000);
    },
  },
  {
    threat: 'T29',
    title: 'names in references lead by dots, slashes and percent signs to another namespace',
    async act(given) {
      for (const name of ['../platform/shared', 'platform%2Fshared', 'a/../../x', 'shared?namespace=platform']) {
        await expectRefusedAtAdmission(() =>
          given.tenant.create('Bucket', given.namespace, 'odd', {
            spec: { providerRef: { name }, name: given.freshName() },
          }),
        );
        await expectRefusedAtAdmission(() =>
          given.tenant.create('Bucket', given.namespace, 'odd', {
            spec: { providerRef: { name: 'shared', namespace: name }, name: given.freshName() },
          }),
        );
      }
    },
    twin: (given) => given.lawfulBucket(),
  },
  {
    threat: 'T30',
    title: "a Provider reads its credentials from another namespace's Secret",
    async act(given) {
      const { url } = await given.hostile();
      const spec = (reference: object) => ({
        spec: {
          type: 'custom',
          endpoint: url,
          region: 'us-east-1',
          auth: { accessKeySecretRef: reference, secretKeySecretRef: reference },
        },
      });
      for (const reference of [
        { name: '../platform/shared-root' },
        { name: 'shared-root', key: '../secret-key' },
        { name: 'platform/shared-root' },
      ])
        await expectRefusedAtAdmission(() => given.tenant.create('Provider', given.namespace, 'odd', spec(reference)));
      // A namespace is no field of it: the API server drops that, and the name is looked for here.
      await given.tenant.create('Provider', given.namespace, 'odd', spec({ name: 'shared-root', namespace: platform }));
      await given.verdict('Provider', 'odd');
      given.refuse('Provider', 'odd');
    },
    async judge(given) {
      const { accessKey } = given.world.server('minio');
      const text = JSON.stringify(await given.admin.get('Provider', given.namespace, 'odd'));
      if (text.includes(accessKey)) throw new Found('harm', 'the Provider shows credentials of another namespace');
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T31',
    title: 'a namespace whose name begins as a granted one is taken for it',
    async act(given) {
      const guest = `${given.namespace}-guest`;
      await given.tenant.create('Bucket', guest, 'alike', {
        spec: { providerRef: { name: 'shared', namespace: platform }, name: given.freshName('wanted') },
      });
      await given.verdict('Bucket', 'alike', guest);
    },
    async judge(given) {
      const root = given.as(given.world.server('minio'), 'minio');
      if ((await root.bucketNames(`${given.namespace}-wanted`)).length > 0)
        throw new Found('harm', 'a namespace that is not granted made a bucket');
    },
    twin: (given) => given.lawfulBucket(),
  },
  {
    threat: 'T32',
    title: "a tenant labels its namespace as a Provider's selector wants it",
    async act(given) {
      await expectRefusedAtAdmission(
        () => given.tenant.patch('Namespace', undefined, given.namespace, { metadata: { labels: { lent: 'true' } } }),
        403,
      );
      await given.bucket('wanted', 'shared', given.freshName('wanted'), {
        providerRef: { name: 'selecting', namespace: platform },
      });
      await given.verdict('Bucket', 'wanted');
      given.refuse('Bucket', 'wanted');
    },
    async twin(given) {
      await given.admin.patch('Namespace', undefined, given.namespace, { metadata: { labels: { lent: 'true' } } });
      await given.bucket('own', 'shared', given.freshName('own'), {
        providerRef: { name: 'selecting', namespace: platform },
      });
      await given.admin.untilReady('Bucket', given.namespace, 'own', 60_000);
      await given.tenant.delete('Bucket', given.namespace, 'wanted');
    },
  },
];

/** These attempts name what they are not to know, so that it stands in what they wrote. */
const forgetNamed = async (given: Case) => {
  for (const kind of ['AccessKey', 'BucketPolicy'] as const)
    for (const name of ['there', 'nowhere'])
      if ((await given.admin.get(kind, given.namespace, name)) !== undefined) {
        await given.tenant.delete(kind, given.namespace, name);
        await given.admin.untilGone(kind, given.namespace, name);
      }
  given.refused.length = 0;
  given.namesHidden = false;
};
