import type { AccessKeySpec, AccessKeyStatus } from '@operator/api';
import { redact, terminal, transient, waiting } from '@operator/outcome';
import { heldTo } from '@operator/policy';
import {
  createBench,
  createTestWorld,
  objectOf,
  ownerTags,
  providerOf,
  tryEveryMishap,
  type PassReport,
} from '@operator/references/testing';
import { faultFromAnswer } from '@operator/s3';
import { bucketSpec, createMemoryKeys, createMemoryS3 } from '@operator/testing';
import type { References } from '@operator/references';
import { describe, expect, it } from 'vitest';
import type { AccessKey } from './deps.ts';
import { reconcilerOf } from '../test/reconciler-of.ts';

const userName = 'team-a-app-uid-app';
const secretRef = { namespace: 'team-a', name: 'app-credentials' };

interface Options {
  /** True: as MinIO, where we choose the pair; false: as AWS, with at most two keys. */
  readonly choosesPair?: boolean;
  readonly spec?: Partial<AccessKeySpec>;
  readonly issuesKeys?: boolean;
}

/** A cluster with one AccessKey for one Bucket of ours, a server, and the reconciler between them. */
const begin = ({ choosesPair = false, spec = {}, issuesKeys = true }: Options = {}) => {
  const keys = createMemoryKeys({ choosesPair });
  /** The code with which every issued key is refused, whatever the server knows of it. */
  const server: {
    refusesKeysWith?: string | undefined;
    /** The same for the keys that are in no Secret. */
    refusesNewKeysWith?: string;
  } = {};
  const s3 = createMemoryS3({
    now: () => new Date(0),
    keys: issuesKeys ? keys.issuer : undefined,
    refusalOf: (credentials) => {
      const isNew = world.kube.secret(secretRef)?.['access-key-id'] !== credentials.accessKeyId;
      return server.refusesKeysWith ?? (isNew ? server.refusesNewKeysWith : undefined) ?? keys.refusalOf(credentials);
    },
  });
  const world = createTestWorld(s3.driver);
  s3.make('photos', { tags: ownerTags({ name: 'photos' }) });
  world.buckets.set(
    'team-a/photos',
    objectOf('Bucket', 'photos', bucketSpec({}), {
      status: { bucketName: 'photos', exists: true, endpoint: 'http://s3.test', ownership: 'Created' as const },
    }),
  );
  const elsewhere = createMemoryKeys({ choosesPair });
  const otherS3 = createMemoryS3({ now: () => new Date(0), keys: elsewhere.issuer, refusalOf: elsewhere.refusalOf });
  otherS3.make('photos', { tags: ownerTags({ name: 'photos' }) });
  const otherWorld = createTestWorld(otherS3.driver);
  /** A Provider `elsewhere` leads to another server, which has its own users. */
  const referencesOfBoth = (): References => {
    const [here, there] = [world.references(), otherWorld.references()];
    return {
      ...here,
      driverFor: (ref, ...rest) =>
        ref.name === 'elsewhere' ? there.driverFor({ name: 'provider' }, ...rest) : here.driverFor(ref, ...rest),
      driverForRemoval: (ref, ...rest) =>
        ref.name === 'elsewhere'
          ? there.driverForRemoval({ name: 'provider' }, ...rest)
          : here.driverForRemoval(ref, ...rest),
    };
  };
  let pairs = 0;
  const accessKeys = new Map<string, AccessKey>();
  const bench = createBench<AccessKeySpec, AccessKeyStatus>({
    writes: world.writes,
    store: accessKeys,
    live: ({ plural }, key) => {
      const [late, now] =
        plural === 'providers' ? [world.providers, world.live.providers] : [world.buckets, world.live.buckets];
      return now.has(key) ? now.get(key) : late.get(key);
    },
    object: objectOf('AccessKey', 'app', {
      providerRef: { name: 'provider' },
      access: [{ bucketRef: { name: 'photos' }, level: 'ReadOnly' as const }],
      ...spec,
    }),
    reconciler: () =>
      reconcilerOf(world, {
        references: referencesOfBoth(),
        newPair: () => {
          pairs += 1;
          return { accessKeyId: `OURS${String(pairs)}`, secretAccessKey: redact(`chosen-${String(pairs)}`) };
        },
      }),
  });
  /** A tenant's own patch of the status, or another process's late one. */
  const patchStatus = (status: AccessKeyStatus | undefined) => {
    const { status: stored, ...object } = bench.object();
    const conditions = stored?.conditions === undefined ? {} : { conditions: stored.conditions };
    accessKeys.set('team-a/app', status === undefined ? object : { ...object, status: { ...status, ...conditions } });
  };
  return { ...world, bench, keys, s3, server, patchStatus, elsewhere };
};
type World = ReturnType<typeof begin>;

const ready = async (options: Options = {}): Promise<World> => {
  const world = begin(options);
  await world.bench.run();
  world.bench.advance(3_600_000);
  return world;
};

const user = ({ keys }: World) => keys.users.get(userName);
const keyIds = (world: World) => [...(user(world)?.keys.keys() ?? [])];
const secretOf = ({ kube }: World, name = 'app-credentials') => kube.secret({ namespace: 'team-a', name });

/** The owner of the Provider asks for new pairs of all its keys; `answers`: the request that the status of the Provider is about. */
const askAll = (
  { providers }: World,
  about: {
    readonly request?: string | undefined;
    readonly answers?: string;
    readonly turns?: readonly string[];
  } = {},
): void => {
  const provider = providers.get('team-a/provider');
  if (provider === undefined) throw new Error('no Provider');
  const { request = 'request' in about ? undefined : 'all', answers = 'all', turns = ['team-a/app'] } = about;
  const annotations: Record<string, string> =
    request === undefined ? {} : { 's3.cloud37.dev/revoke-requested-at': request };
  const since = '2026-05-05T10:00:00.000Z';
  const current = turns.map((accessKey) => ({ accessKey, since }));
  providers.set('team-a/provider', {
    ...provider,
    metadata: { ...provider.metadata, annotations },
    status: {
      ...provider.status,
      revocation: { request: answers, state: 'Running', startedAt: since, total: 1, done: 0, current },
    },
  });
};

const without = (status: AccessKeyStatus, field: string): AccessKeyStatus =>
  Object.fromEntries(Object.entries(status).filter(([name]) => name !== field));

const isProven = async ({ ownership, bench }: World): Promise<boolean> =>
  (await ownership.provenAccessKey(bench.object(), new AbortController().signal)) !== undefined;

/** One user with one key, which the Secret holds and the status names, and which works. */
const expectOneKey = (world: World, trial = ''): string => {
  const secret = secretOf(world);
  const id = secret?.['access-key-id'] ?? 'none';
  expect([...world.keys.users.keys()], trial).toEqual([userName]);
  expect(keyIds(world), trial).toEqual([id]);
  expect(user(world)?.keys.get(id)?.secret, trial).toBe(secret?.['secret-access-key']);
  expect(user(world)?.policy, trial).toMatchObject({ Version: '2012-10-17' });
  // After a mishap a key may have been made that the server does not show: that stays in the status for a while.
  const { keyIntent, ...facts } = world.bench.facts();
  expect(facts, trial).toEqual({
    accessKeyId: id,
    created: true,
    userName,
    userArn: `arn:aws:iam::1:user/${userName}`,
    secretName: 'app-credentials',
    policyHash: expect.any(String) as string,
    grantedBuckets: ['team-a/photos'],
    proof: expect.any(String) as string,
    pairGeneration: expect.any(Number) as number,
    lastRotateTime: expect.any(String) as string,
    observedGeneration: 1,
  });
  expect(keyIntent, trial).toEqual(trial === '' ? undefined : expect.toSatisfy(isHiding));
  expect(world.bench.conditions(), trial).toEqual(['Ready=True Ready']);
  return id;
};
const isHiding = (intent: AccessKeyStatus['keyIntent']): boolean =>
  intent === undefined || (intent.requests === undefined && intent.accessKeyId !== undefined);

const servers = [
  ['chooses the pair', false],
  ['lets us choose the pair', true],
] as const;

it('warns of a key without rights, which stays Ready', async () => {
  const world = await ready({ spec: { access: [] } });
  const [condition] = world.bench.object().status?.conditions ?? [];
  expect(condition).toMatchObject({ type: 'Ready', status: 'True' });
  expect(condition?.message).toMatch(/^Everything is as declared\. Warning: The key has no rights of its own: /);
});

it('names the statement of a policy that the server refuses, and what was meant', async () => {
  const policy = {
    version: '2012-10-17' as const,
    statement: [{ effect: 'Allow' as const, action: 's3:ListBucket', resource: 'arn:aws:s3:::photos/*' }],
  };
  const world = begin({ spec: { policy } });
  world.keys.issuer.putPolicy = () => Promise.reject(terminal('PolicyInvalid', 'Not so, says the server.'));
  const report = await world.bench.run();
  expect(report).toMatchObject({ result: 'terminal', reason: 'PolicyInvalid' });
  expect(report.message).toBe(
    'statement[0].action: s3:ListBucket acts on the bucket itself: use arn:aws:s3:::photos as resource. Not so, says the server.',
  );
});

describe.each(servers)('on a server that %s, a key', (_title, choosesPair) => {
  it('is issued with its rights before it, and Ready only after it was seen to work', async () => {
    const world = begin({ choosesPair });
    const first = await world.bench.pass();
    expect(first.writes).toEqual([
      'kube status',
      'PutUser',
      'PutPolicy',
      ...(choosesPair ? ['kube create secrets', 'CreateKey'] : ['CreateKey', 'kube create secrets']),
      'kube status',
    ]);
    expect(first).toMatchObject({ result: 'progressing' });
    expect(first.events).toEqual([expect.stringMatching(/^Normal AccessKeyCreated: Issued key/)]);
    expect(world.bench.conditions()).toEqual(['Ready=False Converging', 'Reconciling=True Converging']);
    expect(world.bench.facts()).toMatchObject({ created: false });
    expect(world.bench.steps()).toEqual([
      'user',
      'policy',
      ...(choosesPair ? ['secret', 'key'] : ['key', 'secret']),
      'secret',
    ]);
    expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: ['kube status'], events: [] });
    expectOneKey(world);
  });

  it('is left in peace once settled, also by a new process', async () => {
    const world = await ready({ choosesPair });
    for (let passes = 0; passes < 20; passes += 1) {
      if (passes === 10) world.bench.restart();
      world.bench.advance(600_000);
      expect(await world.bench.pass()).toEqual({ result: 'settled', writes: [], events: [] });
    }
  });

  it('loses the rights of a Bucket that is gone, and gets them back with it', async () => {
    const world = await ready({ choosesPair });
    const bucket = world.buckets.get('team-a/photos');
    if (bucket === undefined) throw new Error('no Bucket');
    const before = user(world)?.policy;
    world.buckets.delete('team-a/photos');
    expect(await world.bench.pass()).toMatchObject({ writes: ['PutPolicy', 'kube status'] });
    expect(user(world)?.policy).toBeUndefined();
    expect(world.bench.conditions()).toEqual(['Ready=False BucketNotFound', 'Reconciling=True BucketNotFound']);
    expect(await world.bench.pass()).toMatchObject({ writes: [] });
    world.buckets.set('team-a/photos', bucket);
    await world.bench.run();
    expect(user(world)?.policy).toEqual(before);
    expectOneKey(world);
  });

  it('loses the rights of a Bucket that is gone also while its owner spoils Secret and policy', async () => {
    const world = await ready({ choosesPair });
    world.kube.put('secrets', { metadata: { namespace: 'team-a', name: 'spoilt' }, data: { theirs: 'yes' } });
    const resource = Array.from(
      { length: 100 },
      (_, index) => `arn:aws:s3:::photos/${'long'.repeat(10)}${String(index)}`,
    );
    world.bench.change({
      secretName: 'spoilt',
      policy: { version: '2012-10-17', statement: [{ effect: 'Deny', action: 's3:*', resource }] },
    });
    await world.bench.pass();
    expect(user(world)?.policy).toBeDefined();
    world.buckets.delete('team-a/photos');
    expect(await world.bench.pass()).toMatchObject({ reason: 'BucketNotFound' });
    expect(user(world)?.policy).toBeUndefined();
  });

  it('gets narrower rights also while its Secret is not ours', async () => {
    const world = await ready({
      choosesPair,
      spec: { access: [{ bucketRef: { name: 'photos' }, level: 'ReadWrite' }] },
    });
    world.kube.put('secrets', { metadata: { namespace: 'team-a', name: 'spoilt' }, data: { theirs: 'yes' } });
    world.bench.change({ secretName: 'spoilt', access: [{ bucketRef: { name: 'photos' }, level: 'ReadOnly' }] });
    expect(await world.bench.pass()).toMatchObject({ reason: 'SecretConflict', writes: ['PutPolicy', 'kube status'] });
    expect(JSON.stringify(user(world)?.policy)).not.toContain('s3:PutObject');
  });

  it('loses all rights when the owner of its Provider withdraws the grant and confirms it, and gets them back with the grant', async () => {
    const world = begin({ choosesPair, spec: { providerRef: { name: 'provider', namespace: 'platform' } } });
    world.s3.make('photos', { tags: ownerTags({ name: 'photos' }, { lender: 'platform' }) });
    const ref = { name: 'admin', namespace: 'platform' };
    world.kube.put('secrets', { metadata: ref, data: { 'access-key': 'A', 'secret-key': 'S' } });
    const credentialsVersion = world.kube.get('secrets', ref)?.metadata.resourceVersion ?? '';
    const grant = (names: readonly string[], annotations: Readonly<Record<string, string>> = {}) =>
      world.providers.set(
        'platform/provider',
        providerOf(
          world.s3.driver,
          { metadata: { namespace: 'platform', annotations }, spec: { allowedNamespaces: { names: [...names] } } },
          { credentialsVersion },
        ),
      );
    grant(['team-a']);
    await world.bench.run();
    expect(world.bench.conditions()).toEqual(['Ready=True Ready']);
    const before = user(world)?.policy;
    expect(before).toBeDefined();

    grant([]);
    const withdrawn = await world.bench.pass();
    expect(withdrawn).toMatchObject({ reason: 'ReferenceNotGranted', writes: ['kube status'], events: [] });
    expect(withdrawn.message).toMatch(/^Provider platform\/provider no longer grants .* existing rights stay until/);
    expect(user(world)?.policy).toEqual(before);
    expect(await world.bench.pass()).toMatchObject({ writes: [] });

    grant([], { 's3.cloud37.dev/confirm-withdrawal': 'team-a' });
    const report = await world.bench.pass();
    expect(report).toMatchObject({ reason: 'ReferenceNotGranted', writes: ['PutPolicy', 'kube status'] });
    expect(report.events).toContainEqual(expect.stringMatching(/^Warning ReferenceNotGranted: Took all rights/));
    expect(user(world)?.policy).toEqual({ Version: '2012-10-17', Statement: [heldTo([], 'aws')] });
    expect(await world.bench.pass()).toMatchObject({ writes: [] });

    grant(['team-a']);
    await world.bench.run();
    expect(user(world)?.policy).toEqual(before);
    expect(world.bench.conditions()).toEqual(['Ready=True Ready']);
  });

  it('is issued exactly once whatever befalls any one write', async () => {
    const struck = await tryEveryMishap(async () => begin({ choosesPair }), expectOneKey);
    expect(struck).toBeGreaterThan(20);
  });

  const alter = ({ kube }: World, entries: Record<string, string>) => {
    kube.put('secrets', { metadata: secretRef, data: { ...kube.secret(secretRef), ...entries } });
  };
  const strikes = {
    'its Secret was deleted': ({ kube }: World) => {
      kube.remove('secrets', secretRef);
    },
    'the secret in its Secret was altered': (world: World) => {
      alter(world, { 'secret-access-key': 'x' });
    },
    'the id in its Secret was altered': (world: World) => {
      alter(world, { 'access-key-id': 'AKIAX' });
    },
    'it was deleted at the server': (world: World) => {
      user(world)?.keys.clear();
    },
    'its secret was changed at the server': (world: World) => {
      for (const key of user(world)?.keys.values() ?? []) key.secret = 'changed';
    },
    'its user was deleted at the server': ({ keys }: World) => {
      keys.users.clear();
    },
  };
  const troubles = Object.entries(strikes);
  it.each(troubles)('is replaced when %s', async (_trouble, strike) => {
    const world = await ready({ choosesPair });
    const before = secretOf(world)?.['access-key-id'];
    strike(world);
    await world.bench.run();
    expect(expectOneKey(world)).not.toBe(before);
  });

  it.each(troubles)('is replaced exactly once when %s, whatever befalls any one write', async (_trouble, strike) => {
    const struck = await tryEveryMishap(async () => {
      const world = await ready({ choosesPair });
      strike(world);
      return world;
    }, expectOneKey);
    expect(struck).toBeGreaterThan(8);
  });

  it('stays valid until its successor stands in the Secret', async () => {
    const world = await ready({ choosesPair });
    const former = keyIds(world)[0];
    world.kube.remove('secrets', secretRef);
    await world.bench.pass();
    expect(keyIds(world)).toEqual([former, secretOf(world)?.['access-key-id']]);
    await world.bench.run();
    expectOneKey(world);
  });

  it('gets its permissions boundary back before its rights change', async () => {
    const world = await ready({ choosesPair });
    const found = user(world);
    if (found !== undefined) found.isBounded = false;
    world.bench.change({ access: [{ bucketRef: { name: 'photos' }, level: 'ReadWrite' }] });
    const { writes } = await world.bench.pass();
    expect(writes.slice(0, 2)).toEqual(['PutUser', 'PutPolicy']);
    await world.bench.run();
    expect(found?.isBounded).toBe(true);
  });

  const refuseBoundary = (world: World, fault = waiting('RequestRefused', 'No such boundary.')) => {
    const { issuer } = world.keys;
    const asItWas = { ...issuer };
    const found = user(world);
    if (found !== undefined) found.isBounded = false;
    issuer.putUser = () => Promise.reject(fault);
    return () => {
      Object.assign(issuer, asItWas);
    };
  };

  it('gets narrower rights and no new ones while its user gets no permissions boundary', async () => {
    const access = [{ bucketRef: { name: 'photos' }, level: 'ReadWrite' as const }];
    const world = await ready({ choosesPair, spec: { access } });
    const before = keyIds(world);
    const mend = refuseBoundary(world);
    world.bench.change({ access: [{ bucketRef: { name: 'photos' }, level: 'ReadOnly' }] });
    const report = await world.bench.pass();
    expect(report).toMatchObject({ reason: 'RequestRefused', writes: ['PutPolicy', 'kube status'] });
    expect(report.message).toBe('No such boundary.');
    const narrowed = user(world)?.policy;
    expect(JSON.stringify(narrowed)).toContain('s3:GetObject');
    expect(JSON.stringify(narrowed)).not.toContain('s3:PutObject');

    world.bench.change({ access: [{ bucketRef: { name: 'photos' }, level: 'Admin' }] });
    expect(await world.bench.pass()).toMatchObject({ reason: 'RequestRefused', events: [] });
    expect(user(world)?.policy).toEqual(narrowed);
    expect(world.bench.facts()).toMatchObject({ grantedBuckets: ['team-a/photos'] });

    world.bench.change({ access: [] });
    await world.bench.pass();
    expect(user(world)?.policy).toBeUndefined();
    expect(world.bench.facts()).not.toHaveProperty('grantedBuckets');
    expect(world.bench.facts()).not.toHaveProperty('policyHash');
    expect(await world.bench.pass()).toMatchObject({ writes: [] });

    mend();
    world.bench.change({ access });
    await world.bench.run();
    expect(world.bench.conditions()).toEqual(['Ready=True Ready']);
    expect(keyIds(world)).toEqual(before);
    expect(JSON.stringify(user(world)?.policy)).toContain('s3:PutObject');
  });

  /** As SeaweedFS. */
  const refuseDenials = ({ keys: { issuer } }: World, reason: 'PolicyInvalid' | 'LimitExceeded') => {
    const asItWas = { ...issuer };
    const fault = terminal(reason, 'Not this document.');
    issuer.putPolicy = (wanted, document, context) =>
      JSON.stringify(document ?? {}).includes('"Deny"')
        ? Promise.reject(fault)
        : asItWas.putPolicy(wanted, document, context);
  };

  it.each(['PolicyInvalid', 'LimitExceeded'] as const)(
    'gets narrower rights also where its server refuses a denial that is new: %s',
    async (reason) => {
      const at = (level: 'ReadOnly' | 'ReadWrite') => [{ bucketRef: { name: 'photos' }, level }];
      const policy = {
        version: '2012-10-17' as const,
        statement: [{ effect: 'Deny' as const, action: 's3:DeleteObject', resource: '*' }],
      };
      const world = await ready({ choosesPair, spec: { access: at('ReadWrite') } });
      refuseDenials(world, reason);
      world.bench.change({ access: at('ReadOnly'), policy });
      expect(await world.bench.pass()).toMatchObject({ writes: ['PutPolicy', 'kube status'] });
      expect(await world.bench.pass()).toMatchObject({ reason, message: 'Not this document.' });
      const narrowed = JSON.stringify(user(world)?.policy);
      expect(narrowed).toContain('s3:GetObject');
      expect(narrowed).not.toContain('s3:PutObject');
      expect(await world.bench.pass()).toMatchObject({ reason, writes: [] });

      world.bench.change({ access: [], policy });
      await world.bench.pass();
      expect(user(world)?.policy).toBeUndefined();
      expect(world.bench.facts()).not.toHaveProperty('grantedBuckets');
      expect(keyIds(world)).toHaveLength(1);
    },
  );

  it('gives a user without its mark nothing, not even a denial, while that cannot be put on it', async () => {
    const policy = {
      version: '2012-10-17' as const,
      statement: [{ effect: 'Deny' as const, action: 's3:DeleteObject', resource: '*' }],
    };
    for (const fault of [transient('Throttled', 'Later.'), waiting('AccessDenied', 'Not that.')]) {
      const world = begin({ choosesPair, spec: { policy } });
      world.keys.users.set(userName, { owner: '', policy: undefined, tags: new Map(), keys: new Map() });
      const { issuer } = world.keys;
      const asItWas = { ...issuer };
      issuer.putUser = () => Promise.reject(fault);
      expect(await world.bench.pass()).toMatchObject({ reason: fault.reason });
      expect(user(world)).toMatchObject({ owner: '', policy: undefined });
      Object.assign(issuer, asItWas);
      await world.bench.run();
      expectOneKey(world);
    }
  });

  it('keeps a denial that it has where its server refuses another one', async () => {
    const at = (level: 'ReadOnly' | 'ReadWrite') => [{ bucketRef: { name: 'photos' }, level }];
    const denying = (action: string) => ({
      version: '2012-10-17' as const,
      statement: [{ effect: 'Deny' as const, action, resource: '*' }],
    });
    const world = await ready({
      choosesPair,
      spec: { access: at('ReadWrite'), policy: denying('s3:DeleteObject') },
    });
    const { issuer } = world.keys;
    const asItWas = { ...issuer };
    issuer.putPolicy = (wanted, document, context) =>
      JSON.stringify(document).includes('s3:PutInventoryConfiguration')
        ? Promise.reject(terminal('PolicyInvalid', 'No such action.'))
        : asItWas.putPolicy(wanted, document, context);
    world.bench.change({ access: at('ReadOnly'), policy: denying('s3:PutInventoryConfiguration') });
    await world.bench.pass();
    expect(await world.bench.pass()).toMatchObject({ reason: 'PolicyInvalid', message: 'No such action.' });
    expect(user(world)?.policy?.Statement).toContainEqual({
      Effect: 'Deny',
      Action: ['s3:DeleteObject'],
      Resource: ['*'],
    });
    expect(JSON.stringify(user(world)?.policy)).not.toContain('s3:PutObject');
  });

  it.each([
    ['its own request', (world: World) => world.bench.annotate({ 's3.cloud37.dev/revoke-requested-at': 'now' })],
    ['the request of the owner of its Provider', (world: World) => askAll(world, { request: 'now', answers: 'now' })],
  ])('goes by %s, with every other one, while its user gets no permissions boundary', async (_who, ask) => {
    const world = await ready({ choosesPair });
    user(world)?.keys.set('THEIRS', { secret: 'x', isActive: true });
    const leaked = keyIds(world);
    const mend = refuseBoundary(world, terminal('Unsupported', 'No boundaries here.'));
    const withPolicies = { ...world.keys.issuer };
    world.keys.issuer.putPolicy = () => Promise.reject(waiting('AccessDenied', 'Not that either.'));
    world.bench.change({ access: [] });
    ask(world);
    const report = await world.bench.pass();
    expect(report).toMatchObject({ result: 'terminal', reason: 'Unsupported' });
    expect(report.message).toBe('No boundaries here. Rights that are no longer asked for stay: Not that either.');
    expect(report.events.join()).toMatch(
      /Warning AccessKeyRevoked: Removed all keys of user .*: .*THEIRS\. A new one follows when this is settled: No boundaries here/,
    );
    expect(keyIds(world)).toEqual([]);
    expect(world.bench.facts()).toMatchObject({ accessKeyId: leaked[0], grantedBuckets: ['team-a/photos'] });
    // The turn of the next one of this Provider comes.
    const answer = world.bench.facts().answeredProviderRevokeRequest;
    expect(answer).toBe(_who === 'its own request' ? undefined : 'now');
    Object.assign(world.keys.issuer, withPolicies);
    await world.bench.pass();
    expect(user(world)?.policy).toBeUndefined();
    expect(await world.bench.pass()).toMatchObject({ writes: [], events: [] });

    mend();
    await world.bench.run();
    expect(keyIds(world)).toEqual([secretOf(world)?.['access-key-id']]);
    expect(leaked).not.toContain(keyIds(world)[0]);
    expect(world.bench.conditions()).toEqual(['Ready=True Ready']);
    expect(await world.bench.pass()).toMatchObject({ writes: [] });
  });

  it('that was rotated away goes in its time while its user gets no permissions boundary', async () => {
    const world = await ready({ choosesPair, spec: rotating });
    const former = keyIds(world)[0];
    rotations['a person asks for it'](world);
    await world.bench.run();
    expect(keyIds(world)).toHaveLength(2);
    refuseBoundary(world);
    await world.bench.pass();
    expect(keyIds(world)).toContain(former);
    world.bench.advance(8 * dayMs);
    const report = await world.bench.pass();
    expect(report.events).toContainEqual(
      `Normal KeyRetired: Removed the previous key ${former ?? ''} of user ${userName}.`,
    );
    expect(keyIds(world)).toEqual([idInSecret(world)]);
    expect(world.bench.facts()).not.toHaveProperty('previousKeys');
  });

  it('that a person disabled stays disabled through a revocation while its user gets no permissions boundary', async () => {
    const world = await ready({ choosesPair });
    const before = keyIds(world);
    for (const key of user(world)?.keys.values() ?? []) key.isActive = false;
    refuseBoundary(world);
    world.bench.annotate({ 's3.cloud37.dev/revoke-requested-at': 'now' });
    expect(await world.bench.run()).toMatchObject({ reason: 'RequestRefused' });
    expect(keyIds(world)).toEqual(before);
  });

  /** Replaces calls of the issuer. @returns what puts them back */
  const replaceCalls = ({ keys: { issuer } }: World, calls: Partial<typeof issuer>) => {
    const asItWas = { ...issuer };
    Object.assign(issuer, calls);
    return () => {
      Object.assign(issuer, asItWas);
    };
  };
  const requestsToRevoke = {
    'its own request': (world: World) => {
      world.bench.annotate({ 's3.cloud37.dev/revoke-requested-at': 'now' });
      return { answeredRevokeRequest: 'now' };
    },
    'the request of the owner of its Provider': (world: World) => {
      askAll(world, { request: 'now', answers: 'now' });
      return { answeredProviderRevokeRequest: 'now' };
    },
  };
  const isTooLong: AccessKeySpec['policy'] = {
    version: '2012-10-17',
    statement: [
      {
        effect: 'Deny',
        action: 's3:*',
        resource: Array.from({ length: 100 }, (_, index) => `arn:aws:s3:::photos/${'long'.repeat(10)}${String(index)}`),
      },
    ],
  };

  describe.each(Object.entries(requestsToRevoke))('by %s', (_who, ask) => {
    /** Each begins something, and gives back what ends it. */
    const refusals: Readonly<Record<string, (world: World) => () => void>> = {
      'a tag of its user that the server refuses': (world) => {
        world.bench.change({ tags: { team: 'a' } });
        return replaceCalls(world, { putUser: () => Promise.reject(waiting('AccessDenied', 'No tags.')) });
      },
      'rights that the server refuses': (world) => {
        world.bench.change({ access: [{ bucketRef: { name: 'photos' }, level: 'Admin' }] });
        return replaceCalls(world, { putPolicy: () => Promise.reject(terminal('PolicyInvalid', 'Not so.')) });
      },
      'a policy that is too long': (world) => {
        world.bench.change({ policy: isTooLong });
        return () => {
          world.bench.change({
            policy: {
              version: '2012-10-17',
              statement: [{ effect: 'Deny', action: 's3:DeleteObject', resource: 'arn:aws:s3:::photos/*' }],
            },
          });
        };
      },
    };

    it.each(Object.entries(refusals))('is replaced, and no earlier one lives, through %s', async (_what, begin) => {
      const world = await ready({ choosesPair });
      user(world)?.keys.set('THEIRS', { secret: 'x', isActive: true });
      const leaked = keyIds(world);
      const rights = user(world)?.policy;
      const mend = begin(world);
      const answered = ask(world);
      await world.bench.run();
      expect(keyIds(world)).toEqual([secretOf(world)?.['access-key-id']]);
      expect(leaked).not.toContain(keyIds(world)[0]);
      expect(user(world)?.policy).toEqual(rights);
      expect(world.bench.facts()).toMatchObject({ ...answered, grantedBuckets: ['team-a/photos'] });
      const after = keyIds(world);
      mend();
      await world.bench.run();
      expect([keyIds(world), world.bench.conditions()]).toEqual([after, ['Ready=True Ready']]);
    });

    const hindrances: Readonly<Record<string, readonly [string, (world: World) => () => void]>> = {
      'its Secret is somebody else’s': [
        'SecretConflict',
        (world) => {
          world.kube.remove('secrets', secretRef);
          world.kube.put('secrets', { metadata: secretRef, data: { theirs: 'yes' } });
          return () => {
            world.kube.remove('secrets', secretRef);
          };
        },
      ],
      'its Secret is immutable': [
        'SecretConflict',
        (world) => {
          const { metadata } = world.kube.get('secrets', secretRef) ?? {};
          const secret = { metadata: { ...secretRef, ...metadata }, data: secretOf(world) ?? {}, immutable: true };
          world.kube.put('secrets', secret);
          return () => {
            world.kube.remove('secrets', secretRef);
          };
        },
      ],
      'the template of its Secret is wrong': [
        'TemplateInvalid',
        (world) => {
          world.bench.change({ secretTemplate: { data: { id: '$(none)' } } });
          return () => {
            world.bench.change({ secretTemplate: {} });
          };
        },
      ],
      'a Bucket is missing': [
        'BucketNotFound',
        (world) => {
          const bucket = world.buckets.get('team-a/photos');
          world.buckets.delete('team-a/photos');
          return () => {
            if (bucket !== undefined) world.buckets.set('team-a/photos', bucket);
          };
        },
      ],
      'no other one may be made': [
        'AccessDenied',
        (world) => replaceCalls(world, { createKey: () => Promise.reject(waiting('AccessDenied', 'No more keys.')) }),
      ],
    };

    it.each(Object.entries(hindrances))('goes with every other one while %s', async (_why, [reason, begin]) => {
      const world = await ready({ choosesPair });
      user(world)?.keys.set('THEIRS', { secret: 'x', isActive: true });
      const leaked = keyIds(world);
      const mend = begin(world);
      const answered = ask(world);
      const report = await world.bench.run();
      expect(report).toMatchObject({ reason });
      expect(keyIds(world)).toEqual([]);
      expect(await world.bench.pass()).toMatchObject({ events: [] });
      mend();
      await world.bench.run();
      expect(keyIds(world)).toEqual([secretOf(world)?.['access-key-id']]);
      expect(leaked).not.toContain(keyIds(world)[0]);
      expect(world.bench.facts()).toMatchObject(answered);
      expect(world.bench.conditions()).toEqual(['Ready=True Ready']);
    });

    it('that a person disabled stays alone, and disabled', async () => {
      const world = await ready({ choosesPair });
      const [own = ''] = keyIds(world);
      user(world)?.keys.set(own, { secret: 'x', isActive: false });
      user(world)?.keys.set('THEIRS', { secret: 'x', isActive: true });
      ask(world);
      expect(await world.bench.run()).toMatchObject({ reason: 'KeyDisabled' });
      expect(keyIds(world)).toEqual([own]);
      expect(user(world)?.keys.get(own)?.isActive).toBe(false);
    });

    it('stays where the server alone has no answer now', async () => {
      const world = await ready({ choosesPair });
      const before = keyIds(world);
      world.server.refusesKeysWith = 'InvalidAccessKeyId';
      ask(world);
      expect(await world.bench.pass()).toMatchObject({ result: 'transient', reason: 'KeyRefused' });
      expect(keyIds(world)).toEqual(before);
    });
  });

  it('that was rotated away goes in its time while a Bucket is missing', async () => {
    const world = await ready({ choosesPair, spec: rotating });
    rotations['a person asks for it'](world);
    await world.bench.run();
    expect(keyIds(world)).toHaveLength(2);
    world.buckets.delete('team-a/photos');
    world.bench.advance(8 * dayMs);
    await world.bench.pass();
    expect(keyIds(world)).toEqual([idInSecret(world)]);
    expect(world.bench.facts()).not.toHaveProperty('previousKeys');
  });

  it('is issued where the creation of its user broke off before the mark: that comes before the rights', async () => {
    const world = begin({ choosesPair });
    const { namespace, name, uid } = world.bench.object().metadata;
    const userName = world.keys.issuer.userNameFor({ cluster: '', namespace, name, uid });
    world.keys.users.set(userName, { owner: '', policy: undefined, tags: new Map(), keys: new Map() });
    await world.bench.run();
    expectOneKey(world);
    expect(world.keys.users.get(userName)?.owner).toBe(uid);
  });

  it('that somebody else made for our user is reported and stays, also through a rotation, until all keys are revoked', async () => {
    const world = await ready({ choosesPair });
    const own = idInSecret(world);
    user(world)?.keys.set('THEIRS', { secret: 'x', isActive: true });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'settled' });
    expect(report.events.join()).not.toContain('x"');
    expect(world.bench.facts()).toMatchObject({ accessKeyId: own, foreignKeys: ['THEIRS'] });
    expect(world.bench.conditions()).toEqual(['Ready=True Ready', 'ForeignKeys=True ForeignKeys']);
    expect(await world.bench.pass()).toMatchObject({ writes: [] });

    world.bench.annotate({ 's3.cloud37.dev/rotate-requested-at': 'now' });
    await world.bench.run();
    expect(keyIds(world)).toContain('THEIRS');
    // Two keys are the most where the server chooses them: it says what takes the place.
    expect(idInSecret(world) === own).toBe(!choosesPair);
    expect(world.bench.conditions().includes('RotationFailed=True RotationWaiting')).toBe(!choosesPair);

    world.bench.annotate({ 's3.cloud37.dev/revoke-requested-at': 'now' });
    await world.bench.run();
    expect(keyIds(world)).toEqual([idInSecret(world)]);
    expect(idInSecret(world)).not.toBe(own);
    expect(world.bench.conditions()).toEqual(['Ready=True Ready']);
    expect(world.bench.facts()).not.toHaveProperty('foreignKeys');
  });

  it('whose user is denied what it has by others stays as it is, and warns until that ends', async () => {
    const world = await ready({ choosesPair });
    const found = user(world);
    if (found === undefined) throw new Error('no user');
    found.denials = ['AWSCompromisedKeyQuarantineV3'];
    await world.bench.run();
    const [readiness] = world.bench.object().status?.conditions ?? [];
    expect(readiness).toMatchObject({ type: 'Ready', status: 'True' });
    expect(readiness?.message).toMatch(
      /Warning: User .* has policies of others that only deny: AWSCompromisedKeyQuarantineV3\. .*s3\.cloud37\.dev\/revoke-requested-at/,
    );
    expect(await world.bench.pass()).toMatchObject({ writes: [] });
    delete found.denials;
    await world.bench.run();
    expect(world.bench.object().status?.conditions?.[0]?.message).not.toContain('Warning');
  });

  it('that a person disabled is not enabled again, nor replaced', async () => {
    const world = await ready({ choosesPair });
    const key = user(world)?.keys.get(keyIds(world)[0] ?? '');
    if (key !== undefined) key.isActive = false;
    expect(await world.bench.run()).toMatchObject({
      result: 'waiting',
      reason: 'KeyDisabled',
      writes: ['kube status'],
    });
    expect(keyIds(world)).toHaveLength(1);
    if (key !== undefined) key.isActive = true;
    await world.bench.run();
    expectOneKey(world);
  });

  it('that a person disabled stays through a revocation, and no other one does', async () => {
    const world = await ready({ choosesPair });
    world.bench.annotate({ 's3.cloud37.dev/rotate-requested-at': 'now' });
    await world.bench.run();
    const current = idInSecret(world);
    const key = user(world)?.keys.get(current);
    if (key !== undefined) key.isActive = false;
    world.bench.annotate({ 's3.cloud37.dev/revoke-requested-at': 'now' });
    const report = await world.bench.run();
    expect(keyIds(world)).toEqual([current]);
    expect(report).toMatchObject({ reason: 'KeyDisabled' });
    expect(report.message).toContain('The revocation that is asked for has removed every other key');
    expect(world.bench.facts()).not.toHaveProperty('answeredRevokeRequest');
  });

  it('that a person disabled does not come back by losing its Secret', async () => {
    const world = await ready({ choosesPair });
    const before = keyIds(world);
    for (const key of user(world)?.keys.values() ?? []) key.isActive = false;
    world.kube.remove('secrets', secretRef);
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'KeyDisabled' });
    expect(keyIds(world)).toEqual(before);
  });

  it('whose rights stand in two policies, because a change of them broke off, gets one', async () => {
    const world = await ready({ choosesPair });
    const asItWas = { ...world.keys.issuer };
    let isSplit = true;
    replaceCalls(world, {
      observeUser: async (...given) => {
        const found = await asItWas.observeUser(...given);
        return found && { ...found, ...(isSplit ? { hasTwoPolicies: true } : {}) };
      },
      putPolicy: (...given) => {
        isSplit = false;
        return asItWas.putPolicy(...given);
      },
    });
    expect(await world.bench.pass()).toMatchObject({ result: 'progressing', writes: ['PutPolicy', 'kube status'] });
    await world.bench.run();
    expectOneKey(world);
  });

  it('gets other rights without being replaced', async () => {
    const world = await ready({ choosesPair });
    const before = keyIds(world);
    world.bench.change({ access: [{ bucketRef: { name: 'photos' }, level: 'ReadWrite' }] });
    await world.bench.run();
    expect(JSON.stringify(user(world)?.policy)).toContain('s3:PutObject');
    expect(keyIds(world)).toEqual(before);
  });

  const rotating = { rotate: { enabled: true, intervalDays: 90, previousKeysRetentionDays: 7 } };
  const dayMs = 86_400_000;
  const idInSecret = (world: World) => secretOf(world)?.['access-key-id'] ?? 'none';
  const rotations = {
    'its time has come': ({ bench }: World) => {
      bench.advance(90 * dayMs);
    },
    'a person asks for it': ({ bench }: World) => {
      bench.annotate({ 's3.cloud37.dev/rotate-requested-at': 'now' });
    },
  };

  it.each(Object.entries(rotations))(
    'is rotated exactly once when %s, whatever befalls any one write',
    async (_why, ask) => {
      let first = '';
      const struck = await tryEveryMishap(
        async () => {
          const world = await ready({ choosesPair, spec: rotating });
          first = idInSecret(world);
          ask(world);
          return world;
        },
        (world, trial) => {
          const second = idInSecret(world);
          expect(second, trial).not.toBe(first);
          expect(keyIds(world).sort(), trial).toEqual([first, second].sort());
          expect(user(world)?.keys.get(second)?.secret, trial).toBe(secretOf(world)?.['secret-access-key']);
          expect(world.bench.facts(), trial).toMatchObject({
            accessKeyId: second,
            pairGeneration: 2,
            previousKeys: [{ accessKeyId: first }],
          });
          expect(world.bench.conditions(), trial).toEqual(['Ready=True Ready']);
        },
      );
      expect(struck).toBeGreaterThan(10);
    },
  );

  it.each<[string, (world: World) => void]>([
    [
      'PolicyInvalid',
      (world) => {
        world.keys.issuer.putPolicy = () => Promise.reject(terminal('PolicyInvalid', 'Not so, says the server.'));
        world.bench.change({ access: [{ bucketRef: { name: 'photos' }, level: 'ReadWrite' }] });
      },
    ],
    [
      'TemplateInvalid',
      (world) => {
        world.bench.change({ secretTemplate: { data: { id: '$(none)' } } });
      },
    ],
    [
      'BucketNotFound',
      (world) => {
        world.buckets.clear();
      },
    ],
  ])('is looked at when its previous pair expires, also while there is %s', async (reason, spoil) => {
    const world = await ready({ choosesPair, spec: rotating });
    rotations['a person asks for it'](world);
    await world.bench.run();
    spoil(world);
    expect(await world.bench.pass()).toMatchObject({ reason });
    const [previous] = world.bench.object().status?.previousKeys ?? [];
    expect(world.bench.dueInMs()).toBe(Date.parse(previous?.expiresAt ?? '') - world.bench.now().getTime());
  });

  it('that was rotated is removed when its retention is over, and never the current one', async () => {
    const world = await ready({ choosesPair, spec: rotating });
    const first = idInSecret(world);
    world.bench.advance(90 * dayMs);
    await world.bench.run();
    expect(world.bench.dueInMs()).toBe(7 * dayMs - 1_000);
    world.bench.advance(7 * dayMs - 60_000);
    expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: [] });
    expect(keyIds(world)).toContain(first);
    world.bench.advance(60_000);
    const report = await world.bench.run();
    expect(report.events).toEqual([]);
    expect(keyIds(world)).toEqual([idInSecret(world)]);
    expect(world.bench.facts()).not.toHaveProperty('previousKeys');
  });

  it('is in the Secret only once it works', async () => {
    const world = await ready({ choosesPair, spec: rotating });
    const first = idInSecret(world);
    world.bench.annotate({ 's3.cloud37.dev/rotate-requested-at': 'now' });
    expect(await world.bench.pass()).toMatchObject({ result: 'progressing' });
    expect(idInSecret(world)).toBe(first);
    world.server.refusesNewKeysWith = 'InvalidAccessKeyId';
    expect(await world.bench.pass()).toMatchObject({ result: 'progressing', retryAfterMs: 2_000 });
    expect(world.bench.conditions()).toEqual(['Ready=False Rotating', 'Reconciling=True Rotating']);
    expect(idInSecret(world)).toBe(first);
    delete world.server.refusesNewKeysWith;
    await world.bench.run();
    expect(idInSecret(world)).not.toBe(first);
    expect(keyIds(world)).toContain(first);
  });

  it('that a server never lets in is given up, and the Secret keeps the one that works', async () => {
    const world = await ready({ choosesPair, spec: rotating });
    const first = idInSecret(world);
    world.bench.annotate({ 's3.cloud37.dev/rotate-requested-at': 'now' });
    await world.bench.pass();
    world.server.refusesNewKeysWith = 'InvalidAccessKeyId';
    world.bench.advance(120_000);
    const report = await world.bench.pass();
    expect(report).toMatchObject({ result: 'transient', reason: 'KeyRefused' });
    expect(world.bench.conditions()).toContain('RotationFailed=True KeyRefused');
    expect(idInSecret(world)).toBe(first);
    delete world.server.refusesNewKeysWith;
    await world.bench.run();
    expect(idInSecret(world)).not.toBe(first);
    expect(keyIds(world)).toHaveLength(2);
  });

  it('is revoked: no earlier one lives once the new one is in the Secret, whatever befalls any one write', async () => {
    await tryEveryMishap(
      async () => {
        const world = await ready({ choosesPair, spec: rotating });
        world.bench.advance(90 * dayMs);
        await world.bench.run();
        world.bench.annotate({ 's3.cloud37.dev/revoke-requested-at': 'now' });
        return world;
      },
      (world, trial) => {
        const id = idInSecret(world);
        expect(keyIds(world), trial).toEqual([id]);
        expect(user(world)?.keys.get(id)?.secret, trial).toBe(secretOf(world)?.['secret-access-key']);
        expect(world.bench.facts(), trial).toMatchObject({ pairGeneration: 3, answeredRevokeRequest: 'now' });
        expect(world.bench.conditions(), trial).toEqual(['Ready=True Ready']);
      },
    );
  });

  it('is revoked with all keys of its Provider in its turn, and once, whatever befalls any one write', async () => {
    await tryEveryMishap(
      async () => {
        const world = await ready({ choosesPair, spec: rotating });
        world.bench.advance(90 * dayMs);
        await world.bench.run();
        askAll(world);
        return world;
      },
      async (world, trial) => {
        const id = idInSecret(world);
        expect(keyIds(world), trial).toEqual([id]);
        expect(user(world)?.keys.get(id)?.secret, trial).toBe(secretOf(world)?.['secret-access-key']);
        expect(world.bench.facts(), trial).toMatchObject({ pairGeneration: 3, answeredProviderRevokeRequest: 'all' });
        expect(world.bench.facts(), trial).not.toHaveProperty('previousKeys');
        expect(await isProven(world), trial).toBe(true);
        world.bench.restart();
        expect(await world.bench.pass(), trial).toMatchObject({ result: 'settled', events: [] });
        expect(keyIds(world), trial).toEqual([id]);
      },
    );
  });

  it('whose Secret is lost is revoked with all keys of its Provider, whatever befalls any one write', async () => {
    await tryEveryMishap(
      async () => {
        const world = await ready({ choosesPair });
        world.kube.remove('secrets', secretRef);
        askAll(world);
        return world;
      },
      async (world, trial) => {
        expect(keyIds(world), trial).toEqual([idInSecret(world)]);
        expect(world.bench.facts(), trial).toMatchObject({ answeredProviderRevokeRequest: 'all' });
        expect(await isProven(world), trial).toBe(true);
      },
    );
  });

  it('says that it has answered only when no earlier pair is left at the server', async () => {
    const world = await ready({ choosesPair });
    askAll(world);
    for (let passes = 0; passes < 10; passes += 1) {
      await world.bench.pass();
      world.bench.advance(1_000);
      if (world.bench.facts().answeredProviderRevokeRequest === 'all') break;
    }
    expect(keyIds(world)).toEqual([idInSecret(world)]);
    expect(world.bench.facts()).toMatchObject({ answeredProviderRevokeRequest: 'all', pairGeneration: 2 });
  });

  it.each<[string, Parameters<typeof askAll>[1]]>([
    ['before its turn', { turns: ['team-a/another'] }],
    ['when the turns are of another request', { answers: 'before' }],
    ['when the annotation is gone', { request: undefined, answers: 'all' }],
  ])('keeps its pair %s', async (_title, about) => {
    const world = await ready({ choosesPair });
    askAll(world, about);
    expect(await world.bench.pass()).toEqual({ result: 'settled', writes: [], events: [] });
  });

  it('keeps its pair when the revocation has stopped, and the cache does not know it yet', async () => {
    const world = await ready({ choosesPair });
    const before = world.providers.get('team-a/provider');
    askAll(world);
    world.live.providers.set('team-a/provider', before);
    expect(await world.bench.pass()).toEqual({ result: 'settled', writes: [], events: [] });
  });

  it('keeps its pair when the revocation stops before the new one is in the Secret', async () => {
    const world = await ready({ choosesPair });
    const before = idInSecret(world);
    askAll(world);
    expect(await world.bench.pass()).toMatchObject({ result: 'progressing' });
    askAll(world, { request: undefined, answers: 'all', turns: [] });
    await world.bench.run();
    expect(keyIds(world)).toEqual([before]);
    expect(world.bench.facts()).not.toHaveProperty('answeredProviderRevokeRequest');
  });

  it('answers with its first pair a revocation that began before it', async () => {
    const world = begin({ choosesPair });
    askAll(world, { turns: [] });
    await world.bench.run();
    const first = idInSecret(world);
    expect(world.bench.facts()).toMatchObject({ answeredProviderRevokeRequest: 'all' });
    askAll(world);
    expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: [] });
    expect(idInSecret(world)).toBe(first);
  });

  it('that cannot be issued answers, for it has no pair', async () => {
    const world = begin({ choosesPair });
    world.buckets.clear();
    askAll(world);
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'BucketNotFound' });
    expect(world.bench.facts()).toMatchObject({ answeredProviderRevokeRequest: 'all' });
    expect(await isProven(world)).toBe(true);
    expect(world.keys.users.size).toBe(0);
  });

  it('cannot evade a revocation by what is written into its status', async () => {
    const requests = { providerRevoke: 'all' };
    const forgeries: readonly ((status: AccessKeyStatus) => AccessKeyStatus)[] = [
      (status) => ({ ...status, answeredProviderRevokeRequest: 'all' }),
      (status) => ({
        ...without(status, 'accessKeyId'),
        keyIntent: { at: '2026-05-05T10:00:00.000Z', userName, requests },
      }),
    ];
    for (const forge of forgeries) {
      const world = await ready({ choosesPair });
      const first = idInSecret(world);
      world.patchStatus(forge(without(world.bench.object().status ?? {}, 'conditions')));
      askAll(world);
      await world.bench.run();
      expect(keyIds(world)).toEqual([idInSecret(world)]);
      expect(idInSecret(world)).not.toBe(first);
    }
  });

  it.each<[string, (status: AccessKeyStatus) => AccessKeyStatus]>([
    ['names another pair', (status) => ({ ...status, accessKeyId: 'another' })],
    ['names none', (status) => without(status, 'accessKeyId')],
    ['names no former one', (status) => without(status, 'previousKeys')],
  ])('cannot evade a revocation by a status that %s, written after a crash', async (_title, forge) => {
    const world = await ready({ choosesPair });
    const first = idInSecret(world);
    askAll(world);
    await world.bench.pass();
    world.writes.arm('killedBefore', 1);
    expect(await world.bench.pass()).toMatchObject({ result: 'killed', writes: [] });
    world.bench.restart();
    expect(world.bench.facts()).toMatchObject({ keyIntent: { requests: { providerRevoke: 'all' } } });
    // As if the pair in the Secret were the one that the intent is about.
    world.patchStatus(forge(without(world.bench.object().status ?? {}, 'conditions')));
    await world.bench.run();
    expect(idInSecret(world)).not.toBe(first);
    expect(keyIds(world)).toEqual([idInSecret(world)]);
  });

  it('keeps the proof of its answer through a rotation', async () => {
    const world = await ready({ choosesPair, spec: rotating });
    askAll(world);
    await world.bench.run();
    world.bench.advance(90 * dayMs);
    for (let passes = 0; passes < 4; passes += 1) {
      await world.bench.pass();
      expect(await isProven(world)).toBe(true);
      expect(world.bench.facts()).toMatchObject({ answeredProviderRevokeRequest: 'all' });
    }
    expect(world.bench.facts()).toMatchObject({ pairGeneration: 3 });
  });

  it('and its user and Secret are gone after a deletion, whatever befalls any one write', async () => {
    await tryEveryMishap(
      async () => {
        const world = await ready({ choosesPair });
        world.bench.delete();
        return world;
      },
      (world, trial) => {
        expect(world.keys.users.size, trial).toBe(0);
        expect(secretOf(world), trial).toBeUndefined();
        expect(() => world.bench.object(), trial).toThrow(/is gone/);
      },
    );
  });

  it('and its user are gone when the object is deleted right after a crash in the first pass', async () => {
    for (let nth = 1; nth <= 6; nth += 1) {
      const world = begin({ choosesPair });
      world.writes.arm('killedAfter', nth);
      await world.bench.pass();
      world.bench.restart();
      world.bench.delete();
      await world.bench.run();
      expect(world.keys.users.size, `killed after write ${String(nth)}`).toBe(0);
    }
  });
});

describe('the Secret', () => {
  it('has the documented keys, the label, the owner, and the bucket', async () => {
    const world = await ready();
    const id = expectOneKey(world);
    expect(secretOf(world)).toEqual({
      'access-key-id': id,
      'secret-access-key': 'secret-1',
      AWS_ACCESS_KEY_ID: id,
      AWS_SECRET_ACCESS_KEY: 'secret-1',
      AWS_ENDPOINT_URL_S3: 'http://s3.test',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      endpoint: 'http://s3.test',
      'endpoint-host': 's3.test',
      region: 'us-east-1',
      bucket: 'photos',
      'bucket-photos': 'photos',
      'force-path-style': 'true',
    });
    expect(world.kube.get('secrets', secretRef)?.metadata).toMatchObject({
      labels: { 'app.kubernetes.io/managed-by': 'wasabi-s3-operator' },
      annotations: { 's3.cloud37.dev/pair-keys': 'access-key-id,secret-access-key' },
      ownerReferences: [{ kind: 'AccessKey', name: 'app', uid: 'uid-app', controller: true }],
    });
  });

  it('with renamed keys keeps the pair, and loses the old names', async () => {
    const world = await ready();
    const before = keyIds(world);
    world.bench.change({
      secretKeys: JSON.parse('{"access-key-id":"__proto__","secret-access-key":"password"}') as Record<string, string>,
    });
    await world.bench.run();
    expect(keyIds(world)).toEqual(before);
    const secret = secretOf(world) ?? {};
    expect(Object.keys(secret)).toContain('__proto__');
    expect(Object.keys(secret)).not.toContain('access-key-id');
    expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: [] });
  });

  it('of a new name takes the pair along, and the old one goes, whatever befalls any one write', async () => {
    await tryEveryMishap(
      async () => {
        const world = await ready();
        world.bench.change({ secretName: 'renamed' });
        return world;
      },
      (world, trial) => {
        expect(secretOf(world), trial).toBeUndefined();
        expect(keyIds(world), trial).toEqual([secretOf(world, 'renamed')?.['access-key-id']]);
        expect(world.bench.facts(), trial).toMatchObject({ secretName: 'renamed', accessKeyId: 'AKIA1' });
      },
    );
  });

  it("of a former name that is somebody else's by now neither stops a renaming nor is touched", async () => {
    const world = await ready();
    world.kube.remove('secrets', secretRef);
    world.kube.put('secrets', { metadata: secretRef, data: { theirs: 'yes' } });
    world.bench.change({ secretName: 'renamed' });
    expect(await world.bench.run()).toMatchObject({ result: 'settled' });
    expect(secretOf(world)).toEqual({ theirs: 'yes' });
    expect(keyIds(world)).toEqual([secretOf(world, 'renamed')?.['access-key-id']]);
  });

  it('that is not ours is never written, and no key is made', async () => {
    const world = begin();
    world.kube.put('secrets', { metadata: secretRef, data: { theirs: 'yes' } });
    const report = await world.bench.run();
    expect(report).toMatchObject({
      result: 'waiting',
      reason: 'SecretConflict',
      retryAfterMs: 60_000,
      writes: ['kube status'],
    });
    expect(report.message).toContain('team-a/app-credentials');
    expect(world.bench.conditions()).toContain('CreationFailed=True SecretConflict');
    expect(secretOf(world)).toEqual({ theirs: 'yes' });
    expect(world.keys.users.size).toBe(0);
    world.kube.remove('secrets', secretRef);
    await world.bench.run();
    expectOneKey(world);
  });

  it.each<[string, object]>([
    [
      'with its former owner',
      { ownerReferences: [{ apiVersion: 'v1', kind: 'AccessKey', name: 'app', uid: 'uid-before' }] },
    ],
    ['without owners', {}],
  ])('that a backup brought back %s is told as what it is', async (_title, owners) => {
    const world = begin();
    const metadata = {
      ...secretRef,
      ...owners,
      labels: { 'app.kubernetes.io/managed-by': 'wasabi-s3-operator' },
      annotations: { 's3.cloud37.dev/pair-keys': 'access-key-id,secret-access-key' },
    };
    world.kube.put('secrets', { metadata, data: { 'access-key-id': 'AKIA9' } });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'SecretConflict', writes: ['kube status'] });
    expect(report.message).toMatch(
      /^Secret team-a\/app-credentials was written for an earlier AccessKey.*may still work.*delete the Secret/,
    );
    if ('ownerReferences' in owners) expect(report.message).toContain('uid-before');
  });

  it('of another AccessKey that lives is not told as one from a backup', async () => {
    const world = begin();
    const metadata = {
      ...secretRef,
      ownerReferences: [{ apiVersion: 'v1', kind: 'AccessKey', name: 'other', uid: 'uid-other' }],
      labels: { 'app.kubernetes.io/managed-by': 'wasabi-s3-operator' },
      annotations: { 's3.cloud37.dev/pair-keys': 'access-key-id,secret-access-key' },
    };
    world.kube.put('secrets', { metadata, data: { 'access-key-id': 'AKIA9' } });
    expect((await world.bench.run()).message).toContain('does not belong to this AccessKey');
  });

  it('that is immutable costs no key, and says that deleting it heals', async () => {
    const world = await ready();
    const { metadata } = world.kube.get('secrets', secretRef) ?? {};
    const secret = { metadata: { ...secretRef, ...metadata }, data: secretOf(world) ?? {}, immutable: true };
    world.kube.put('secrets', secret);
    expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: [] });
    user(world)?.keys.clear();
    world.bench.advance(120_000);
    const report = await world.bench.pass();
    expect(report).toMatchObject({ result: 'waiting', reason: 'SecretConflict', writes: ['kube status'] });
    expect(report.message).toMatch(/^Secret team-a\/app-credentials is immutable, .* Delete it/);
    expect(keyIds(world)).toEqual([]);
    world.kube.remove('secrets', secretRef);
    await world.bench.run();
    expectOneKey(world);
  });

  it('that is not ours outlives the object', async () => {
    const world = await ready();
    world.kube.remove('secrets', secretRef);
    world.kube.put('secrets', { metadata: secretRef, data: { theirs: 'yes' } });
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(secretOf(world)).toEqual({ theirs: 'yes' });
  });

  it('whose other entries were altered gets them back with the same pair', async () => {
    const world = await ready();
    world.kube.put('secrets', { metadata: secretRef, data: { ...secretOf(world), endpoint: 'http://evil.test' } });
    await world.bench.run();
    expect(secretOf(world)).toMatchObject({ endpoint: 'http://s3.test' });
    expect(expectOneKey(world)).toBe('AKIA1');
  });
});

describe('the template of a Secret', () => {
  const rotate = { 's3.cloud37.dev/rotate-requested-at': 'now' };
  const broken = { data: { 'app.conf': 'ca:\n  $(ca.crt)' } };
  const wrong = 'spec.secretTemplate.data["app.conf"], line 2, column 3: there is no value "ca.crt".';

  it('and presets add to it, follow the pair, and are left in peace', async () => {
    const world = await ready({
      spec: { secretTemplate: { presets: ['Velero'], data: { url: '$(endpoint)/$(bucket-photos)?$(access-key-id)' } } },
    });
    const expectWritten = (id: string | undefined) => {
      expect(secretOf(world)).toMatchObject({
        'access-key-id': id,
        url: `http://s3.test/photos?${id}`,
        cloud: expect.stringContaining(`aws_access_key_id = ${id}\n`) as string,
      });
    };
    expectWritten('AKIA1');
    expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: [] });
    world.bench.annotate(rotate);
    await world.bench.run();
    expectWritten('AKIA2');
    world.bench.change({ secretTemplate: {} });
    await world.bench.run();
    expect(Object.keys(secretOf(world) ?? {})).not.toContain('url');
    expect(Object.keys(secretOf(world) ?? {})).not.toContain('cloud');
    expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: [] });
  });

  it('that is wrong from the start makes nothing, and says where it is wrong', async () => {
    const world = begin({ spec: { secretTemplate: broken } });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'terminal', reason: 'TemplateInvalid', writes: ['kube status'] });
    expect(report.message).toContain(wrong);
    expect(world.bench.conditions()).toContain('CreationFailed=True TemplateInvalid');
    expect([world.keys.users.size, secretOf(world)]).toEqual([0, undefined]);
    world.bench.change({ secretTemplate: {} });
    await world.bench.run();
    expect([keyIds(world), world.bench.conditions()]).toEqual([['AKIA1'], ['Ready=True Ready']]);
  });

  it('that has become wrong leaves Secret and key as they are, and is answered when it is right', async () => {
    const world = await ready({ spec: { secretTemplate: { data: { id: '$(access-key-id)' } } } });
    const before = secretOf(world);
    world.bench.change({ secretTemplate: { data: { id: '$(access-key-id)!', ...broken.data } } });
    world.bench.annotate({ 's3.cloud37.dev/rotate-requested-at': 'now' });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'terminal', reason: 'TemplateInvalid' });
    expect(report.message).toMatch(/ Until then the Secret stays as it is, and no key is issued or rotated\.$/);
    expect(world.bench.conditions()).toContain('Ready=False TemplateInvalid');
    expect([secretOf(world), keyIds(world)]).toEqual([before, ['AKIA1']]);
    expect(world.bench.facts()).toMatchObject({ accessKeyId: 'AKIA1', created: true, pairGeneration: 1 });
    world.bench.change({ secretTemplate: { data: { id: '$(access-key-id)!' } } });
    await world.bench.run();
    expect(secretOf(world)).toMatchObject({ 'access-key-id': 'AKIA2', id: 'AKIA2!' });
    expect(world.bench.facts()).toMatchObject({ pairGeneration: 2 });
  });

  it('that becomes wrong while a new pair waits to be switched to takes that pair away', async () => {
    const world = await ready();
    world.bench.annotate(rotate);
    await world.bench.pass();
    expect(keyIds(world)).toEqual(['AKIA1', 'AKIA2']);
    world.bench.change({ secretTemplate: broken });
    await world.bench.run();
    expect([secretOf(world)?.['access-key-id'], keyIds(world)]).toEqual(['AKIA1', ['AKIA1']]);
  });

  it('that is wrong keeps no previous key beyond its time, and gives up none that is lost', async () => {
    const world = await ready();
    world.bench.annotate(rotate);
    await world.bench.run();
    world.bench.change({ secretTemplate: broken });
    await world.bench.run();
    expect(keyIds(world)).toEqual(['AKIA1', 'AKIA2']);
    expect(world.bench.facts()).toMatchObject({ previousKeys: [{ accessKeyId: 'AKIA1' }] });
    world.bench.advance(7 * 86_400_000);
    await world.bench.run();
    expect(keyIds(world)).toEqual(['AKIA2']);
    expect(world.bench.facts()).not.toHaveProperty('previousKeys');
    world.kube.remove('secrets', secretRef);
    await world.bench.run();
    expect([keyIds(world), secretOf(world)]).toEqual([['AKIA2'], undefined]);
    world.bench.change({ secretTemplate: {} });
    await world.bench.run();
    expect([keyIds(world), world.bench.conditions()]).toEqual([['AKIA3'], ['Ready=True Ready']]);
  });
});

describe('the ConfigMap beside the Secret', () => {
  const rook = { secretTemplate: { presets: ['RookObjectBucketClaim' as const] } };
  const configMapOf = ({ kube }: World, name = 'app-credentials') =>
    kube.get('configmaps', { namespace: 'team-a', name });
  const data = {
    BUCKET_HOST: 's3.test',
    BUCKET_PORT: '80',
    BUCKET_NAME: 'photos',
    BUCKET_REGION: 'us-east-1',
    BUCKET_SUBREGION: '',
  };

  it('comes with its preset, belongs to the AccessKey, and is left in peace', async () => {
    const world = await ready({ spec: rook });
    expect(configMapOf(world)).toMatchObject({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        labels: { 'app.kubernetes.io/managed-by': 'wasabi-s3-operator' },
        ownerReferences: [{ kind: 'AccessKey', name: 'app', uid: 'uid-app', controller: true }],
      },
      data,
    });
    expect(configMapOf(world)).not.toHaveProperty('type');
    expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: [] });
    world.kube.remove('configmaps', secretRef);
    await world.bench.run();
    expect(configMapOf(world)).toMatchObject({ data });
    expect(keyIds(world)).toEqual(['AKIA1']);
  });

  it.each<[string, Partial<AccessKeySpec>, string | undefined]>([
    ['goes with its preset', { secretTemplate: {} }, undefined],
    ['follows a new name of the Secret', { ...rook, secretName: 'renamed' }, 'renamed'],
    ['goes with its preset and the name', { secretTemplate: {}, secretName: 'renamed' }, undefined],
  ])('%s, whatever befalls any one write', async (_title, change, left) => {
    await tryEveryMishap(
      async () => {
        const world = await ready({ spec: rook });
        world.bench.change({ ...change });
        return world;
      },
      (world, trial) => {
        expect(configMapOf(world)?.metadata.name, trial).toBeUndefined();
        expect(configMapOf(world, 'renamed')?.metadata.name, trial).toBe(left);
        expect(keyIds(world), trial).toEqual(['AKIA1']);
        expect(world.bench.conditions(), trial).toEqual(['Ready=True Ready']);
      },
    );
  });

  it('that the controller has no right to says which value of the chart gives it', async () => {
    const world = await ready();
    world.kube.forbid('configmaps');
    world.bench.change(rook);
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'Forbidden' });
    expect(report.message).toMatch(/the controller may not: set rbac\.configMaps to true in the values of its chart\./);
    expect(keyIds(world)).toEqual(['AKIA1']);
  });

  it('that is not ours is never written, and no key is made', async () => {
    const world = begin({ spec: rook });
    world.kube.put('configmaps', { metadata: secretRef, data: { theirs: 'yes' } });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'SecretConflict', writes: ['kube status'] });
    expect(report.message).toMatch(/^ConfigMap team-a\/app-credentials exists and does not belong to this AccessKey/);
    expect([world.keys.users.size, secretOf(world)]).toEqual([0, undefined]);
    world.kube.remove('configmaps', secretRef);
    await world.bench.run();
    expectOneKey(world);
  });
});

describe('a rollout', () => {
  const ref = { namespace: 'team-a', name: 'web' };
  const rotate = { 's3.cloud37.dev/rotate-requested-at': 'now' };
  const spec: Partial<AccessKeySpec> = { rollout: [{ kind: 'Deployment', name: 'web' }] };
  const done = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
  /** As the deployment controller would have it. */
  const putStatus = ({ kube }: World, status: object) => {
    kube.put('deployments', { metadata: { ...ref, generation: 1 }, status } as Parameters<typeof kube.put>[1]);
  };
  const madeFor = ({ kube }: World) =>
    (kube.get('deployments', ref)?.spec as { template?: { metadata?: { annotations?: object } } } | undefined)?.template
      ?.metadata?.annotations;
  const rotated = async (more: Partial<AccessKeySpec> = {}): Promise<World> => {
    const world = begin({ spec: { ...spec, ...more } });
    putStatus(world, done);
    await world.bench.run();
    world.bench.advance(3_600_000);
    world.bench.annotate(rotate);
    return world;
  };

  it('restarts nobody for the first pair', async () => {
    const world = await rotated();
    expect(madeFor(world)).toBeUndefined();
    expect(world.bench.facts()).toMatchObject({ rollouts: [{ kind: 'Deployment', name: 'web', finished: true }] });
  });

  it('comes once for each pair, after it is in Secret and status, whatever befalls any one write', async () => {
    await tryEveryMishap(rotated, (world, trial) => {
      expect(madeFor(world), trial).toEqual({ 's3.cloud37.dev/pair-uid-app': '2' });
      expect(world.bench.facts(), trial).toMatchObject({
        pairGeneration: 2,
        rollouts: [{ kind: 'Deployment', name: 'web', pairGeneration: 2, finished: true }],
      });
      expect(world.bench.conditions(), trial).toEqual(['Ready=True Ready']);
    });
  });

  it('that has not finished keeps the previous key, says so and until when, and gives it up after a day', async () => {
    const world = await rotated({ rotate: { enabled: false, intervalDays: 90, previousKeysRetentionDays: 0 } });
    putStatus(world, { ...done, replicas: 2 });
    await world.bench.run();
    expect(keyIds(world)).toEqual(['AKIA1', 'AKIA2']);
    expect(world.bench.conditions()).toContain('RotationFailed=True RolloutPending');
    const condition = world.bench.object().status?.conditions?.find(({ type }) => type === 'Ready');
    expect(condition?.message).toMatch(
      /The previous key AKIA1 stays although its time is over: not all Pods of Deployment web have the new pair\. It is removed when they have, or at 2026-05-06T/,
    );
    expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: [] });
    expect(world.bench.dueInMs()).toBe(30_000);
    world.bench.advance(86_400_000);
    await world.bench.run();
    expect(keyIds(world)).toEqual(['AKIA2']);
    expect(world.bench.conditions()).toEqual(['Ready=True Ready']);
  });

  it('that finishes lets the previous key go', async () => {
    const world = await rotated({ rotate: { enabled: false, intervalDays: 90, previousKeysRetentionDays: 0 } });
    putStatus(world, { ...done, replicas: 2 });
    await world.bench.run();
    putStatus(world, done);
    await world.bench.run();
    expect(keyIds(world)).toEqual(['AKIA2']);
    expect(world.bench.conditions()).toEqual(['Ready=True Ready']);
  });

  it('keeps no key that was revoked', async () => {
    const world = await rotated();
    putStatus(world, { ...done, replicas: 2 });
    world.bench.annotate({ 's3.cloud37.dev/revoke-requested-at': 'now' });
    await world.bench.run();
    expect(keyIds(world)).toEqual([secretOf(world)?.['access-key-id']]);
    expect(madeFor(world)).toEqual({ 's3.cloud37.dev/pair-uid-app': '2' });
  });

  it('of a workload that is not there, or that the controller has no right to, says so', async () => {
    const absent = await ready({ spec });
    expect(absent.bench.facts()).toMatchObject({ rollouts: [{ kind: 'Deployment', name: 'web', finished: false }] });
    expect(absent.bench.conditions()).toEqual(['Ready=True Ready']);
    const world = await ready();
    world.kube.forbid('deployments');
    world.bench.change(spec);
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'Forbidden' });
    expect(report.message).toMatch(/set rbac\.rollouts to true in the values of its chart\./);
    expect(keyIds(world)).toEqual(['AKIA1']);
  });
});

describe('a new key that the server does not know everywhere yet', () => {
  it('is waited for, and not replaced', async () => {
    const world = begin();
    await world.bench.pass();
    world.server.refusesKeysWith = 'InvalidAccessKeyId';
    expect(await world.bench.pass()).toMatchObject({
      result: 'progressing',
      reason: 'KeyNotUsableYet',
      retryAfterMs: 5_000,
    });
    world.server.refusesKeysWith = undefined;
    await world.bench.run();
    expect(expectOneKey(world)).toBe('AKIA1');
  });

  it('is waited for after a crash too, by the time of its intent, and replaced when that is long ago', async () => {
    const world = begin();
    // After the Secret, before the status.
    world.writes.arm('killedAfter', 5);
    expect((await world.bench.pass()).result).toBe('killed');
    world.bench.restart();
    world.server.refusesKeysWith = 'InvalidAccessKeyId';
    expect(await world.bench.pass()).toMatchObject({ result: 'progressing', reason: 'KeyNotUsableYet' });
    world.bench.advance(120_000);
    expect(await world.bench.pass()).toMatchObject({ result: 'transient', reason: 'KeyRefused' });
    world.bench.advance(120_000);
    expect(await world.bench.pass()).toMatchObject({ result: 'progressing' });
    expect(secretOf(world)?.['access-key-id']).toBe('AKIA2');
  });
});

describe('a server that shows what it has made only after a while', () => {
  /** Hides users, or their keys, until it is told to show them. */
  const lagging = (hides: 'users' | 'keys') => {
    const world = begin();
    const { issuer } = world.keys;
    const observeUser = issuer.observeUser.bind(issuer);
    const lag = { isOver: false };
    Object.assign(issuer, {
      observeUser: async (...given: Parameters<typeof observeUser>) => {
        const seen = await observeUser(...given);
        if (lag.isOver || seen === undefined) return seen;
        return hides === 'users' ? undefined : { ...seen, keys: [] };
      },
    });
    return { world, lag };
  };

  it.each(['users', 'keys'] as const)('is waited for when it hides %s: no second key is made', async (hides) => {
    const { world, lag } = lagging(hides);
    await world.bench.pass();
    for (let looks = 0; looks < 3; looks += 1) {
      expect(await world.bench.pass()).toMatchObject({ reason: 'KeyNotUsableYet', retryAfterMs: 5_000 });
      world.bench.advance(5_000);
    }
    lag.isOver = true;
    await world.bench.run();
    expect(expectOneKey(world)).toBe('AKIA1');
  });

  it('has a key whose making broke off: it is a stray when it is shown at last', async () => {
    const { world, lag } = lagging('keys');
    const { issuer } = world.keys;
    const createKey = issuer.createKey.bind(issuer);
    issuer.createKey = async (...given) => {
      await createKey(...given);
      issuer.createKey = createKey;
      throw transient('EndpointUnreachable', 'The answer was lost.');
    };
    await world.bench.pass();
    world.bench.advance(2_000);
    await world.bench.pass();
    expect(keyIds(world)).toEqual(['AKIA1', 'AKIA2']);
    world.bench.advance(2_000);
    lag.isOver = true;
    await world.bench.run();
    expect(keyIds(world)).toEqual(['AKIA2']);
    expect(world.bench.dueInMs()).toBeLessThanOrEqual(120_000);
    world.bench.advance(120_000);
    await world.bench.run();
    expect(expectOneKey(world)).toBe('AKIA2');
  });

  it('has a young key whose Secret was lost: it is a stray when it is shown at last', async () => {
    const { world, lag } = lagging('keys');
    await world.bench.pass();
    world.bench.advance(2_000);
    world.kube.remove('secrets', secretRef);
    await world.bench.pass();
    world.bench.advance(2_000);
    await world.bench.pass();
    lag.isOver = true;
    await world.bench.run();
    world.bench.advance(120_000);
    await world.bench.run();
    expect(expectOneKey(world)).toBe('AKIA2');
  });

  it.each(['users', 'keys'] as const)('has answered no revocation of the Provider while it hides %s', async (hides) => {
    const { world, lag } = lagging(hides);
    await world.bench.pass();
    askAll(world);
    world.bench.advance(2_000);
    expect(await world.bench.pass()).toMatchObject({ reason: 'KeyNotUsableYet' });
    expect(world.bench.facts()).not.toHaveProperty('answeredProviderRevokeRequest');
    lag.isOver = true;
    await world.bench.run();
    expect(keyIds(world)).toEqual(['AKIA2']);
    expect(world.bench.facts()).toMatchObject({ answeredProviderRevokeRequest: 'all' });
  });

  it('has answered no revocation of the Provider while it hides a key whose making broke off', async () => {
    const world = await ready();
    const { issuer } = world.keys;
    const observeUser = issuer.observeUser.bind(issuer);
    const createKey = issuer.createKey.bind(issuer);
    const isHidden = new Set(['AKIA2']);
    issuer.observeUser = async (...given) => {
      const seen = await observeUser(...given);
      return seen && { ...seen, keys: seen.keys.filter(({ accessKeyId }) => !isHidden.has(accessKeyId)) };
    };
    issuer.createKey = async (...given) => {
      await createKey(...given);
      throw transient('EndpointUnreachable', 'The answer was lost.');
    };
    world.bench.annotate({ 's3.cloud37.dev/rotate-requested-at': 'now' });
    await world.bench.pass();
    world.buckets.clear();
    askAll(world);
    for (let looks = 0; looks < 3; looks += 1) {
      expect(await world.bench.pass()).toMatchObject({ reason: 'BucketNotFound' });
      expect(world.bench.facts()).not.toHaveProperty('answeredProviderRevokeRequest');
      expect(world.bench.dueInMs()).toBeLessThanOrEqual(120_000);
      world.bench.advance(5_000);
    }
    expect(keyIds(world)).toEqual(['AKIA2']);
    isHidden.clear();
    await world.bench.pass();
    expect(keyIds(world)).toEqual([]);
    world.bench.advance(120_000);
    await world.bench.pass();
    expect(world.bench.facts()).toMatchObject({ answeredProviderRevokeRequest: 'all' });
    expect(world.bench.facts()).not.toHaveProperty('keyIntent');
    expect(world.bench.dueInMs()).toBeUndefined();
  });

  it('may deny unknown keys as well: a candidate that is gone takes no place', async () => {
    const world = await ready();
    world.bench.annotate({ 's3.cloud37.dev/rotate-requested-at': 'now' });
    await world.bench.pass();
    user(world)?.keys.delete('AKIA2');
    world.server.refusesNewKeysWith = 'AccessDenied';
    world.bench.advance(120_000);
    expect(await world.bench.pass()).toMatchObject({ reason: 'KeyRefused' });
    expect(secretOf(world)?.['access-key-id']).toBe('AKIA1');
  });

  it('does so of a user that is deleted: it is looked for again while it may be too young', async () => {
    const { world, lag } = lagging('users');
    const { issuer } = world.keys;
    const deleteUser = issuer.deleteUser.bind(issuer);
    issuer.deleteUser = (...given) => (lag.isOver ? deleteUser(...given) : Promise.resolve(undefined));
    await world.bench.pass();
    world.bench.delete();
    world.bench.advance(5_000);
    expect(await world.bench.pass()).toMatchObject({ result: 'transient', reason: 'KeyNotUsableYet' });
    lag.isOver = true;
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(world.keys.users.size).toBe(0);
  });

  it('of rights is waited for as well', async () => {
    const world = begin();
    await world.bench.pass();
    world.server.refusesKeysWith = 'AccessDenied';
    expect(await world.bench.pass()).toMatchObject({ reason: 'KeyNotUsableYet' });
    // Whoever denies it for longer means it.
    world.bench.advance(120_000);
    await world.bench.run();
    expect(expectOneKey(world)).toBe('AKIA1');
  });
});

describe.each(servers)('a server that %s, and refuses for good', (_title, choosesPair) => {
  it.each(['putUser', 'createKey'] as const)('%s costs no write each time that it is asked again', async (call) => {
    const world = begin({ choosesPair });
    const refuse = () => Promise.reject(waiting('AccessDenied', 'Not so.', { retryAfterMs: 60_000 }));
    Object.assign(world.keys.issuer, { [call]: refuse });
    await world.bench.pass();
    world.bench.advance(60_000);
    await world.bench.pass();
    for (let asked = 0; asked < 3; asked += 1) {
      world.bench.advance(60_000);
      expect(await world.bench.pass()).toMatchObject({ reason: 'AccessDenied', writes: [] });
    }
  });
});

describe('a Provider that is only lent', () => {
  it('keeps what its server says of others out of messages', async () => {
    const world = begin({ spec: { providerRef: { name: 'provider', namespace: 'platform' } } });
    const ref = { name: 'admin', namespace: 'platform' };
    world.kube.put('secrets', { metadata: ref, data: { 'access-key': 'A', 'secret-key': 'S' } });
    const credentialsVersion = world.kube.get('secrets', ref)?.metadata.resourceVersion ?? '';
    world.s3.make('photos', { tags: ownerTags({ name: 'photos' }, { lender: 'platform' }) });
    const given = { metadata: { namespace: 'platform' }, spec: { allowedNamespaces: { names: ['team-a'] } } };
    world.providers.set('platform/provider', providerOf(world.s3.driver, given, { credentialsVersion }));
    const call = { service: 'iam', operation: 'RemoveUserFromGroup', endpoint: 'http://iam.test' };
    const message = 'User: arn:aws:iam::1:user/ops is not authorized on resource: group finance-admins';
    const refusal = faultFromAnswer(call, { code: 'AccessDenied', status: 403, message });
    world.keys.issuer.putUser = () => Promise.reject(refusal);
    const report = await world.bench.pass();
    expect(report.reason).toBe('AccessDenied');
    expect(report.message).toContain('RemoveUserFromGroup at iam.test');
    expect(report.message).toContain('stands in the log');
    expect(JSON.stringify(world.bench.object().status)).not.toContain('finance-admins');
  });
});

describe('a server that takes a removal of a key without effect', () => {
  const ineffective = ({ keys: { issuer } }: World) => {
    const deleteKey = issuer.deleteKey.bind(issuer);
    issuer.deleteKey = () => Promise.resolve();
    return () => {
      issuer.deleteKey = deleteKey;
    };
  };
  const passes = async ({ bench }: World, count = 4) => {
    for (let done = 0; done < count; done += 1) {
      await bench.pass();
      bench.advance(1_000);
    }
  };

  it.each<[string, (world: World) => object]>([
    [
      'its own request',
      ({ bench }) => {
        bench.annotate({ 's3.cloud37.dev/revoke-requested-at': 'now' });
        return { answeredRevokeRequest: 'now' };
      },
    ],
    [
      'the request of the owner of its Provider',
      (world) => {
        askAll(world, { request: 'now', answers: 'now' });
        return { answeredProviderRevokeRequest: 'now' };
      },
    ],
  ])('is asked again, and %s is answered only when no other key is shown', async (_who, ask) => {
    const world = await ready();
    const first = secretOf(world)?.['access-key-id'];
    const mend = ineffective(world);
    const answer = ask(world);
    await passes(world, 8);
    const second = secretOf(world)?.['access-key-id'];
    expect(second).not.toBe(first);
    expect(keyIds(world)).toEqual([first, second]);
    expect(world.bench.facts()).toMatchObject({ accessKeyId: second, previousKeys: [{ accessKeyId: first }] });
    expect(world.bench.facts()).not.toMatchObject(answer);
    expect(world.bench.conditions()).toContain('Ready=False Converging');
    world.bench.restart();
    mend();
    await world.bench.run();
    expect(keyIds(world)).toEqual([second]);
    expect(world.bench.facts()).toMatchObject({ ...answer, pairGeneration: 2 });
    expect(world.bench.facts()).not.toHaveProperty('keyIntent');
    expect(world.bench.facts()).not.toHaveProperty('previousKeys');
    expect(world.bench.conditions()).toEqual(['Ready=True Ready']);
  });

  it('is asked again for a previous key whose time is over', async () => {
    const world = await ready();
    world.bench.annotate({ 's3.cloud37.dev/rotate-requested-at': 'now' });
    await world.bench.run();
    const mend = ineffective(world);
    world.bench.advance(8 * 86_400_000);
    await passes(world);
    expect(world.bench.facts()).toMatchObject({ previousKeys: [{ accessKeyId: 'AKIA1' }] });
    mend();
    await world.bench.run();
    expect(keyIds(world)).toEqual(['AKIA2']);
    expect(world.bench.facts()).not.toHaveProperty('foreignKeys');
  });

  it('is asked again for keys of others that were revoked', async () => {
    const world = await ready();
    user(world)?.keys.set('THEIRS', { secret: 'x', isActive: true });
    await world.bench.run();
    user(world)?.keys.delete('AKIA1');
    const mend = ineffective(world);
    world.bench.annotate({ 's3.cloud37.dev/revoke-requested-at': 'now' });
    await passes(world, 8);
    expect(keyIds(world)).toContain('THEIRS');
    expect(world.bench.facts()).not.toMatchObject({ answeredRevokeRequest: 'now' });
    mend();
    await world.bench.run();
    expect(keyIds(world)).toEqual([secretOf(world)?.['access-key-id']]);
    expect(world.bench.facts()).toMatchObject({ answeredRevokeRequest: 'now' });
  });

  it('gets no answer of the Provider’s request either while no new pair may be made', async () => {
    const world = await ready();
    const mend = ineffective(world);
    world.buckets.clear();
    askAll(world, { request: 'now', answers: 'now' });
    await world.bench.pass();
    expect(keyIds(world)).toEqual(['AKIA1']);
    expect(world.bench.facts()).not.toHaveProperty('answeredProviderRevokeRequest');
    mend();
    await world.bench.pass();
    expect(keyIds(world)).toEqual([]);
    expect(world.bench.facts()).toMatchObject({ answeredProviderRevokeRequest: 'now' });
  });

  it('cannot be made to count a key as revoked by what is written into the status', async () => {
    const world = await ready();
    askAll(world);
    await world.bench.pass();
    const { keyIntent, ...status } = world.bench.object().status ?? {};
    world.patchStatus({
      ...status,
      keyIntent: { at: '', userName, ...keyIntent, accessKeyId: 'AKIA1' },
      previousKeys: [],
    });
    world.bench.restart();
    await world.bench.run();
    expect(keyIds(world)).toEqual([secretOf(world)?.['access-key-id']]);
    expect(keyIds(world)).not.toContain('AKIA1');
  });
});

describe('a Secret that the API server refuses', () => {
  it.each([
    [422, 'SpecInvalid'],
    [403, 'Refused'],
  ])('with %i costs no key, and no Event of one', async (status, reason) => {
    const world = begin();
    world.kube.refuse(status);
    expect(await world.bench.pass()).toMatchObject({ reason, events: [] });
    expect(keyIds(world)).toEqual([]);
    world.kube.refuse(undefined);
    await world.bench.run();
    expectOneKey(world);
  });
});

describe('a key that worked and is refused', () => {
  it('says so, is not replaced for a refusal that passes, and is well again by itself', async () => {
    const world = await ready();
    world.server.refusesKeysWith = 'InvalidAccessKeyId';
    expect(await world.bench.pass()).toMatchObject({
      result: 'transient',
      reason: 'KeyRefused',
      retryAfterMs: 30_000,
      writes: ['kube status'],
    });
    expect(world.bench.conditions()).toEqual([
      'Ready=False KeyRefused',
      'Reconciling=True KeyRefused',
      'KeyRefused=True KeyRefused',
    ]);
    world.bench.advance(90_000);
    expect(await world.bench.pass()).toMatchObject({ result: 'transient', writes: [] });
    world.server.refusesKeysWith = undefined;
    expect(await world.bench.pass()).toMatchObject({ result: 'settled' });
    expect(expectOneKey(world)).toBe('AKIA1');
  });

  it('is replaced when that lasts, and says why', async () => {
    const world = await ready();
    world.server.refusesKeysWith = 'InvalidAccessKeyId';
    await world.bench.pass();
    world.bench.advance(120_000);
    expect((await world.bench.pass()).events).toEqual([
      expect.stringMatching(/^Warning KeyRefused: The server refuses key AKIA1 /),
      expect.stringMatching(/^Normal AccessKeyRotated: Issued key AKIA2 /),
    ]);
    world.server.refusesKeysWith = undefined;
    await world.bench.run();
    expect(expectOneKey(world)).toBe('AKIA2');
  });

  it.each(['InvalidAccessKeyId', 'SignatureDoesNotMatch'])(
    'with %s is not blamed while the server refuses the Provider too',
    async (code) => {
      const world = await ready();
      world.server.refusesKeysWith = code;
      world.s3.refuse('ListBuckets', { code, status: 403 });
      expect(await world.bench.pass()).toMatchObject({ result: 'waiting', reason: 'AuthFailed' });
      expect(world.bench.conditions()).toContain('ProviderNotReady=True AuthFailed');
      world.bench.advance(600_000);
      expect(await world.bench.pass()).toMatchObject({ result: 'waiting', writes: [] });
      expect(keyIds(world)).toEqual(['AKIA1']);
    },
  );
});

it('a key that may not use its Provider gets no proof of what was written into its status', async () => {
  const world = begin();
  world.providers.clear();
  Object.assign(world.bench.object(), { status: { userName: 'forged', grantedBuckets: ['platform/vault'] } });
  await world.bench.run();
  expect(world.bench.object().status).not.toHaveProperty('proof');
});

it('a key’s status proves only the rights that this process saw, whatever was written into it', async () => {
  const world = await ready();
  const { status } = world.bench.object();
  const forged = { ...status, grantedBuckets: ['platform/vault'] };
  Object.assign(world.bench.object(), { status: forged });
  world.bench.annotate({ 'reconcile-requested-at': 'now' });
  await world.bench.run();
  expect(world.bench.facts()).toMatchObject({ grantedBuckets: ['team-a/photos'], proof: status?.proof });
});
describe('a status that this object did not earn', () => {
  /** Somebody else's user, on a server that does not say whose it is. */
  const victim = { owner: 'uid-app', policy: { Version: 'theirs' }, tags: new Map() };
  const withVictim = async (): Promise<World> => {
    const world = await ready();
    world.keys.users.set('victim', { ...victim, keys: new Map([['AKIAV', { secret: 'v', isActive: true }]]) });
    return world;
  };
  const expectUnharmed = ({ keys }: World) => {
    const { policy, keys: pairs } = keys.users.get('victim') ?? {};
    expect([policy, [...(pairs?.keys() ?? [])]]).toEqual([{ Version: 'theirs' }, ['AKIAV']]);
    keys.users.delete('victim');
  };

  it("names another user: the object's own is kept in line, and the other one is not touched", async () => {
    const world = await withVictim();
    world.patchStatus({ ...world.bench.object().status, userName: 'victim' });
    world.bench.change({ access: [{ bucketRef: { name: 'photos' }, level: 'ReadWrite' }] });
    expect((await world.bench.pass()).writes).toContain('PutPolicy');
    expectUnharmed(world);
    expect(JSON.stringify(user(world)?.policy)).toContain('s3:PutObject');
    expect(world.bench.facts()).toMatchObject({ userName, accessKeyId: 'AKIA1' });
  });

  it('names another user: a deletion removes the own one, and nothing else', async () => {
    const world = await withVictim();
    world.patchStatus({ ...world.bench.object().status, userName: 'victim' });
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expectUnharmed(world);
    expect(world.keys.users.size).toBe(0);
    expect(secretOf(world)).toBeUndefined();
  });

  it('is empty: the own user is found all the same, also by a deletion', async () => {
    const world = await ready();
    world.patchStatus(undefined);
    await world.bench.run();
    expect(expectOneKey(world)).toBe('AKIA1');
    world.patchStatus(undefined);
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(world.keys.users.size).toBe(0);
    expect(secretOf(world)).toBeUndefined();
  });

  it('is empty: a missing Bucket takes the rights all the same', async () => {
    const world = await ready();
    world.patchStatus(undefined);
    world.buckets.delete('team-a/photos');
    expect(await world.bench.pass()).toMatchObject({ reason: 'BucketNotFound' });
    expect(user(world)?.policy).toBeUndefined();
  });

  it('is empty, and the server cannot be asked: a deletion does not hang on what was hardly made', async () => {
    const world = begin();
    world.providers.clear();
    await world.bench.pass();
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone', writes: ['kube finalizer'] });
  });

  it('came late from an object of this name that is gone: it is not believed, and a key of its own is issued', async () => {
    const world = begin();
    world.patchStatus({
      userName: 'team-a-app-uid-before',
      accessKeyId: 'AKIA9',
      created: true,
      lastRotateTime: '2026-05-05T09:59:00.000Z',
      secretName: 'app-credentials',
      previousKeys: [{ accessKeyId: 'AKIA8', expiresAt: '2026-06-01T00:00:00.000Z' }],
    });
    await world.bench.pass();
    await world.bench.run();
    expect(expectOneKey(world)).toBe('AKIA1');
  });
});

describe.each(servers)(
  'on a server that %s, an object whose status was emptied and that names another Provider',
  (_t, choosesPair) => {
    const moved = async (): Promise<World> => {
      const world = await ready({ choosesPair });
      world.patchStatus(undefined);
      world.bench.change({ providerRef: { name: 'elsewhere' } });
      return world;
    };

    it('loses the user that it has through the former one, and gets one through the other', async () => {
      const world = await moved();
      await world.bench.run();
      expect(world.keys.users.size).toBe(0);
      expect([...world.elsewhere.users.keys()]).toEqual([userName]);
      expect(secretOf(world)?.['access-key-id']).toBe([...(world.elsewhere.users.get(userName)?.keys.keys() ?? [])][0]);
    });

    it('has neither after a deletion, also one that comes at once', async () => {
      for (const isAtOnce of [true, false]) {
        const world = await moved();
        if (!isAtOnce) await world.bench.run();
        world.bench.delete();
        expect(await world.bench.run()).toMatchObject({ result: 'gone' });
        expect([world.keys.users.size, world.elsewhere.users.size]).toEqual([0, 0]);
      }
    });

    it('waits for the former one, and says so; one that is gone is given up by a deletion alone', async () => {
      const world = await moved();
      const { keys } = world.s3.driver;
      Object.assign(world.s3.driver, { keys: 'Set spec.iamEndpoint.' });
      expect(await world.bench.run()).toMatchObject({
        reason: 'Unsupported',
        message: expect.stringMatching(/^Of the former Provider team-a\/provider: /) as string,
      });
      expect(world.elsewhere.users.size).toBe(0);
      const provider = world.providers.get('team-a/provider');
      world.providers.clear();
      await world.bench.run();
      expect([...world.elsewhere.users.keys()]).toEqual([userName]);
      Object.assign(world.s3.driver, { keys });
      if (provider !== undefined) world.providers.set('team-a/provider', provider);
      await world.bench.run();
      expect(world.keys.users.size).toBe(0);
    });

    it('is given up where the former one is gone for good', async () => {
      const world = await moved();
      world.providers.clear();
      world.bench.delete();
      const report = await world.bench.run();
      expect(report).toMatchObject({ result: 'gone' });
      expect(report.events[0]).toMatch(/^Warning AccessKeyAbandoned: The user .* of team-a\/provider\./);
    });
  },
);

describe('a clock that was ahead', () => {
  it('when the key was issued does not keep a lost key from being replaced', async () => {
    const world = await ready();
    const { status } = world.bench.object();
    world.patchStatus({ ...status, lastRotateTime: new Date(world.bench.now().getTime() + 36_000_000).toISOString() });
    user(world)?.keys.clear();
    expect(await world.bench.pass()).toMatchObject({ result: 'progressing', reason: 'KeyNotUsableYet' });
    expect(world.bench.facts()).toMatchObject({ lastRotateTime: world.bench.now().toISOString() });
    world.bench.advance(120_000);
    await world.bench.run();
    expect(expectOneKey(world)).toBe('AKIA2');
  });

  it('when a key was refused first does not keep it from being replaced', async () => {
    const world = await ready();
    world.server.refusesKeysWith = 'InvalidAccessKeyId';
    world.bench.advance(36_000_000);
    await world.bench.pass();
    world.bench.advance(-36_000_000);
    expect((await world.bench.pass()).events).toContainEqual(expect.stringMatching(/^Warning KeyRefused: /));
    world.server.refusesKeysWith = undefined;
    await world.bench.run();
    expect(expectOneKey(world)).toBe('AKIA2');
  });
});

describe('a refusal', () => {
  const refused = async (
    options: Options,
    prepare: (world: World) => void = () => undefined,
  ): Promise<[PassReport, World]> => {
    const world = begin(options);
    prepare(world);
    const report = await world.bench.run();
    expect(world.keys.users.has(userName) && keyIds(world).length > 0).toBe(false);
    expect(secretOf(world)).toBeUndefined();
    return [report, world];
  };

  it('names a user that is not ours, and leaves it alone, also at the end', async () => {
    const [report, world] = await refused({}, ({ keys }) => {
      keys.users.set(userName, { owner: 'somebody', policy: undefined, tags: new Map(), keys: new Map() });
    });
    expect(report).toMatchObject({ result: 'waiting', reason: 'UserConflict', writes: ['kube status'] });
    expect(report.message).toContain(userName);
    expect(world.bench.conditions()).toContain('CreationFailed=True UserConflict');
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(user(world)?.owner).toBe('somebody');
  });

  it('says what a Provider without keys needs, and a deletion then waits for it', async () => {
    const [report, world] = await refused({ issuesKeys: false });
    expect(report).toMatchObject({
      result: 'terminal',
      reason: 'Unsupported',
      message: 'The server in memory issues no keys.',
    });
    expect(world.bench.conditions()).toEqual([
      'Ready=False Unsupported',
      'Stalled=True Unsupported',
      'Unsupported=True Unsupported',
    ]);
  });

  it.each<[string, Partial<AccessKeySpec>, (world: World) => void, string]>([
    [
      'no such bucket',
      { access: [{ bucketRef: { name: 'none' }, level: 'ReadOnly' }] },
      () => undefined,
      'BucketNotFound',
    ],
    [
      'a bucket of another namespace without a grant',
      { access: [{ bucketRef: { name: 'photos', namespace: 'team-b' }, level: 'ReadOnly' }] },
      () => undefined,
      'ReferenceNotGranted',
    ],
    [
      'a bucket that its object does not own',
      {},
      ({ buckets, s3 }) => {
        s3.make('photos');
        buckets.set(
          'team-a/photos',
          objectOf('Bucket', 'photos', bucketSpec({}), { status: { bucketName: 'photos', exists: true } }),
        );
      },
      'BucketNotReady',
    ],
    [
      'a bucket on another server',
      {},
      ({ buckets, s3 }) => {
        s3.buckets.delete('photos');
        buckets.set(
          'team-a/photos',
          objectOf('Bucket', 'photos', bucketSpec({}), {
            status: {
              bucketName: 'photos',
              exists: true,
              endpoint: 'http://other.test',
              ownership: 'Created' as const,
            },
          }),
        );
      },
      'SpecInvalid',
    ],
    ['no such Provider', { providerRef: { name: 'none' } }, () => undefined, 'ProviderNotFound'],
    [
      'a Provider that is being deleted',
      {},
      ({ providers, s3 }) => {
        const metadata = { deletionTimestamp: '2026-05-05T10:00:00Z' };
        providers.set('team-a/provider', providerOf(s3.driver, { metadata }));
      },
      'ProviderNotReady',
    ],
  ])('%s', async (_title, spec, prepare, reason) => {
    const [report] = await refused({ spec }, prepare);
    expect(report).toMatchObject({ result: 'waiting', reason });
  });
});

it('goes on where the Provider has another address of the same server and its Bucket was not looked at there yet', async () => {
  const world = await ready();
  const status = { bucketName: 'photos', exists: true, endpoint: 'http://old.test', ownership: 'Created' as const };
  world.buckets.set('team-a/photos', objectOf('Bucket', 'photos', bucketSpec({}), { status }));
  expect(await world.bench.run()).toMatchObject({ result: 'settled', writes: [], events: [] });
  expect(world.bench.conditions()).toEqual(['Ready=True Ready']);
});

describe('a deletion', () => {
  it('waits while its Provider is gone, says how to let go, and lets go', async () => {
    const world = await ready();
    world.providers.clear();
    world.bench.delete();
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'ProviderNotFound' });
    expect(report.message).toContain('s3.cloud37.dev/abandon');
    world.bench.annotate({ 's3.cloud37.dev/abandon': 'true' });
    const last = await world.bench.run();
    expect(last).toMatchObject({ result: 'gone', writes: ['kube delete secrets', 'kube finalizer'] });
    expect(last.events).toEqual([expect.stringMatching(/^Warning AccessKeyAbandoned: User \S+ and its keys stay/)]);
    expect(user(world)?.keys.size).toBe(1);
  });

  it('that is to let go removes what it can all the same', async () => {
    const world = await ready();
    world.bench.annotate({ 's3.cloud37.dev/abandon': 'true' });
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(world.keys.users.size).toBe(0);
  });

  it('waits while the Provider no longer issues keys: none is forgotten', async () => {
    const world = await ready();
    Object.assign(world.s3.driver, { keys: 'Set spec.iamEndpoint.' });
    world.bench.delete();
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'Unsupported' });
    expect(report.message).toMatch(/cannot be removed yet: Set spec\.iamEndpoint\..*abandon/);
    expect(user(world)?.keys.size).toBe(1);
  });

  it('is told once, also when it is repeated after the user is gone', async () => {
    const world = await ready();
    world.bench.delete();
    // The second write removes the Secret.
    world.writes.arm('neverArrives', 2);
    const first = await world.bench.pass();
    expect(first).toMatchObject({ writes: ['DeleteUser'] });
    expect(first.events).toEqual([`Normal AccessKeyDeleted: Removed user ${userName} and its keys.`]);
    const last = await world.bench.run();
    expect(last).toMatchObject({ result: 'gone', events: [] });
  });

  it('names the ARN that a user had which is gone: its policy may have outlived it', async () => {
    const world = await ready();
    const { issuer } = world.keys;
    const deleteUser = issuer.deleteUser.bind(issuer);
    const named: (string | undefined)[] = [];
    issuer.deleteUser = (...given) => {
      named.push(given[0].arn);
      return deleteUser(...given);
    };
    world.keys.users.clear();
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(named).toEqual([`arn:aws:iam::1:user/${userName}`]);
  });

  it('leaves a user that is not ours any more, and says so', async () => {
    const world = await ready();
    world.keys.users.set(userName, { owner: 'somebody', policy: undefined, tags: new Map(), keys: new Map() });
    world.bench.delete();
    expect((await world.bench.run()).events).toEqual([
      `Warning UserConflict: User ${userName} at the provider is not ours; it stays.`,
    ]);
    expect(user(world)?.owner).toBe('somebody');
  });

  it('of one that never came to anything writes nothing', async () => {
    const world = begin({ spec: { providerRef: { name: 'none' } } });
    await world.bench.run();
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone', writes: ['kube finalizer'] });
  });
});
