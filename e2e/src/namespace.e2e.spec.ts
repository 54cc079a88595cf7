import {
  accessKeySpec,
  bucketSpec,
  minioAdmin,
  passRequest,
  publicPolicySpec,
  s3View,
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
