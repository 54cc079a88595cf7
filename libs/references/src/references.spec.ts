import { asFault, waiting, type Fault } from '@operator/outcome';
import { KubeError, type KubeClient } from '@operator/runtime';
import { bucketSpec, createMemoryS3 } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import { clusterIdentity } from './cluster.ts';
import { explainWait } from './deletion.ts';
import { createTestWorld, objectOf, providerOf } from './testing/index.ts';

const signal = new AbortController().signal;
const { driver } = createMemoryS3({ now: () => new Date(0) });
const faultOf = async (promise: Promise<unknown>): Promise<Fault> =>
  promise.then(() => {
    throw new Error('expected a Fault');
  }, asFault);

describe('what stands by a reference to a Bucket', () => {
  const ref = { name: 'photos', namespace: 'team-a' };
  const photos = (change: object = {}, metadata: object = {}) =>
    objectOf('Bucket', 'photos', { ...bucketSpec({ name: 'photos' }), ...change }, { metadata });
  const confirmed = { annotations: { 's3.cloud37.dev/confirm-withdrawal': 'team-b' } };
  const leaving = { deletionTimestamp: '2026-05-05T10:00:00Z' };
  const lent = { allowedNamespaces: { names: ['team-b'] } };
  const elsewhere = { ...lent, providerRef: { name: 'lent', namespace: 'platform' } };
  const lender = (metadata: object) =>
    providerOf(driver, { metadata: { name: 'lent', namespace: 'platform', uid: 'uid-lent', ...metadata } });

  it.each([
    ['stays while it is granted', photos(lent), photos(lent), false],
    ['stays while the grant is withdrawn and that is not confirmed', photos(), photos(), false],
    ['ends when that is confirmed', photos({}, confirmed), photos({}, confirmed), true],
    ['stays where the cache alone says so', photos({}, confirmed), photos(), false],
    ['ends when it is gone', undefined, undefined, true],
    ['stays where the cache alone has lost it', undefined, photos(), false],
    ['ends when it is being deleted', photos(lent, leaving), photos(lent, leaving), true],
    ['stays when it is there again', photos(lent, leaving), photos(lent), false],
    ['ends when its own Provider was taken back for good', photos(elsewhere), photos(elsewhere), true],
  ])('%s', async (_when, known, live, isEnded) => {
    const world = createTestWorld(driver);
    if (known !== undefined) world.buckets.set('team-a/photos', known as never);
    world.live.buckets.set('team-a/photos', live as never);
    world.providers.set('platform/lent', lender({ annotations: { 's3.cloud37.dev/confirm-withdrawal': 'team-a' } }));
    expect(await world.references().isBucketEnded(ref, 'team-b', signal)).toBe(isEnded);
    const own = world.references({ crossNamespaceRefs: false });
    expect(await own.isBucketEnded(ref, 'team-b', signal)).toBe(false);
  });

  it.each([
    ['being deleted', photos(lent, leaving)],
    ['gone', undefined],
  ])('stays when the Bucket is %s with the definition of its kind', async (_what, bucket) => {
    const world = createTestWorld(driver);
    if (bucket !== undefined) world.buckets.set('team-a/photos', bucket as never);
    world.live.buckets.set('team-a/photos', bucket as never);
    world.kube.leave('buckets');
    expect(await world.references().isBucketEnded(ref, 'team-b', signal)).toBe(false);
  });
});

describe('a reference to a Provider', () => {
  const grants = (allowedNamespaces: object) => providerOf(driver, { spec: { allowedNamespaces } });

  it('leads to its driver', async () => {
    const { references } = createTestWorld(driver);
    const provided = await references().driverFor({ name: 'provider' }, 'team-a', signal);
    expect(provided.driver).toBe(driver);
  });

  it('that leaves out the namespace says where it was searched', async () => {
    const { references } = createTestWorld(driver);
    const told =
      'Provider team-b/store does not exist. providerRef.namespace was left out, so namespace team-b was searched; ' +
      'set it if the Provider is in another namespace.';
    expect((await faultOf(references().driverFor({ name: 'store' }, 'team-b', signal))).message).toBe(told);
    expect((await faultOf(references().driverForRemoval({ name: 'store' }, 'team-b', signal))).message).toBe(told);
    const named = { name: 'store', namespace: 'team-b' };
    expect((await faultOf(references().driverFor(named, 'team-b', signal))).message).toBe(
      'Provider team-b/store does not exist.',
    );
    expect((await faultOf(references().bucketFor({ name: 'photos' }, 'team-b'))).message).toContain(
      'bucketRef.namespace was left out, so namespace team-b was searched',
    );
  });

  describe('whose grant is withdrawn', () => {
    const ref = { name: 'provider', namespace: 'team-a' };
    const confirmed = { annotations: { 's3.cloud37.dev/confirm-withdrawal': 'team-b' } };
    const confirming = providerOf(driver, { metadata: confirmed });

    it('stands as it is until that is confirmed, and the Provider itself says so, not the cache', async () => {
      const { references, providers, live } = createTestWorld(driver);
      const state = async () => {
        const found = await references().grantOfProvider(ref, 'team-b', signal);
        expect(await references().isProviderWithdrawn(ref, 'team-b', signal)).toBe(found === 'confirmed');
        return found;
      };
      expect(await state()).toBe('withdrawn');
      providers.set('team-a/provider', confirming);
      expect(await state()).toBe('confirmed');
      live.providers.set('team-a/provider', grants({ names: ['team-b'] }));
      expect(await state()).toBe('granted');
      live.providers.set('team-a/provider', undefined);
      expect(await state()).toBeUndefined();
      providers.set('team-a/provider', grants({ names: ['team-b'] }));
      expect(await state()).toBe('granted');
      providers.clear();
      expect(await state()).toBeUndefined();
    });

    it('stands as it is until the owner of the Bucket confirms', async () => {
      const { references, buckets } = createTestWorld(driver);
      const photos = { name: 'photos', namespace: 'team-a' };
      const state = async () => {
        const found = await references().grantOfBucket(photos, 'team-b', signal);
        expect(await references().isBucketWithdrawn(photos, 'team-b', signal)).toBe(found === 'confirmed');
        return found;
      };
      buckets.set('team-a/photos', objectOf('Bucket', 'photos', bucketSpec({})));
      expect(await state()).toBe('withdrawn');
      buckets.set('team-a/photos', objectOf('Bucket', 'photos', bucketSpec({}), { metadata: confirmed }));
      expect(await state()).toBe('confirmed');
    });
  });

  it.each([
    ['that is absent', { name: 'none' }, 'team-a', 'ProviderNotFound', /team-a\/none does not exist/],
    [
      'without a grant',
      { name: 'provider', namespace: 'team-a' },
      'team-b',
      'ReferenceNotGranted',
      /may not be referred to/,
    ],
    [
      'without a grant that is absent, in the same words',
      { name: 'none', namespace: 'team-a' },
      'team-b',
      'ReferenceNotGranted',
      /may not be referred to/,
    ],
  ])('%s is refused', async (_title, ref, from, reason, message) => {
    const fault = await faultOf(createTestWorld(driver).references().driverFor(ref, from, signal));
    expect(fault).toMatchObject({ kind: 'waiting', reason });
    expect(fault.message).toMatch(message);
  });

  it('to another namespace is refused where references stay in theirs, whatever is granted', async () => {
    const { references, providers } = createTestWorld(driver);
    providers.set('team-a/provider', grants({ all: true }));
    const isolated = references({ crossNamespaceRefs: false });
    const fault = await faultOf(isolated.driverFor({ name: 'provider', namespace: 'team-a' }, 'team-b', signal));
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'ReferenceNotGranted' });
    expect(fault.message).toContain('--no-cross-namespace-refs');
    expect((await isolated.driverFor({ name: 'provider' }, 'team-a', signal)).driver).toBe(driver);
  });

  it('serves removal without a grant: what was granted once can be undone', async () => {
    const { references } = createTestWorld(driver);
    const ref = { name: 'provider', namespace: 'team-a' };
    expect((await references().driverForRemoval(ref, 'team-b', signal)).driver).toBe(driver);
    const gone = { name: 'none', namespace: 'team-a' };
    expect(await faultOf(references().driverForRemoval(gone, 'team-b', signal))).toMatchObject({
      reason: 'ProviderNotFound',
    });
  });

  it('is granted by the labels that the namespace has now', async () => {
    const { references, providers, kube } = createTestWorld(driver);
    providers.set('team-a/provider', grants({ selector: { matchLabels: { s3: 'yes' } } }));
    const ref = { name: 'provider', namespace: 'team-a' };
    expect(await faultOf(references().providerFor(ref, 'team-b'))).toMatchObject({ reason: 'ReferenceNotGranted' });
    kube.put('namespaces', { metadata: { name: 'team-b', labels: { s3: 'yes' } } });
    expect((await references().providerFor(ref, 'team-b')).metadata.name).toBe('provider');
  });

  it.each([
    [
      'not Ready',
      { status: 'False' as const, reason: 'AuthFailed', message: 'No.' },
      1,
      /is not ready: AuthFailed: No\./,
    ],
    [
      'not looked at since it changed',
      { status: 'True' as const, reason: 'Ready', message: '' },
      2,
      /^Provider team-a\/provider is not ready: the provider-controller has not checked it yet\.$/,
    ],
  ])('that is %s has to wait', async (_title, change, generation, message) => {
    const { references, providers } = createTestWorld(driver);
    const provider = providerOf(driver);
    const [ready] = provider.status?.conditions ?? [];
    if (ready === undefined) throw new Error('no condition');
    providers.set('team-a/provider', {
      ...provider,
      metadata: { ...provider.metadata, generation },
      status: { ...provider.status, conditions: [{ ...ready, ...change }] },
    });
    const fault = await faultOf(references().driverFor({ name: 'provider' }, 'team-a', signal));
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'ProviderNotReady' });
    expect(fault.message).toMatch(message);
  });

  it('that is not Ready tells other namespaces the reason alone: its message may name who else uses it', async () => {
    const { references, providers } = createTestWorld(driver);
    const provider = grants({ all: true });
    const [ready] = provider.status?.conditions ?? [];
    if (ready === undefined) throw new Error('no condition');
    const condition = {
      ...ready,
      status: 'False' as const,
      reason: 'ServerChanged',
      message: 'Bucket team-c/secret is there.',
    };
    providers.set('team-a/provider', { ...provider, status: { ...provider.status, conditions: [condition] } });
    const messageTo = async (from: string) =>
      (await faultOf(references().driverFor({ name: 'provider', namespace: 'team-a' }, from, signal))).message;
    expect(await messageTo('team-b')).toBe(
      'Provider team-a/provider is not ready: ServerChanged; its own conditions say why.',
    );
    expect(await messageTo('team-a')).toContain('ServerChanged: Bucket team-c/secret is there.');
  });

  it('whose Secret changed waits until the new credentials were found good', async () => {
    const { references, kube } = createTestWorld(driver);
    kube.put('secrets', {
      metadata: { name: 'admin', namespace: 'team-a' },
      data: { 'access-key': 'A', 'secret-key': 'B' },
    });
    expect(await faultOf(references().driverFor({ name: 'provider' }, 'team-a', signal))).toMatchObject({
      kind: 'waiting',
      reason: 'ProviderNotReady',
      retryAfterMs: 5_000,
    });
  });
});

it('a reference to a Bucket is granted by that Bucket', async () => {
  const { references, buckets } = createTestWorld(driver);
  const ref = { name: 'photos', namespace: 'team-a' };
  expect(await faultOf(references().bucketFor({ name: 'photos' }, 'team-a'))).toMatchObject({
    reason: 'BucketNotFound',
  });
  buckets.set('team-a/photos', objectOf('Bucket', 'photos', bucketSpec({ allowedNamespaces: { names: ['team-b'] } })));
  expect((await references().bucketFor(ref, 'team-b')).metadata.name).toBe('photos');
  expect(await faultOf(references().bucketFor(ref, 'team-c'))).toMatchObject({ reason: 'ReferenceNotGranted' });
});

describe('the identity of the cluster', () => {
  it('is read once', async () => {
    const { kube } = createTestWorld(driver);
    kube.put('namespaces', { metadata: { name: 'kube-system', uid: 'cluster-1' } });
    const identity = clusterIdentity(kube.client);
    expect(await identity(signal)).toBe('cluster-1');
    kube.remove('namespaces', { name: 'kube-system' });
    expect(await identity(signal)).toBe('cluster-1');
  });

  it('is asked for again after a failure', async () => {
    const { kube } = createTestWorld(driver);
    const identity = clusterIdentity(kube.client);
    expect(await faultOf(identity(signal))).toMatchObject({ kind: 'transient' });
    kube.put('namespaces', { metadata: { name: 'kube-system', uid: 'cluster-1' } });
    expect(await identity(signal)).toBe('cluster-1');
  });

  it('hands on what the API server says', async () => {
    const refused = new KubeError({ status: 403, reason: 'Forbidden', message: 'no' });
    const kube = { get: () => Promise.reject(refused) } as unknown as KubeClient;
    await expect(clusterIdentity(kube)(signal)).rejects.toBe(refused);
  });
});

describe('explainWait', () => {
  const explain = explainWait('It cannot go yet');
  it('says how a wait can be ended, and keeps reason and time', () => {
    expect(() => explain(waiting('ProviderNotFound', 'There is none.', { retryAfterMs: 7 }))).toThrow(
      expect.objectContaining({
        kind: 'waiting',
        reason: 'ProviderNotFound',
        retryAfterMs: 7,
        message:
          'It cannot go yet: There is none. To let go without that, annotate the object with s3.cloud37.dev/abandon: "true".',
      }) as Error,
    );
  });

  it('hands on everything else', () => {
    const bug = new Error('bug');
    expect(() => explain(bug)).toThrow(bug);
  });
});
