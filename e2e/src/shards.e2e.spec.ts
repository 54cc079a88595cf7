import { GetBucketReplicationCommand } from '@aws-sdk/client-s3';
import { s3View, until, type S3View, type World } from '@operator/tools/harness';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld } from './world.ts';

let world: World;
let view: S3View;
const shards = ['shard-a', 'shard-b'] as const;

beforeAll(async () => {
  world = await startWorld('shards', ['minio']);
  view = s3View(world.server('minio'));
  for (const namespace of ['platform', ...shards]) await world.createNamespace(namespace);
  await world.startController('provider');
  for (const namespace of shards)
    await world.startController('bucket', { as: `bucket-${namespace}`, namespaces: [namespace] });
  await world.createProvider('platform', 'shared', {
    server: 'minio',
    spec: { allowedNamespaces: { names: [...shards] } },
  });
});
afterAll(async () => {
  view.sdk.destroy();
  await world.stop();
});

const rulesOf = async (Bucket: string): Promise<readonly unknown[]> => {
  const answer = view.sdk.send(new GetBucketReplicationCommand({ Bucket }));
  return (await answer.catch(() => undefined))?.ReplicationConfiguration?.Rules ?? [];
};

it(
  'a Bucket copies to one that another process looks after, until that is taken back',
  { timeout: 180_000 },
  async () => {
    const { kube } = world;
    const providerRef = { name: 'shared', namespace: 'platform' };
    const versioning = { enabled: true };
    const destination = { bucketRef: { name: 'copies', namespace: 'shard-b' } };
    await kube.create('Bucket', 'shard-a', 'source', {
      spec: { providerRef, name: 'shard-source', versioning, replication: { rules: [{ id: 'all', destination }] } },
    });
    await kube.untilNotReady('Bucket', 'shard-a', 'source', 'ReferenceNotGranted');
    const lent = { allowedNamespaces: { names: ['shard-a'] } };
    await kube.create('Bucket', 'shard-b', 'copies', {
      spec: { providerRef, name: 'shard-copies', versioning, ...lent },
    });
    // Its watch tells the other process: nothing else would for a minute.
    await kube.untilReady('Bucket', 'shard-a', 'source', 30_000);
    await view.client.putObject('shard-source', 'letter', 'mine');
    await until(
      () => view.client.statObject('shard-copies', 'letter').then(Boolean, () => false),
      (isThere) => isThere,
      { what: 'the copy has arrived', timeoutMs: 30_000 },
    );

    await kube.patch('Bucket', 'shard-b', 'copies', {
      metadata: { annotations: { 's3.cloud37.dev/confirm-withdrawal': 'shard-a' } },
      spec: { allowedNamespaces: { names: [] } },
    });
    await until(
      () => rulesOf('shard-source'),
      (rules) => rules.length === 0,
      { what: 'the rule is gone', timeoutMs: 30_000 },
    );
    expect(await rulesOf('shard-source')).toEqual([]);
  },
);
