import {
  accessKeySpec,
  bucketSpec,
  minioAdmin,
  type Manifest,
  passRequest,
  publicPolicySpec,
  s3View,
  until,
  type World,
} from '@operator/tools/harness';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld('namespace', ['minio']);
  await Promise.all(
    (['provider', 'bucket', 'policy', 'accesskey'] as const).map((name) => world.startController(name)),
  );
});
afterAll(() => world.stop());

/** A namespace with one object of each kind, all Ready. */
const furnish = async (namespace: string): Promise<void> => {
  const { kube } = world;
  await world.createNamespace(namespace);
  await world.createProvider(namespace, 'provider', { server: 'minio' });
  await kube.create('Bucket', namespace, 'bucket', bucketSpec('provider', `${namespace}-bucket`));
  await kube.create('AccessKey', namespace, 'key', accessKeySpec('provider', 'bucket', 'ReadWrite'));
  await kube.create('BucketPolicy', namespace, 'policy', publicPolicySpec('bucket', 's3:GetObject'));
  for (const kind of ['Provider', 'Bucket', 'AccessKey', 'BucketPolicy'] as const) {
    const name = { Provider: 'provider', Bucket: 'bucket', AccessKey: 'key', BucketPolicy: 'policy' }[kind];
    await kube.untilReady(kind, namespace, name, 60_000);
  }
};

const left = async (namespace: string) => ({
  buckets: await s3View(world.server('minio')).bucketNames(namespace),
  users: await minioAdmin(world.server('minio')).userNames(),
});

it('goes with all that is in it, and leaves nothing at the server', { timeout: 180_000 }, async () => {
  await furnish('leaving');
  expect(await left('leaving')).toMatchObject({ buckets: ['leaving-bucket'], users: [expect.any(String)] });
  await world.kube.delete('Namespace', undefined, 'leaving');
  await world.kube.untilGone('Namespace', undefined, 'leaving', 120_000);
  expect(await left('leaving')).toEqual({ buckets: [], users: [] });
});

it('goes also when its Secrets went before all else', { timeout: 180_000 }, async () => {
  await furnish('bereft');
  const { kube } = world;
  // The Provider waits for its users; then its Secret goes, and then the rest.
  await kube.delete('Provider', 'bereft', 'provider');
  await kube.untilNotReady('Provider', 'bereft', 'provider', 'InUse');
  await kube.delete('Secret', 'bereft', 'provider-root');
  await kube.untilGone('Secret', 'bereft', 'provider-root');
  await kube.patch('Provider', 'bereft', 'provider', passRequest('without a Secret'));
  await kube.delete('Namespace', undefined, 'bereft');
  await kube.untilGone('Namespace', undefined, 'bereft', 120_000);
  expect(await left('bereft')).toEqual({ buckets: [], users: [] });
});

/** The status of the Provider `store` of a namespace, once it is so. */
const statusOnce = (namespace: string, what: string, isSo: (status: Manifest) => boolean): Promise<Manifest> =>
  until(async () => ((await world.kube.get('Provider', namespace, 'store'))?.status ?? {}) as Manifest, isSo, {
    what,
    timeoutMs: 60_000,
  });

it('leaves what it retains in the sight of the lender, who also sees who borrows', { timeout: 180_000 }, async () => {
  const { kube } = world;
  await world.createNamespace('lender');
  await world.createNamespace('tenant');
  await world.createProvider('lender', 'store', {
    server: 'minio',
    spec: { allowedNamespaces: { names: ['tenant'] } },
  });
  await kube.untilReady('Provider', 'lender', 'store', 60_000);
  const change = { providerRef: { name: 'store', namespace: 'lender' }, deletionPolicy: 'Retain' };
  await kube.create('Bucket', 'tenant', 'photos', bucketSpec('store', 'retained-photos', change));
  const bucket = await kube.untilReady('Bucket', 'tenant', 'photos', 60_000);
  const used = await statusOnce('lender', 'the Provider knows its borrower', ({ inUseBy }) =>
    JSON.stringify(inUseBy).includes('tenant'),
  );
  expect(used.inUseBy).toEqual({ buckets: 1, accessKeys: 0, namespaces: ['tenant'] });

  await kube.delete('Namespace', undefined, 'tenant');
  await kube.untilGone('Namespace', undefined, 'tenant', 120_000);
  const { retainedBuckets } = await statusOnce(
    'lender',
    'the Provider names the bucket',
    (status) => status.retainedBucketCount === 1,
  );
  expect(retainedBuckets).toEqual([
    { bucketName: 'retained-photos', namespace: 'tenant', name: 'photos', uid: bucket.metadata.uid },
  ]);
  await s3View(world.server('minio')).client.removeBucket('retained-photos');
  await kube.delete('Provider', 'lender', 'store');
  await kube.untilGone('Provider', 'lender', 'store');
});

it('is shown to a lender as long as its selector grants it', { timeout: 180_000 }, async () => {
  const { kube } = world;
  const label = (name: string, labels: Manifest) => kube.patch('Namespace', undefined, name, { metadata: { labels } });
  for (const name of ['selecting', 'chosen', 'named']) await world.createNamespace(name);
  await world.createProvider('selecting', 'store', {
    server: 'minio',
    spec: { allowedNamespaces: { names: ['named'], selector: { matchLabels: { s3: 'allowed' } } } },
  });
  const ready = await kube.untilReady('Provider', 'selecting', 'store', 60_000);
  expect(ready.status).not.toHaveProperty('grantedNamespaces');
  expect(ready.status).not.toHaveProperty('grantedNamespaceCount');

  const granted = async (...names: readonly string[]) => {
    const { grantedNamespaces } = await statusOnce(
      'selecting',
      `${names.join(', ')} are granted`,
      ({ grantedNamespaceCount }) => grantedNamespaceCount === names.length,
    );
    expect(grantedNamespaces).toEqual(names);
  };
  await label('selecting', { 's3.cloud37.dev/show-granted-namespaces': 'true' });
  await granted('named');
  await label('chosen', { s3: 'allowed' });
  await granted('chosen', 'named');
  await label('chosen', { s3: null });
  await granted('named');

  // Many at once are written down in few statuses.
  const mark = world.traffic.mark();
  const many = Array.from({ length: 150 }, (_, number) => `many-${String(number).padStart(3, '0')}`);
  const began = performance.now();
  await Promise.all(
    many.map((name) => kube.create('Namespace', undefined, name, { metadata: { labels: { s3: 'allowed' } } })),
  );
  const tookSeconds = (performance.now() - began) / 1_000;
  const { grantedNamespaces } = await statusOnce(
    'selecting',
    'all are counted',
    ({ grantedNamespaceCount }) => grantedNamespaceCount === many.length + 1,
  );
  expect(grantedNamespaces).toEqual(many.slice(0, 100));
  const writes = world.traffic.since(mark, ({ operation }) => operation === 'patch providers/status');
  console.log(
    `FIGURE 150 namespaces that a selector grants, made in ${tookSeconds.toFixed(1)} s: ${String(writes.length)} statuses`,
  );
  expect(writes.length).toBeLessThanOrEqual(2 + tookSeconds / 5);

  await kube.patch('Provider', 'selecting', 'store', { spec: { allowedNamespaces: { all: true } } });
  const all = await statusOnce('selecting', 'all are granted', (status) => status.grantedNamespaceCount === undefined);
  expect(all.grantedNamespaces).toEqual(['*']);
});
