import type { ProviderSpec, ProviderStatus } from '@operator/api';
import { createDriverPool, usableVersion, type Provider } from '@operator/references';
import { terminal, transient, waiting } from '@operator/outcome';
import { createBench, createTestWorld, objectOf, providerOf, testCluster } from '@operator/references/testing';
import { KubeError } from '@operator/runtime';
import { tagsOfOwner } from '@operator/ownership';
import { createMemoryKeys, createMemoryS3 } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import { createCheckMemory } from './check.ts';
import type { Matching } from './namespace-watch.ts';
import { createOrphanMemory } from './orphans.ts';
import { providerReconciler } from './reconciler.ts';
import { createRetainedMemory } from './retained.ts';
import { serverChange } from './server-change.ts';
import type { AccessKeyUser, ProviderUsers } from './users.ts';

const nobody: ProviderUsers = { buckets: [], accessKeys: [] };
const bucketUser = (name: string, status: object = {}) =>
  objectOf('Bucket', name, { providerRef: { name: 'provider' }, name }, { status });
const inUse: ProviderUsers = { buckets: [bucketUser('photos')], accessKeys: [] };

/** A Provider that was never looked at, its server, and the reconciler between them. */
const begin = (users: ProviderUsers = nobody, spec: Partial<ProviderSpec> = {}) => {
  const { issuer, users: atServer } = createMemoryKeys({ choosesPair: false });
  const s3 = createMemoryS3({ now: () => new Date(0), keys: issuer });
  const world = createTestWorld(s3.driver);
  const { status, ...fresh } = providerOf(s3.driver, { spec });
  expect(status?.connected).toBe(true);
  const connectivity = new Map<string, boolean | undefined>();
  const used: {
    now: ProviderUsers;
    live?: ProviderUsers;
    lists: number;
    /** All AccessKeys, as the cache has them and as they are. */
    accessKeys: readonly AccessKeyUser[];
    liveAccessKeys?: readonly AccessKeyUser[];
    /** Those of other Providers. */
    otherBuckets: ProviderUsers['buckets'];
  } = { now: users, lists: 0, accessKeys: [], otherBuckets: [] };
  const labelsRead: string[] = [];
  const namespaces: { matching: Matching; isFollowed: boolean; areSeen: boolean } = {
    matching: [],
    isFollowed: false,
    areSeen: true,
  };
  const make = () => Promise.resolve(s3.driver);
  const bench = createBench<ProviderSpec, ProviderStatus>({
    writes: world.writes,
    store: world.providers,
    object: fresh,
    reconciler: () =>
      providerReconciler({
        kube: world.kube.client,
        pool: createDriverPool({ aws: make, wasabi: make, minio: make, custom: make }),
        metrics: {
          providerChecked: (name, { connected }) => void connectivity.set(name, connected),
        },
        checks: createCheckMemory(),
        secrets: { follow: () => undefined },
        usersOf: () => used.now,
        liveUsersOf: async () => {
          used.lists += 1;
          return used.live ?? used.now;
        },
        accessKeys: { known: () => used.accessKeys, live: async () => used.liveAccessKeys ?? used.accessKeys },
        orphans: createOrphanMemory(),
        buckets: {
          known: () => [...used.now.buckets, ...used.otherBuckets],
          sees: (namespace) => namespace !== 'unseen',
        },
        retained: createRetainedMemory(),
        namespaces: namespaces.areSeen
          ? {
              follow: () => {
                namespaces.isFollowed = true;
                return namespaces.matching;
              },
              unfollow: () => void (namespaces.isFollowed = false),
            }
          : undefined,
        ownership: world.ownership,
        labelsOf: (namespace) => {
          labelsRead.push(namespace);
          return Promise.resolve<Record<string, string>>({ s3: 'allowed' });
        },
      }),
  });
  let checks = 0;
  const check = s3.driver.checkHealth.bind(s3.driver);
  Object.assign(s3.driver, {
    checkHealth: (context: Parameters<typeof check>[0]) => {
      checks += 1;
      return check(context);
    },
  });
  return { ...world, s3, bench, connectivity, used, issuer, atServer, labelsRead, namespaces, checks: () => checks };
};
type World = ReturnType<typeof begin>;

const ready = async (...given: Parameters<typeof begin>): Promise<World> => {
  const world = begin(...given);
  await world.bench.run();
  return world;
};
const provider = ({ bench }: World): Provider => bench.object();

const healthy = {
  connected: true,
  lastConnectTime: '2026-05-05T10:00:00.000Z',
  accountId: 'account',
  endpoint: 'http://s3.test',
  proof: expect.stringMatching(/^v1\./) as string,
  keyService: 'memory+http://s3.test',
  credentialsVersion: '1',
  capabilities: expect.objectContaining({
    versioning: 'Unknown',
    cors: 'Unsupported',
    mfaDelete: 'Unsupported',
  }) as object,
  inUseBy: { buckets: 0, accessKeys: 0 },
  grantedNamespaceCount: 0,
  observedGeneration: 1,
};
const healthyConditions = [
  'Ready=True Ready',
  'AuthValid=True CredentialsAccepted',
  'EndpointReachable=True EndpointAnswered',
];

describe('a Provider whose Secret went before those who need it', () => {
  const admin = { name: 'admin', namespace: 'team-a' };
  const withoutSecret = async (prepare: (world: World) => void) => {
    const world = await ready(inUse);
    prepare(world);
    world.kube.remove('secrets', admin);
    const report = await world.bench.pass();
    return { world, report };
  };

  it('goes on with what is in memory while its namespace is under deletion', async () => {
    const { world, report } = await withoutSecret(({ kube }) => {
      kube.put('namespaces', { metadata: { name: 'team-a', deletionTimestamp: '2026-05-05T10:00:00Z' } });
    });
    expect(report).toMatchObject({ result: 'settled', writes: [] });
    expect(usableVersion(provider(world))).toBe('1');
  });

  it('goes on with it while it is under deletion itself, and waits for its users', async () => {
    const { world, report } = await withoutSecret(({ bench }) => {
      bench.delete();
    });
    expect(report).toMatchObject({ result: 'waiting', reason: 'InUse' });
    expect(usableVersion(provider(world))).toBe('1');
  });

  it('says so where nobody leaves', async () => {
    const { world, report } = await withoutSecret(({ kube }) => {
      kube.put('namespaces', { metadata: { name: 'team-a' } });
    });
    expect(report).toMatchObject({ result: 'waiting', reason: 'SecretNotFound' });
    expect(usableVersion(provider(world))).toBeUndefined();
  });
});

describe('a Provider that answers', () => {
  it('is Ready after one look, and tells it once', async () => {
    const world = begin();
    expect(await world.bench.pass()).toEqual({
      result: 'settled',
      writes: ['kube status'],
      events: ['Normal ValidateSucceeded: Reached http://s3.test with valid credentials.'],
    });
    expect(world.bench.steps()).toEqual(['check', 'probe']);
    expect(world.bench.facts()).toEqual(healthy);
    expect(world.bench.conditions()).toEqual(healthyConditions);
    expect(world.connectivity).toEqual(new Map([['team-a/provider', true]]));
  });

  it('is left in peace: no write, and one check for each period', async () => {
    const world = await ready();
    for (let passes = 0; passes < 20; passes += 1) {
      world.bench.advance(30_000);
      // That no user is orphaned is told once, some minutes after the start.
      const writes = passes === 9 ? ['kube status'] : [];
      expect(await world.bench.pass()).toEqual({ result: 'settled', writes, events: [] });
    }
    expect(world.checks()).toBe(11);
  });

  it('is checked at once when its spec, its Secret or the request for a pass changes', async () => {
    const world = await ready();
    world.bench.change({ pathStyle: false });
    await world.bench.pass();
    world.kube.put('secrets', {
      metadata: { name: 'admin', namespace: 'team-a' },
      data: { 'access-key': 'NEW', 'secret-key': 'x' },
    });
    await world.bench.pass();
    world.bench.annotate({ 's3.cloud37.dev/reconcile-requested-at': 'now' });
    await world.bench.pass();
    expect(world.checks()).toBe(4);
    expect(world.bench.facts()).toMatchObject({ credentialsVersion: '2', observedGeneration: 2 });
  });

  it('may refuse to list buckets: the credentials are good all the same', async () => {
    const world = begin();
    Object.assign(world.s3.driver, { checkHealth: () => Promise.resolve({ listDenied: true }) });
    await world.bench.run();
    expect(world.bench.conditions()).toEqual(healthyConditions);
  });

  it('learns by reads alone what its server can do, once there is a bucket of ours', async () => {
    const world = await ready();
    world.s3.make('photos', { versioning: 'Enabled', tags: new Map([['team', 'a']]) });
    world.used.now = {
      buckets: [bucketUser('photos', { exists: true, ownership: 'Created', bucketName: 'photos' })],
      accessKeys: [],
    };
    await world.bench.run();
    expect(world.bench.facts()).toMatchObject({
      capabilities: { versioning: 'Supported', tagging: 'Supported', cors: 'Unsupported' },
    });
    // A read that fails in another process does not make it unknown again.
    world.bench.restart();
    world.s3.refuse('GetBucketVersioning', { code: 'AccessDenied', status: 403 });
    expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: [] });
  });

  it('is asked again by a new process, for that may know more features', async () => {
    const world = await ready();
    world.bench.restart();
    let probes = 0;
    const probe = () => {
      probes += 1;
      return Promise.resolve({ cors: 'Supported' });
    };
    Object.assign(world.s3.driver, { probe });
    await world.bench.run();
    await world.bench.run();
    expect(probes).toBe(1);
    expect(world.bench.facts()).toMatchObject({ capabilities: { cors: 'Supported' } });
  });

  it('tells whether anybody uses it', async () => {
    const world = await ready(inUse);
    expect(world.bench.facts()).toMatchObject({ inUseBy: { buckets: 1, accessKeys: 0 } });
  });
});

describe('a Provider that does not', () => {
  const failures: readonly (readonly [string, string, number, string, readonly string[]])[] = [
    [
      'takes no credentials of ours',
      'InvalidAccessKeyId',
      403,
      'AuthFailed',
      ['AuthFailed=True AuthFailed', 'AuthValid=False AuthFailed', 'EndpointReachable=True EndpointAnswered'],
    ],
    [
      'finds our clock wrong',
      'RequestTimeTooSkewed',
      403,
      'ClockSkew',
      ['AuthValid=Unknown ClockSkew', 'EndpointReachable=False ClockSkew', 'EndpointUnreachable=True ClockSkew'],
    ],
    [
      'fails',
      'InternalError',
      500,
      'ServerError',
      ['AuthValid=Unknown ServerError', 'EndpointReachable=False ServerError', 'EndpointUnreachable=True ServerError'],
    ],
  ];
  it.each(failures)(
    'because it %s says so, the same at every look, and heals',
    async (_title, code, status, reason, claims) => {
      const world = begin();
      world.s3.refuse('ListBuckets', { code, status });
      expect(await world.bench.pass()).toMatchObject({ result: 'waiting', reason, writes: ['kube status'] });
      expect(world.bench.conditions()).toEqual([`Ready=False ${reason}`, `Reconciling=True ${reason}`, ...claims]);
      expect(world.bench.facts()).toEqual({
        connected: false,
        inUseBy: { buckets: 0, accessKeys: 0 },
        grantedNamespaceCount: 0,
      });
      expect(world.connectivity.get('team-a/provider')).toBe(false);
      expect(await world.bench.pass()).toMatchObject({ result: 'waiting', reason, writes: [] });
      expect(world.checks()).toBe(1);
      world.s3.refuse('ListBuckets', undefined);
      world.bench.advance(60_000);
      await world.bench.run();
      expect(world.bench.conditions()).toEqual(healthyConditions);
    },
  );

  it('is asked more often than a healthy one, but not with bad credentials', async () => {
    const world = begin();
    world.s3.refuse('ListBuckets', { code: 'InternalError', status: 500 });
    expect(await world.bench.pass()).toMatchObject({ retryAfterMs: 15_000 });
    const locked = begin(nobody, { type: 'wasabi' });
    locked.s3.refuse('ListBuckets', { code: 'InvalidAccessKeyId', status: 403 });
    expect(await locked.bench.pass()).toMatchObject({ retryAfterMs: 340_000 });
    locked.bench.advance(300_000);
    await locked.bench.pass();
    expect(locked.checks()).toBe(1);
  });

  it.each([
    ['is absent', undefined, 'SecretNotFound'],
    ['has not the key', { 'access-key': 'A' }, 'SecretKeyMissing'],
    ['has an empty value', { 'access-key': 'A', 'secret-key': '' }, 'SecretValueInvalid'],
    ['has a line break', { 'access-key': 'A', 'secret-key': 'hush\nhush' }, 'SecretValueInvalid'],
    ['has an invisible character', { 'access-key': 'hush\u200b', 'secret-key': 'B' }, 'SecretValueInvalid'],
  ])('because its Secret %s names Secret and key, never the value, and heals', async (_title, data, reason) => {
    const world = begin();
    const metadata = { name: 'admin', namespace: 'team-a' };
    world.kube.remove('secrets', metadata);
    if (data !== undefined) world.kube.put('secrets', { metadata, data });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason });
    expect(report.message).toMatch(/Secret team-a\/admin/);
    expect(JSON.stringify(world.bench.object())).not.toContain('hush');
    expect(world.bench.conditions()).toContain(`AuthValid=False ${reason}`);
    expect(world.checks()).toBe(0);
    world.kube.put('secrets', { metadata, data: { 'access-key': 'A', 'secret-key': 'B' } });
    await world.bench.run();
    expect(world.bench.conditions()).toEqual(healthyConditions);
  });

  it.each([{ endpoint: 'http://10.0.0.256:9000' }, { iamEndpoint: 'https://iam.test:99999' }])(
    'because its spec cannot be a URL is not tried on, %s',
    async (spec) => {
      const world = await ready(inUse);
      world.bench.change(spec);
      expect(await world.bench.pass()).toMatchObject({ result: 'terminal', reason: 'SpecInvalid' });
      expect(world.bench.facts()).toMatchObject({ connected: false, observedGeneration: 2 });
      expect(world.bench.conditions()).toEqual(['Ready=False SpecInvalid', 'Stalled=True SpecInvalid']);
      expect(await world.bench.pass()).toMatchObject({ writes: [] });
    },
  );

  it('keeps what was known of it, and tells the recovery', async () => {
    const world = await ready();
    world.s3.refuse('ListBuckets', { code: 'InternalError', status: 500 });
    world.bench.advance(60_000);
    await world.bench.run();
    expect(world.bench.facts()).toEqual({ ...healthy, connected: false });
    world.s3.refuse('ListBuckets', undefined);
    world.bench.advance(60_000);
    expect((await world.bench.pass()).events).toEqual([expect.stringContaining('ValidateSucceeded')]);
    expect(world.bench.facts()).toMatchObject({ lastConnectTime: world.bench.now().toISOString() });
  });
});

describe('a Provider whose endpoint leads to another server', () => {
  const held: ProviderUsers = { buckets: [bucketUser('photos', { ownership: 'Created' })], accessKeys: [] };
  const move = async (users: ProviderUsers): Promise<World> => {
    const world = await ready(users);
    Object.assign(world.s3.driver, { serverIdentity: 'http://there.test' });
    world.bench.change({ endpoint: 'http://there.test' });
    return world;
  };

  it('is of no use to what it has made elsewhere, and names that and both servers', async () => {
    const world = await move(held);
    const report = await world.bench.pass();
    expect(report).toMatchObject({ result: 'waiting', reason: 'ServerChanged' });
    expect(report.message).toBe(
      'spec.endpoint now points to http://there.test, but http://s3.test is used by 1 object: Bucket team-a/photos. ' +
        'Restore the old endpoint, or delete those objects first. If it is the same server, say so: ' +
        'kubectl annotate --overwrite providers.s3.cloud37.dev provider -n team-a s3.cloud37.dev/same-server=http://there.test',
    );
    expect(usableVersion(provider(world))).toBeUndefined();
    expect(world.bench.facts()).toMatchObject({ connected: false, endpoint: 'http://s3.test' });
  });

  it('is of use again when it is put back', async () => {
    const world = await move(held);
    await world.bench.pass();
    Object.assign(world.s3.driver, { serverIdentity: 'http://s3.test' });
    world.bench.change({ endpoint: 'http://s3.test' });
    await world.bench.run();
    expect(usableVersion(provider(world))).toBe('1');
  });

  it('is taken at the word of a person that it is the same server', async () => {
    const world = await move(held);
    world.bench.annotate({ 's3.cloud37.dev/same-server': 'http://there.test' });
    await world.bench.run();
    expect(world.bench.facts()).toMatchObject({ connected: true, endpoint: 'http://there.test' });
  });

  it('is of no use with the credentials of another account either', async () => {
    const world = await ready(held);
    const check = world.s3.driver.checkHealth.bind(world.s3.driver);
    Object.assign(world.s3.driver, {
      checkHealth: async (context: Parameters<typeof check>[0]) => ({ ...(await check(context)), accountId: 'other' }),
    });
    world.bench.advance(60_000);
    expect(await world.bench.pass()).toMatchObject({ result: 'waiting', reason: 'ServerChanged' });
  });

  it('goes there where nobody has anything at the old one', async () => {
    const world = await move(inUse);
    await world.bench.run();
    expect(world.bench.facts()).toMatchObject({ connected: true, endpoint: 'http://there.test' });
  });
});

describe('a Provider whose users the cache does not know yet', () => {
  const held: ProviderUsers = { buckets: [bucketUser('photos', { ownership: 'Created' })], accessKeys: [] };
  const lateCache = async (live: ProviderUsers): Promise<World> => {
    const world = await ready();
    world.used.live = live;
    return world;
  };
  const elsewhere: readonly (readonly [string, (world: World) => void])[] = [
    [
      'another server',
      (world) => {
        Object.assign(world.s3.driver, { serverIdentity: 'http://there.test' });
        world.bench.change({ endpoint: 'http://there.test' });
      },
    ],
    [
      'another account',
      (world) => {
        Object.assign(world.s3.driver, { checkHealth: async () => ({ listDenied: false, accountId: 'other' }) });
        world.bench.advance(60_000);
      },
    ],
    [
      'an account that cannot be told',
      (world) => {
        world.s3.refuse('ListBuckets', { code: 'AccessDenied', status: 403 });
        world.kube.put('secrets', {
          metadata: { name: 'admin', namespace: 'team-a' },
          data: { 'access-key': 'OTHER', 'secret-key': 'x' },
        });
        world.bench.advance(60_000);
      },
    ],
  ];

  it.each(elsewhere)('is not led to %s: a live list says who holds it', async (_title, move) => {
    const world = await lateCache(held);
    move(world);
    const report = await world.bench.pass();
    expect(report).toMatchObject({ result: 'waiting', reason: 'ServerChanged' });
    expect(report.message).toContain('Bucket team-a/photos');
    expect(world.bench.facts()).toMatchObject({ connected: false, endpoint: 'http://s3.test', accountId: 'account' });
  });

  it.each(elsewhere)(
    'goes to %s where the live list has nobody either, and is listed once for it',
    async (_title, move) => {
      const world = await lateCache(nobody);
      move(world);
      await world.bench.run();
      expect(world.bench.facts()).toMatchObject({ connected: true });
      for (let passes = 0; passes < 5; passes += 1) {
        world.bench.advance(60_000);
        await world.bench.pass();
      }
      expect(world.used.lists).toBe(1);
    },
  );

  it('keeps the key service of an AccessKey that the cache does not know', async () => {
    const key = objectOf('AccessKey', 'app', { providerRef: { name: 'provider' } }, { status: { userName: 's3op' } });
    const world = await lateCache({ buckets: [], accessKeys: [key] });
    const { keys } = world.s3.driver;
    if (typeof keys === 'string') throw new Error(keys);
    Object.assign(world.s3.driver, { keys: { ...keys, identity: 'other+http://s3.test' } });
    world.bench.change({ iamEndpoint: 'http://iam.test' });
    expect(await world.bench.pass()).toMatchObject({ reason: 'ServerChanged' });
  });

  it('does not go while one of them needs it', async () => {
    const world = await lateCache(held);
    world.bench.delete();
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'InUse' });
    expect(report.message).toContain('Bucket team-a/photos');
    world.used.live = nobody;
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
  });

  it('is never listed for at rest', async () => {
    const world = await lateCache(nobody);
    for (let passes = 0; passes < 5; passes += 1) {
      world.bench.advance(60_000);
      await world.bench.pass();
    }
    expect(world.used.lists).toBe(0);
  });
});

describe('the account of a Provider', () => {
  it('is proved, and what was written in its place is no account', async () => {
    const world = await ready();
    const signal = new AbortController().signal;
    expect(await world.ownership.provenAccountOf(provider(world), signal)).toBe('account');
    world.s3.refuse('ListBuckets', { code: 'AccessDenied', status: 403 });
    const forged = { ...provider(world), status: { ...provider(world).status, accountId: 'of-somebody-else' } };
    world.providers.set('team-a/provider', forged);
    world.bench.advance(60_000);
    await world.bench.run();
    expect(world.bench.facts()).not.toHaveProperty('accountId');
    expect(world.bench.facts()).not.toHaveProperty('proof');
  });
});

describe('a Provider that takes a grant back', () => {
  const from = (namespace: string, kind: 'Bucket' | 'AccessKey', status: object) =>
    objectOf(
      kind,
      'app',
      { providerRef: { name: 'provider', namespace: 'team-a' }, name: 'app' },
      { metadata: { namespace }, status },
    );
  const users: ProviderUsers = {
    buckets: [from('team-b', 'Bucket', { ownership: 'Created' }), from('team-c', 'Bucket', {})],
    accessKeys: [from('team-b', 'AccessKey', { userName: 's3op-app' })],
  };
  const granted = { names: ['team-b', 'team-c'] };
  /** The users with the proofs that their controllers write. */
  const sealed = async (world: World): Promise<ProviderUsers> => {
    const { signal } = new AbortController();
    const provided = { provider: provider(world), driver: world.s3.driver };
    const buckets = users.buckets.map(async (bucket) =>
      bucket.status === undefined
        ? bucket
        : { ...bucket, status: await world.ownership.sealBucket(bucket.status, bucket, provided, signal) },
    );
    const accessKeys = users.accessKeys.map(async (key) =>
      key.status === undefined ? key : { ...key, status: await world.ownership.sealAccessKey(key.status, key, signal) },
    );
    return { buckets: await Promise.all(buckets), accessKeys: await Promise.all(accessKeys) };
  };
  const withdrawn = async (): Promise<World> => {
    const world = await ready(users, { allowedNamespaces: granted });
    expect(world.bench.conditions()).toEqual(healthyConditions);
    world.used.now = await sealed(world);
    world.bench.change({ allowedNamespaces: {} });
    return world;
  };

  it('stays Ready, says whom that hits and how to confirm it, with one Event', async () => {
    const world = await withdrawn();
    const { events } = await world.bench.run();
    expect(world.bench.conditions()).toEqual([...healthyConditions, 'GrantWithdrawn=True GrantWithdrawn']);
    expect(events).toEqual([
      'Warning GrantWithdrawn: allowedNamespaces does not grant namespace team-b, where 1 AccessKey and 1 Bucket still use this ' +
        'Provider. They keep what they have and get nothing new. Grant the namespace again, or remove their rights and policies: ' +
        'kubectl annotate --overwrite providers.s3.cloud37.dev provider -n team-a s3.cloud37.dev/confirm-withdrawal=team-b',
    ]);
    world.used.now = { ...world.used.now, accessKeys: [] };
    expect(await world.bench.run()).toMatchObject({ result: 'settled', events: [] });
  });

  it('says nothing of namespaces that were never granted, whatever their statuses claim', async () => {
    const world = await ready({ buckets: [], accessKeys: [] });
    world.used.now = users;
    await world.bench.run();
    expect(world.bench.conditions()).toEqual(healthyConditions);
    expect(world.bench.object().status?.inUseBy).toEqual({ buckets: 0, accessKeys: 0 });
  });

  it('says it no more once that is confirmed, or granted again', async () => {
    for (const mend of ['confirm', 'grant'] as const) {
      const world = await withdrawn();
      await world.bench.run();
      if (mend === 'grant') world.bench.change({ allowedNamespaces: granted });
      else world.bench.annotate({ 's3.cloud37.dev/confirm-withdrawal': 'team-b' });
      await world.bench.run();
      expect(world.bench.conditions()).toEqual(healthyConditions);
    }
  });

  it('says it while its server is away, too', async () => {
    const world = await withdrawn();
    world.s3.refuse('ListBuckets', { code: 'InternalError', status: 500 });
    world.bench.advance(60_000);
    await world.bench.run();
    expect(world.bench.conditions()).toContain('GrantWithdrawn=True GrantWithdrawn');
  });

  it('is not checked again for that: nothing of the connection has changed', async () => {
    const world = await withdrawn();
    await world.bench.run();
    expect(world.checks()).toBe(1);
    expect(usableVersion(provider(world))).toBe('1');
  });
});

describe('a Provider whose credentials may not list buckets any more', () => {
  const held: ProviderUsers = { buckets: [bucketUser('photos', { ownership: 'Created' })], accessKeys: [] };
  const deny = async (users: ProviderUsers): Promise<World> => {
    const world = await ready(users);
    world.s3.refuse('ListBuckets', { code: 'AccessDenied', status: 403 });
    world.bench.advance(60_000);
    return world;
  };
  const replaceSecret = ({ kube }: World): void =>
    kube.put('secrets', {
      metadata: { name: 'admin', namespace: 'team-a' },
      data: { 'access-key': 'OTHER', 'secret-key': 'x' },
    });

  it('stays of use, and its account is not forgotten', async () => {
    for (const users of [held, nobody]) {
      const world = await deny(users);
      // AuthValid says that they may not list buckets, once.
      expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: ['kube status'] });
      expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: [] });
      expect(world.bench.facts()).toMatchObject({ accountId: 'account' });
    }
  });

  it('is of no use with other credentials, which may be of another account, until those may list buckets', async () => {
    const world = await deny(held);
    replaceSecret(world);
    const report = await world.bench.pass();
    expect(report).toMatchObject({ result: 'waiting', reason: 'ServerChanged' });
    for (const part of ['account account', 'Bucket team-a/photos', 's3:ListAllMyBuckets']) {
      expect(report.message).toContain(part);
    }
    expect(world.bench.facts()).toMatchObject({ connected: false, accountId: 'account', credentialsVersion: '1' });
    expect(await world.bench.pass()).toMatchObject({ result: 'waiting', writes: [] });
    world.s3.refuse('ListBuckets', undefined);
    world.bench.advance(60_000);
    await world.bench.run();
    expect(world.bench.facts()).toMatchObject({ connected: true, accountId: 'account', credentialsVersion: '2' });
  });

  it('names the account in a command as one word, whatever the server calls it', () => {
    const place = {
      serverIdentity: 'http://s3.test',
      keyService: undefined,
      accountId: undefined,
      credentialsVersion: '2',
    };
    const former = providerOf(place, {}, { accountId: "it's $(id)" });
    expect(serverChange(former, place, held)?.message).toMatch(/same-server='it'\\''s \$\(id\)'$/);
  });

  it('is taken at the word of a person that they are of the same account', async () => {
    const world = await deny(held);
    replaceSecret(world);
    world.bench.annotate({ 's3.cloud37.dev/same-server': 'account' });
    await world.bench.run();
    expect(world.bench.facts()).toMatchObject({ connected: true, accountId: 'account', credentialsVersion: '2' });
  });

  it('goes on with other credentials where nothing is held, and forgets the account', async () => {
    const world = await deny(inUse);
    replaceSecret(world);
    await world.bench.run();
    expect(world.bench.facts()).toMatchObject({ connected: true, credentialsVersion: '2' });
    expect(world.bench.facts()).not.toHaveProperty('accountId');
  });
});

describe('a Provider whose keys come from another service', () => {
  const keyUser = objectOf(
    'AccessKey',
    'app',
    { providerRef: { name: 'provider' } },
    { status: { userName: 's3op-app' } },
  );
  const held: ProviderUsers = { buckets: [], accessKeys: [keyUser] };
  const move = async (identity: string | undefined, users = held): Promise<World> => {
    const world = await ready(users);
    const { keys } = world.s3.driver;
    Object.assign(world.s3.driver, {
      keys: identity === undefined || typeof keys === 'string' ? 'set iamEndpoint' : { ...keys, identity },
    });
    world.bench.change({ iamEndpoint: 'http://iam.test' });
    return world;
  };

  it.each([
    ['another address', 'memory+http://iam.test', 'memory+http://iam.test'],
    ['another protocol', 'other+http://s3.test', 'other+http://s3.test'],
    ['no service at all', undefined, 'No keys are issued any more'],
  ])('is of no use to the users at the former one: %s', async (_title, identity, part) => {
    const world = await move(identity);
    const report = await world.bench.pass();
    expect(report).toMatchObject({ result: 'waiting', reason: 'ServerChanged' });
    for (const told of [part, 'memory+http://s3.test', 'AccessKey team-a/app']) expect(report.message).toContain(told);
    expect(usableVersion(provider(world))).toBeUndefined();
    expect(world.bench.facts()).toMatchObject({ connected: false, keyService: 'memory+http://s3.test' });
    expect(await world.bench.pass()).toMatchObject({ writes: [] });
  });

  it('is taken at the word of a person that it is the same service, beside the same server', async () => {
    const world = await move('memory+http://iam.test');
    Object.assign(world.s3.driver, { serverIdentity: 'http://there.test' });
    world.bench.annotate({ 's3.cloud37.dev/same-server': 'http://there.test' });
    const report = await world.bench.pass();
    expect(report.message).toContain('s3.cloud37.dev/same-server=http://there.test,http://iam.test');
    world.bench.annotate({ 's3.cloud37.dev/same-server': 'http://there.test, http://iam.test' });
    await world.bench.run();
    expect(world.bench.facts()).toMatchObject({ endpoint: 'http://there.test', keyService: 'memory+http://iam.test' });
  });

  it('cannot have the same users under another protocol, whatever a person says', async () => {
    const world = await move('other+http://iam.test');
    world.bench.annotate({ 's3.cloud37.dev/same-server': 'http://iam.test' });
    expect(await world.bench.pass()).toMatchObject({ reason: 'ServerChanged' });
  });

  it('goes there where no AccessKey has a user at the former one', async () => {
    const buckets = [bucketUser('photos', { ownership: 'Created' })];
    const world = await move('memory+http://iam.test', { buckets, accessKeys: [] });
    await world.bench.run();
    expect(world.bench.facts()).toMatchObject({ connected: true, keyService: 'memory+http://iam.test' });
  });
});

describe('a Provider that is to go', () => {
  it('goes when nobody uses it', async () => {
    const world = await ready();
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone', writes: ['kube finalizer'] });
  });

  it('waits for its users, names them, and stays of use to them', async () => {
    const world = await ready(inUse);
    world.bench.delete();
    const report = await world.bench.pass();
    expect(report).toMatchObject({ result: 'waiting', reason: 'InUse' });
    expect(report.message).toContain('1 object: Bucket team-a/photos');
    expect(world.bench.conditions()).toEqual([
      'Ready=False InUse',
      'Reconciling=True InUse',
      ...healthyConditions.slice(1),
    ]);
    expect(usableVersion(provider(world))).toBe('1');
    world.used.now = nobody;
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
  });

  it('goes by the word of its owner, whoever uses it, as the wait for them says', async () => {
    const world = await ready(inUse);
    world.bench.delete();
    const { message } = await world.bench.pass();
    expect(message).toContain('annotate it with s3.cloud37.dev/abandon: "true"');
    world.bench.annotate({ 's3.cloud37.dev/abandon': 'true' });
    expect(await world.bench.run()).toMatchObject({
      result: 'gone',
      writes: ['kube finalizer'],
      events: [
        'Warning ProviderAbandoned: The Provider goes although it may be in use; what its users have at the server stays there.',
      ],
    });
  });

  it('is of no use while its server is away, and of use again afterwards', async () => {
    const world = await ready(inUse);
    world.bench.delete();
    world.s3.refuse('ListBuckets', { code: 'InternalError', status: 500 });
    world.bench.advance(60_000);
    await world.bench.pass();
    expect(usableVersion(provider(world))).toBeUndefined();
    world.s3.refuse('ListBuckets', undefined);
    world.bench.advance(60_000);
    await world.bench.pass();
    expect(usableVersion(provider(world))).toBe('1');
  });
});

describe('buckets of Buckets that are gone', () => {
  const living = bucketUser('living');
  const leave = ({ s3 }: World, name: string, { cluster = testCluster, namespace = 'team-b' } = {}) =>
    s3.make(name, { tags: new Map(tagsOfOwner({ cluster, namespace, name: 'photos', uid: `uid-of-${name}` })) });
  const retained = (bucketName: string) => ({
    bucketName,
    namespace: 'team-b',
    name: 'photos',
    uid: `uid-of-${bucketName}`,
  });
  const looks = ({ bench }: World) => bench.steps().filter((step) => step === 'retained').length;

  it('are told, by our tags alone, as soon as a Bucket went; a look at rest writes nothing', async () => {
    const world = await ready({ buckets: [living], accessKeys: [] });
    leave(world, 'left');
    leave(world, 'of-another-cluster', { cluster: 'another' });
    leave(world, 'where-nobody-looks', { namespace: 'unseen' });
    world.s3.make('foreign', { tags: new Map([['owner', 'somebody']]) });
    await world.bench.pass();
    expect(looks(world)).toBe(0);
    world.used.now = nobody;
    expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: ['kube status'] });
    expect(world.bench.facts()).toMatchObject({ retainedBuckets: [retained('left')], retainedBucketCount: 1 });
    world.bench.advance(3_600_000);
    await world.bench.pass(); // users of AccessKeys are looked for too
    world.bench.advance(3_600_000);
    expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: [] });
    expect(looks(world)).toBe(3);
  });

  it('are told in the length of the status, whatever their tags say', async () => {
    const world = await ready({ buckets: [living], accessKeys: [] });
    const named = { cluster: testCluster, namespace: 'team-b', name: 'n'.repeat(256), uid: `u\n${'u'.repeat(254)}` };
    world.s3.make('left', { tags: new Map(tagsOfOwner(named)) });
    await world.bench.pass();
    world.used.now = nobody;
    await world.bench.pass();
    expect(world.bench.facts()).toMatchObject({
      retainedBuckets: [{ ...retained('left'), name: `${'n'.repeat(252)}…`, uid: `${'u '.padEnd(63, 'u')}…` }],
    });
  });

  /** A Bucket of the Provider that has the bucket of its name, with the proof of that. */
  const owning = async (world: World, name: string) => {
    const status = { ownership: 'Created', bucketName: name } as const;
    const bucket = bucketUser(name, status);
    const provided = { provider: provider(world), driver: world.s3.driver };
    const { signal } = new AbortController();
    return { ...bucket, status: await world.ownership.sealBucket(status, bucket, provided, signal) };
  };

  it('are asked about once an hour, those of Buckets that have them never', async () => {
    const world = await ready();
    world.used.now = { buckets: [await owning(world, 'living')], accessKeys: [] };
    world.s3.make('living', {
      tags: new Map(tagsOfOwner({ cluster: testCluster, namespace: 'team-a', name: 'living', uid: 'u' })),
    });
    leave(world, 'left');
    for (let passes = 0; passes < 60; passes += 1) {
      world.bench.advance(60_000);
      await world.bench.pass();
    }
    expect(looks(world)).toBe(1);
    expect(world.s3.inputs('GetBucketTagging').filter(({ Bucket }) => Bucket === 'living')).toEqual([]);
    expect(world.bench.facts()).toMatchObject({ retainedBuckets: [retained('left')], retainedBucketCount: 1 });
  });

  it('are told no more as soon as a Bucket has taken them over, without another look', async () => {
    const world = await ready();
    for (const name of ['left', 'other']) leave(world, name);
    world.bench.advance(300_000);
    await world.bench.pass();
    expect(world.bench.facts()).toMatchObject({ retainedBucketCount: 2 });
    world.used.now = { buckets: [await owning(world, 'left')], accessKeys: [] };
    await world.bench.pass();
    expect(world.bench.facts()).toMatchObject({ retainedBuckets: [retained('other')], retainedBucketCount: 1 });
    world.used.now = { buckets: [await owning(world, 'left'), await owning(world, 'other')], accessKeys: [] };
    await world.bench.pass();
    expect(world.bench.facts()).not.toHaveProperty('retainedBuckets');
    expect(world.bench.facts()).toMatchObject({ retainedBucketCount: 0 });
    expect(looks(world)).toBe(1);
  });

  it.each([
    ['does not have it', {}],
    ['says without proof that it has it', { ownership: 'Created', bucketName: 'left' }],
  ])('are told although a Bucket has the name that %s', async (_title, status) => {
    const world = await ready({ buckets: [bucketUser('left', status)], accessKeys: [] });
    leave(world, 'left');
    world.bench.advance(300_000);
    await world.bench.pass();
    expect(world.bench.facts()).toMatchObject({ retainedBuckets: [retained('left')], retainedBucketCount: 1 });
  });

  it('are told although a Bucket of another Provider has the name', async () => {
    const world = await ready();
    const elsewhere = await owning(world, 'left');
    world.used.otherBuckets = [{ ...elsewhere, spec: { ...elsewhere.spec, providerRef: { name: 'another' } } }];
    leave(world, 'left');
    world.bench.advance(300_000);
    await world.bench.pass();
    expect(world.bench.facts()).toMatchObject({ retainedBuckets: [retained('left')], retainedBucketCount: 1 });
  });

  it.each([
    ['may not be read', 'GetBucketTagging', { code: 'AccessDenied', status: 403 }],
    ['may not be listed', 'ListBuckets', { code: 'AccessDenied', status: 403 }],
  ])('are not said to be none where they %s, and the Provider stays Ready', async (_title, operation, refusal) => {
    const world = await ready();
    leave(world, 'left');
    world.bench.advance(300_000);
    world.s3.refuse(operation, refusal);
    expect(await world.bench.pass()).toMatchObject({ result: 'settled' });
    expect(looks(world)).toBe(1);
    expect(world.bench.facts()).not.toHaveProperty('retainedBucketCount');
  });

  it('stay told while the server cannot be asked for them', async () => {
    const world = await ready();
    leave(world, 'left');
    world.bench.advance(300_000);
    await world.bench.pass();
    world.bench.advance(3_600_000);
    world.s3.refuse('GetBucketTagging', { code: 'SlowDown', status: 503 });
    expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: [] });
    expect(world.bench.facts()).toMatchObject({ retainedBucketCount: 1 });
  });
});

describe('the namespaces that a Provider grants', () => {
  const selector = { matchLabels: { s3: 'allowed' } };
  const numbered = (count: number) =>
    Array.from({ length: count }, (_, number) => `team-${String(number).padStart(3, '0')}`);
  const granting = (allowedNamespaces: NonNullable<ProviderSpec['allowedNamespaces']>, matching: Matching = []) => {
    const world = begin(nobody, { allowedNamespaces });
    world.namespaces.matching = matching;
    return world;
  };
  /** What the status tells of them after a first look and, if it has to be made, a second. */
  const told = async (world: World) => {
    await world.bench.run();
    const { grantedNamespaces, grantedNamespaceCount } = world.bench.facts();
    return { grantedNamespaces, grantedNamespaceCount };
  };
  const nothing = { grantedNamespaces: undefined, grantedNamespaceCount: undefined };

  it('are none without a grant', async () => {
    expect(await told(begin())).toEqual({ grantedNamespaces: undefined, grantedNamespaceCount: 0 });
  });

  it('are those it names, in order, without its own, and nothing is watched', async () => {
    const world = granting({ names: ['team-c', 'team-a', 'team-b'] });
    expect(await told(world)).toEqual({ grantedNamespaces: ['team-b', 'team-c'], grantedNamespaceCount: 2 });
    expect(world.namespaces.isFollowed).toBe(false);
  });

  it('are those it names and those that its selector matches, each once', async () => {
    const world = granting({ names: ['team-c', 'team-d'], selector }, ['team-d', 'team-b', 'team-a']);
    expect(await told(world)).toEqual({ grantedNamespaces: ['team-b', 'team-c', 'team-d'], grantedNamespaceCount: 3 });
    expect(world.namespaces.isFollowed).toBe(true);
  });

  it('are named up to 100, and counted beyond', async () => {
    const world = granting({ selector }, numbered(150).toReversed());
    expect(await told(world)).toEqual({ grantedNamespaces: numbered(100), grantedNamespaceCount: 150 });
  });

  it('are all by one word and without a count, whatever else grants them', async () => {
    const world = granting({ all: true, names: ['team-b'], selector }, ['team-b']);
    expect(await told(world)).toEqual({ grantedNamespaces: ['*'], grantedNamespaceCount: undefined });
    expect(world.namespaces.isFollowed).toBe(false);
  });

  it('are not told in part: where those of the selector may not be shown, the names are not either', async () => {
    expect(await told(granting({ names: ['team-b'], selector }, 'hidden'))).toEqual(nothing);
  });

  it('are not told where references stay in their namespace', async () => {
    const world = granting({ all: true, names: ['team-b'] });
    world.namespaces.areSeen = false;
    world.bench.restart();
    expect(await told(world)).toEqual(nothing);
  });

  it('are written once for each change, and nothing is at rest', async () => {
    const world = granting({ selector }, ['team-b']);
    await world.bench.run();
    expect(await world.bench.pass()).toMatchObject({ writes: [] });
    world.namespaces.matching = ['team-b', 'team-c'];
    expect(await world.bench.pass()).toMatchObject({ writes: ['kube status'] });
    expect(world.bench.facts()).toMatchObject({ grantedNamespaces: ['team-b', 'team-c'], grantedNamespaceCount: 2 });
    world.namespaces.matching = [];
    expect(await world.bench.pass()).toMatchObject({ writes: ['kube status'] });
    expect(world.bench.facts()).toMatchObject({ grantedNamespaceCount: 0 });
    expect(world.bench.facts()).not.toHaveProperty('grantedNamespaces');
    expect(await world.bench.pass()).toMatchObject({ writes: [] });
  });

  it('stay told by a new process until it has listed them, and only of the same spec', async () => {
    const world = granting({ selector }, ['team-b']);
    await world.bench.run();
    world.namespaces.matching = 'pending';
    expect(await world.bench.pass()).toMatchObject({ writes: [] });
    expect(world.bench.facts()).toMatchObject({ grantedNamespaces: ['team-b'] });
    world.bench.change({ allowedNamespaces: { selector: { matchLabels: { s3: 'other' } } } });
    await world.bench.pass();
    expect(world.bench.facts()).not.toHaveProperty('grantedNamespaces');
  });

  it('are told of the spec as it is while the server is away', async () => {
    const world = granting({ names: ['team-b'] });
    await world.bench.run();
    world.s3.refuse('ListBuckets', { code: 'InvalidAccessKeyId', status: 403 });
    world.bench.change({ allowedNamespaces: { all: true } });
    world.bench.advance(60_000);
    expect(await world.bench.pass()).toMatchObject({ result: 'waiting', reason: 'AuthFailed' });
    expect(world.bench.facts()).toMatchObject({ connected: false, grantedNamespaces: ['*'] });
    expect(world.bench.facts()).not.toHaveProperty('grantedNamespaceCount');
  });
});

describe('users of AccessKeys that are gone', () => {
  const accessKey = (uid: string): AccessKeyUser =>
    objectOf('AccessKey', 'app', { providerRef: { name: 'provider' } }, { metadata: { uid } });

  /** A Provider that was Ready for longer than until the first look, with one user for each of these at the server. */
  const withUsers = async (uids: readonly string[], living: readonly string[] = []): Promise<World> => {
    const world = await ready();
    world.used.accessKeys = living.map(accessKey);
    for (const uid of uids) await makeUser(world, uid);
    world.bench.advance(300_000);
    return world;
  };
  const makeUser = async ({ issuer }: World, uid: string, cluster = testCluster): Promise<void> => {
    const mark = { cluster, namespace: 'team-a', name: 'app', uid };
    const context = {
      signal: new AbortController().signal,
      now: new Date(0),
      call: (_call: unknown, run: () => Promise<never>) => run(),
    };
    await issuer.putUser({ name: issuer.userNameFor(mark), mark, tags: new Map() }, context);
  };
  const namesAt = ({ atServer }: World) => [...atServer.keys()];
  const confirmed = (value: string) => ({ 's3.cloud37.dev/confirm-orphans': value });
  const orphan = { userName: 'team-a-app-gone', namespace: 'team-a', name: 'app', uid: 'gone' };

  it('are told, with what to do, and stay; a look at rest writes nothing', async () => {
    const world = await withUsers(['gone', 'alive'], ['alive']);
    await makeUser(world, 'gone', 'another-cluster');
    const report = await world.bench.pass();
    expect(report).toMatchObject({ result: 'settled', writes: ['kube status'] });
    expect(report.events).toEqual([expect.stringMatching(/^Warning OrphanedUsers: 1 user .*confirm-orphans=gone$/)]);
    expect(world.bench.facts()).toMatchObject({ orphanedUsers: [orphan], orphanedUserCount: 1 });
    expect(provider(world).status?.capabilities?.listUsers).toBe('Supported');
    world.bench.advance(3_600_000);
    expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: [], events: [] });
    expect(namesAt(world)).toHaveLength(2);
  });

  it('are not said to be none while not all were looked at', async () => {
    const world = await withUsers([]);
    const listUsers = world.issuer.listUsers.bind(world.issuer);
    Object.assign(world.issuer, {
      listUsers: async (...given: Parameters<typeof listUsers>) => ({
        ...(await listUsers(...given)),
        isComplete: false,
      }),
    });
    await world.bench.pass();
    expect(world.bench.facts()).not.toHaveProperty('orphanedUserCount');
  });

  it('are not looked for before the caches have settled, nor more often than once an hour', async () => {
    const world = await ready();
    await makeUser(world, 'gone');
    expect(await world.bench.pass()).toMatchObject({ writes: [] });
    world.bench.advance(300_000);
    await world.bench.pass();
    const looks = () => world.bench.steps().filter((step) => step === 'orphans').length;
    for (let passes = 0; passes < 50; passes += 1) {
      world.bench.advance(60_000);
      await world.bench.pass();
    }
    expect(looks()).toBe(1);
  });

  it('are not told while the API server knows of their AccessKey, or cannot be asked', async () => {
    const world = await withUsers(['new']);
    world.used.liveAccessKeys = [accessKey('new')];
    await world.bench.pass();
    expect(world.bench.facts()).toMatchObject({ orphanedUserCount: 0 });
    for (const status of [403, 500]) {
      const other = await withUsers(['gone']);
      Object.defineProperty(other.used, 'liveAccessKeys', {
        get: () => {
          throw new KubeError({ status, reason: 'Refused', message: 'no' });
        },
      });
      other.bench.annotate(confirmed('gone'));
      expect(await other.bench.pass()).toMatchObject({ result: 'settled' });
      expect(other.bench.facts()).not.toHaveProperty('orphanedUserCount');
      expect(namesAt(other)).toEqual(['team-a-app-gone']);
    }
  });

  it('are removed when the owner of the Provider confirms it, at once, and no others', async () => {
    const world = await withUsers(['gone', 'left', 'alive'], ['alive']);
    await world.bench.pass();
    world.bench.annotate(confirmed('gone,alive'));
    const report = await world.bench.pass();
    expect(report.writes).toEqual(['DeleteUser', 'kube status']);
    expect(report.events).toEqual([
      'Normal OrphanRemoved: Removed user team-a-app-gone of AccessKey team-a/app (uid gone), which is gone, and its keys.',
    ]);
    expect(namesAt(world)).toEqual(['team-a-app-left', 'team-a-app-alive']);
    expect(world.bench.facts()).toMatchObject({ orphanedUserCount: 1, orphanedUsers: [{ uid: 'left' }] });
    expect(await world.bench.pass()).toMatchObject({ writes: [], events: [] });
  });

  it('stay when their AccessKey came back with a restored cluster, whatever was confirmed', async () => {
    const world = await withUsers(['gone']);
    await world.bench.pass();
    world.used.liveAccessKeys = [accessKey('gone')];
    world.bench.annotate(confirmed('gone'));
    expect(await world.bench.pass()).toMatchObject({ writes: ['kube status'] });
    expect(namesAt(world)).toEqual(['team-a-app-gone']);
  });

  it('that cannot be removed are told, and tried again some minutes later', async () => {
    const world = await withUsers(['gone']);
    const deleteUser = world.issuer.deleteUser.bind(world.issuer);
    Object.assign(world.issuer, { deleteUser: () => Promise.reject(waiting('AccessDenied', 'may not')) });
    world.bench.annotate(confirmed('gone'));
    const report = await world.bench.pass();
    expect(report).toMatchObject({ result: 'settled' });
    expect(report.events[0]).toBe(
      'Warning AccessDenied: User team-a-app-gone of an AccessKey that is gone cannot be removed: may not',
    );
    Object.assign(world.issuer, { deleteUser });
    world.bench.advance(300_000);
    await world.bench.pass();
    expect(namesAt(world)).toEqual([]);
  });

  it.each([
    [waiting('AccessDenied', 'no'), 'Unknown'],
    [terminal('Unsupported', 'no'), 'Unsupported'],
    [transient('Throttled', 'no'), undefined],
  ])('leave the health good where they cannot be listed: %s', async (fault, capability) => {
    const world = await withUsers(['gone']);
    Object.assign(world.issuer, { listUsers: () => Promise.reject(fault) });
    expect(await world.bench.pass()).toMatchObject({ result: 'settled' });
    expect(world.bench.conditions()).toEqual(healthyConditions);
    expect(world.bench.facts()).not.toHaveProperty('orphanedUserCount');
    expect(provider(world).status?.capabilities?.listUsers).toBe(capability);
  });
});

it('reads the labels of each namespace that uses a Provider granted by selector once in a pass', async () => {
  const borrower = (name: string, namespace: string) =>
    objectOf(
      'Bucket',
      name,
      { providerRef: { name: 'provider', namespace: 'team-a' }, name },
      { metadata: { namespace }, status: { exists: true, ownership: 'Created' as const, bucketName: name } },
    );
  const users = {
    buckets: [borrower('one', 'team-b'), borrower('two', 'team-b'), borrower('three', 'team-c')],
    accessKeys: [],
  };
  const selector = { matchLabels: { s3: 'allowed' } };
  const world = await ready(users, { allowedNamespaces: { selector } });
  world.labelsRead.length = 0;
  await world.bench.pass();
  expect(world.labelsRead).toEqual(['team-b', 'team-c']);
});

describe('a Provider whose owner asks for new pairs of all its keys', () => {
  const request = { 's3.cloud37.dev/revoke-requested-at': 'now' };
  const keyNamed = (
    name: string,
    more: { namespace?: string; annotations?: Record<string, string> } = {},
  ): AccessKeyUser =>
    objectOf(
      'AccessKey',
      name,
      { providerRef: { name: 'provider', namespace: 'team-a' } },
      { metadata: { namespace: 'team-a', ...more, uid: `uid-${name}` }, status: { userName: `user-${name}` } },
    );
  const sealedBy = async ({ ownership }: World, key: AccessKeyUser, status: object): Promise<AccessKeyUser> => ({
    ...key,
    status: await ownership.sealAccessKey({ ...key.status, ...status }, key, new AbortController().signal),
  });
  const using = (world: World, accessKeys: readonly AccessKeyUser[], live = accessKeys): void => {
    world.used.now = { buckets: [], accessKeys };
    world.used.accessKeys = accessKeys;
    world.used.liveAccessKeys = live;
  };
  const answer = async (world: World, names: readonly string[], to = 'now'): Promise<void> => {
    const keys = world.used.accessKeys.map(async (key) =>
      names.includes(key.metadata.name) ? sealedBy(world, key, { answeredProviderRevokeRequest: to }) : key,
    );
    using(world, await Promise.all(keys));
  };
  const revocation = (world: World) => provider(world).status?.revocation;
  const turns = (world: World) => revocation(world)?.current.map(({ accessKey }) => accessKey);
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

  const asked = async (
    keys = names.map((name) => keyNamed(name)),
    spec: Partial<ProviderSpec> = {},
  ): Promise<World> => {
    const world = await ready(nobody, spec);
    using(world, keys);
    world.bench.annotate(request);
    return world;
  };

  it('gives turns to a few, goes on as they answer, and says the start and the end once', async () => {
    const world = await asked();
    const { events, writes } = await world.bench.pass();
    expect(writes).toEqual(['kube status']);
    expect(events).toEqual([
      expect.stringMatching(/^Normal RevocationStarted: Replacing the key pairs of 7 AccessKeys/),
    ]);
    expect(turns(world)).toEqual(['a', 'b', 'c', 'd', 'e'].map((name) => `team-a/${name}`));
    expect(await world.bench.pass()).toMatchObject({ writes: [], events: [] });
    await answer(world, ['b', 'c', 'd']);
    world.bench.restart();
    expect(await world.bench.pass()).toMatchObject({ writes: ['kube status'], events: [] });
    expect(revocation(world)).toMatchObject({ state: 'Running', total: 7, done: 3 });
    expect(turns(world)).toEqual(['a', 'e', 'f', 'g'].map((name) => `team-a/${name}`));
    await answer(world, ['a', 'e', 'f', 'g']);
    expect((await world.bench.pass()).events).toEqual([
      expect.stringMatching(/^Normal RevocationFinished: None of the 7/),
    ]);
    expect(revocation(world)).toEqual({
      request: 'now',
      state: 'Finished',
      startedAt: expect.any(String) as string,
      finishedAt: world.bench.now().toISOString(),
      total: 7,
      done: 7,
      current: [],
    });
    expect(world.bench.conditions()).toEqual(healthyConditions);
    using(world, [...world.used.accessKeys, keyNamed('h')]);
    expect((await world.bench.pass()).events).toEqual([]);
    expect(revocation(world)).toMatchObject({ state: 'Finished', total: 7 });
  });

  it('believes no answer without its proof, nor one of another request', async () => {
    const world = await asked(['a', 'b', 'c'].map((name) => keyNamed(name)));
    await answer(world, ['a'], 'before');
    const [first, forged, other] = world.used.accessKeys;
    if (first === undefined || forged === undefined || other === undefined) throw new Error('no AccessKeys');
    const copied = await sealedBy(world, other, { answeredProviderRevokeRequest: 'now' });
    const stolen = { ...forged, status: { ...copied.status, userName: forged.status?.userName ?? '' } };
    using(world, [first, stolen, other]);
    await world.bench.pass();
    expect(revocation(world)).toMatchObject({ state: 'Running', total: 3, done: 0 });
  });

  it('has finished on a live list alone', async () => {
    const world = await asked(['a'].map((name) => keyNamed(name)));
    await answer(world, ['a']);
    using(world, world.used.accessKeys, [...world.used.accessKeys, keyNamed('z')]);
    await world.bench.pass();
    expect(revocation(world)).toMatchObject({ state: 'Running', total: 2, done: 1 });
    expect(turns(world)).toEqual(['team-a/z']);
  });

  it('counts those of other Providers and of namespaces without a grant for nothing', async () => {
    const elsewhere = { ...keyNamed('z'), spec: { providerRef: { name: 'another' } } };
    const world = await asked(['a'].map((name) => keyNamed(name)));
    await answer(world, ['a']);
    using(world, world.used.accessKeys, [...world.used.accessKeys, elsewhere, keyNamed('y', { namespace: 'team-z' })]);
    await world.bench.pass();
    expect(revocation(world)).toMatchObject({ state: 'Finished', total: 1, done: 1 });
  });

  it('revokes those of a granted namespace, and names those of one that has lost its grant', async () => {
    const borrowed = keyNamed('a', { namespace: 'team-b' });
    const world = await asked([borrowed, keyNamed('c')], { allowedNamespaces: { names: ['team-b'] } });
    await world.bench.pass();
    expect(turns(world)).toEqual(['team-a/c', 'team-b/a']);
    using(world, [await sealedBy(world, borrowed, {}), keyNamed('c')]);
    world.bench.change({ allowedNamespaces: {} });
    await world.bench.pass();
    expect(turns(world)).toEqual(['team-a/c']);
    expect(revocation(world)).toMatchObject({ total: 2, held: [{ accessKey: 'team-b/a', because: 'NotGranted' }] });
  });

  it('gives no turn to one that is paused or deleted, and does not say that all have answered', async () => {
    const paused = keyNamed('a', { annotations: { 's3.cloud37.dev/paused': 'true' } });
    const world = await asked([paused, keyNamed('b')]);
    await answer(world, ['b']);
    await world.bench.pass();
    expect(revocation(world)).toMatchObject({
      state: 'Running',
      done: 1,
      current: [],
      held: [{ accessKey: 'team-a/a', because: 'Paused' }],
    });
    expect(await world.bench.pass()).toMatchObject({ writes: [] });
  });

  it('stops when the annotation is removed, and begins again with another value', async () => {
    const world = await asked();
    await world.bench.pass();
    await answer(world, ['a']);
    world.bench.annotate({});
    expect((await world.bench.pass()).events).toEqual([expect.stringMatching(/^Normal RevocationStopped: .* 1 of 7 /)]);
    expect(revocation(world)).toMatchObject({ request: 'now', state: 'Stopped', done: 1, current: [] });
    expect(await world.bench.pass()).toMatchObject({ writes: [], events: [] });
    world.bench.annotate({ 's3.cloud37.dev/revoke-requested-at': 'again' });
    await world.bench.pass();
    expect(revocation(world)).toMatchObject({ request: 'again', state: 'Running', total: 7, done: 0 });
  });

  it('gives no turns while its server is away, and goes on after', async () => {
    const world = await asked();
    await world.bench.pass();
    world.s3.refuse('ListBuckets', { code: 'InternalError', status: 500 });
    world.bench.advance(60_000);
    await world.bench.pass();
    expect(revocation(world)).toMatchObject({ state: 'Running', current: [] });
    world.s3.refuse('ListBuckets', undefined);
    world.bench.advance(60_000);
    await world.bench.run();
    expect(turns(world)).toHaveLength(5);
  });

  it('is looked at again when the patience with the first of them ends', async () => {
    const world = await asked();
    await world.bench.pass();
    expect(world.bench.dueInMs()).toBe(300_000);
  });
});
