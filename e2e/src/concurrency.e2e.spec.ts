import { setTimeout } from 'node:timers/promises';
import {
  bucketSpec,
  conditionOf,
  type Controller,
  isReady,
  passRequest,
  publicPolicySpec,
  s3View,
  type S3View,
  specChange,
  type Stored,
  until,
  untilQuiet,
  type World,
} from '@operator/tools/harness';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld } from './world.ts';

const namespace = 'crowd';
const other = 'crowd-too';

let world: World;
let view: S3View;
let everywhere: Controller;
let policies: Controller;

beforeAll(async () => {
  world = await startWorld('concurrency', ['minio', 'moto']);
  view = s3View(world.server('minio'));
  await Promise.all([world.createNamespace(namespace), world.createNamespace(other)]);
  [, policies] = await Promise.all([world.startController('provider'), world.startController('policy')]);
  everywhere = await world.startController('bucket', { flags: ['--workers=10'] });
  for (const [provider, server] of [
    ['provider', 'minio'],
    ['moto', 'moto'],
  ] as const) {
    await world.createProvider(namespace, provider, { server, spec: { allowedNamespaces: { all: true } } });
    await world.kube.untilReady('Provider', namespace, provider);
  }
});
afterAll(() => world.stop());

const buckets = () => world.kube.list('Bucket', namespace);
const unready = (list: readonly Stored<'Bucket'>[]) =>
  list.filter((bucket) => !isReady(bucket)).map(({ metadata, status }) => ({ name: metadata.name, status }));
const showUnready = (list: readonly Stored<'Bucket'>[] = []) =>
  `${list.length} Buckets, ${unready(list).length} not Ready, such as ${JSON.stringify(unready(list)[0])}`;
const writesSince = (mark: number, operation: string) =>
  world.traffic.since(mark, (call) => call.proxy === 'minio' && call.operation === operation).length;

describe('many at once', () => {
  it('creates, changes and deletes 200 Buckets at once', { timeout: 300_000 }, async () => {
    const names = Array.from({ length: 200 }, (_, index) => `b${index}`);
    const kept = names.filter((_, index) => index % 2 === 0);
    const started = performance.now();
    const mark = world.traffic.mark();

    // Each is created, changed at once and, every second one, deleted at once, whatever has been done by then.
    await Promise.all(
      names.map(async (name) => {
        await world.kube.create('Bucket', namespace, name, bucketSpec('provider', `crowd-${name}`));
        const tagging = { tags: { team: 'changed', tier: null, name } };
        await world.kube.patch('Bucket', namespace, name, specChange({ versioning: { enabled: false }, tagging }));
        if (!kept.includes(name)) await world.kube.delete('Bucket', namespace, name);
      }),
    );
    await until(buckets, (list) => list.length === kept.length && unready(list).length === 0, {
      what: '100 of 200 Buckets are Ready and the others gone',
      timeoutMs: 180_000,
      everyMs: 250,
      show: showUnready,
    });
    expect((await view.bucketNames('crowd-')).toSorted()).toEqual(kept.map((name) => `crowd-${name}`).toSorted());
    for (const name of kept) {
      const seen = await view.bucket(`crowd-${name}`);
      // A bucket that never was versioned needs no suspension.
      expect(seen?.versioning).not.toBe('Enabled');
      expect(seen?.tags).toMatchObject({ team: 'changed', name, 's3.cloud37.dev/name': name });
      expect(seen?.tags).not.toHaveProperty('tier');
    }
    const createdOnce = writesSince(mark, 'CreateBucket');
    expect(createdOnce).toBeGreaterThanOrEqual(kept.length);
    expect(createdOnce).toBeLessThanOrEqual(names.length);

    await Promise.all(kept.map((name) => world.kube.delete('Bucket', namespace, name)));
    await until(buckets, (list) => list.length === 0, {
      what: 'all Buckets are gone',
      timeoutMs: 120_000,
      everyMs: 250,
      show: showUnready,
    });
    expect(await view.bucketNames('crowd-')).toEqual([]);
    // Nobody deleted a bucket twice, or created one anew.
    expect(writesSince(mark, 'DeleteBucket')).toBe(createdOnce);
    const seconds = (performance.now() - started) / 1000;
    console.log(`FIGURE 200 Buckets created, changed and deleted at once: ${seconds.toFixed(1)} s`);
  });

  // moto, like AWS in us-east-1, lets the owner create a bucket that exists; MinIO refuses. moto also keeps the tags of a
  // deleted bucket for the next one of its name, so there nobody takes over.
  it.each([
    { server: 'minio', provider: 'provider', takesOver: true },
    { server: 'moto', provider: 'moto', takesOver: false },
  ] as const)('gives a bucket on $server that two want to one of them', async ({ server, provider, takesOver }) => {
    const at = s3View(world.server(server));
    const names = Array.from({ length: 10 }, (_, index) => `${server}-pair${index}`);
    const mark = world.traffic.mark();
    const spec = (name: string) =>
      bucketSpec(provider, `shared-${name}`, { providerRef: { name: provider, namespace } });
    const tagsOf = async (name: string) => (await at.bucket(`shared-${name}`))?.tags;
    // Who came too late was refused: that is no creation.
    const creations = () =>
      world.traffic.since(mark, ({ operation, status }) => operation === 'CreateBucket' && status === 200).length;
    await Promise.all(
      names.flatMap((name) => [namespace, other].map((place) => world.kube.create('Bucket', place, name, spec(name)))),
    );
    const pairs = await Promise.all(
      names.map((name) =>
        until(
          () =>
            Promise.all([world.kube.get('Bucket', namespace, name), world.kube.get('Bucket', other, name)] as const),
          (seen) =>
            seen.filter((bucket) => isReady(bucket)).length === 1 &&
            seen.filter((bucket) => conditionOf(bucket, 'CreationFailed')?.reason === 'AlreadyClaimed').length === 1,
          { what: `one of the Buckets ${name} is Ready and the other says AlreadyClaimed`, timeoutMs: 60_000 },
        ),
      ),
    );
    await untilQuiet(world.traffic);
    if (server === 'minio') expect(creations()).toBe(names.length);
    for (const pair of pairs) {
      const [winner, loser] = isReady(pair[0]) ? pair : pair.toReversed();
      if (winner === undefined || loser === undefined) throw new Error('both objects are there');
      const { name } = winner.metadata;
      // Whoever only borrows the Provider is told no names of other namespaces.
      const isTold = loser.metadata.namespace === namespace;
      expect(conditionOf(loser, 'Ready')?.message).toContain(
        isTold ? `${winner.metadata.namespace ?? ''}/${name}` : 'a Bucket of another namespace',
      );
      expect(await tagsOf(name)).toMatchObject({ 's3.cloud37.dev/uid': winner.metadata.uid });
      if (takesOver) {
        await world.kube.delete('Bucket', winner.metadata.namespace, name);
        await world.kube.untilReady('Bucket', loser.metadata.namespace ?? '', name, 60_000);
        expect(await tagsOf(name)).toMatchObject({ 's3.cloud37.dev/uid': loser.metadata.uid });
      } else {
        // The loser leaves without a trace.
        await world.kube.delete('Bucket', loser.metadata.namespace, name);
        await world.kube.untilGone('Bucket', loser.metadata.namespace, name);
        expect(await tagsOf(name)).toMatchObject({ 's3.cloud37.dev/uid': winner.metadata.uid });
        await world.kube.delete('Bucket', winner.metadata.namespace, name);
      }
    }
    if (server === 'minio') expect(creations()).toBe(2 * names.length);
    await Promise.all(
      names.flatMap((name) => [namespace, other].map((place) => world.kube.delete('Bucket', place, name))),
    );
    await until(
      () => at.bucketNames('shared-'),
      (left) => left.length === 0,
      { what: 'the shared buckets are gone' },
    );
  });

  it('ends well when a policy changes while its bucket is deleted', async () => {
    const { kube } = world;
    const create = () => kube.create('Bucket', namespace, 'leaving', bucketSpec('provider', 'leaving-bucket'));
    await create();
    await kube.create('BucketPolicy', namespace, 'leaving', publicPolicySpec('leaving', 's3:GetObject'));
    await kube.untilReady('BucketPolicy', namespace, 'leaving');

    const change = async () => {
      for (const action of ['s3:PutObject', 's3:GetObject', 's3:DeleteObject', 's3:ListBucket', 's3:PutObject']) {
        const { spec } = publicPolicySpec('leaving', action) as { spec: object };
        await kube.patch('BucketPolicy', namespace, 'leaving', { spec });
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await Promise.all([change(), kube.delete('Bucket', namespace, 'leaving')]);
    await kube.untilGone('Bucket', namespace, 'leaving');
    expect(await view.bucket('leaving-bucket')).toBeUndefined();
    const condition = await kube.untilNotReady('BucketPolicy', namespace, 'leaving', 'BucketNotFound');
    expect(condition.message).toContain('leaving');

    await create();
    await kube.untilReady('BucketPolicy', namespace, 'leaving');
    expect(await view.policy('leaving-bucket')).toMatchObject({ Statement: [{ Action: ['s3:PutObject'] }] });

    // Both leave at once, and nothing waits for the other.
    await Promise.all([kube.delete('Bucket', namespace, 'leaving'), kube.delete('BucketPolicy', namespace, 'leaving')]);
    await kube.untilGone('Bucket', namespace, 'leaving');
    await kube.untilGone('BucketPolicy', namespace, 'leaving');
    expect(await view.bucket('leaving-bucket')).toBeUndefined();
  });

  it('applies the older of two policies, and the other when that one leaves', async () => {
    const { kube } = world;
    await kube.create('Bucket', namespace, 'judged', bucketSpec('provider', 'judged-bucket'));
    await kube.create('BucketPolicy', namespace, 'first', publicPolicySpec('judged', 's3:GetObject'));
    await kube.untilReady('BucketPolicy', namespace, 'first');
    // An object's age is known to the second.
    await setTimeout(1_100);
    await kube.create('BucketPolicy', namespace, 'second', publicPolicySpec('judged', 's3:PutObject'));
    const refusal = await kube.untilNotReady('BucketPolicy', namespace, 'second', 'PolicyConflict');
    expect(refusal.message).toContain(`${namespace}/first`);
    expect(conditionOf(await kube.get('BucketPolicy', namespace, 'second'), 'ApplyFailed')?.status).toBe('True');
    await until(
      () => kube.get('Bucket', namespace, 'judged'),
      (bucket) => conditionOf(bucket, 'PolicyConflict')?.status === 'True',
      { what: 'the Bucket shows PolicyConflict' },
    );
    expect(await view.policy('judged-bucket')).toMatchObject({ Statement: [{ Action: ['s3:GetObject'] }] });
    await kube.delete('BucketPolicy', namespace, 'first');
    await kube.untilReady('BucketPolicy', namespace, 'second');
    expect(await view.policy('judged-bucket')).toMatchObject({ Statement: [{ Action: ['s3:PutObject'] }] });
    await until(
      () => kube.get('Bucket', namespace, 'judged'),
      (bucket) => conditionOf(bucket, 'PolicyConflict') === undefined,
      { what: 'the Bucket shows no PolicyConflict any more' },
    );
  });

  it.each([
    { server: 'minio', provider: 'provider' },
    { server: 'moto', provider: 'moto' },
  ] as const)('gives a bucket on $server to one of two whose controllers do not see each other', async (given) => {
    const { server, provider } = given;
    const at = s3View(world.server(server));
    await everywhere.stop();
    const places = [namespace, other];
    const apart = await Promise.all(
      places.map((place) =>
        world.startController('bucket', {
          as: `bucket-${server}-${place}`,
          namespaces: [place],
          flags: ['--leader-elect=false'],
        }),
      ),
    );
    const names = Array.from({ length: 10 }, (_, index) => `${server}-apart${index}`);
    const spec = (name: string) =>
      bucketSpec(provider, `apart-${name}`, { providerRef: { name: provider, namespace } });
    await Promise.all(
      names.flatMap((name) => places.map((place) => world.kube.create('Bucket', place, name, spec(name)))),
    );
    await untilQuiet(world.traffic);
    // One may have been Ready before the other's mark came: the next look settles it.
    await Promise.all(
      names.flatMap((name) => places.map((place) => world.kube.patch('Bucket', place, name, passRequest('settle')))),
    );
    await untilQuiet(world.traffic);
    for (const name of names) {
      const seen = await Promise.all(places.map((place) => world.kube.get('Bucket', place, name)));
      const winner = seen.find((bucket) => isReady(bucket));
      const loser = seen.find((bucket) => !isReady(bucket));
      if (winner === undefined || loser === undefined) {
        expect.fail(`not one of two is Ready: ${JSON.stringify(seen.map((bucket) => bucket?.status))}`);
      }
      expect(['AlreadyClaimed', 'NotOwned']).toContain(conditionOf(loser, 'Ready')?.reason);
      const markedAs = { 's3.cloud37.dev/uid': winner.metadata.uid };
      expect((await at.bucket(`apart-${name}`))?.tags).toMatchObject(markedAs);
      await world.kube.delete('Bucket', loser.metadata.namespace, name);
      await world.kube.untilGone('Bucket', loser.metadata.namespace, name);
      expect((await at.bucket(`apart-${name}`))?.tags).toMatchObject(markedAs);
      await world.kube.delete('Bucket', winner.metadata.namespace, name);
      await world.kube.untilGone('Bucket', winner.metadata.namespace, name);
      expect(await at.bucket(`apart-${name}`)).toBeUndefined();
    }
    await Promise.all(apart.map((controller) => controller.close()));
    await everywhere.start();
  });

  it('gives a bucket one policy also where two controllers look after them, and takes it when its grant is withdrawn', async () => {
    const { kube } = world;
    await policies.stop();
    const apart = await Promise.all(
      [namespace, other].map((place) =>
        world.startController('policy', {
          as: `policy-${place}`,
          namespaces: [place],
          flags: ['--leader-elect=false'],
        }),
      ),
    );
    const lent = { allowedNamespaces: { names: [other] } };
    await kube.create('Bucket', namespace, 'lent', bucketSpec('provider', 'lent-bucket', lent));
    const policyFor = (action: string) => {
      const { spec } = publicPolicySpec('lent', action) as { spec: object };
      return { spec: { ...spec, bucketRef: { name: 'lent', namespace } } };
    };
    await kube.create('BucketPolicy', other, 'borrower', policyFor('s3:GetObject'));
    await kube.untilReady('BucketPolicy', other, 'borrower');
    // An object's age is known to the second.
    await setTimeout(1_100);
    await kube.create('BucketPolicy', namespace, 'lender', policyFor('s3:PutObject'));
    const refusal = await kube.untilNotReady('BucketPolicy', namespace, 'lender', 'PolicyConflict');
    expect(refusal.message).toContain(`${other}/borrower`);
    const mark = world.traffic.mark();
    await Promise.all([
      kube.patch('BucketPolicy', other, 'borrower', passRequest('settle')),
      kube.patch('BucketPolicy', namespace, 'lender', passRequest('settle')),
    ]);
    await untilQuiet(world.traffic);
    expect(writesSince(mark, 'PutBucketPolicy')).toBe(0);
    expect(await view.policy('lent-bucket')).toMatchObject({ Statement: [{ Action: ['s3:GetObject'] }] });

    await kube.patch('Bucket', namespace, 'lent', specChange({ allowedNamespaces: null }));
    const kept = await kube.untilNotReady('BucketPolicy', other, 'borrower', 'ReferenceNotGranted');
    expect(kept.message).toContain('stays as it is until the owner of the Bucket confirms');
    expect(await view.policy('lent-bucket')).toMatchObject({ Statement: [{ Action: ['s3:GetObject'] }] });
    const annotations = { 's3.cloud37.dev/confirm-withdrawal': other };
    await kube.patch('Bucket', namespace, 'lent', { metadata: { annotations } });
    await until(
      () => kube.get('BucketPolicy', other, 'borrower'),
      (policy) => policy?.status?.applied === false,
      { what: 'the policy of the borrower is not applied any more' },
    );
    await kube.patch('BucketPolicy', namespace, 'lender', passRequest('again'));
    await kube.untilReady('BucketPolicy', namespace, 'lender');
    expect(await view.policy('lent-bucket')).toMatchObject({ Statement: [{ Action: ['s3:PutObject'] }] });
    await kube.delete('BucketPolicy', other, 'borrower');
    await kube.untilGone('BucketPolicy', other, 'borrower');
    expect(await view.policy('lent-bucket')).toMatchObject({ Statement: [{ Action: ['s3:PutObject'] }] });
    await Promise.all(apart.map((controller) => controller.close()));
    await policies.start();
  });

  it('comes to rest, and puts no secret out', async () => {
    await untilQuiet(world.traffic);
    expect(world.secrets.size).toBeGreaterThan(1);
    expect(await world.findLeaks()).toEqual([]);
  });
});
