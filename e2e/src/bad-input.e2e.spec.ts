import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventReasons } from '@operator/api';
import { freePort } from '@operator/tools/local';
import {
  accessKeySpec,
  bucketSpec,
  type Controller,
  type Manifest,
  minioAdmin,
  type OurKind,
  ourKinds,
  publicPolicySpec,
  s3View,
  type S3View,
  type ServerName,
  specChange,
  type World,
} from '@operator/tools/harness';
import { projectRoot } from '@operator/tools/paths';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld } from './world.ts';

/** A namespace of its own for each case, with a proxy of its own before the server. */
interface Place {
  readonly namespace: string;
  /** Of the server, through the case's own proxy. */
  readonly endpoint: string;
  readonly view: S3View;
}

interface Case {
  /** Completes "tells that …". */
  readonly fact: string;
  readonly kind: OurKind;
  /** Brings the bad object about; it is called `bad`. */
  readonly spoil: (place: Place) => Promise<unknown>;
  readonly reason: string;
  readonly message: RegExp;
  readonly mend: (place: Place) => Promise<unknown>;
}

const healthy = 'healthy';
let world: World;
let controllers: readonly Controller[];

beforeAll(async () => {
  world = await startWorld('bad-input', ['minio', 'versitygw']);
  // Everything that may be logged is.
  const flags = ['--log-level=trace'];
  controllers = await Promise.all(
    (['provider', 'bucket', 'policy', 'accesskey'] as const).map((name) => world.startController(name, { flags })),
  );
  await world.createNamespace(healthy);
  await world.createProvider(healthy, healthy, { server: 'minio' });
  await world.kube.create('Bucket', healthy, healthy, bucketSpec(healthy, 'healthy-bucket'));
  await world.kube.create('BucketPolicy', healthy, healthy, publicPolicySpec(healthy, 's3:GetObject'));
  await world.kube.create('AccessKey', healthy, healthy, accessKeySpec(healthy, healthy, 'ReadOnly'));
  for (const kind of ourKinds) await world.kube.untilReady(kind, healthy, healthy, 60_000);
});
afterAll(() => world.stop());

const credentials = (server: ServerName = 'minio') => {
  const { accessKey, secretKey } = world.server(server);
  return { 'access-key': accessKey, 'secret-key': secretKey };
};

const createSecret = (namespace: string, name: string, stringData: Manifest) =>
  world.kube.create('Secret', namespace, name, { stringData });
const changeSecret = (namespace: string, name: string, stringData: Manifest) =>
  world.kube.patch('Secret', namespace, name, { stringData });

const providerSpec = (endpoint: string, change: Manifest = {}): Manifest => ({
  spec: {
    type: 'minio',
    endpoint,
    region: 'us-east-1',
    auth: { accessKeySecretRef: { name: 'root' }, secretKeySecretRef: { name: 'root' } },
    checkIntervalSeconds: 86_400,
    ...change,
  },
});

/** A Provider `bad` whose Secret holds this. */
const providerWith =
  (stringData: Manifest, change: Manifest = {}) =>
  async ({ namespace, endpoint }: Place) => {
    await createSecret(namespace, 'root', stringData);
    await world.kube.create('Provider', namespace, 'bad', providerSpec(endpoint, change));
  };
const mendSecret = ({ namespace }: Place) => changeSecret(namespace, 'root', credentials());

/** A Provider `provider` that is Ready, and a Ready Bucket `bucket`. */
const goodProvider = async ({ namespace, endpoint }: Place, change: Manifest = {}) => {
  await world.createProvider(namespace, 'provider', { server: 'minio', endpoint, spec: change });
  await world.kube.untilReady('Provider', namespace, 'provider');
};
const goodBucket = async (place: Place) => {
  await goodProvider(place);
  await world.kube.create('Bucket', place.namespace, 'bucket', bucketSpec('provider', `${place.namespace}-bucket`));
  await world.kube.untilReady('Bucket', place.namespace, 'bucket');
};

const policyOn = (resource: unknown, action = 's3:GetObject'): Manifest => ({
  spec: {
    bucketRef: { name: 'bucket' },
    policy: { statement: [{ effect: 'Allow', principal: '*', action, resource }] },
  },
});
const mendPolicy = ({ namespace }: Place) =>
  world.kube.patch('BucketPolicy', namespace, 'bad', policyOn('arn:aws:s3:::${bucket}/*'));

const limitedKey = (resource: string): Manifest => ({
  spec: {
    providerRef: { name: 'provider' },
    policy: {
      statement: [
        { effect: 'Allow', action: 's3:ListAllMyBuckets', resource: '*' },
        { effect: 'Allow', action: 's3:*', resource },
      ],
    },
  },
});

const cases: readonly Case[] = [
  {
    fact: 'the Secret is missing',
    kind: 'Provider',
    spoil: ({ namespace, endpoint }) => world.kube.create('Provider', namespace, 'bad', providerSpec(endpoint)),
    reason: 'SecretNotFound',
    message: /Secret .*\/root does not exist/,
    mend: ({ namespace }) => createSecret(namespace, 'root', credentials()),
  },
  {
    fact: 'a key is missing in the Secret',
    kind: 'Provider',
    spoil: providerWith({ 'access-key': 'only-this-one' }),
    reason: 'SecretKeyMissing',
    message: /"secret-key"/,
    mend: mendSecret,
  },
  {
    fact: 'a value is empty',
    kind: 'Provider',
    spoil: providerWith({ 'access-key': 'some-access-key', 'secret-key': '' }),
    reason: 'SecretValueInvalid',
    message: /"secret-key".* is empty/,
    mend: mendSecret,
  },
  {
    fact: 'a value has a newline',
    kind: 'Provider',
    spoil: (place) => {
      const { 'access-key': id, 'secret-key': secret } = credentials();
      return providerWith({ 'access-key': id, 'secret-key': `${secret}\n` })(place);
    },
    reason: 'SecretValueInvalid',
    message: /"secret-key".*line break/,
    mend: mendSecret,
  },
  {
    fact: 'a key called __proto__ is missing, and finds it when it is there',
    kind: 'Provider',
    spoil: (place) =>
      providerWith(credentials(), {
        auth: { accessKeySecretRef: { name: 'root' }, secretKeySecretRef: { name: 'root', key: '__proto__' } },
      })(place),
    reason: 'SecretKeyMissing',
    message: /"__proto__"/,
    mend: ({ namespace }) =>
      changeSecret(namespace, 'root', Object.fromEntries([['__proto__', credentials()['secret-key']]])),
  },
  {
    fact: 'the credentials are wrong',
    kind: 'Provider',
    spoil: (place) => providerWith({ ...credentials(), 'secret-key': 'not-the-secret-key' })(place),
    reason: 'AuthFailed',
    message: /./,
    mend: mendSecret,
  },
  {
    fact: 'nobody listens at the endpoint',
    kind: 'Provider',
    spoil: async ({ namespace }) => {
      await createSecret(namespace, 'root', credentials());
      await world.kube.create('Provider', namespace, 'bad', providerSpec(`http://127.0.0.1:${await freePort()}`));
    },
    reason: 'EndpointUnreachable',
    message: /ECONNREFUSED|refused/i,
    mend: ({ namespace, endpoint }) => world.kube.patch('Provider', namespace, 'bad', specChange({ endpoint })),
  },
  {
    fact: 'the endpoint is https and the port plain',
    kind: 'Provider',
    spoil: async ({ namespace, endpoint }) => {
      await createSecret(namespace, 'root', credentials());
      await world.kube.create('Provider', namespace, 'bad', providerSpec(endpoint.replace('http:', 'https:')));
    },
    reason: 'TlsFailed',
    message: /TLS/,
    mend: ({ namespace, endpoint }) => world.kube.patch('Provider', namespace, 'bad', specChange({ endpoint })),
  },
  {
    fact: 'the Provider is unknown',
    kind: 'Bucket',
    spoil: ({ namespace }) => world.kube.create('Bucket', namespace, 'bad', bucketSpec('provider', `${namespace}-bad`)),
    reason: 'ProviderNotFound',
    message: /Provider .*\/provider/,
    mend: goodProvider,
  },
  {
    fact: 'the Provider of another namespace does not grant it',
    kind: 'Bucket',
    spoil: async ({ namespace }) => {
      const providerRef = { name: 'granting', namespace: 'granting' };
      await world.createNamespace('granting');
      await world.createProvider('granting', 'granting', { server: 'minio' });
      await world.kube.create('Bucket', namespace, 'bad', bucketSpec('', `${namespace}-bad`, { providerRef }));
    },
    reason: 'ReferenceNotGranted',
    message: /granting/,
    mend: ({ namespace }) =>
      world.kube.patch('Provider', 'granting', 'granting', specChange({ allowedNamespaces: { names: [namespace] } })),
  },
  {
    fact: 'the bucket belongs to somebody else',
    kind: 'Bucket',
    spoil: async (place) => {
      await place.view.client.makeBucket(`${place.namespace}-theirs`);
      await goodProvider(place);
      await world.kube.create('Bucket', place.namespace, 'bad', bucketSpec('provider', `${place.namespace}-theirs`));
    },
    reason: 'NotOwned',
    message: /exists already.*adoptionPolicy: Always/,
    mend: ({ namespace }) => world.kube.patch('Bucket', namespace, 'bad', specChange({ adoptionPolicy: 'Always' })),
  },
  {
    fact: 'the bucket is out of reach of the credentials',
    kind: 'Bucket',
    async spoil(place) {
      const { namespace, endpoint, view } = place;
      await view.client.makeBucket(`${namespace}-theirs`);
      await goodProvider(place);
      // A Provider that signs in with a key of ours which may list buckets and nothing else.
      await world.kube.create('AccessKey', namespace, 'limited', limitedKey('arn:aws:s3:::nothing'));
      await world.kube.untilReady('AccessKey', namespace, 'limited');
      const auth = {
        accessKeySecretRef: { name: 'limited-credentials', key: 'access-key-id' },
        secretKeySecretRef: { name: 'limited-credentials', key: 'secret-access-key' },
      };
      await world.kube.create('Provider', namespace, 'limited', providerSpec(endpoint, { auth }));
      const adopting = { adoptionPolicy: 'Always', deletionPolicy: 'Retain' };
      await world.kube.create('Bucket', namespace, 'bad', bucketSpec('limited', `${namespace}-theirs`, adopting));
    },
    reason: 'AccessDenied',
    message: /may not look at the bucket|denied/i,
    mend: ({ namespace }) =>
      world.kube.patch('AccessKey', namespace, 'limited', limitedKey(`arn:aws:s3:::${namespace}-*`)),
  },
  {
    fact: 'a Provider was mistyped',
    kind: 'Bucket',
    async spoil(place) {
      await goodProvider(place);
      const spec = bucketSpec('provder', `${place.namespace}-bda`, { region: 'eu-west-1' });
      await world.kube.create('Bucket', place.namespace, 'bad', spec);
    },
    reason: 'ProviderNotFound',
    message: /Provider .*\/provder does not exist/,
    async mend({ namespace, view }) {
      const mended = { providerRef: { name: 'provider' }, name: `${namespace}-bad`, region: null };
      await world.kube.patch('Bucket', namespace, 'bad', specChange(mended));
      await world.kube.untilReady('Bucket', namespace, 'bad');
      expect(await view.bucket(`${namespace}-bda`)).toBeUndefined();
      // From now on they are fixed.
      await expect(
        world.kube.patch('Bucket', namespace, 'bad', specChange({ name: `${namespace}-other` })),
      ).rejects.toThrow('name cannot be changed once the bucket was created');
    },
  },
  {
    fact: 'a Bucket was mistyped',
    kind: 'BucketPolicy',
    async spoil(place) {
      await goodBucket(place);
      await world.kube.create('BucketPolicy', place.namespace, 'bad', publicPolicySpec('buckt', 's3:GetObject'));
    },
    reason: 'BucketNotFound',
    message: /Bucket .*\/buckt does not exist/,
    mend: ({ namespace }) =>
      world.kube.patch('BucketPolicy', namespace, 'bad', specChange({ bucketRef: { name: 'bucket' } })),
  },
  {
    fact: 'a declared feature is not to be had',
    kind: 'Bucket',
    async spoil(place) {
      await goodProvider(place);
      const cors = { rules: [{ allowedOrigins: ['https://example.com'], allowedMethods: ['GET'] }] };
      await world.kube.create(
        'Bucket',
        place.namespace,
        'bad',
        bucketSpec('provider', `${place.namespace}-bad`, { cors }),
      );
    },
    reason: 'Unsupported',
    message: /cors/,
    async mend({ namespace, view }) {
      // Everything else has been done.
      expect(await view.bucket(`${namespace}-bad`)).toMatchObject({ versioning: 'Enabled', tags: { team: 'storage' } });
      await world.kube.patch('Bucket', namespace, 'bad', specChange({ cors: null }));
    },
  },
  {
    fact: 'the Bucket of a policy is unknown',
    kind: 'BucketPolicy',
    spoil: ({ namespace }) =>
      world.kube.create('BucketPolicy', namespace, 'bad', publicPolicySpec('bucket', 's3:GetObject')),
    reason: 'BucketNotFound',
    message: /Bucket .*\/bucket/,
    mend: goodBucket,
  },
  {
    fact: 'the policy names a foreign ARN',
    kind: 'BucketPolicy',
    spoil: async (place) => {
      await goodBucket(place);
      await world.kube.create('BucketPolicy', place.namespace, 'bad', policyOn('arn:aws:s3:::somebody-elses/*'));
    },
    reason: 'PolicyInvalid',
    message: /statement.*resource.*somebody-elses/i,
    mend: mendPolicy,
  },
  {
    fact: 'an action acts on the bucket and not on objects',
    kind: 'BucketPolicy',
    spoil: async (place) => {
      await goodBucket(place);
      await world.kube.create(
        'BucketPolicy',
        place.namespace,
        'bad',
        policyOn('arn:aws:s3:::${bucket}/*', 's3:ListBucket'),
      );
    },
    reason: 'PolicyInvalid',
    message:
      /^statement\[0\]\.action: s3:ListBucket acts on the bucket itself: use arn:aws:s3:::\$\{bucket\} as resource\./,
    mend: mendPolicy,
  },
  {
    fact: 'an action is written in lower case, which MinIO does not know',
    kind: 'BucketPolicy',
    spoil: async (place) => {
      await goodBucket(place);
      await world.kube.create(
        'BucketPolicy',
        place.namespace,
        'bad',
        policyOn('arn:aws:s3:::${bucket}/*', 's3:getobject'),
      );
    },
    reason: 'PolicyInvalid',
    message: /^statement\[0\]\.action: s3:getobject is written s3:GetObject, with these capitals\./,
    mend: mendPolicy,
  },
  {
    fact: 'the policy has 1 MB',
    kind: 'BucketPolicy',
    spoil: async (place) => {
      await goodBucket(place);
      const resources = Array.from(
        { length: 20_000 },
        (_, index) => `arn:aws:s3:::\${bucket}/${index}/${'x'.repeat(20)}`,
      );
      await world.kube.create('BucketPolicy', place.namespace, 'bad', policyOn(resources));
    },
    reason: 'PolicyInvalid',
    message: /bytes|large|long/i,
    mend: mendPolicy,
  },
  {
    fact: 'the server cannot issue keys',
    kind: 'AccessKey',
    spoil: async ({ namespace }) => {
      await world.createProvider(namespace, 'provider', { server: 'versitygw' });
      await world.kube.create('AccessKey', namespace, 'bad', { spec: { providerRef: { name: 'provider' } } });
    },
    reason: 'Unsupported',
    message: /iamEndpoint/,
    async mend(place) {
      // Nothing was created yet, so its Provider may be changed.
      await world.createProvider(place.namespace, 'able', { server: 'minio', endpoint: place.endpoint });
      await world.kube.patch('AccessKey', place.namespace, 'bad', { spec: { providerRef: { name: 'able' } } });
    },
  },
  {
    fact: 'a Secret of the wanted name is not ours',
    kind: 'AccessKey',
    spoil: async (place) => {
      await goodBucket(place);
      await createSecret(place.namespace, 'bad-credentials', { theirs: 'untouched' });
      await world.kube.create('AccessKey', place.namespace, 'bad', accessKeySpec('provider', 'bucket', 'ReadOnly'));
    },
    reason: 'SecretConflict',
    message: /bad-credentials exists and does not belong/,
    async mend({ namespace }) {
      const secret = await world.kube.get('Secret', namespace, 'bad-credentials');
      expect(secret?.data).toEqual({ theirs: Buffer.from('untouched').toString('base64') });
      // No key was made for which there is no place.
      const { status } = (await world.kube.get('AccessKey', namespace, 'bad')) ?? {};
      expect(status?.accessKeyId).toBeUndefined();
      if (status?.userName !== undefined) {
        expect(
          await minioAdmin(world.server('minio'))
            .keysOf(status.userName)
            .catch(() => []),
        ).toEqual([]);
      }
      await world.kube.delete('Secret', namespace, 'bad-credentials');
    },
  },
];

describe('bad input', () => {
  it.concurrent.each(cases.map((bad, index) => ({ ...bad, index })))(
    'tells that $fact, asks little, and heals when mended',
    async ({ kind, spoil, reason, message, mend, index }) => {
      const namespace = `case-${index}`;
      await world.createNamespace(namespace);
      const { url } = await world.proxyTo('minio', namespace);
      const place = { namespace, endpoint: url, view: s3View(world.server('minio')) };
      await spoil(place);
      const condition = await world.kube.untilNotReady(kind, namespace, 'bad', reason);
      expect(condition.message).toMatch(message);
      expect(condition.message.length).toBeLessThan(2_000);

      // It waits; it does not try again and again.
      const mark = world.traffic.mark();
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      const asked = world.traffic.since(
        mark,
        ({ proxy, path }) => proxy === namespace || path.includes(`/${namespace}/`),
      );
      expect(asked.length).toBeLessThan(20);
      expect(asked.filter(({ proxy, effect }) => proxy === namespace && effect === 'write')).toEqual([]);

      await mend(place);
      await world.kube.untilReady(kind, namespace, 'bad', 75_000);
    },
  );

  it('takes __proto__ for a name like any other where a name is free', async () => {
    const namespace = 'odd-names';
    const odd = (value: string) => Object.fromEntries([['__proto__', value]]);
    await world.createNamespace(namespace);
    await world.createProvider(namespace, 'provider', { server: 'minio' });
    await world.kube.create(
      'Bucket',
      namespace,
      'odd',
      bucketSpec('provider', 'odd-names', { tagging: { tags: odd('tag') } }),
    );
    await world.kube.untilReady('Bucket', namespace, 'odd');
    const tags = await s3View(world.server('minio')).client.getBucketTagging('odd-names');
    expect(tags).toContainEqual({ Key: '__proto__', Value: 'tag' });
    const secretKeys = { 'access-key-id': '__proto__' };
    await world.kube.create(
      'AccessKey',
      namespace,
      'odd',
      accessKeySpec('provider', 'odd', 'ReadOnly', { secretKeys }),
    );
    const { status } = await world.kube.untilReady('AccessKey', namespace, 'odd');
    const secret = await world.kube.get('Secret', namespace, 'odd-credentials');
    const data = new Map(Object.entries(secret?.data ?? {}));
    expect(Buffer.from(data.get('__proto__') ?? '', 'base64').toString()).toBe(status?.accessKeyId);
  });

  it('costs the others nothing', async () => {
    for (const kind of ourKinds) await world.kube.untilReady(kind, healthy, healthy, 5_000);
    for (const controller of controllers) {
      const output = await controller.output();
      expect(output).not.toContain('InternalError');
      expect(output.match(/"event":"start"/g)).toHaveLength(1);
    }
  });

  it('is logged in lines whose fields are those that docs/observability.md has', async () => {
    const page = readFileSync(join(projectRoot, 'docs/observability.md'), 'utf8');
    const [, told = ''] = /^\| `event` .*? one of (.*) \|$/m.exec(page) ?? [];
    const events = new Set([...Object.keys(eventReasons), ...[...told.matchAll(/`(\w+)`/g)].map(([, word]) => word)]);
    for (const controller of controllers) {
      const lines = (await controller.output())
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
      const ofPasses = lines.filter(({ traceId }) => traceId !== undefined);
      expect(ofPasses.length).toBeGreaterThan(10);
      const odd = lines.filter(
        ({ controller: by, time, level, event, reason = 'None' }) =>
          by !== `${controller.name}-controller` ||
          !/^\d{4}-\d\d-\d\dT.*Z$/.test(String(time)) ||
          !/^(trace|debug|info|warn|error)$/.test(String(level)) ||
          !events.has(String(event)) ||
          !/^[A-Z][A-Za-z]+$/.test(String(reason)),
      );
      expect(odd, controller.name).toEqual([]);
      const nobodys = ofPasses.filter(
        ({ resource, uid, provider }) =>
          !/^[-\w]+\/[-\w]+$/.test(String(resource)) ||
          !/^[-0-9a-f]{36}$/.test(String(uid)) ||
          // That of a BucketPolicy is known from its Bucket.
          (controller.name === 'policy' ? false : !/^[-\w]+\/[-\w]+$/.test(String(provider))),
      );
      expect(nobodys, controller.name).toEqual([]);
      const ofHealthy = ofPasses.filter(({ resource }) => resource === `${healthy}/${healthy}`).at(-1);
      expect(ofHealthy, controller.name).toMatchObject({ provider: `${healthy}/${healthy}` });
    }
  });

  it('puts no secret out, at the most talkative log level either', async () => {
    expect(world.secrets.size).toBeGreaterThan(3);
    expect(await world.findLeaks()).toEqual([]);
  });
});
