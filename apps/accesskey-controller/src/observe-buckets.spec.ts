import { finalizerName, type AccessKeySpec, type AccessKeyStatus, type ProviderSpec } from '@operator/api';
import { redact } from '@operator/outcome';
import { heldTo, sameByResource, statementsAbout } from '@operator/policy';
import type { Bucket, Provider } from '@operator/references';
import { createBench, createTestWorld, objectOf, ownerTags, providerOf } from '@operator/references/testing';
import type { KubeObject } from '@operator/runtime';
import { bucketSpec, createMemoryKeys, createMemoryS3 } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import type { AccessKey } from './deps.ts';
import { reconcilerOf } from '../test/reconciler-of.ts';

const signal = new AbortController().signal;

interface Options {
  readonly keepsTags?: boolean;
  readonly hidesMissing?: boolean;
  readonly spec?: Partial<AccessKeySpec>;
}
const read = (name: string, namespace?: string) => ({
  bucketRef: namespace === undefined ? { name } : { name, namespace },
  level: 'ReadOnly' as const,
});

/**
 * A Provider of the platform, lent to team-a; its Buckets `photos` and `videos`; Bucket `films` of team-b, lent as well; and an
 * AccessKey of team-a for both of its own.
 */
const begin = ({ keepsTags = true, hidesMissing = false, spec = {} }: Options = {}) => {
  const keys = createMemoryKeys({ choosesPair: false });
  const s3 = createMemoryS3({
    now: () => new Date(0),
    keys: keys.issuer,
    tags: keepsTags,
    hidesMissing,
    refusalOf: keys.refusalOf,
  });
  const world = createTestWorld(s3.driver);
  const ref = { name: 'admin', namespace: 'platform' };
  world.kube.put('secrets', { metadata: ref, data: { 'access-key': 'A', 'secret-key': 'S' } });
  const credentialsVersion = world.kube.get('secrets', ref)?.metadata.resourceVersion ?? '';
  const providerAs = (more: Partial<ProviderSpec> = {}, metadata: Partial<Provider['metadata']> = {}): Provider =>
    providerOf(
      s3.driver,
      {
        metadata: { namespace: 'platform', uid: 'uid-platform', ...metadata },
        spec: { allowedNamespaces: { names: ['team-a', 'team-b'] }, ...more },
      },
      { credentialsVersion },
    );
  world.providers.set('platform/provider', providerAs());

  const bucketAs = (
    name: string,
    more: Partial<Bucket['spec']> = {},
    metadata: Partial<Bucket['metadata']> = {},
  ): Bucket =>
    objectOf(
      'Bucket',
      name,
      { ...bucketSpec({ name }), providerRef: { name: 'provider', namespace: 'platform' }, ...more },
      {
        metadata: { finalizers: [finalizerName], ...metadata },
        status: { bucketName: name, exists: true, endpoint: 'http://s3.test', ownership: 'Created' as const },
      },
    );
  const mark = (
    name: string,
    of: Partial<{ namespace: string; name: string; uid: string }> = {},
    about: { readonly lender?: string; readonly isSigned?: boolean } = {},
  ) => {
    const tags = ownerTags({ uid: `uid-${name}`, name, ...of }, { bucketName: name, lender: 'platform', ...about });
    s3.make(name, { tags });
  };
  for (const name of ['photos', 'videos']) {
    world.buckets.set(`team-a/${name}`, bucketAs(name));
    mark(name);
  }
  const lend = (names: readonly string[], annotations: Readonly<Record<string, string>> = {}) =>
    bucketAs('films', { allowedNamespaces: { names: [...names] } }, { namespace: 'team-b', annotations });
  world.buckets.set('team-b/films', lend(['team-a']));
  mark('films', { namespace: 'team-b' });

  let pairs = 0;
  const reconciler = () =>
    reconcilerOf(world, {
      newPair: () => {
        pairs += 1;
        return { accessKeyId: `OURS${String(pairs)}`, secretAccessKey: redact(`chosen-${String(pairs)}`) };
      },
    });
  const accessKeys = new Map<string, AccessKey>();
  const bench = createBench<AccessKeySpec, AccessKeyStatus>({
    writes: world.writes,
    store: accessKeys,
    live: ({ plural }, key) =>
      plural !== 'buckets'
        ? undefined
        : world.live.buckets.has(key)
          ? world.live.buckets.get(key)
          : world.buckets.get(key),
    object: objectOf('AccessKey', 'app', {
      providerRef: { name: 'provider', namespace: 'platform' },
      access: [read('photos'), read('videos')],
      ...spec,
    }),
    reconciler,
  });
  const policy = () => keys.users.get('team-a-app-uid-app')?.policy;
  const about = (name: string) => statementsAbout(policy(), new Set([name]));
  return { ...world, bench, accessKeys, keys, s3, bucketAs, providerAs, mark, lend, policy, about, reconciler };
};
type World = ReturnType<typeof begin>;

const withStatus = <Spec, Status>(
  { apiVersion, kind, metadata, spec }: KubeObject<Spec, Status>,
  status: KubeObject<Spec, Status>['status'],
): KubeObject<Spec, Status> => ({
  apiVersion,
  kind,
  metadata,
  spec,
  ...(status === undefined ? {} : { status }),
});

const ready = async (options: Options = {}): Promise<World> => {
  const world = begin(options);
  expect(await world.bench.run()).toMatchObject({ result: 'settled' });
  world.bench.advance(3_600_000);
  return world;
};

describe('rights in a bucket are not given', () => {
  const refuses = async (world: World, reason: string): Promise<void> => {
    expect(await world.bench.run()).toMatchObject({ reason });
    expect(world.about('photos')).toEqual([]);
  };

  it("that has somebody else's owner tags, whatever the status of the Bucket says", async () => {
    const world = begin();
    world.mark('photos', { namespace: 'platform' });
    await refuses(world, 'BucketNotReady');
  });

  it("that has somebody else's owner tags, while the Provider of the Bucket is gone", async () => {
    const world = begin();
    world.mark('photos', { namespace: 'platform' });
    world.buckets.set('team-a/photos', world.bucketAs('photos', { providerRef: { name: 'gone' } }));
    await refuses(world, 'BucketNotReady');
  });

  it('that has no owner tags, and says what would settle it', async () => {
    const world = begin();
    world.s3.make('photos');
    await refuses(world, 'OwnershipInDoubt');
    expect(world.bench.conditions()).toEqual(['Ready=False OwnershipInDoubt', 'Reconciling=True OwnershipInDoubt']);
  });

  it('whose owner tags name an earlier Bucket of the name', async () => {
    const world = begin();
    world.mark('photos', { uid: 'uid-before' });
    await refuses(world, 'OwnershipInDoubt');
  });

  it('whose owner tags nobody signed, though they name the Bucket', async () => {
    const world = begin();
    world.mark('photos', {}, { isSigned: false });
    await sealAll(world, world.providerAs());
    await refuses(world, 'OwnershipInDoubt');
  });

  it('whose owner tags were signed through a Provider of a namespace that only borrows this one', async () => {
    const world = begin();
    world.mark('photos', {}, { lender: 'team-a' });
    world.buckets.set('team-a/photos', world.bucketAs('photos', { providerRef: { name: 'provider' } }));
    await refuses(world, 'OwnershipInDoubt');
  });

  it('whose tags may not be read', async () => {
    const world = begin();
    world.s3.refuse('GetBucketTagging', { code: 'AccessDenied', status: 403 });
    await refuses(world, 'OwnershipInDoubt');
  });

  it('on a server without tags by a status that lacks its proof', async () => {
    await refuses(begin({ keepsTags: false }), 'OwnershipInDoubt');
  });

  it('on a server without tags by another Provider than that of the Bucket', async () => {
    const world = begin({ keepsTags: false });
    const provider = world.providerAs();
    await sealAll(world, provider);
    const metadata = { name: 'other', uid: 'uid-other' };
    world.providers.set('platform/other', world.providerAs({}, metadata));
    world.bench.change({ providerRef: { name: 'other', namespace: 'platform' } });
    await refuses(world, 'OwnershipInDoubt');
  });

  it('whose Bucket is being deleted', async () => {
    const world = begin();
    const leaving = world.bucketAs('photos', {}, { deletionTimestamp: '2026-05-05T10:00:00Z' });
    world.buckets.set('team-a/photos', leaving);
    await refuses(world, 'BucketNotReady');
  });

  it.each<[string, (world: World) => Bucket | undefined]>([
    ['is gone', () => undefined],
    ['is another one by now', ({ bucketAs }) => bucketAs('photos', {}, { uid: 'uid-after' })],
    ['is being deleted', ({ bucketAs }) => bucketAs('photos', {}, { deletionTimestamp: '2026-05-05T10:00:00Z' })],
  ])('whose Bucket %s by the word of the API server, which the cache has not heard yet', async (_title, live) => {
    const world = begin();
    world.live.buckets.set('team-a/photos', live(world));
    await refuses(world, 'BucketNotReady');
  });
});

/** Lets the Buckets remember with proof, as the bucket-controller does. */
const sealAll = async (world: World, provider: Provider): Promise<void> => {
  for (const [key, bucket] of world.buckets) {
    const sealed = await world.ownership.sealBucket(
      { ...bucket.status, ownedSince: new Date(0).toISOString() },
      bucket,
      { provider, driver: world.s3.driver },
      signal,
    );
    world.buckets.set(key, { ...bucket, status: sealed });
  }
};

it('on a server without tags rights are given by a proven status and the very same Provider', async () => {
  const world = begin({ keepsTags: false });
  await sealAll(world, world.providerAs());
  expect(await world.bench.run()).toMatchObject({ result: 'settled' });
  expect(world.about('photos')).not.toEqual([]);
});

it('rights are given with a Provider of its own, too, where the mark was written through the one of the Bucket', async () => {
  const world = begin({ spec: { providerRef: { name: 'provider' } } });
  expect(await world.bench.run()).toMatchObject({ result: 'settled' });
  expect(world.about('photos')).not.toEqual([]);
});

describe('rights that were given', () => {
  const staysAsItIs = async (world: World, reason: string): Promise<void> => {
    const before = world.policy();
    for (let passes = 0; passes < 3; passes += 1) {
      const report = await world.bench.pass();
      expect(report).toMatchObject({ reason });
      expect(report.writes.filter((write) => write !== 'kube status')).toEqual([]);
    }
    expect(world.policy()).toEqual(before);
    expect(world.bench.conditions()).toContain(`Ready=False ${reason}`);
  };

  it.each<[string, (world: World) => Bucket['status']]>([
    [
      'names the address before a move of the server',
      ({ bucketAs }) => ({ ...bucketAs('photos').status, endpoint: 'http://old.test' }),
    ],
    ['is empty', () => undefined],
    ['names another bucket', ({ bucketAs }) => ({ ...bucketAs('photos').status, bucketName: 'old' })],
  ])(
    'stay without a word while the status of the Bucket %s: the owner tags say whose it is',
    async (_title, status) => {
      const world = await ready();
      world.buckets.set('team-a/photos', withStatus(world.bucketAs('photos'), status(world)));
      expect(await world.bench.pass()).toEqual({ result: 'settled', writes: [], events: [] });
    },
  );

  it.each<[string, string, (world: World) => void]>([
    [
      'has lost its owner tags',
      'OwnershipInDoubt',
      ({ s3 }) => void s3.make('photos', { tags: new Map([['team', 'a']]) }),
    ],
    [
      'has the owner tags of an earlier Bucket',
      'OwnershipInDoubt',
      ({ mark }) => mark('photos', { uid: 'uid-before' }),
    ],
    [
      'does not show its tags',
      'OwnershipInDoubt',
      ({ s3 }) => s3.refuse('GetBucketTagging', { code: 'AccessDenied', status: 403 }),
    ],
    [
      'cannot be asked for',
      'ServerError',
      ({ s3 }) => s3.refuse('GetBucketTagging', { code: 'InternalError', status: 500 }),
    ],
    [
      'is that of a Bucket that the cache lacks and the API server has',
      'BucketNotFound',
      ({ buckets, live, bucketAs }) => {
        buckets.delete('team-a/photos');
        live.buckets.set('team-a/photos', bucketAs('photos'));
      },
    ],
    [
      'is that of a Bucket under deletion that has not let go',
      'BucketNotReady',
      ({ buckets, bucketAs }) =>
        void buckets.set('team-a/photos', bucketAs('photos', {}, { deletionTimestamp: '2026-05-05T10:00:00Z' })),
    ],
  ])('stay as they are while a bucket %s', async (_title, reason, strike) => {
    const world = await ready();
    strike(world);
    await staysAsItIs(world, reason);
  });

  it.each<[string, Partial<Parameters<World['mark']>[2]>]>([
    ['nothing to prove it', { isSigned: false }],
    ['a proof of a Provider of its own', { lender: 'team-b' }],
  ])(
    'stay while owner tags name another Bucket with %s, also by another Provider of the server',
    async (_title, about) => {
      for (const other of [false, true]) {
        const world = await ready();
        await sealAll(world, world.providerAs());
        if (other) {
          world.providers.set('platform/other', world.providerAs({}, { name: 'other', uid: 'uid-other' }));
          world.bench.change({ providerRef: { name: 'other', namespace: 'platform' } });
          await world.bench.run();
        }
        world.mark('photos', { namespace: 'team-b', name: 'theirs', uid: 'uid-theirs' }, about);
        await staysAsItIs(world, 'OwnershipInDoubt');
      }
    },
  );

  it('go by the same tags where nothing proves that the bucket was ever the Bucket’s', async () => {
    const world = await ready();
    world.mark('photos', { namespace: 'team-b', name: 'theirs', uid: 'uid-theirs' }, { isSigned: false });
    await world.bench.run();
    expect(world.about('photos')).toEqual([]);
  });

  it('stay in a bucket that is in doubt, while those in another are brought into line', async () => {
    const world = await ready();
    const before = world.about('photos');
    world.s3.make('photos');
    world.bench.change({ access: [read('photos'), { ...read('videos'), level: 'ReadWrite' }] });
    expect(await world.bench.pass()).toMatchObject({
      reason: 'OwnershipInDoubt',
      writes: ['PutPolicy', 'kube status'],
    });
    expect(world.about('photos')).toEqual(before);
    expect(JSON.stringify(world.about('videos'))).toContain('s3:PutObject');
    expect(await world.bench.pass()).toMatchObject({ writes: [] });
  });

  it('go where the spec no longer asks for them, also in a bucket that is in doubt', async () => {
    const world = await ready();
    world.s3.make('photos');
    world.bench.change({ access: [read('videos')] });
    await world.bench.run();
    expect(world.about('photos')).toEqual([]);
  });

  it.each<[string, Options, (world: World) => void]>([
    ['belongs to somebody else', {}, ({ mark }) => mark('photos', { namespace: 'platform' })],
    ['is absent', {}, ({ s3 }) => void s3.buckets.delete('photos')],
    [
      'is absent where the server answers as if it had no tags',
      { hidesMissing: true },
      ({ s3 }) => void s3.buckets.delete('photos'),
    ],
    ['is that of a Bucket that is gone', {}, ({ buckets }) => void buckets.delete('team-a/photos')],
    [
      'is that of a Bucket that has let go, and that others keep from going',
      {},
      ({ buckets, bucketAs }) => {
        const metadata = { deletionTimestamp: '2026-05-05T10:00:00Z', finalizers: ['theirs'] };
        buckets.set('team-a/photos', bucketAs('photos', {}, metadata));
      },
    ],
    [
      "is somebody else's by now, while the Bucket under deletion waits",
      {},
      ({ buckets, bucketAs, mark }) => {
        mark('photos', { namespace: 'platform' });
        buckets.set('team-a/photos', bucketAs('photos', {}, { deletionTimestamp: '2026-05-05T10:00:00Z' }));
      },
    ],
  ])('go when a bucket %s, and the others stay', async (_title, options, strike) => {
    const world = await ready(options);
    const videos = world.about('videos');
    strike(world);
    expect(await world.bench.pass()).toMatchObject({ writes: ['PutPolicy', 'kube status'] });
    expect(world.about('photos')).toEqual([]);
    expect(world.about('videos')).toEqual(videos);
    expect(world.bench.facts()).toMatchObject({ grantedBuckets: ['team-a/videos'] });
    expect(world.policy()).toMatchObject({ Statement: expect.arrayContaining([heldTo(['videos'], 'aws')]) as unknown });
    expect(await world.bench.pass()).toMatchObject({ writes: [] });
  });

  it('go on a server without tags when the Bucket of the name never had the bucket', async () => {
    const world = begin({ keepsTags: false });
    await sealAll(world, world.providerAs());
    await world.bench.run();
    world.buckets.set('team-a/photos', withStatus(world.bucketAs('photos', {}, { uid: 'uid-after' }), undefined));
    expect(await world.bench.pass()).toMatchObject({ reason: 'BucketNotReady', writes: ['PutPolicy', 'kube status'] });
    expect(world.about('photos')).toEqual([]);
    expect(world.about('videos')).not.toEqual([]);
  });
});

describe('a Bucket of another namespace', () => {
  const withFilms = { spec: { access: [read('photos'), read('films', 'team-b')] } };
  const confirmed = { 's3.cloud37.dev/confirm-withdrawal': 'team-a' };

  it('whose grant is withdrawn leaves the rights that there are, and says until when', async () => {
    const world = await ready(withFilms);
    const before = world.policy();
    world.buckets.set('team-b/films', world.lend([]));
    const report = await world.bench.pass();
    expect(report).toMatchObject({ reason: 'ReferenceNotGranted', writes: ['kube status'] });
    expect(report.message).toMatch(
      /^Bucket team-b\/films no longer grants namespace team-a\. .* existing rights stay until/,
    );
    expect(world.policy()).toEqual(before);
  });

  it('whose grant is withdrawn gives nothing to one that has no rights there, and does not tell that it exists', async () => {
    const world = begin(withFilms);
    world.buckets.set('team-b/films', world.lend([]));
    const { message } = await world.bench.run();
    world.buckets.delete('team-b/films');
    expect((await world.bench.run()).message).toBe(message);
    expect(world.policy()).toBeUndefined();
  });

  it('whose withdrawal is confirmed takes its rights and leaves the others, and the grant brings them back', async () => {
    const world = await ready(withFilms);
    const before = world.policy();
    world.buckets.set('team-b/films', world.lend([], confirmed));
    expect(await world.bench.pass()).toMatchObject({
      reason: 'ReferenceNotGranted',
      writes: ['PutPolicy', 'kube status'],
    });
    expect(world.about('films')).toEqual([]);
    expect(world.about('photos')).not.toEqual([]);
    world.buckets.set('team-b/films', world.lend(['team-a'], confirmed));
    await world.bench.run();
    expect(sameByResource(world.policy(), before)).toBe(true);
  });

  it('whose withdrawal only a late cache shows takes nothing', async () => {
    const world = await ready(withFilms);
    const before = world.policy();
    world.buckets.set('team-b/films', world.lend([], confirmed));
    world.live.buckets.set('team-b/films', world.lend(['team-a']));
    await world.bench.pass();
    expect(world.policy()).toEqual(before);
  });
});

describe('while the object is paused', () => {
  const pausedPass = async (world: World): Promise<readonly string[]> => {
    const before = world.writes.done.length;
    const events: string[] = [];
    const pass = {
      signal,
      now: world.bench.now(),
      call: ({ operation, write }: { operation: string; write: boolean }, run: () => Promise<unknown>) =>
        write ? world.writes.write(operation, run) : world.writes.read(run),
      step: (_name: string, run: () => Promise<unknown>) => run(),
      live: (_resource: unknown, key: string) => Promise.resolve(world.buckets.get(key)),
      event: (...event: readonly string[]) => events.push(event.join(' ')),
    };
    await world.reconciler().whilePaused?.(world.bench.object(), pass as never);
    expect(events).toHaveLength(world.writes.done.length - before);
    return world.writes.done.slice(before);
  };
  const withFilms = { spec: { access: [read('photos'), read('films', 'team-b')] } };
  const confirmed = { 's3.cloud37.dev/confirm-withdrawal': 'team-a' };

  it('nothing is done as long as no lender took anything back', async () => {
    const world = await ready(withFilms);
    world.buckets.set('team-b/films', world.lend([]));
    world.providers.set('platform/provider', world.providerAs({ allowedNamespaces: {} }));
    expect(await pausedPass(world)).toEqual([]);
  });

  it('rights in a Bucket that is gone go, so that the next owner of its name does not meet them', async () => {
    const world = await ready(withFilms);
    const films = world.about('films');
    world.buckets.delete('team-a/photos');
    expect(await pausedPass(world)).toEqual(['PutPolicy']);
    expect([world.about('photos'), world.about('films')]).toEqual([[], films]);
    expect(await pausedPass(world)).toEqual([]);
  });

  it('a Bucket whose owner confirmed takes its rights, and nothing else changes', async () => {
    const world = await ready(withFilms);
    const before = world.about('photos');
    world.bench.change({ access: [...withFilms.spec.access, read('videos')] });
    world.buckets.set('team-b/films', world.lend([], confirmed));
    expect(await pausedPass(world)).toEqual(['PutPolicy']);
    expect(world.policy()).toMatchObject({ Statement: expect.arrayContaining([heldTo(['photos'], 'aws')]) as unknown });
    expect([world.about('films'), world.about('videos'), world.about('photos')]).toEqual([[], [], before]);
    expect(await pausedPass(world)).toEqual([]);
  });

  it.each<[string, (world: World) => void]>([
    ['', () => undefined],
    [
      ', also with an empty status',
      ({ accessKeys, bench }) => void accessKeys.set('team-a/app', withStatus(bench.object(), undefined)),
    ],
  ])('rights that the spec stopped asking for do not hide from their lender%s', async (_title, strike) => {
    const world = await ready(withFilms);
    const before = world.about('photos');
    world.bench.change({ access: [read('photos')] });
    strike(world);
    expect(await pausedPass(world)).toEqual(['PutPolicy']);
    expect([world.about('films'), world.about('photos')]).toEqual([[], before]);
    expect(await pausedPass(world)).toEqual([]);
  });

  it('a Provider whose owner confirmed takes all rights', async () => {
    const world = await ready(withFilms);
    world.providers.set('platform/provider', world.providerAs({ allowedNamespaces: {} }, { annotations: confirmed }));
    expect(await pausedPass(world)).toEqual(['PutPolicy']);
    expect(world.policy()).toEqual({ Version: '2012-10-17', Statement: [heldTo([], 'aws')] });
    expect(await pausedPass(world)).toEqual([]);
  });
});

describe('a Bucket that goes with the definition of all Buckets', () => {
  const leaving = { deletionTimestamp: '2026-05-05T10:00:00Z' };

  it.each<[string, (world: World) => void]>([
    ['gone', ({ buckets }) => void buckets.delete('team-a/photos')],
    [
      'gone, as the cache has not heard yet',
      ({ buckets, live, bucketAs }) => {
        buckets.set('team-a/photos', bucketAs('photos', {}, leaving));
        live.buckets.set('team-a/photos', undefined);
      },
    ],
    [
      'let go',
      ({ buckets, bucketAs }) =>
        void buckets.set('team-a/photos', bucketAs('photos', {}, { ...leaving, finalizers: ['others.test/wait'] })),
    ],
  ])('takes no rights along once it is %s', async (_title, strike) => {
    const world = await ready();
    const before = world.policy();
    world.kube.leave('buckets');
    strike(world);
    expect(await world.bench.pass()).toMatchObject({ reason: 'BucketNotFound', writes: ['kube status'] });
    expect(world.policy()).toEqual(before);
    expect(await world.bench.pass()).toMatchObject({ writes: [] });
  });

  it('takes none from one whose Provider no longer grants its namespace', async () => {
    const world = await ready();
    const before = world.policy();
    world.providers.set('platform/provider', world.providerAs({ allowedNamespaces: {} }));
    world.kube.leave('buckets');
    world.buckets.delete('team-a/photos');
    expect(await world.bench.pass()).toMatchObject({ reason: 'ReferenceNotGranted', writes: ['kube status'] });
    expect(world.policy()).toEqual(before);
  });

  it('keeps no rights once Buckets are defined again, and it is not there', async () => {
    const world = await ready();
    world.buckets.delete('team-a/photos');
    expect(await world.bench.pass()).toMatchObject({ reason: 'BucketNotFound', writes: ['PutPolicy', 'kube status'] });
    expect(world.about('photos')).toEqual([]);
  });
});

describe('a Provider whose grant is withdrawn', () => {
  it('gives no key to a new object, and is not asked for one', async () => {
    const world = begin();
    world.providers.set('platform/provider', world.providerAs({ allowedNamespaces: {} }));
    expect(await world.bench.run()).toMatchObject({ reason: 'ReferenceNotGranted', writes: ['kube status'] });
    expect(world.keys.users.size).toBe(0);
  });

  it('keeps rights but for those in a Bucket that is gone', async () => {
    const world = await ready();
    world.providers.set('platform/provider', world.providerAs({ allowedNamespaces: {} }));
    world.buckets.delete('team-a/photos');
    expect(await world.bench.pass()).toMatchObject({
      reason: 'ReferenceNotGranted',
      writes: ['PutPolicy', 'kube status'],
    });
    expect(world.about('photos')).toEqual([]);
    expect(world.about('videos')).not.toEqual([]);
  });

  it('takes all rights when that is confirmed, also of an object whose status was emptied', async () => {
    const world = await ready();
    world.accessKeys.set('team-a/app', withStatus(world.bench.object(), undefined));
    const metadata = { annotations: { 's3.cloud37.dev/confirm-withdrawal': 'x, team-a' } };
    world.providers.set('platform/provider', world.providerAs({ allowedNamespaces: {} }, metadata));
    await world.bench.pass();
    expect(world.policy()).toEqual({ Version: '2012-10-17', Statement: [heldTo([], 'aws')] });
  });
});

describe('tags of a user', () => {
  const tagsOf = ({ keys }: World) => Object.fromEntries(keys.users.get('team-a-app-uid-app')?.tags ?? []);

  it('are refused for a borrower, by name, with what to do', async () => {
    const world = begin({ spec: { tags: { team: 'platform', stage: 'prod' } } });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'terminal', reason: 'SpecInvalid' });
    expect(report.message).toMatch(
      /^spec\.tags has team, stage, which Provider platform\/provider .* spec\.borrowerTagKeys\.$/,
    );
    expect(world.keys.users.size).toBe(0);
  });

  it('are set where the Provider allows their keys', async () => {
    const world = begin({ spec: { tags: { team: 'a' } } });
    world.providers.set('platform/provider', world.providerAs({ borrowerTagKeys: ['team'] }));
    expect(await world.bench.run()).toMatchObject({ result: 'settled' });
    expect(tagsOf(world)).toEqual({ team: 'a' });
  });

  it('go when the Provider no longer allows them, and the rights are kept in line all the same', async () => {
    const world = begin({ spec: { tags: { team: 'a' } } });
    world.providers.set('platform/provider', world.providerAs({ borrowerTagKeys: ['team'] }));
    await world.bench.run();
    world.providers.set('platform/provider', world.providerAs());
    world.buckets.delete('team-a/photos');
    expect(await world.bench.pass()).toMatchObject({
      reason: 'SpecInvalid',
      writes: ['PutPolicy', 'PutUser', 'kube status'],
    });
    expect(tagsOf(world)).toEqual({});
    expect(world.about('photos')).toEqual([]);
  });

  it('are free in the namespace of the Provider', async () => {
    const world = begin({ spec: { providerRef: { name: 'provider' }, tags: { team: 'a' }, access: [] } });
    expect(await world.bench.run()).toMatchObject({ result: 'settled' });
    expect(tagsOf(world)).toEqual({ team: 'a' });
  });
});
