import type { BucketPolicySpec, BucketPolicyStatus, BucketStatus } from '@operator/api';
import type { Bucket } from '@operator/references';
import { createBench, createTestWorld, objectOf, providerOf, tryEveryMishap } from '@operator/references/testing';
import { bucketSpec, createMemoryS3 } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import type { AccessKeyUser, BucketPolicy } from './deps.ts';
import { policyReconciler } from './reconciler.ts';

const document = (action: string, extra: object = {}): BucketPolicySpec['policy'] => ({
  version: '2012-10-17',
  statement: [{ effect: 'Allow', principal: '*', action, resource: 'arn:aws:s3:::${bucket}/*', ...extra }],
});
const iam = (action: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: ['*'] }, Action: [action], Resource: ['arn:aws:s3:::photos/*'] }],
});
const owned: BucketStatus = { bucketName: 'photos', exists: true, endpoint: 'http://s3.test', ownership: 'Created' };

interface Options {
  readonly spec?: Partial<BucketPolicySpec>;
  readonly namespace?: string;
  readonly bucket?: Partial<Bucket['spec']>;
}

/** A Bucket of ours with a BucketPolicy, its server, and the reconciler between them. */
const begin = ({ spec = {}, namespace = 'team-a', bucket = {} }: Options = {}) => {
  const s3 = createMemoryS3({ now: () => new Date(0) });
  s3.make('photos');
  const world = createTestWorld(s3.driver);
  world.buckets.set('team-a/photos', objectOf('Bucket', 'photos', bucketSpec(bucket), { status: owned }));
  const policies = new Map<string, BucketPolicy>();
  const accessKeys = new Map<string, AccessKeyUser>();
  const bench = createBench<BucketPolicySpec, BucketPolicyStatus>({
    writes: world.writes,
    store: policies,
    object: objectOf(
      'BucketPolicy',
      'read',
      { bucketRef: { name: 'photos', namespace: 'team-a' }, policy: document('s3:GetObject'), ...spec },
      { metadata: { namespace } },
    ),
    reconciler: () =>
      policyReconciler({
        references: world.references(),
        bucketAt: world.referredBucket,
        policiesOf: (key) => (key === 'team-a/photos' ? [...policies.values()] : []),
        accessKeyAt: (key) => accessKeys.get(key),
      }),
  });
  return { ...world, s3, bench, policies, accessKeys };
};
type World = ReturnType<typeof begin>;

const ready = async (options: Options = {}): Promise<World> => {
  const world = begin(options);
  await world.bench.run();
  return world;
};
const another = (
  name: string,
  day: number,
  overrides: { namespace?: string; status?: BucketPolicyStatus; leaving?: boolean } = {},
): BucketPolicy =>
  objectOf(
    'BucketPolicy',
    name,
    { bucketRef: { name: 'photos', namespace: 'team-a' }, policy: document('s3:GetObject') },
    {
      metadata: {
        namespace: overrides.namespace ?? 'team-a',
        creationTimestamp: `2026-04-0${String(day)}T00:00:00Z`,
        ...(overrides.leaving === true ? { deletionTimestamp: '2026-05-05T00:00:00Z' } : {}),
      },
      ...(overrides.status === undefined ? {} : { status: overrides.status }),
    },
  );

const atServer = ({ s3 }: World): unknown => {
  const text = s3.buckets.get('photos')?.policy;
  return text === undefined ? undefined : JSON.parse(text);
};
const putByOthers = ({ s3 }: World, action: string) => {
  const bucket = s3.buckets.get('photos');
  if (bucket !== undefined) bucket.policy = JSON.stringify(iam(action));
};

const settledStatus = {
  applied: true,
  appliedHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  bucketName: 'photos',
  region: 'us-east-1',
  providerRef: { namespace: 'team-a', name: 'provider' },
  lastSyncTime: expect.any(String) as string,
  observedGeneration: 1,
};
const expectApplied = (world: World, trial = '', action = 's3:GetObject', observedGeneration = 1) => {
  expect(atServer(world), trial).toEqual(iam(action));
  expect(world.bench.facts(), trial).toEqual({ ...settledStatus, observedGeneration });
  expect(world.bench.conditions(), trial).toEqual(['Ready=True Ready']);
};

describe('a policy', () => {
  it('is put, and Ready only after a look that found it', async () => {
    const world = begin();
    expect(await world.bench.pass()).toEqual({
      result: 'progressing',
      reason: 'Converging',
      message: 'Applied policy; looking again.',
      writes: ['kube status', 'PutBucketPolicy', 'kube status'],
      events: ['Normal PolicyApplied: Applied the policy to bucket photos.'],
    });
    expect(world.bench.steps()).toEqual(['policy']);
    expect(world.bench.facts()).toMatchObject({ applied: false });
    expect(world.bench.conditions()).toEqual(['Ready=False Converging', 'Reconciling=True Converging']);
    expect(await world.bench.pass()).toEqual({ result: 'settled', writes: ['kube status'], events: [] });
    expectApplied(world);
  });

  it('is left in peace once settled', async () => {
    const world = await ready();
    for (let passes = 0; passes < 20; passes += 1) {
      world.bench.advance(600_000);
      expect(await world.bench.pass()).toEqual({ result: 'settled', writes: [], events: [] });
    }
  });

  it('stands exactly once whatever befalls any one write, also where another stood before', async () => {
    const struck = await tryEveryMishap(async () => begin(), expectApplied);
    expect(struck).toBeGreaterThan(10);
    await tryEveryMishap(async () => {
      const world = begin();
      putByOthers(world, 's3:*');
      return world;
    }, expectApplied);
  });

  it('is replaced when it changes, whatever befalls any one write', async () => {
    await tryEveryMishap(
      async () => {
        const world = await ready();
        world.bench.change({ policy: document('s3:PutObject') });
        return world;
      },
      (world, trial) => {
        expectApplied(world, trial, 's3:PutObject', 2);
      },
    );
  });

  it('that somebody changed or removed comes back', async () => {
    const world = await ready();
    putByOthers(world, 's3:*');
    await world.bench.run();
    expectApplied(world);
    const bucket = world.s3.buckets.get('photos');
    if (bucket !== undefined) bucket.policy = undefined;
    await world.bench.run();
    expectApplied(world);
  });

  it('that is not well formed names what is wrong, says that it is not applied, and leaves the former one', async () => {
    const world = await ready();
    world.bench.change({ policy: document('s3:GetObject', { effect: 'Alow' }) });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'terminal', reason: 'PolicyInvalid', writes: ['kube status'] });
    expect(report.message).toContain('statement[0].effect');
    expect(world.bench.facts()).toEqual({ ...settledStatus, applied: false, observedGeneration: 2 });
    expect(world.bench.conditions()).toEqual([
      'Ready=False PolicyInvalid',
      'Stalled=True PolicyInvalid',
      'PolicyInvalid=True PolicyInvalid',
    ]);
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
  });

  it('with a foreign ARN is refused', async () => {
    const world = begin({ spec: { policy: document('s3:GetObject', { resource: 'arn:aws:s3:::others/*' }) } });
    expect(await world.bench.run()).toMatchObject({ result: 'terminal', reason: 'PolicyInvalid' });
    expect(atServer(world)).toBeUndefined();
  });

  it('names the user behind an AccessKey, once there is one', async () => {
    const world = begin({
      spec: { policy: document('s3:GetObject', { principal: { accessKeyRef: { name: 'app' } } }) },
    });
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'AccessKeyNotFound' });
    world.accessKeys.set('team-a/app', objectOf('AccessKey', 'app', { providerRef: { name: 'provider' } }));
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'AccessKeyNotReady' });
    expect(world.bench.conditions()).toContain('ApplyFailed=True AccessKeyNotReady');
    world.accessKeys.set(
      'team-a/app',
      objectOf(
        'AccessKey',
        'app',
        { providerRef: { name: 'provider' } },
        { status: { userArn: 'arn:aws:iam::1:user/app' } },
      ),
    );
    await world.bench.run();
    expect(atServer(world)).toMatchObject({ Statement: [{ Principal: { AWS: ['arn:aws:iam::1:user/app'] } }] });
  });
});

describe('a bucket that is not fit', () => {
  const change =
    (status: BucketStatus, metadata: object = {}) =>
    ({ buckets }: World) =>
      void buckets.set('team-a/photos', objectOf('Bucket', 'photos', bucketSpec({}), { status, metadata }));
  it.each<[string, (world: World) => void, string]>([
    [
      'is absent',
      ({ buckets }) => {
        buckets.clear();
      },
      'BucketNotFound',
    ],
    ['was not made yet', change({}), 'BucketNotReady'],
    ['belongs to somebody else', change({ bucketName: 'photos', exists: true }), 'BucketNotReady'],
    ['is being deleted', change(owned, { deletionTimestamp: '2026-05-05T00:00:00Z' }), 'BucketNotReady'],
    ['was seen on another server', change({ ...owned, endpoint: 'http://old.test' }), 'BucketNotReady'],
  ])('because it %s gets no policy', async (_title, prepare, reason) => {
    const world = begin();
    prepare(world);
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason, writes: ['kube status'] });
    expect(world.bench.conditions()).toContain(`BucketNotReady=True ${reason}`);
    expect(atServer(world)).toBeUndefined();
  });
});

describe('a Bucket that was made anew under its name for another bucket', () => {
  const moved = async (): Promise<World> => {
    const world = await ready();
    world.s3.make('pictures');
    const status = { ...owned, bucketName: 'pictures' };
    world.buckets.set('team-a/photos', objectOf('Bucket', 'photos', bucketSpec({ name: 'pictures' }), { status }));
    return world;
  };

  it('takes the policy along, whatever befalls any one write', async () => {
    await tryEveryMishap(moved, (world, trial) => {
      expect(atServer(world), trial).toBeUndefined();
      expect(world.s3.buckets.get('pictures')?.policy, trial).toContain('arn:aws:s3:::pictures/*');
      expect(world.bench.facts(), trial).toEqual({ ...settledStatus, bucketName: 'pictures' });
    });
  });

  it('takes it from the former bucket also while the new one is not there', async () => {
    const world = await moved();
    world.buckets.set('team-a/photos', objectOf('Bucket', 'photos', bucketSpec({ name: 'pictures' })));
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'BucketNotReady' });
    expect(atServer(world)).toBeUndefined();
    expect(world.bench.facts()).toMatchObject({ applied: false });
    expect(world.bench.facts()).not.toHaveProperty('appliedHash');
  });

  it('leaves what others put on the former bucket', async () => {
    const world = await moved();
    putByOthers(world, 's3:*');
    await world.bench.run();
    expect(atServer(world)).toEqual(iam('s3:*'));
    expect(world.s3.buckets.get('pictures')?.policy).toBeDefined();
  });

  it('on another server waits for the first, and says how to let go', async () => {
    const world = await ready();
    const provider = providerOf(world.s3.driver, { metadata: { name: 'other' } });
    world.providers.clear();
    world.providers.set('team-a/other', provider);
    const spec = bucketSpec({ providerRef: { name: 'other' } });
    world.buckets.set('team-a/photos', objectOf('Bucket', 'photos', spec, { status: owned }));
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'ProviderNotFound' });
    expect(report.message).toContain('s3.cloud37.dev/abandon');
    world.bench.annotate({ 's3.cloud37.dev/abandon': 'true' });
    expect(await world.bench.run()).toMatchObject({ result: 'settled' });
  });
});

it('a policy with what the server lacks is told, and never sent, while the former one stands', async () => {
  const world = await ready();
  Object.assign(world.s3.driver, { unsupported: new Map([['policyNotAction', 'No notAction here.']]) });
  const [statement] = document('s3:GetObject').statement;
  if (statement === undefined) throw new Error('no statement');
  const { action, ...others } = statement;
  world.bench.change({ policy: { version: '2012-10-17', statement: [{ ...others, notAction: action }] } as never });
  const report = await world.bench.run();
  expect(report).toMatchObject({ result: 'terminal', reason: 'Unsupported', writes: ['kube status'] });
  expect(report.message).toBe('statement[0].notAction: No notAction here.');
  expect(world.bench.facts()).toMatchObject({ applied: false });
  expect(world.bench.conditions()).toContain('ApplyFailed=True Unsupported');
  expect(atServer(world)).toEqual(iam('s3:GetObject'));
  world.bench.change({ policy: document('s3:PutObject') });
  await world.bench.run();
  expect(atServer(world)).toEqual(iam('s3:PutObject'));
});

describe('two policies for one bucket', () => {
  it('are settled by age: the loser writes nothing, names the winner, and does not say that it is applied', async () => {
    const world = await ready();
    world.policies.set('team-a/elder', another('elder', 1));
    world.policies.set('team-a/read', {
      ...world.bench.object(),
      metadata: { ...world.bench.object().metadata, creationTimestamp: '2026-05-02T00:00:00Z' },
    });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'PolicyConflict', writes: ['kube status'] });
    expect(report.message).toContain('team-a/elder');
    expect(world.bench.facts()).toMatchObject({ applied: false });
    expect(world.bench.conditions()).toContain('ApplyFailed=True PolicyConflict');
  });

  it('are none where one may not refer to the bucket', async () => {
    const world = begin();
    world.policies.set('team-b/stranger', another('stranger', 1, { namespace: 'team-b' }));
    await world.bench.run();
    expectApplied(world);
  });

  it('wait for one that is leaving until its document is gone', async () => {
    const world = begin();
    world.policies.set(
      'team-a/leaving',
      another('leaving', 9, { namespace: 'team-b', leaving: true, status: { appliedHash: 'x' } }),
    );
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'PolicyConflict' });
    world.policies.delete('team-a/leaving');
    await world.bench.run();
    expectApplied(world);
  });
});

describe('a deletion', () => {
  const leaving = async (options: Options = {}): Promise<World> => {
    const world = await ready(options);
    world.bench.delete();
    return world;
  };

  it('removes what we applied, whatever befalls any one write', async () => {
    await tryEveryMishap(
      () => leaving(),
      (world, trial) => {
        expect(atServer(world), trial).toBeUndefined();
        expect(world.s3.buckets.has('photos'), trial).toBe(true);
        expect(world.policies.size, trial).toBe(0);
      },
    );
  });

  it('after a crash at any write of a first, second or third document leaves none behind', async () => {
    for (let nth = 1; nth <= 9; nth += 1) {
      const world = begin();
      world.writes.arm('killedAfter', nth);
      for (const action of ['s3:GetObject', 's3:PutObject', 's3:DeleteObject']) {
        world.bench.change({ policy: document(action) });
        const report = await world.bench.pass();
        if (report.result === 'killed') world.bench.restart();
      }
      world.bench.delete();
      await world.bench.run();
      expect(atServer(world), `killed after write ${String(nth)}`).toBeUndefined();
    }
  });

  it('after two crashes in a row, each before the next document, still knows what stands', async () => {
    const world = await ready();
    world.bench.change({ policy: document('s3:PutObject') });
    world.writes.arm('killedAfter', 2);
    expect((await world.bench.pass()).result).toBe('killed');
    world.bench.restart();
    world.bench.change({ policy: document('s3:DeleteObject') });
    world.writes.arm('killedAfter', 1);
    expect((await world.bench.pass()).result).toBe('killed');
    world.bench.restart();
    world.bench.delete();
    await world.bench.run();
    expect(atServer(world)).toBeUndefined();
  });

  it('leaves a document that is not ours, and says so', async () => {
    const world = await leaving();
    putByOthers(world, 's3:*');
    expect((await world.bench.run()).events).toEqual([
      'Warning NotOwned: Bucket photos has another policy by now; it is left alone.',
    ]);
    expect(atServer(world)).toEqual(iam('s3:*'));
  });

  it('removes what we applied also when the user that it names went first, and the server has an id in its place', async () => {
    const [open] = document('s3:GetObject').statement;
    const [forApp] = document('s3:PutObject', { principal: { accessKeyRef: { name: 'app' } } }).statement;
    const world = begin({ spec: { policy: { version: '2012-10-17', statement: [open, forApp] } as never } });
    const userArn = 'arn:aws:iam::123456789012:user/app';
    const status = { userArn };
    world.accessKeys.set('team-a/app', objectOf('AccessKey', 'app', { providerRef: { name: 'provider' } }, { status }));
    await world.bench.run();
    const bucket = world.s3.buckets.get('photos');
    if (bucket?.policy === undefined) throw new Error('no policy');
    bucket.policy = bucket.policy.replace(userArn, 'AIDAEXAMPLE1234567890');
    world.accessKeys.clear();
    world.bench.delete();
    await world.bench.run();
    expect(atServer(world)).toBeUndefined();
  });

  it('leaves the same document to another policy that has applied it', async () => {
    const world = await leaving();
    const status = world.bench.object().status;
    world.policies.set('team-a/elder', another('elder', 1, status === undefined ? {} : { status }));
    await world.bench.run();
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
  });

  it('from another namespace uses the Provider as the Bucket may', async () => {
    const world = await leaving({ namespace: 'team-b', bucket: { allowedNamespaces: { names: ['team-b'] } } });
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(atServer(world)).toBeUndefined();
  });

  it('is done when the Bucket object, the bucket or the document went first', async () => {
    const gone = await leaving();
    gone.buckets.clear();
    expect(await gone.bench.run()).toMatchObject({ result: 'gone' });
    expect(atServer(gone)).toBeUndefined();
    const absent = await leaving();
    absent.s3.buckets.clear();
    expect(await absent.bench.run()).toMatchObject({ result: 'gone', writes: ['kube finalizer'] });
  });

  it.each<[string, (world: World) => void, string]>([
    ['is redirected', ({ s3 }) => s3.refuse('HeadBucket', { code: 'Unknown', status: 307 }), 'RegionMismatch'],
    [
      'meets a 404 that does not name the bucket',
      ({ s3 }) => ['HeadBucket', 'ListObjectsV2'].forEach((call) => s3.refuse(call, { code: 'Unknown', status: 404 })),
      'BucketMissing',
    ],
  ])('that %s forgets nothing', async (_title, prepare, reason) => {
    const world = await leaving();
    prepare(world);
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason });
    for (const call of ['HeadBucket', 'ListObjectsV2']) world.s3.refuse(call, undefined);
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(atServer(world)).toBeUndefined();
  });

  it('waits for a Provider that is gone or not ready, says how to let go, and lets go', async () => {
    const world = await leaving();
    world.providers.clear();
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'ProviderNotFound' });
    expect(report.message).toContain('s3.cloud37.dev/abandon');
    world.providers.set('team-a/provider', { ...providerOf(world.s3.driver), status: { connected: false } });
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'ProviderNotReady' });
    world.bench.annotate({ 's3.cloud37.dev/abandon': 'true' });
    expect(await world.bench.run()).toMatchObject({
      result: 'gone',
      writes: ['kube finalizer'],
      events: ['Warning PolicyAbandoned: The policy of bucket photos stays as it is on the server.'],
    });
  });

  it('of one that was never applied touches nothing', async () => {
    const world = begin({ spec: { policy: document('s3:GetObject', { effect: 'Alow' }) } });
    putByOthers(world, 's3:*');
    await world.bench.run();
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone', writes: ['kube finalizer'] });
    expect(atServer(world)).toEqual(iam('s3:*'));
  });
});
