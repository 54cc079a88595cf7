import type { BucketSpec, BucketStatus } from '@operator/api';
import { waiting, type Fault } from '@operator/outcome';
import { hashPolicy } from '@operator/policy';
import type { Bucket } from '@operator/references';
import {
  createBench,
  createTestWorld,
  objectOf,
  ownerTags,
  providerOf,
  testCluster,
  tryEveryMishap,
} from '@operator/references/testing';
import { bucketSpec, createMemoryS3, type MemoryBucket } from '@operator/testing';
import { bindAspect, tagging, versioning, type Aspect, type Driver, type Input, type Inputs } from '@operator/s3';
import { describe, expect, it } from 'vitest';
import type { BucketDeps } from './deps.ts';
import { bucketReconciler } from './reconciler.ts';

const ownTags = (uid = 'uid-photos', name = 'photos', cluster = testCluster, isSigned = true) =>
  ownerTags({ cluster, name, uid }, { bucketName: 'photos', isSigned });

const proofOf = (bucketName: string, lender = 'team-a') =>
  ownerTags({ name: 'photos' }, { bucketName, lender }).get('s3.cloud37.dev/proof') ?? '';

const declared: Partial<BucketSpec> = {
  versioning: { enabled: true, mfaDelete: false },
  tagging: { tags: JSON.parse('{"team":"a","__proto__":"kept"}') as Record<string, string> },
};

const onBucket = {
  name: 'team-a/p',
  namespace: 'team-a',
  isPublic: false,
  hashes: [],
  isWithdrawn: false,
  isAwaited: false,
};

interface Options {
  readonly spec?: Partial<BucketSpec>;
  readonly status?: BucketStatus;
  readonly tags?: boolean;
  readonly hidesMissing?: boolean;
  readonly creationTags?: Parameters<typeof createMemoryS3>[0]['creationTags'];
  readonly refusesRecreation?: true;
  readonly serverIdentity?: string;
  /** The cache has lost the object itself. */
  readonly isUnseen?: boolean;
  readonly policies?: Awaited<ReturnType<BucketDeps['policiesOf']>>;
  readonly aspects?: Driver['aspects'];
  readonly inputs?: Inputs;
  readonly borrowers?: Awaited<ReturnType<BucketDeps['borrowersOf']>>;
}

/** A cluster with one Bucket, a server, and the reconciler between them. */
const begin = ({
  spec = declared,
  status,
  tags = true,
  hidesMissing = false,
  creationTags,
  refusesRecreation,
  serverIdentity,
  isUnseen = false,
  policies = [],
  borrowers = [],
  aspects,
  inputs = new Map(),
}: Options = {}) => {
  const clock = { now: () => new Date('2026-05-05T10:00:00.000Z') };
  const s3 = createMemoryS3({
    now: () => clock.now(),
    tags,
    hidesMissing,
    ...(creationTags === undefined ? {} : { creationTags }),
    ...(refusesRecreation === undefined ? {} : { refusesRecreation }),
    ...(serverIdentity === undefined ? {} : { serverIdentity }),
    ...(aspects === undefined ? {} : { aspects }),
  });
  const world = createTestWorld(s3.driver);
  const vanished = { count: 0 };
  const bench = createBench<BucketSpec, BucketStatus>({
    writes: world.writes,
    store: world.buckets,
    object: objectOf('Bucket', 'photos', bucketSpec(spec), status === undefined ? {} : { status }),
    reconciler: () =>
      bucketReconciler({
        references: world.references(),
        ownership: world.ownership,
        vanished: () => void (vanished.count += 1),
        sameName: (name) =>
          [...world.buckets.values()].filter(
            ({ spec, metadata }) => spec.name === name && !(isUnseen && metadata.name === 'photos'),
          ),
        policiesOf: () => Promise.resolve(policies),
        borrowersOf: () => Promise.resolve(borrowers),
        labelsOf: () => Promise.resolve({}),
        inputs: { inputsOf: () => Promise.resolve(inputs), bucketsAt: () => Promise.resolve([]) },
      }),
  });
  clock.now = () => bench.now();
  return { s3, bench, vanished, ...world };
};

/** `trial`: what befell it before. */
const expectSettled = ({ bench, s3 }: Pick<ReturnType<typeof begin>, 'bench' | 's3'>, trial: string): void => {
  expect(bench.facts(), trial).toEqual({
    ...settledStatus,
    ownedSince: expect.any(String) as string,
    lastSyncTime: expect.any(String) as string,
  });
  expect(serverHas(s3.buckets.get('photos')), trial).toEqual(settledServer);
};

/** The same as `begin`, with a Provider of the platform that is lent to the Bucket. `say`: gives it annotations. */
const borrow = (options: Options = {}) => {
  const world = begin({
    ...options,
    spec: { ...declared, ...options.spec, providerRef: { name: 'provider', namespace: 'platform' } },
  });
  world.kube.put('secrets', {
    metadata: { name: 'admin', namespace: 'platform' },
    data: { 'access-key': 'ADMIN', 'secret-key': 'admin-secret' },
  });
  const say = (annotations: Readonly<Record<string, string>>) => {
    const provider = providerOf(world.s3.driver, { metadata: { namespace: 'platform', annotations } });
    world.providers.set('platform/provider', {
      ...provider,
      spec: { ...provider.spec, allowedNamespaces: { all: true } },
      status: { ...provider.status, credentialsVersion: '2' },
    });
  };
  say({});
  return { ...world, say };
};

const ready = async (options: Options = {}) => {
  const world = begin(options);
  await world.bench.run();
  return world;
};

const another = (
  name: string,
  spec: Partial<BucketSpec>,
  overrides: Parameters<typeof objectOf<BucketSpec, BucketStatus>>[3] = {},
): Bucket => objectOf('Bucket', name, bucketSpec(spec), overrides);

const serverHas = (bucket: MemoryBucket | undefined) =>
  bucket && { tags: Object.entries(Object.fromEntries(bucket.tags)).sort(), versioning: bucket.versioning };

const settledStatus = {
  bucketName: 'photos',
  arn: 'arn:aws:s3:::photos',
  exists: true,
  region: 'us-east-1',
  endpoint: 'http://s3.test',
  ownership: 'Created',
  ownedSince: '2026-05-05T10:00:00.000Z',
  proof: expect.any(String) as string,
  managed: { tagging: ['__proto__', 'team'] },
  lastSyncTime: '2026-05-05T10:00:01.000Z',
  observedGeneration: 1,
};
const settledServer = {
  tags: [...ownTags(), ['__proto__', 'kept'], ['team', 'a']].sort(),
  versioning: 'Enabled',
};

it('that is new is not made with a Provider that is being deleted, while one that is there is kept so', async () => {
  const leaveProvider = ({ s3, providers }: Pick<ReturnType<typeof begin>, 's3' | 'providers'>) =>
    providers.set(
      'team-a/provider',
      providerOf(s3.driver, { metadata: { deletionTimestamp: '2026-05-05T10:00:00Z' } }),
    );
  const newcomer = begin();
  leaveProvider(newcomer);
  expect(await newcomer.bench.run()).toMatchObject({ result: 'waiting', reason: 'ProviderNotReady' });
  expect(newcomer.s3.buckets.size).toBe(0);

  const owner = begin();
  await owner.bench.run();
  leaveProvider(owner);
  owner.s3.buckets.get('photos')?.tags.delete('team');
  await owner.bench.run();
  expect(owner.s3.buckets.get('photos')?.tags.get('team')).toBe('a');
});

describe('a bucket that is not there', () => {
  it('is created, marked and configured, and Ready only after a look that found nothing to do', async () => {
    const { bench, s3 } = begin();
    const first = await bench.pass();
    expect(first).toEqual({
      result: 'progressing',
      reason: 'Converging',
      message: 'Applied create, tagging, versioning; looking again.',
      writes: ['kube status', 'CreateBucket', 'PutBucketTagging', 'PutBucketVersioning', 'kube status'],
      events: ['Normal BucketCreated: Created bucket photos in region us-east-1.'],
    });
    expect(bench.steps()).toEqual(['create', 'tagging', 'versioning']);
    expect(bench.conditions()).toEqual(['Ready=False Converging', 'Reconciling=True Converging']);
    bench.advance(1_000);
    expect(await bench.pass()).toEqual({ result: 'settled', writes: ['kube status'], events: [] });
    expect(bench.facts()).toEqual(settledStatus);
    expect(bench.conditions()).toEqual(['Ready=True Ready']);
    expect(serverHas(s3.buckets.get('photos'))).toEqual(settledServer);
  });

  it('is left in peace once settled, however often it is looked at', async () => {
    const { bench } = await ready();
    for (let passes = 0; passes < 20; passes += 1) {
      bench.advance(600_000);
      expect(await bench.pass()).toEqual({ result: 'settled', writes: [], events: [] });
    }
  });

  it.each(['PutBucketTagging', 'PutBucketVersioning'])(
    'gets all that the server lets us write, save %s',
    async (call) => {
      const { bench, s3 } = begin();
      s3.refuse(call, { code: 'AccessDenied', status: 403 });
      expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'AccessDenied' });
      expect(serverHas(s3.buckets.get('photos'))).toEqual({
        ...settledServer,
        ...(call === 'PutBucketTagging' ? { tags: [] } : { versioning: undefined }),
      });
      s3.refuse(call, undefined);
      await bench.run();
      expect(bench.object().status).toMatchObject({ ownership: 'Created' });
      expect(serverHas(s3.buckets.get('photos'))).toEqual(settledServer);
    },
  );

  it('ends exactly right whatever befalls any one write', async () => {
    const struck = await tryEveryMishap(async () => begin(), expectSettled);
    expect(struck).toBeGreaterThan(20);
  });

  describe('on a server that creates none twice', () => {
    const begun = () => begin({ refusesRecreation: true });

    it('is looked at only once it is marked and configured', async () => {
      const { bench, s3 } = begun();
      await bench.pass();
      expect([...s3.inputs('GetBucketTagging'), ...s3.inputs('GetBucketVersioning')]).toEqual([]);
      expect(serverHas(s3.buckets.get('photos'))).toEqual(settledServer);
      bench.advance(1_000);
      expect(await bench.pass()).toMatchObject({ result: 'settled' });
      expect(s3.inputs('GetBucketTagging')).toHaveLength(1);
      expect(s3.inputs('GetBucketVersioning')).toHaveLength(1);
    });

    it('ends exactly right whatever befalls any one write', async () => {
      await tryEveryMishap(async () => begun(), expectSettled);
    });

    it('is looked at all the same where the creation may have brought more than its name', async () => {
      const { bench, s3 } = begin({ refusesRecreation: true, creationTags: 'kept' });
      await bench.pass();
      expect(s3.inputs('GetBucketTagging')).toHaveLength(1);
      expect(s3.inputs('GetBucketVersioning')).toHaveLength(1);
    });
  });

  describe.each(['kept', 'dropped', 'MalformedXML', 'AccessDenied'] as const)(
    'and may be created with its mark, which is then %s',
    (creationTags) => {
      it('ends exactly right whatever befalls any one write', async () => {
        await tryEveryMishap(async () => begin({ creationTags }), expectSettled);
      });
    },
  );

  it('is marked by its creation where the server keeps the tags: one call fewer, and none to prove it after a crash', async () => {
    const { bench, s3 } = begin({ creationTags: 'kept' });
    s3.refuse('ListBuckets', { code: 'AccessDenied', status: 403 });
    const { writes } = await bench.pass();
    expect(writes).toEqual(['kube status', 'CreateBucket', 'PutBucketTagging', 'PutBucketVersioning', 'kube status']);
    const killed = begin({ creationTags: 'kept', spec: {} });
    killed.s3.refuse('ListBuckets', { code: 'AccessDenied', status: 403 });
    killed.writes.arm('killedAfter', 2);
    await killed.bench.run();
    killed.bench.restart();
    expect(await killed.bench.run()).toMatchObject({ result: 'settled' });
    expect(killed.bench.object().status).toMatchObject({ ownership: 'Created' });
    expect(killed.s3.inputs('PutBucketTagging')).toEqual([]);
  });

  it('ends exactly right where buckets may not be listed, save that one killed before the mark is left alone', async () => {
    const begun = () => {
      const world = begin();
      world.s3.refuse('ListBuckets', { code: 'AccessDenied', status: 403 });
      return world;
    };
    for (let nth = 3; nth <= 6; nth += 1) {
      const world = begun();
      world.writes.arm('killedAfter', nth);
      await world.bench.run();
      world.bench.restart();
      expect(await world.bench.run(), String(nth)).toMatchObject({ result: 'settled' });
      expect(world.bench.object().status).toMatchObject({ ownership: 'Created' });
    }
    const unmarked = begun();
    unmarked.writes.arm('killedAfter', 2);
    await unmarked.bench.run();
    unmarked.bench.restart();
    expect(await unmarked.bench.run()).toMatchObject({ result: 'waiting', reason: 'OwnershipInDoubt' });
    expect(unmarked.bench.object().status).toHaveProperty('createIntent');
    unmarked.s3.refuse('ListBuckets', undefined);
    expect(await unmarked.bench.run()).toMatchObject({ result: 'settled' });
  });

  it('ends exactly right on a server without tags too', async () => {
    await tryEveryMishap(
      async () => begin({ tags: false, spec: {} }),
      ({ bench, s3 }, trial) => {
        expect(bench.object().status, trial).toMatchObject({ ownership: 'Created', exists: true });
        expect(bench.object().status, trial).not.toHaveProperty('createIntent');
        expect(s3.buckets.size, trial).toBe(1);
      },
    );
  });

  it.each([
    ['NameTaken', 'BucketAlreadyExists', 409],
    ['SpecInvalid', 'InvalidBucketName', 400],
  ])('that the server will not make is CreationFailed %s, and no intent stays open', async (reason, code, status) => {
    const { bench, s3 } = begin();
    s3.refuse('CreateBucket', { code, status });
    await bench.run();
    expect(bench.facts()).toMatchObject({
      bucketName: 'photos',
      exists: false,
      endpoint: 'http://s3.test',
    });
    expect(bench.object().status).not.toHaveProperty('createIntent');
    expect(bench.conditions()).toContain(`CreationFailed=True ${reason}`);
  });
});

describe('a bucket that the server puts off', () => {
  it.each([
    ['Throttled', 'SlowDown', 503],
    ['Conflict', 'OperationAborted', 409],
  ])('with %s is not ours when somebody else makes it', async (reason, code, status) => {
    const { bench, s3 } = begin();
    s3.refuse('CreateBucket', { code, status });
    expect(await bench.pass()).toMatchObject({ result: 'transient', reason });
    expect(bench.object().status).not.toHaveProperty('createIntent');
    bench.advance(60_000);
    const theirs = structuredClone(s3.make('photos'));
    expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'NotOwned' });
    expect(s3.buckets.get('photos')).toEqual(theirs);
  });

  it('after an attempt whose answer was lost is still ours if that attempt made it', async () => {
    const { bench, s3 } = begin();
    s3.refuse('CreateBucket', { code: 'InternalError', status: 500 });
    await bench.pass();
    bench.advance(60_000);
    s3.refuse('CreateBucket', { code: 'OperationAborted', status: 409 });
    await bench.pass();
    s3.make('photos');
    expect(await bench.run()).toMatchObject({ result: 'settled' });
    expect(bench.object().status).toMatchObject({ ownership: 'Created' });
  });

  it('for long is not ours when somebody else makes it', async () => {
    const { bench, s3 } = begin({ spec: { deletionPolicy: 'Delete', forceDelete: true, adoptionPolicy: 'Never' } });
    s3.refuse('CreateBucket', { code: 'InternalError', status: 500 });
    expect(await bench.pass()).toMatchObject({ result: 'transient', reason: 'ServerError' });
    bench.advance(3_600_000);
    const theirs = structuredClone(s3.make('photos'));
    expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'NotOwned' });
    bench.delete();
    expect(await bench.run()).toMatchObject({ result: 'gone' });
    expect(s3.buckets.get('photos')).toEqual(theirs);
  });
});

it('a bucket whose creation was answered is ours, though its mark is put off and the server loses its date', async () => {
  const { bench, s3 } = begin();
  s3.refuse('GetBucketTagging', { code: 'SlowDown', status: 503 });
  expect(await bench.pass()).toMatchObject({ result: 'transient', reason: 'Throttled' });
  expect(bench.object().status).toMatchObject({ ownership: 'Created', exists: true });
  s3.refuse('GetBucketTagging', undefined);
  const made = s3.buckets.get('photos');
  if (made === undefined) throw new Error('no bucket was made');
  made.createdAt = new Date('0001-01-01T00:00:00Z');
  expect(await bench.run()).toMatchObject({ result: 'settled' });
  expect(serverHas(made)).toEqual(settledServer);
});

describe('a bucket that a refused creation made all the same', () => {
  const yearOne = new Date('0001-01-01T00:00:00Z');
  /** As MinIO with a full disk: it answers 507, makes the folder, and knows no date of it. */
  const refusedButMade = async (overrides: Partial<MemoryBucket> = {}) => {
    const world = begin();
    world.s3.refuse('CreateBucket', { code: 'XMinioStorageFull', status: 507 });
    expect(await world.bench.pass()).toMatchObject({ result: 'transient' });
    world.s3.make('photos', { createdAt: yearOne, ...overrides });
    world.s3.refuse('PutBucketTagging', { code: 'XMinioStorageFull', status: 507 });
    world.bench.advance(3_600_000);
    await world.bench.pass();
    world.s3.refuse('CreateBucket', undefined);
    world.s3.refuse('PutBucketTagging', undefined);
    return world;
  };

  it('is ours without a person once there is space again', async () => {
    const { bench, s3 } = await refusedButMade();
    expect(await bench.run()).toMatchObject({ result: 'settled' });
    expect(bench.object().status).toMatchObject({ ownership: 'Created' });
    expect(serverHas(s3.buckets.get('photos'))).toEqual(settledServer);
  });

  it.each<[string, Partial<MemoryBucket>]>([
    ['has content', { versions: [{ Key: 'theirs', VersionId: 'v1', isLocked: false }] }],
    ['has tags', { tags: new Map([['theirs', 'yes']]) }],
  ])('is in doubt when it %s, and nothing is written', async (_title, overrides) => {
    const { bench, s3 } = await refusedButMade(overrides);
    const before = structuredClone(s3.buckets.get('photos'));
    expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'OwnershipInDoubt' });
    expect(s3.buckets.get('photos')).toEqual(before);
  });
});

it.each([
  ['belongs to another account', 'NameTaken', 'notListed'],
  ['is of this account', 'AccessDenied', 'listed'],
] as const)('a bucket that refuses every look and %s is told as %s', async (_title, reason, kind) => {
  const { bench, s3 } = begin();
  for (const call of ['HeadBucket', 'GetBucketLocation']) s3.refuse(call, { code: 'AccessDenied', status: 403 });
  if (kind === 'listed') s3.make('photos');
  expect(await bench.run()).toMatchObject({ result: 'waiting', reason });
});

it('a name that was changed behind admission, with the status altered, is refused by its proof', async () => {
  const { bench, s3 } = await ready();
  bench.change({ name: 'other' });
  const report = await bench.run();
  expect(report).toMatchObject({ result: 'terminal', reason: 'SpecInvalid' });
  expect(report.message).toContain('This object has bucket photos');
  expect([...s3.buckets.keys()]).toEqual(['photos']);
});

it('a bucket of a cluster that this one has replaced is taken over by the object of its name', async () => {
  const { bench, s3 } = begin();
  s3.make('photos', { tags: ownTags('uid-before', 'photos', 'cluster-0') });
  expect(await bench.run()).toMatchObject({ result: 'settled' });
  expect(bench.object().status).toMatchObject({ ownership: 'Adopted' });
  expect(s3.buckets.get('photos')?.tags).toEqual(new Map([...ownTags(), ['team', 'a'], ['__proto__', 'kept']]));
});

it('a bucket stays as it is when its Provider names another region and the server names none', async () => {
  const { bench, s3, providers } = await ready();
  const provider = providerOf(s3.driver, { spec: { region: 'us-east-1' } });
  providers.set('team-a/provider', provider);
  expect(await bench.pass()).toMatchObject({ result: 'settled', writes: [] });
});

describe('owner tags without the proof that the operator wrote them', () => {
  const proof = 's3.cloud37.dev/proof';
  const confirmed = { 's3.cloud37.dev/confirm-owner': 'team-a/photos/photos' };
  const tagsAt = ({ s3 }: Pick<ReturnType<typeof begin>, 's3'>) => s3.buckets.get('photos')?.tags;
  const expectDoubt = async (world: ReturnType<typeof begin>) => {
    const before = structuredClone(world.s3.buckets.get('photos'));
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'OwnershipInDoubt' });
    expect(report.message).toContain('confirm-owner=team-a/photos/photos');
    expect(world.s3.buckets.get('photos')).toEqual(before);
    expect(await world.bench.pass()).toMatchObject({ result: 'waiting', writes: [] });
  };

  it.each([
    ['missing', (tags: Map<string, string>) => tags.delete(proof)],
    ['wrong', (tags: Map<string, string>) => tags.set(proof, 'v1.of-an-earlier-key')],
    ['that of another bucket', (tags: Map<string, string>) => tags.set(proof, proofOf('videos'))],
  ])(
    'are signed again where it is %s: in one write, told once, and nothing is written after it',
    async (_title, spoil) => {
      for (const world of [await ready(), borrow()]) {
        await world.bench.run();
        const tags = tagsAt(world);
        const signed = new Map(tags);
        spoil(tags ?? new Map<string, string>());
        expect(await world.bench.pass()).toMatchObject({
          writes: ['PutBucketTagging', 'kube status'],
          events: ['Normal BucketUpdated: Wrote tagging; the next look shows whether it holds.'],
        });
        expect(tagsAt(world)).toEqual(signed);
        expect(await world.bench.run()).toMatchObject({ result: 'settled', events: [] });
        expect(await world.bench.pass()).toMatchObject({ result: 'settled', writes: [] });
      }
    },
  );

  it('are enough beside the Provider: an object takes over what was left before marks were signed', async () => {
    for (const [uid, ownership] of [
      ['uid-photos', 'Adopted'],
      ['uid-before', 'Adopted'],
    ] as const) {
      const world = begin();
      world.s3.make('photos', { tags: ownTags(uid, 'photos', testCluster, false) });
      expect(await world.bench.run()).toMatchObject({ result: 'settled' });
      expect(world.bench.object().status).toMatchObject({ ownership });
      expect(tagsAt(world)).toEqual(new Map([...ownTags(), ['team', 'a'], ['__proto__', 'kept']]));
    }
  });

  it.each([
    ['name it', 'uid-photos', testCluster],
    ['name an earlier object of its name', 'uid-before', testCluster],
    ['name one of a former cluster', 'uid-before', 'cluster-0'],
  ])('give a borrower nothing where they %s, until the lender confirms', async (_title, uid, cluster) => {
    const world = borrow();
    world.s3.make('photos', { tags: ownTags(uid, 'photos', cluster, false) });
    await expectDoubt(world);
    world.say(confirmed);
    expect(await world.bench.run()).toMatchObject({ result: 'settled' });
    expect(tagsAt(world)?.get(proof)).toBe(proofOf('photos', 'platform'));
  });

  it('are what a proof through another Provider of the own namespace makes of them', async () => {
    const world = borrow();
    world.s3.make('photos', { tags: ownTags('uid-before') });
    await expectDoubt(world);
  });

  it('do not help a borrower to a bucket that is younger than what it remembers', async () => {
    const world = borrow();
    await world.bench.run();
    world.bench.advance(3_600_000);
    world.s3.make('photos', { tags: ownTags('uid-photos', 'photos', testCluster, false) });
    await expectDoubt(world);
  });

  it.each([
    ['nothing', { isSigned: false }],
    ['a proof of a Provider of their own', { lender: 'team-b' }],
  ])(
    'and with the name of another object and %s leave the owner in doubt, with all that it has',
    async (_title, about) => {
      for (const world of [await ready(), borrow()]) {
        await world.bench.run();
        const theirs = ownerTags({ namespace: 'team-b', name: 'other' }, { bucketName: 'photos', ...about });
        for (const [key, value] of theirs) tagsAt(world)?.set(key, value);
        if (!theirs.has(proof)) tagsAt(world)?.delete(proof);
        await expectDoubt(world);
        expect(world.bench.object().status).toMatchObject({ ownership: 'Created', exists: true });
      }
    },
  );

  it('and with the name of another object are put right by a word of the owner of the Provider', async () => {
    const world = borrow();
    await world.bench.run();
    tagsAt(world)?.set('s3.cloud37.dev/name', 'other').set('s3.cloud37.dev/uid', 'uid-other');
    await expectDoubt(world);
    world.say(confirmed);
    expect(await world.bench.run()).toMatchObject({ result: 'settled' });
    expect(tagsAt(world)?.get('s3.cloud37.dev/uid')).toBe('uid-photos');
  });

  it('are no proof for a deletion', async () => {
    const world = begin({
      spec: { deletionPolicy: 'Delete', forceDelete: true },
      status: { bucketName: 'photos', exists: true, ownership: 'Created', endpoint: 'http://s3.test' },
    });
    world.s3.make('photos', { tags: ownTags('uid-photos', 'photos', testCluster, false) });
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'OwnershipInDoubt' });
    expect(world.s3.buckets.size).toBe(1);
  });
});

describe('a bucket that is there already', () => {
  const refusals: readonly (readonly [string, Options, Partial<MemoryBucket>, string, RegExp])[] = [
    ['unmarked', {}, {}, 'NotOwned', /without the owner tags/],
    [
      'marked by another cluster',
      {},
      { tags: ownTags('x', 'photos', 'elsewhere') },
      'AlreadyClaimed',
      /team-a\/photos of cluster elsewhere/,
    ],
    [
      'marked by another cluster, though adoptionPolicy is Always',
      { spec: { adoptionPolicy: 'Always' } },
      { tags: ownTags('x', 'photos', 'elsewhere') },
      'AlreadyClaimed',
      /cluster elsewhere/,
    ],
    ['marked by another object', {}, { tags: ownTags('uid-other', 'other') }, 'AlreadyClaimed', /team-a\/other/],
    [
      'left by an earlier object of this name, while adoptionPolicy is Never',
      { spec: { adoptionPolicy: 'Never' } },
      { tags: ownTags('uid-before') },
      'NotOwned',
      /adoptionPolicy is Never/,
    ],
  ];
  it.each(refusals)('is left alone when %s', async (_title, options, found, reason, message) => {
    const { bench, s3 } = begin(options);
    const before = structuredClone(s3.make('photos', found));
    const report = await bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason });
    expect(report.message).toMatch(message);
    expect(s3.buckets.get('photos')).toEqual(before);
    expect(bench.facts()).toEqual({ bucketName: 'photos', exists: false });
    expect(bench.conditions()).toEqual([
      `Ready=False ${reason}`,
      `Reconciling=True ${reason}`,
      `CreationFailed=True ${reason}`,
    ]);
    // The second look says the same, and writes nothing.
    expect(await bench.pass()).toMatchObject({ result: 'waiting', writes: [] });
  });

  it('is adopted with adoptionPolicy Always; foreign tags stay', async () => {
    const { bench, s3 } = begin({ spec: { ...declared, adoptionPolicy: 'Always' } });
    s3.make('photos', { tags: new Map([['foreign', 'kept']]) });
    await bench.run();
    expect(bench.object().status).toMatchObject({ ownership: 'Adopted', exists: true });
    expect(s3.buckets.get('photos')?.tags).toEqual(
      new Map([['foreign', 'kept'], ['team', 'a'], ['__proto__', 'kept'], ...ownTags()]),
    );
  });

  it('ends adopted whatever befalls any one write', async () => {
    await tryEveryMishap(
      async () => {
        const world = begin({ spec: { ...declared, adoptionPolicy: 'Always' } });
        world.s3.make('photos', { tags: new Map([['foreign', 'kept']]) });
        return world;
      },
      ({ bench, s3 }, trial) => {
        expect(bench.object().status, trial).toMatchObject({
          ownership: 'Adopted',
          managed: { tagging: ['__proto__', 'team'] },
        });
        expect(s3.buckets.get('photos')?.tags.get('foreign'), trial).toBe('kept');
      },
    );
  });

  it('stays as it is when its Provider no longer grants the namespace, and its object says so', async () => {
    const { bench, providers } = borrow();
    await bench.run();
    const provider = providers.get('platform/provider');
    if (provider === undefined) throw new Error('no Provider');
    const spec = { ...provider.spec, allowedNamespaces: { names: [] } };
    providers.set('platform/provider', { ...provider, spec });
    expect(await bench.run()).toMatchObject({
      result: 'waiting',
      reason: 'ReferenceNotGranted',
      writes: ['kube status'],
    });
    expect(bench.object().status?.conditions?.[0]?.message).toBe(
      'Provider platform/provider may not be referred to from namespace team-a: it does not exist or its allowedNamespaces do not name it. ' +
        'Meanwhile bucket photos stays at the server as it is.',
    );
  });

  it('is not taken, not even with Always, by who only borrows the Provider', async () => {
    const world = borrow({ spec: { ...declared, adoptionPolicy: 'Always' } });
    world.s3.make('photos', { tags: new Map([['foreign', 'kept']]) });
    await world.bench.pass();
    expect(world.bench.conditions()).toContain('Ready=False NotOwned');
    expect([...(world.s3.buckets.get('photos')?.tags.keys() ?? [])]).toEqual(['foreign']);
  });

  it('is taken over by a new object of the same name', async () => {
    const { bench, s3 } = begin();
    s3.make('photos', { tags: ownTags('uid-before') });
    await bench.run();
    expect(bench.object().status).toMatchObject({ ownership: 'Adopted' });
    expect(s3.buckets.get('photos')?.tags.get('s3.cloud37.dev/uid')).toBe('uid-photos');
  });

  it('is taken from an object of this cluster only when the API server says that it is gone', async () => {
    const { bench, s3, kube } = begin({ spec: { adoptionPolicy: 'Always' } });
    kube.put('buckets', { metadata: { name: 'other', namespace: 'team-a', uid: 'uid-other' } });
    s3.make('photos', { tags: ownTags('uid-other', 'other') });
    expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'AlreadyClaimed' });
    kube.remove('buckets', { name: 'other', namespace: 'team-a' });
    expect(await bench.run()).toMatchObject({ result: 'settled' });
    expect(bench.object().status).toMatchObject({ ownership: 'Adopted' });
  });

  it('is not taken for ours on another server, whatever the status says of the first', async () => {
    const { bench, s3, providers } = await ready();
    const elsewhere = createMemoryS3({ now: () => bench.now(), serverIdentity: 'http://other.test' });
    const theirs = elsewhere.make('photos', { tags: new Map([['prod', 'true']]) });
    const moved = createTestWorld(elsewhere.driver);
    providers.set('team-a/provider', providerOf(elsewhere.driver));
    const status = bench.object().status;
    const after = begin({ ...(status === undefined ? {} : { status }), serverIdentity: 'http://other.test' });
    after.s3.make('photos', { tags: new Map([['prod', 'true']]) });
    expect(await after.bench.run()).toMatchObject({ result: 'waiting', reason: 'OwnershipInDoubt' });
    expect(after.s3.buckets.get('photos')?.tags).toEqual(theirs.tags);
    expect(s3.buckets.has('photos')).toBe(true);
    expect(moved.writes.done).toEqual([]);
  });

  it('is not taken for ours when somebody removed ours and made another', async () => {
    const { bench, s3 } = await ready();
    bench.advance(3_600_000);
    const theirs = structuredClone(s3.make('photos', { tags: new Map([['theirs', 'yes']]) }));
    const report = await bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'OwnershipInDoubt' });
    expect(report.message).toContain('was created after this Bucket last had it');
    expect(s3.buckets.get('photos')).toEqual(theirs);
    // What is in doubt is not forgotten: a person's word settles it.
    expect(bench.object().status).toMatchObject({ ownership: 'Created' });
  });

  it('does not become ours by an intent that ended before somebody else made it', async () => {
    const { bench, s3 } = begin();
    s3.refuse('CreateBucket', { code: 'InternalError', status: 500 });
    await bench.pass();
    bench.advance(420_000);
    s3.make('photos');
    await bench.run();
    expect(bench.facts()).toEqual({ bucketName: 'photos', exists: false });
    // The next one of that name is not ours either.
    s3.make('photos');
    expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'NotOwned' });
  });

  it('does not become ours by an intent that nobody proves', async () => {
    const { bench, s3 } = begin({
      status: {
        bucketName: 'photos',
        exists: false,
        endpoint: 'http://s3.test',
        createIntent: { at: '2026-05-05T09:59:00Z', serverTime: '2026-05-05T09:59:00Z', bucketName: 'photos' },
      },
    });
    const theirs = structuredClone(s3.make('photos'));
    expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'OwnershipInDoubt' });
    expect(s3.buckets.get('photos')).toEqual(theirs);
  });

  it('in another region is told, and not touched', async () => {
    const { bench, s3 } = begin();
    s3.make('photos', { region: 'eu-west-1', tags: ownTags() });
    expect(await bench.run()).toMatchObject({ result: 'terminal', reason: 'RegionMismatch', writes: ['kube status'] });
  });
});

describe('a bucket of ours', () => {
  it('that vanished is made anew, is ours, and is told', async () => {
    const { bench, s3, vanished } = begin({ spec: { adoptionPolicy: 'Always' } });
    s3.make('photos');
    await bench.run();
    expect(bench.object().status).toMatchObject({ ownership: 'Adopted' });
    expect(vanished.count).toBe(0);
    s3.buckets.clear();
    expect((await bench.pass()).events).toEqual([
      'Warning BucketMissing: Bucket photos is gone from the server; the operator creates it again, empty.',
      'Normal BucketCreated: Created bucket photos in region us-east-1.',
    ]);
    await bench.run();
    expect(vanished.count).toBe(1);
    expect(bench.object().status).toMatchObject({ ownership: 'Created' });
  });

  it('that vanished is made anew also where the server says of a missing bucket that it has no tags', async () => {
    const { bench, s3 } = await ready({ hidesMissing: true });
    s3.buckets.clear();
    expect((await bench.pass()).events).toEqual([
      'Warning BucketMissing: Bucket photos is gone from the server; the operator creates it again, empty.',
      'Normal BucketCreated: Created bucket photos in region us-east-1.',
    ]);
    await bench.run();
    expect(serverHas(s3.buckets.get('photos'))).toEqual(settledServer);
  });

  it('gets back what was changed outside, and keeps foreign tags', async () => {
    const { bench, s3 } = await ready();
    const bucket = s3.buckets.get('photos');
    bucket?.tags.set('team', 'b').set('foreign', 'kept').delete('s3.cloud37.dev/uid');
    await bench.run();
    expect(bucket?.tags).toEqual(new Map([...(bucket?.tags ?? []), ...ownTags(), ['team', 'a'], ['foreign', 'kept']]));
  });

  it('loses a tag that the spec drops, and only that', async () => {
    const { bench, s3 } = await ready();
    s3.buckets.get('photos')?.tags.set('foreign', 'kept');
    bench.change({ tagging: { tags: { tier: 'one' } } });
    await bench.run();
    expect(s3.buckets.get('photos')?.tags).toEqual(new Map([['foreign', 'kept'], ['tier', 'one'], ...ownTags()]));
    expect(bench.object().status?.managed).toEqual({ tagging: ['tier'] });
  });

  it('gets other tags for as many as there can be, and knows no more keys than are at the server or about to be', async () => {
    const many = (of: string) => Object.fromEntries(Array.from({ length: 45 }, (_, at) => [`${of}${String(at)}`, 'x']));
    const { bench, s3 } = await ready({ spec: { tagging: { tags: many('a') } } });
    for (const of of ['b', 'c', 'd']) {
      // The write fails, and the next wish comes: what was never written is not ours to remove.
      s3.refuse('PutBucketTagging', { code: 'AccessDenied', status: 403 });
      bench.change({ tagging: { tags: many(of) } });
      await bench.run();
      expect(bench.object().status?.managed?.tagging, of).toHaveLength(90);
    }
    s3.refuse('PutBucketTagging', undefined);
    expect(await bench.run()).toMatchObject({ result: 'settled' });
    expect(s3.buckets.get('photos')?.tags).toEqual(new Map([...Object.entries(many('d')), ...ownTags()]));
    expect(bench.object().status?.managed?.tagging).toHaveLength(45);
  });

  it('with a feature that the server lacks is Unsupported, and writes nothing more', async () => {
    const { bench } = await ready({
      spec: { ...declared, cors: { rules: [{ allowedOrigins: ['*'], allowedMethods: ['GET'] }], others: 'Remove' } },
    });
    expect(bench.conditions()).toEqual([
      'Ready=False Unsupported',
      'Stalled=True Unsupported',
      'Unsupported=True Unsupported',
    ]);
    bench.advance(600_000);
    expect(await bench.pass()).toEqual({ result: 'settled', writes: [], events: [] });
  });

  it('is proved and read by its tags alone, until they leave something open', async () => {
    const { bench, s3 } = await ready();
    s3.refuse('HeadBucket', { code: 'InternalError', status: 500 });
    expect(await bench.pass()).toEqual({ result: 'settled', writes: [], events: [] });
    s3.buckets.delete('photos');
    expect(await bench.pass()).toMatchObject({ result: 'transient', reason: 'ServerError' });
    s3.refuse('HeadBucket', undefined);
    expect(await bench.run()).toMatchObject({ result: 'settled' });
    expect(s3.buckets.has('photos')).toBe(true);
  });

  it('whose mark names somebody else is given up', async () => {
    const { bench, s3 } = await ready();
    s3.make('photos', { tags: ownTags('uid-other', 'other') });
    expect(await bench.pass()).toMatchObject({ result: 'waiting', reason: 'AlreadyClaimed' });
    expect(bench.object().status).not.toHaveProperty('ownership');
    expect(bench.conditions()).toContain('CreationFailed=True AlreadyClaimed');
  });

  it('shows two policies, and a public one under a block, without losing Ready', async () => {
    const two = await ready({
      policies: [
        { ...onBucket, name: 'team-a/p2' },
        { ...onBucket, name: 'team-a/p1' },
      ],
    });
    expect(two.bench.conditions()).toEqual(['Ready=True Ready', 'PolicyConflict=True PolicyConflict']);
    expect(two.bench.object().status?.conditions?.[1]?.message).toContain('team-a/p1, team-a/p2');
  });
});

describe('a bucket whose owner has confirmed a withdrawal', () => {
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [] });
  const confirmed = { 's3.cloud37.dev/confirm-withdrawal': 'team-b' };
  const withdrawn = async (options: Options = {}) => {
    const world = await ready(options);
    world.bench.annotate(confirmed);
    const bucket = world.s3.buckets.get('photos');
    if (bucket !== undefined) bucket.policy = policy;
    return world;
  };
  const told = ['Ready=True Ready', 'PolicyConflict=True OwnershipInDoubt'];

  it('says, once, that a policy is there which nobody proves, stays Ready, and looks until it is gone', async () => {
    const { bench, s3 } = await withdrawn();
    const first = await bench.pass();
    expect(first.result).toBe('settled');
    expect(bench.resyncAfterMs()).toBe(60_000);
    expect(first.events).toEqual([expect.stringContaining('Warning OwnershipInDoubt: The bucket has a policy')]);
    expect(bench.conditions()).toEqual(told);
    expect((await bench.pass()).events).toEqual([]);
    const bucket = s3.buckets.get('photos');
    if (bucket !== undefined) bucket.policy = undefined;
    await bench.pass();
    expect(bench.resyncAfterMs()).toBeUndefined();
    expect(bench.conditions()).toEqual(['Ready=True Ready']);
  });

  it('says nothing of a policy that a BucketPolicy proves, unless that is the one of the borrower', async () => {
    const hashes = [hashPolicy(JSON.parse(policy) as object)];
    const own = await withdrawn({ policies: [{ ...onBucket, hashes }] });
    await own.bench.run();
    expect(own.bench.conditions()).toEqual(['Ready=True Ready']);
    const borrowed = await withdrawn({ policies: [{ ...onBucket, namespace: 'team-b', hashes, isWithdrawn: true }] });
    await borrowed.bench.run();
    expect(borrowed.bench.conditions()).toEqual(told);
  });

  it('says so too where the policy may not be read, and asks for none without such a word', async () => {
    const { bench, s3 } = await withdrawn();
    s3.refuse('GetBucketPolicy', { code: 'AccessDenied', status: 403 });
    await bench.run();
    expect(bench.conditions()).toEqual(told);
    bench.annotate({});
    expect(await bench.run()).toMatchObject({ result: 'settled' });
    expect(bench.conditions()).toEqual(['Ready=True Ready']);
  });
});

it('a bucket whose grant was withdrawn says so once, with the command that confirms it, and stays Ready', async () => {
  const { bench } = begin({ borrowers: [{ kind: 'AccessKey', namespace: 'team-b' }] });
  const told = [await bench.pass(), await bench.pass(), await bench.pass()].flatMap(({ events }) =>
    events.filter((event) => event.includes('GrantWithdrawn')),
  );
  expect(told).toHaveLength(1);
  expect(told[0]).toContain('s3.cloud37.dev/confirm-withdrawal=team-b');
  expect(bench.conditions()).toEqual(['Ready=True Ready', 'GrantWithdrawn=True GrantWithdrawn']);
});

describe('a proxy that answers for the server', () => {
  const calls = ['HeadBucket', 'GetBucketTagging', 'ListObjectsV2', 'CreateBucket'];
  const intercept = ({ s3 }: ReturnType<typeof begin>, status: number | undefined) => {
    for (const call of calls) s3.refuse(call, status === undefined ? undefined : { code: 'Unknown', status });
  };

  it.each([
    [404, 'BucketMissing'],
    [301, 'RegionMismatch'],
    [307, 'RegionMismatch'],
  ])('with %i makes a bucket of ours neither anew nor forgotten', async (status, reason) => {
    const world = await ready();
    intercept(world, status);
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason, writes: ['kube status'] });
    expect(world.bench.facts()).toEqual(settledStatus);
    intercept(world, undefined);
    expect(await world.bench.run()).toMatchObject({ result: 'settled', events: [] });
  });

  it.each([
    [404, 'BucketMissing'],
    [301, 'RegionMismatch'],
    [307, 'RegionMismatch'],
  ])('with %i does not end a deletion', async (status, reason) => {
    const world = await ready({ spec: { ...declared, deletionPolicy: 'Delete' } });
    world.bench.delete();
    intercept(world, status);
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason });
    intercept(world, undefined);
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(world.s3.buckets.size).toBe(0);
  });

  it('with 404 leaves the intent of a creation that a crash cut off', async () => {
    const world = begin();
    world.writes.arm('killedAfter', 2);
    expect((await world.bench.pass()).result).toBe('killed');
    world.bench.restart();
    intercept(world, 404);
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'BucketMissing' });
    intercept(world, undefined);
    expect(await world.bench.run()).toMatchObject({ result: 'settled' });
    expect(world.bench.object().status).toMatchObject({ ownership: 'Created' });
  });
});

describe('two Buckets for one bucket', () => {
  it('are settled by age: the loser writes nothing and names the winner', async () => {
    const { bench, buckets, s3 } = begin();
    buckets.set('team-a/elder', another('elder', {}, { metadata: { creationTimestamp: '2026-04-01T00:00:00Z' } }));
    const report = await bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'AlreadyClaimed' });
    expect(report.message).toContain('team-a/elder');
    expect(s3.buckets.size).toBe(0);
  });

  it('do not wait for an elder one that is paused and has not begun', async () => {
    const { bench, buckets, s3 } = begin();
    const annotations = { 's3.cloud37.dev/paused': 'true' };
    const metadata = { creationTimestamp: '2026-04-01T00:00:00Z', annotations };
    buckets.set('team-a/elder', another('elder', {}, { metadata }));
    expect(await bench.run()).toMatchObject({ result: 'settled' });
    expect(s3.buckets.has('photos')).toBe(true);
  });

  const provided = async ({ references }: Pick<ReturnType<typeof begin>, 'references'>) =>
    references().driverFor({ name: 'provider' }, 'team-a', new AbortController().signal);

  it('do not wait for one that creates nothing, whatever it remembers with proof', async () => {
    const annotations = { 's3.cloud37.dev/paused': 'true' };
    const had = { bucketName: 'photos', ownership: 'Created' as const, ownedSince: '2026-05-01T00:00:00.000Z' };
    const intent = (at: string) => ({ bucketName: 'photos', createIntent: { at, bucketName: 'photos' } });
    for (const [status, spec, want] of [
      [had, {}, 'settled'],
      [intent('2026-05-05T09:00:00.000Z'), {}, 'settled'],
      [intent('2026-05-05T09:59:00.000Z'), {}, 'waiting'],
    ] as const) {
      const world = begin();
      const rival = another('elder', spec, { metadata: { creationTimestamp: '2026-04-01T00:00:00Z', annotations } });
      const { signal } = new AbortController();
      const sealed = await world.ownership.sealBucket(status, rival, await provided(world), signal);
      world.buckets.set('team-a/elder', { ...rival, status: sealed });
      expect(await world.bench.run()).toMatchObject({ result: want });
    }
    const world = begin();
    const objectLock = { enabled: true };
    const metadata = { creationTimestamp: '2026-04-01T00:00:00Z' };
    world.buckets.set('team-a/elder', another('elder', { objectLock }, { metadata }));
    expect(await world.bench.run()).toMatchObject({ result: 'settled' });
  });

  it('are settled for the one that holds the bucket, though the other is older', async () => {
    const { bench, buckets } = await ready();
    buckets.set('team-a/elder', another('elder', {}, { metadata: { creationTimestamp: '2026-04-01T00:00:00Z' } }));
    expect(await bench.pass()).toMatchObject({ result: 'settled' });
  });

  it('leave no bucket behind when the owner goes unseen, while the other waits for it', async () => {
    const { bench, buckets, s3 } = await ready({ spec: { ...declared, deletionPolicy: 'Delete' }, isUnseen: true });
    buckets.set('team-a/younger', another('younger', {}, { metadata: { creationTimestamp: '2026-05-06T00:00:00Z' } }));
    bench.delete();
    expect(await bench.run()).toMatchObject({ result: 'gone' });
    expect(s3.buckets.size).toBe(0);
  });

  const elder = { metadata: { creationTimestamp: '2026-04-01T00:00:00Z' } };
  const claimed = { bucketName: 'photos', endpoint: 'http://s3.test', ownership: 'Adopted' as const, exists: true };

  it('leave it to the one with the mark, whatever the status of an older one claims', async () => {
    const { bench, buckets } = await ready();
    buckets.set('team-a/elder', another('elder', {}, { ...elder, status: claimed }));
    expect(await bench.run()).toMatchObject({ result: 'settled', writes: [] });
  });

  it('on a server without marks leave it to the one that remembers it for longer, with proof', async () => {
    const { bench, s3 } = await rivals('2026-05-05T09:59:58.000Z');
    bench.delete();
    expect(await bench.run()).toMatchObject({ result: 'gone' });
    expect(s3.buckets.has('photos')).toBe(true);
  });

  /** A Bucket that has its bucket on a server without marks, and an older one with a memory since then. */
  const rivals = async (ownedSince: string) => {
    const world = await ready({ tags: false, spec: { deletionPolicy: 'Delete' } });
    const rival = another('elder', {}, elder);
    const status = { ...claimed, ownedSince };
    // A claim without proof holds up nothing.
    world.buckets.set('team-a/elder', { ...rival, status });
    expect(await world.bench.run()).toMatchObject({ result: 'settled' });
    const { signal } = new AbortController();
    const sealed = await world.ownership.sealBucket(status, rival, await provided(world), signal);
    world.buckets.set('team-a/elder', { ...rival, status: sealed });
    return world;
  };

  it('are none where the memory of the other is older than the bucket: it was of another one', async () => {
    const { bench, s3 } = await rivals('2026-05-01T00:00:00.000Z');
    expect(await bench.run()).toMatchObject({ result: 'settled' });
    bench.delete();
    expect(await bench.run()).toMatchObject({ result: 'gone' });
    expect(s3.buckets.has('photos')).toBe(false);
  });

  it('end by the word of the owner of the Provider', async () => {
    const { bench, providers, s3 } = await rivals('2026-05-05T09:59:58.000Z');
    expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'AlreadyClaimed' });
    const annotations = { 's3.cloud37.dev/confirm-owner': 'team-a/photos/photos' };
    providers.set('team-a/provider', providerOf(s3.driver, { metadata: { annotations } }));
    expect(await bench.run()).toMatchObject({ result: 'settled' });
  });

  it('are no rivals on different servers, or without a grant', async () => {
    const { bench, buckets, providers } = begin();
    const old = { metadata: { creationTimestamp: '2026-04-01T00:00:00Z' } };
    providers.set('team-a/there', providerOf({ serverIdentity: 'http://there.test' }, { metadata: { name: 'there' } }));
    buckets.set('team-a/elsewhere', another('elsewhere', { providerRef: { name: 'there' } }, old));
    buckets.set(
      'team-b/stranger',
      another(
        'stranger',
        { providerRef: { name: 'provider', namespace: 'team-a' } },
        { metadata: { ...old.metadata, namespace: 'team-b' } },
      ),
    );
    expect(await bench.run()).toMatchObject({ result: 'settled' });
  });
});

describe('a deletion', () => {
  const leaving = async (
    spec: Partial<BucketSpec>,
    prepare: (world: ReturnType<typeof begin>) => void = () => undefined,
  ) => {
    const world = await ready({ spec: { ...declared, ...spec } });
    prepare(world);
    world.bench.delete();
    return world;
  };
  const versions = (count: number, locked = 0) =>
    Array.from({ length: count }, (_, at) => ({
      Key: `k${String(at)}`,
      VersionId: `v${String(at)}`,
      isLocked: at < locked,
    }));
  const fill =
    (count: number, locked = 0) =>
    ({ s3 }: ReturnType<typeof begin>) => {
      const bucket = s3.buckets.get('photos');
      if (bucket !== undefined) bucket.versions = versions(count, locked);
    };

  it('retains the bucket by default, also without its Provider', async () => {
    const { bench, s3, providers } = await leaving({});
    providers.clear();
    expect(await bench.run()).toMatchObject({ result: 'gone', writes: ['kube finalizer'] });
    expect(s3.buckets.has('photos')).toBe(true);
  });

  it('deletes an empty bucket, and waits for one that is not', async () => {
    const { bench, s3 } = await leaving({ deletionPolicy: 'Delete' }, fill(1));
    const report = await bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'BucketNotEmpty', retryAfterMs: 60_000 });
    expect(report.message).toMatch(/forceDelete: true .* or deletionPolicy: Retain/);
    fill(0)({ s3 } as never);
    expect(await bench.run()).toMatchObject({
      result: 'gone',
      events: ['Normal BucketDeleted: Deleted bucket photos.'],
    });
    expect(bench.steps().at(-1)).toBe('remove');
    expect(s3.buckets.size).toBe(0);
  });

  it('with forceDelete empties it in bounded batches, with progress in the status', async () => {
    const { bench, s3 } = await leaving({ deletionPolicy: 'Delete', forceDelete: true }, fill(10_500));
    expect(await bench.pass()).toMatchObject({ result: 'progressing', reason: 'Emptying' });
    expect(bench.object().status?.deletionProgress).toEqual({
      deletedObjects: 10_000,
      abortedUploads: 0,
      lockedObjects: 0,
    });
    expect(await bench.run()).toMatchObject({ result: 'gone' });
    expect(s3.buckets.size).toBe(0);
  });

  it('shows the key of a locked object in one line', async () => {
    const versions = [{ Key: 'a\nb', VersionId: 'v1', isLocked: true }];
    const { bench } = await leaving({ deletionPolicy: 'Delete', forceDelete: true }, ({ s3 }) =>
      s3.make('photos', { versions }),
    );
    expect((await bench.run()).message).toContain('among them a b (');
  });

  it('respects locked objects: it says which, keeps them, and goes on when they are free', async () => {
    const { bench, s3 } = await leaving({ deletionPolicy: 'Delete', forceDelete: true }, fill(3, 2));
    expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'ObjectLocked', retryAfterMs: 300_000 });
    expect(bench.object().status?.deletionProgress).toEqual({ deletedObjects: 1, abortedUploads: 0, lockedObjects: 2 });
    expect(s3.buckets.get('photos')?.versions).toHaveLength(2);
    fill(2)({ s3 } as never);
    expect(await bench.run()).toMatchObject({ result: 'gone' });
  });

  it('says until when a lock holds, and is tried again then if that is soon', async () => {
    const { bench, s3 } = await leaving({ deletionPolicy: 'Delete', forceDelete: true });
    const lock = (until: string) => {
      const bucket = s3.buckets.get('photos');
      const lockedUntil = new Date(until);
      if (bucket !== undefined) bucket.versions = [{ Key: 'k', VersionId: 'v', isLocked: true, lockedUntil }];
    };
    lock('2030-01-01T00:00:00Z');
    const report = await bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'ObjectLocked', retryAfterMs: 300_000 });
    expect(report.message).toMatch(
      /among them k .* until 2030-01-01T00:00:00.000Z in mode GOVERNANCE.* never bypasses/,
    );
    const now = bench.now();
    lock(new Date(now.getTime() + 90_000).toISOString());
    const soon = await bench.run();
    expect(soon.reason).toBe('ObjectLocked');
    expect(soon.retryAfterMs).toBeGreaterThan(0);
    expect(soon.retryAfterMs).toBeLessThanOrEqual(90_000);
  });

  it('that finds nothing but locked objects tells their count in the status', async () => {
    const { bench } = await leaving({ deletionPolicy: 'Delete', forceDelete: true }, fill(2, 2));
    expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'ObjectLocked' });
    expect(bench.object().status?.deletionProgress).toEqual({ deletedObjects: 0, abortedUploads: 0, lockedObjects: 2 });
  });

  it('ends with nothing left whatever befalls any one write', async () => {
    await tryEveryMishap(
      async () => leaving({ deletionPolicy: 'Delete', forceDelete: true }, fill(3)),
      ({ s3, buckets }, trial) => {
        expect(s3.buckets.size, trial).toBe(0);
        expect(buckets.size, trial).toBe(0);
      },
    );
  });

  it('right after a crash between creation and mark still deletes the bucket', async () => {
    const world = begin({ spec: { ...declared, deletionPolicy: 'Delete' } });
    world.writes.arm('killedAfter', 2);
    expect((await world.bench.pass()).result).toBe('killed');
    world.bench.restart();
    world.bench.delete();
    await world.bench.run();
    expect(world.s3.buckets.size).toBe(0);
  });

  const remade = (tags: Map<string, string>) => (world: ReturnType<typeof begin>) => {
    world.bench.advance(3_600_000);
    world.s3.make('photos', { tags, versions: versions(1) });
  };
  const destroys = { deletionPolicy: 'Delete', forceDelete: true } as const;

  it('leaves a bucket that has the mark of somebody else, and says so', async () => {
    const { bench, s3 } = await leaving(destroys, remade(ownTags('u', 'other')));
    expect(await bench.run()).toMatchObject({
      result: 'gone',
      events: ["Warning NotOwned: Bucket photos is not this object's; it stays on the server."],
    });
    expect(s3.buckets.get('photos')?.versions).toHaveLength(1);
  });

  it.each([
    ['was made again by somebody else', new Map<string, string>()],
    ['has the mark of another object of its name', ownTags('uid-of-another')],
  ])('waits before a bucket that %s, until a person lets it go', async (_title, tags) => {
    const { bench, s3 } = await leaving(destroys, remade(tags));
    const report = await bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'OwnershipInDoubt' });
    expect(report.message).toContain('confirm-owner=team-a/photos/photos');
    bench.annotate({ 's3.cloud37.dev/abandon': 'true' });
    expect(await bench.run()).toMatchObject({ result: 'gone' });
    expect(s3.buckets.get('photos')?.versions).toHaveLength(1);
  });

  it('of a bucket in doubt goes on when the owner of the Provider says whose it is', async () => {
    const { bench, s3, providers } = await leaving(destroys, remade(new Map()));
    await bench.run();
    const annotations = { 's3.cloud37.dev/confirm-owner': 'team-a/photos/photos' };
    providers.set('team-a/provider', providerOf(s3.driver, { metadata: { annotations } }));
    expect(await bench.run()).toMatchObject({ result: 'gone' });
    expect(s3.buckets.size).toBe(0);
  });

  it('waits as long as a creation that was not answered may still be under way', async () => {
    const { bench, s3 } = begin({ spec: destroys });
    s3.refuse('CreateBucket', { code: 'InternalError', status: 500 });
    expect(await bench.pass()).toMatchObject({ result: 'transient' });
    bench.delete();
    expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'Converging', retryAfterMs: 30_000 });
    // The server carries it out after all.
    s3.make('photos');
    expect(await bench.run()).toMatchObject({ result: 'gone' });
    expect(s3.buckets.size).toBe(0);
  });

  it('ends when a creation that was not answered can no longer be under way', async () => {
    const { bench, s3 } = begin({ spec: destroys });
    s3.refuse('CreateBucket', { code: 'InternalError', status: 500 });
    await bench.pass();
    bench.delete();
    bench.advance(361_000);
    expect(await bench.run()).toMatchObject({ result: 'gone' });
  });

  it('that somebody else’s finalizer holds up leaves a status that claims no bucket', async () => {
    const { bench, s3, buckets } = await leaving(destroys);
    const object = bench.object();
    buckets.set('team-a/photos', { ...object, metadata: { ...object.metadata, finalizers: ['theirs'] } });
    const report = await bench.pass();
    expect(report.writes).toEqual(['DeleteBucket', 'kube status', 'kube finalizer']);
    expect(s3.buckets.size).toBe(0);
  });

  it('leaves a bucket that was made anew on a server without tags', async () => {
    const { bench, s3 } = await ready({ tags: false, spec: { deletionPolicy: 'Delete', forceDelete: true } });
    bench.advance(3_600_000);
    s3.make('photos', { versions: versions(1) });
    bench.delete();
    await bench.run();
    expect(s3.buckets.get('photos')?.versions).toHaveLength(1);
  });

  it('waits while the Provider leads to another server, and says where the bucket is', async () => {
    const { bench, providers } = await leaving({ deletionPolicy: 'Delete' });
    const status = bench.object().status;
    const there = begin({
      spec: { deletionPolicy: 'Delete' },
      ...(status === undefined ? {} : { status }),
      serverIdentity: 'http://there.test',
    });
    there.bench.delete();
    const report = await there.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'BucketMissing' });
    expect(report.message).toMatch(/is on http:\/\/s3\.test.*leads to http:\/\/there\.test.*s3\.cloud37\.dev\/abandon/);
    expect(providers.size).toBe(1);
  });

  it('waits for a Provider that is gone, says how to let go, and lets go', async () => {
    const { bench, s3, providers } = await leaving({ deletionPolicy: 'Delete' });
    providers.clear();
    const report = await bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'ProviderNotFound' });
    expect(report.message).toContain('annotate the object with s3.cloud37.dev/abandon: "true"');
    bench.annotate({ 's3.cloud37.dev/abandon': 'true' });
    expect(await bench.run()).toMatchObject({
      result: 'gone',
      events: ['Warning BucketAbandoned: Bucket photos stays on the server, as if there were none.'],
    });
    expect(s3.buckets.has('photos')).toBe(true);
  });

  it('of one that never had the bucket touches nothing, whatever the policy', async () => {
    const { bench, s3 } = begin({ spec: { deletionPolicy: 'Delete', forceDelete: true } });
    s3.make('photos', { versions: versions(1) });
    await bench.run();
    bench.delete();
    expect(await bench.run()).toMatchObject({ result: 'gone', writes: ['kube finalizer'] });
    expect(s3.buckets.has('photos')).toBe(true);
  });

  it('that keeps the bucket says whose policy stays with it', async () => {
    const policies = [{ ...onBucket, name: 'team-b/p', hashes: ['x'] }, onBucket];
    const { bench } = await ready({ spec: { deletionPolicy: 'Retain' }, policies });
    bench.delete();
    expect((await bench.run()).events).toEqual([
      'Normal BucketRetained: Bucket photos stays on the server, as deletionPolicy says, with the policy of BucketPolicy team-b/p.',
    ]);
  });

  it.each(['Retain', 'Delete'] as const)('with %s lets a leaving policy go first', async (deletionPolicy) => {
    const world = await ready({
      spec: { deletionPolicy },
      policies: [{ ...onBucket, isAwaited: true }],
    });
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'InUse' });
  });
});

describe('features that need more than their own setting', () => {
  const bound = bindAspect(tagging);
  /** Versioning with something more to it. */
  const with_ = (more: Partial<Aspect<{ enabled: boolean; mfaDelete: boolean }>>): Options => ({
    aspects: [bound, bindAspect({ ...versioning, ...more })],
  });

  it('are not told as changed when the server refused the write, and the others converge', async () => {
    const { bench, s3 } = await ready({ spec: { ...declared, versioning: { enabled: false, mfaDelete: false } } });
    s3.refuse('PutBucketVersioning', { code: 'NotImplemented', status: 501 });
    bench.change({ ...declared, tagging: { tags: { tier: 'one' } } });
    const { events } = await bench.pass();
    expect(events).toEqual(['Normal BucketUpdated: Wrote tagging; the next look shows whether it holds.']);
    expect(await bench.run()).toMatchObject({ result: 'settled' });
    expect(bench.conditions()).toContain('Unsupported=True Unsupported');
    expect(s3.buckets.get('photos')?.tags.get('tier')).toBe('one');
    // A process that has learned nothing tries once, and tells nothing as done either.
    bench.restart();
    expect((await bench.pass()).events).toEqual([]);
    expect(await bench.run()).toMatchObject({ result: 'settled' });
  });

  it('say in the Event what else their write has changed', async () => {
    const write: typeof versioning.write = async (...call) => {
      await versioning.write(...call);
      return { note: 'removed rules of others: theirs' };
    };
    const { bench } = await ready(with_({ write }));
    bench.change({ ...declared, versioning: { enabled: false, mfaDelete: false } });
    expect((await bench.pass()).events).toEqual([
      'Normal BucketUpdated: Wrote versioning (removed rules of others: theirs); the next look shows whether it holds.',
    ]);
    expect(await bench.run()).toMatchObject({ result: 'settled' });
  });

  it('keep no other from converging when one may not be read, and say which it is', async () => {
    const { bench, s3 } = await ready();
    s3.refuse('GetBucketVersioning', { code: 'AccessDenied', status: 403 });
    s3.buckets.get('photos')?.tags.set('team', 'b');
    expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'AccessDenied' });
    expect(s3.buckets.get('photos')?.tags.get('team')).toBe('a');
    const message = bench.object().status?.conditions?.find(({ type }) => type === 'Ready')?.message;
    expect(message).toContain('versioning: GetBucketVersioning');
    s3.refuse('GetBucketVersioning', undefined);
    expect(await bench.run()).toMatchObject({ result: 'settled' });
  });

  it('wait for what they name outside the bucket, while the others converge', async () => {
    const inputs = new Map<string, Input | Fault>([['versioning.mfa', waiting('SecretNotFound', 'No Secret.')]]);
    const refersTo = () => [{ as: 'versioning.mfa', kind: 'Secret', name: 'mfa', keys: ['seed'] }] as const;
    const { bench, s3 } = begin({ ...with_({ refersTo }), inputs });
    expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'SecretNotFound' });
    expect(serverHas(s3.buckets.get('photos'))).toMatchObject({ tags: settledServer.tags, versioning: undefined });
    inputs.set('versioning.mfa', { kind: 'Secret', values: new Map() });
    expect(await bench.run()).toMatchObject({ result: 'settled' });
    expect(serverHas(s3.buckets.get('photos'))).toEqual(settledServer);
  });

  it('are there from the beginning where they ask for that, and keep a bucket from being made that could not have them', async () => {
    const { bench, s3 } = begin(with_({ atCreation: () => ({ ObjectOwnership: 'BucketOwnerEnforced' }) }));
    await bench.run();
    expect(s3.inputs('CreateBucket')).toEqual([{ Bucket: 'photos', ObjectOwnership: 'BucketOwnerEnforced' }]);
    const waitingFor = begin({
      ...with_({
        refersTo: () => [{ as: 'versioning.other', kind: 'Provider', ref: { name: 'other' } }],
        atCreation: () => ({}),
      }),
      inputs: new Map([['versioning.other', waiting('ProviderNotReady', 'Not yet.')]]),
    });
    expect(await waitingFor.bench.run()).toMatchObject({ result: 'waiting', reason: 'ProviderNotReady' });
    expect(waitingFor.s3.buckets.size).toBe(0);
  });

  it('undo what lies outside the bucket before it is removed, and keep it until that is done', async () => {
    const undone: string[] = [];
    let isDenied = true;
    const retire = async (): Promise<void> => {
      if (isDenied) throw waiting('AccessDenied', 'The trail may not be written.');
      undone.push('trail');
      await Promise.resolve();
    };
    const { bench, s3 } = await ready({ ...with_({ retire }), spec: { ...declared, deletionPolicy: 'Delete' } });
    bench.delete();
    expect(await bench.pass()).toMatchObject({ result: 'waiting', reason: 'AccessDenied' });
    expect([s3.buckets.has('photos'), undone]).toEqual([true, []]);
    isDenied = false;
    await bench.run();
    expect([s3.buckets.has('photos'), undone]).toEqual([false, ['trail']]);
  });

  it.each([
    ['undo what stands apart from a bucket that is gone', true, 1],
    ['have nothing to undo at a bucket that is gone', false, 0],
  ])('%s', async (_title, isApart, times) => {
    let undone = 0;
    const retire = () => Promise.resolve(void (undone += 1));
    const { bench, s3 } = await ready({
      ...with_({ retire, isApart }),
      spec: { ...declared, deletionPolicy: 'Delete' },
    });
    s3.buckets.delete('photos');
    bench.delete();
    expect(await bench.run()).toMatchObject({ result: 'gone' });
    expect(undone).toBe(times);
  });
});
