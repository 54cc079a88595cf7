import { annotations, finalizerName } from '@operator/api';
import type { BucketPolicySpec, BucketPolicyStatus, BucketStatus, PolicyStatement } from '@operator/api';
import type { Bucket } from '@operator/references';
import {
  createBench,
  createTestWorld,
  objectOf,
  ownerTags,
  providerOf,
  tryEveryMishap,
} from '@operator/references/testing';
import type { Pass } from '@operator/runtime';
import { bucketSpec, createMemoryS3 } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import type { PrincipalKey, BucketPolicy } from './deps.ts';
import { policyReconciler } from './reconciler.ts';
import { trimRival } from './rivals.ts';
import { createWriteMemory } from './write-memory.ts';

const document = (action: string, extra: object = {}): BucketPolicySpec['policy'] => ({
  version: '2012-10-17',
  statement: [{ effect: 'Allow', principal: '*', action, resource: 'arn:aws:s3:::${bucket}/*', ...extra }],
});
const iam = (action: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: ['*'] }, Action: [action], Resource: ['arn:aws:s3:::photos/*'] }],
});
const owned: BucketStatus = { bucketName: 'photos', exists: true, endpoint: 'http://s3.test', ownership: 'Created' };

/** A Bucket with it lets the public in. */
const publicAccess = {
  blockPublicAcls: false,
  blockPublicPolicy: false,
  ignorePublicAcls: false,
  restrictPublicBuckets: false,
};

/** The owner tags of a Bucket of this namespace and name. */
const ownTags = (name = 'photos', namespace = 'team-a', bucketName = 'photos') =>
  ownerTags({ namespace, name }, { bucketName });
const signal = new AbortController().signal;

interface Options {
  readonly spec?: Partial<BucketPolicySpec>;
  readonly namespace?: string;
  readonly bucket?: Partial<Bucket['spec']>;
  /** True when the Bucket does not declare publicAccess. */
  readonly isSilent?: boolean;
}

/** A Bucket of ours with a BucketPolicy, its server, and the reconciler between them. */
const begin = ({ spec = {}, namespace = 'team-a', bucket = {}, isSilent = false }: Options = {}) => {
  const s3 = createMemoryS3({ now: () => new Date(0) });
  s3.make('photos', { tags: ownTags() });
  const world = createTestWorld(s3.driver);
  world.buckets.set(
    'team-a/photos',
    objectOf('Bucket', 'photos', bucketSpec({ ...(isSilent ? {} : { publicAccess }), ...bucket }), { status: owned }),
  );
  const policies = new Map<string, BucketPolicy>();
  /** What the caches do not show yet. */
  const unseen: BucketPolicy[] = [];
  const woken: string[] = [];
  const accessKeys = new Map<string, PrincipalKey>();
  const reconciler = () =>
    policyReconciler({
      references: world.references(),
      ownership: world.ownership,
      bucketAt: world.referredBucket,
      policiesOf: (key) => (key === 'team-a/photos' ? [...policies.values()].map(trimRival) : []),
      policiesAt: (name) => [...policies.values()].map(trimRival).filter(({ status }) => status?.bucketName === name),
      livePolicies: () => Promise.resolve([...policies.values(), ...unseen]),
      lookAgain: (key) => void woken.push(key),
      accessKeyAt: (key) => accessKeys.get(key),
      labelsOf: () => Promise.resolve({}),
      writes: createWriteMemory(),
    });
  const bench = createBench<BucketPolicySpec, BucketPolicyStatus>({
    writes: world.writes,
    store: policies,
    live: (_resource, key) => (world.live.buckets.has(key) ? world.live.buckets : world.buckets).get(key),
    object: objectOf(
      'BucketPolicy',
      'read',
      { bucketRef: { name: 'photos', namespace: 'team-a' }, policy: document('s3:GetObject'), ...spec },
      { metadata: { namespace } },
    ),
    reconciler,
  });
  const recorded: BucketPolicyStatus[] = [];
  /** What a pass over the paused object does. */
  const whilePaused = async (): Promise<void> => {
    const pass = {
      signal,
      now: new Date(0),
      step: (_name: string, run: () => unknown) => run(),
      event: () => undefined,
      call: (_call: unknown, run: () => unknown) => run(),
      record: async (status: BucketPolicyStatus) => void recorded.push(status),
    } as unknown as Pass<BucketPolicyStatus>;
    await reconciler().whilePaused?.(bench.object(), pass);
  };
  return { ...world, s3, bench, policies, unseen, woken, accessKeys, whilePaused, recorded };
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
  overrides: {
    namespace?: string;
    status?: BucketPolicyStatus;
    leaving?: boolean;
    paused?: boolean;
    finalizers?: readonly string[];
  } = {},
): BucketPolicy =>
  objectOf(
    'BucketPolicy',
    name,
    { bucketRef: { name: 'photos', namespace: 'team-a' }, policy: document('s3:GetObject') },
    {
      metadata: {
        namespace: overrides.namespace ?? 'team-a',
        creationTimestamp: `2026-04-0${String(day)}T00:00:00Z`,
        finalizers: overrides.finalizers ?? [finalizerName],
        ...(overrides.paused === true ? { annotations: { [annotations.paused]: 'true' } } : {}),
        ...(overrides.leaving === true ? { deletionTimestamp: '2026-05-05T00:00:00Z' } : {}),
      },
      ...(overrides.status === undefined ? {} : { status: overrides.status }),
    },
  );

/** What another BucketPolicy remembers of the bucket, with its proof. */
const remembered = (world: World, name: string, status: BucketPolicyStatus): Promise<BucketPolicyStatus> =>
  world.ownership.sealPolicy(
    { bucketName: 'photos', region: 'us-east-1', providerRef: { namespace: 'team-a', name: 'provider' }, ...status },
    objectOf('BucketPolicy', name, { bucketRef: { name: 'photos', namespace: 'team-a' } }),
    signal,
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
  proof: expect.stringMatching(/^v1\./) as string,
  lastSyncTime: expect.any(String) as string,
  observedGeneration: 1,
};
const expectApplied = (world: World, trial = '', action = 's3:GetObject', observedGeneration = 1) => {
  expect(atServer(world), trial).toEqual(iam(action));
  expect(world.bench.facts(), trial).toEqual({ ...settledStatus, observedGeneration });
  expect(world.bench.conditions(), trial).toEqual(['Ready=True Ready']);
};

describe('a public policy where the server has no public access block', () => {
  const closed = { publicAccess: { ...publicAccess, blockPublicPolicy: true } };
  const asked = { StringEquals: { 'aws:PrincipalAccount': '123456789012' } };

  it('is refused on a bucket that the operator created, until the Bucket lets it in', async () => {
    const world = begin({ isSilent: true });
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'PublicPolicyBlocked' });
    expect(atServer(world)).toBeUndefined();
    expect(world.bench.facts()).toMatchObject({ applied: false });
    expect(world.bench.conditions()).toEqual(
      expect.arrayContaining(['Ready=False PublicPolicyBlocked', 'ApplyFailed=True PublicPolicyBlocked']),
    );
    const message = world.bench.object().status?.conditions?.find(({ type }) => type === 'Ready')?.message;
    expect(message).toMatch(
      /Bucket team-a\/photos keeps public policies off, as it does by default .* set publicAccess\.blockPublicPolicy/,
    );
    expect(message).not.toMatch(/stays on the bucket/);
    world.buckets.set('team-a/photos', objectOf('Bucket', 'photos', bucketSpec({ publicAccess }), { status: owned }));
    await world.bench.run();
    expectApplied(world);
  });

  it.each([
    ['blockPublicPolicy', closed],
    ['restrictPublicBuckets', { publicAccess: { ...publicAccess, restrictPublicBuckets: true } }],
  ])('is refused where the Bucket declares %s, and what stands there stays and is told', async (_flag, declared) => {
    const world = await ready();
    world.buckets.set('team-a/photos', objectOf('Bucket', 'photos', bucketSpec(declared), { status: owned }));
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'PublicPolicyBlocked' });
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
    const message = world.bench.object().status?.conditions?.find(({ type }) => type === 'Ready')?.message;
    expect(message).toMatch(/The policy that was applied before stays on the bucket until then\.$/);
  });

  it('is put on an adopted bucket whose Bucket declares nothing, and on one that lets it in', async () => {
    const world = begin();
    const status = { ...owned, ownership: 'Adopted' as const };
    world.buckets.set('team-a/photos', objectOf('Bucket', 'photos', bucketSpec(), { status }));
    expect(await world.bench.run()).toMatchObject({ result: 'settled' });
  });

  it('is none where a condition or its principal keeps the public out', async () => {
    const held = document('s3:GetObject', { condition: asked });
    expect(await begin({ bucket: closed, spec: { policy: held } }).bench.run()).toMatchObject({ result: 'settled' });
    const named = document('s3:GetObject', { principal: { AWS: 'arn:aws:iam::123456789012:user/app' } });
    expect(await begin({ bucket: closed, spec: { policy: named } }).bench.run()).toMatchObject({ result: 'settled' });
  });
});

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

  it('that the server refuses for an action of the wrong level names the statement and what was meant', async () => {
    const world = begin({ spec: { policy: document('s3:ListBucket') } });
    world.s3.refuse('PutBucketPolicy', { code: 'MalformedPolicy', status: 400 });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'terminal', reason: 'PolicyInvalid' });
    expect(report.message).toMatch(
      /^statement\[0\]\.action: s3:ListBucket acts on the bucket itself: use arn:aws:s3:::\$\{bucket\} as resource\. .*MalformedPolicy/,
    );
  });

  it.each([
    [
      'that lets the world write',
      's3:*',
      'statement[0] lets everybody write or delete: s3:*. Name in principal who may, or add a condition, unless the whole world is meant.',
    ],
    [
      'that matches nothing, where the server takes it',
      's3:ListBucket',
      'Without effect: statement[0].action: s3:ListBucket acts on the bucket itself: use arn:aws:s3:::${bucket} as resource.',
    ],
    ['that anybody may read by', 's3:GetObject', undefined],
    ['in other case, where the server takes it', 's3:getobject', undefined],
  ])('%s is Ready, and warns: %s', async (_title, action, warning) => {
    const world = await ready({ spec: { policy: document(action) } });
    const [condition] = world.bench.object().status?.conditions ?? [];
    expect(condition).toMatchObject({ type: 'Ready', status: 'True' });
    expect(condition?.message).toBe(`Everything is as declared.${warning === undefined ? '' : ` Warning: ${warning}`}`);
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
      void buckets.set(
        'team-a/photos',
        objectOf('Bucket', 'photos', bucketSpec({ publicAccess }), { status, metadata }),
      );
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

/** The owner of the Bucket confirms a withdrawn grant. */
const confirm = ({ buckets }: World, namespaces: string, spec: Partial<Bucket['spec']> = {}) => {
  const annotations = { 's3.cloud37.dev/confirm-withdrawal': namespaces };
  buckets.set(
    'team-a/photos',
    objectOf('Bucket', 'photos', bucketSpec({ publicAccess, ...spec }), { status: owned, metadata: { annotations } }),
  );
};

describe('a bucket whose owner tags do not name the Bucket', () => {
  it.each<[string, (world: World) => void, string]>([
    ['name another', ({ s3 }) => void s3.make('photos', { tags: ownTags('other') }), 'AlreadyClaimed'],
    ['name an earlier object of this name', (world) => retag(world, { uid: 'uid-earlier' }), 'OwnershipInDoubt'],
    ['are missing', ({ s3 }) => void s3.make('photos'), 'OwnershipInDoubt'],
    [
      'may not be read',
      ({ s3 }) => s3.refuse('GetBucketTagging', { code: 'AccessDenied', status: 403 }),
      'OwnershipInDoubt',
    ],
  ])('gets no policy, and keeps the one that it has, when they %s', async (_title, prepare, reason) => {
    const world = await ready();
    const status = world.bench.facts();
    prepare(world);
    putByOthers(world, 's3:*');
    world.bench.change({ policy: document('s3:PutObject') });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason, writes: ['kube status'] });
    expect(world.bench.conditions()).toContain(`BucketNotReady=True ${reason}`);
    expect(world.bench.facts()).toEqual(status);
    expect(atServer(world)).toEqual(iam('s3:*'));
  });

  it('tells a policy of another namespace the reason alone', async () => {
    const world = await ready({ namespace: 'team-b', bucket: { allowedNamespaces: { names: ['team-b'] } } });
    world.s3.make('photos', { tags: ownTags('other') });
    const { reason, message } = await world.bench.run();
    expect(reason).toBe('AlreadyClaimed');
    expect(message).toBe('Bucket team-a/photos cannot be used now: AlreadyClaimed; its own conditions say why.');
  });

  it('puts no policy where the owner tags are not signed, and leaves the one that is there', async () => {
    const unsigned = { tags: ownerTags({ name: 'photos' }, { isSigned: false }) };
    const fresh = begin();
    fresh.s3.make('photos', unsigned);
    expect(await fresh.bench.run()).toMatchObject({ result: 'waiting', reason: 'OwnershipInDoubt' });
    expect(atServer(fresh)).toBeUndefined();

    const world = await ready();
    world.s3.make('photos', { ...unsigned, policy: world.s3.buckets.get('photos')?.policy });
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'OwnershipInDoubt' });
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
  });

  it('keeps the policy in a deletion: in doubt it waits, and somebody else has their own', async () => {
    const world = await ready();
    const policy = world.s3.buckets.get('photos')?.policy;
    world.s3.make('photos', { policy });
    world.bench.delete();
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'OwnershipInDoubt' });
    expect(report.message).toContain('s3.cloud37.dev/abandon');
    world.s3.make('photos', { policy, tags: ownTags('other') });
    expect(await world.bench.run()).toMatchObject({
      result: 'gone',
      events: ['Warning NotOwned: Bucket photos belongs to somebody else by now; its policy is left alone.'],
    });
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
  });

  const retag = ({ s3 }: World, change: { uid: string }) => {
    s3.make('photos', { tags: ownerTags({ name: 'photos', ...change }) });
  };
});

describe('a status that somebody else wrote', () => {
  const victim = { bucketName: 'victim', region: 'us-east-1', providerRef: { namespace: 'team-a', name: 'provider' } };
  const forged = async (status: BucketPolicyStatus): Promise<World> => {
    const world = begin();
    world.s3.make('victim', { policy: JSON.stringify(iam('s3:GetObject')) });
    const object = world.bench.object();
    world.policies.set('team-a/read', { ...object, status });
    return world;
  };
  const hash = async (): Promise<string> => (await ready()).bench.object().status?.appliedHash ?? '';
  const victimPolicy = ({ s3 }: World) => s3.buckets.get('victim')?.policy;

  it('leads to no other bucket', async () => {
    for (const proof of [undefined, 'v1.made-up']) {
      const status = { ...victim, applied: true, appliedHash: await hash(), ...(proof === undefined ? {} : { proof }) };
      const kept = await forged(status);
      await kept.bench.run();
      expectApplied(kept);
      const leaving = await forged(status);
      leaving.bench.delete();
      expect(await leaving.bench.run()).toMatchObject({
        result: 'gone',
        writes: ['kube finalizer'],
        events: [
          'Warning NotOwned: The policy of bucket victim is left alone: nothing proves that this object put it there.',
        ],
      });
      for (const world of [kept, leaving]) expect(victimPolicy(world)).toBe(JSON.stringify(iam('s3:GetObject')));
    }
  });

  it('does not keep its object waiting for a Provider that never was', async () => {
    const world = await forged({ ...victim, providerRef: { namespace: 'team-a', name: 'none' }, appliedHash: 'x' });
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
  });

  it('counts as little when it was proved for another object, such as the one before it', async () => {
    const former = await ready();
    const world = await ready();
    const { metadata, status } = former.bench.object();
    world.policies.set('team-a/read', {
      ...world.bench.object(),
      metadata: { ...metadata, uid: 'uid-of-the-next' },
      ...(status === undefined ? {} : { status }),
    });
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
  });
});

describe('a grant that was taken back', () => {
  const borrower = (bucket: Partial<Bucket['spec']> = { allowedNamespaces: { names: ['team-b'] } }) =>
    ready({ namespace: 'team-b', bucket });
  const withdraw = (world: World) =>
    void world.buckets.set(
      'team-a/photos',
      objectOf('Bucket', 'photos', bucketSpec({ publicAccess }), { status: owned }),
    );

  it('leaves the policy as it is, takes no new one, and says so', async () => {
    const world = await borrower();
    const facts = world.bench.facts();
    withdraw(world);
    world.bench.change({ policy: document('s3:*') });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'ReferenceNotGranted', writes: ['kube status'] });
    expect(report.message).toContain('applied to bucket photos stays as it is until the owner of the Bucket confirms');
    expect(world.bench.facts()).toEqual(facts);
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
  });

  it('by the Provider of the Bucket leaves the policy as it is too, and says so', async () => {
    const world = begin({ bucket: { providerRef: { name: 'provider', namespace: 'platform' } } });
    const lend = (names: readonly string[]) => {
      const provider = providerOf(world.s3.driver, { metadata: { namespace: 'platform' } });
      world.providers.set('platform/provider', {
        ...provider,
        spec: { ...provider.spec, allowedNamespaces: { names: [...names] } },
        status: { ...provider.status, credentialsVersion: '2' },
      });
    };
    const data = { 'access-key': 'ADMIN', 'secret-key': 'admin-secret' };
    world.kube.put('secrets', { metadata: { name: 'admin', namespace: 'platform' }, data });
    world.s3.make('photos', { tags: ownerTags({ name: 'photos' }, { lender: 'platform' }) });
    lend(['team-a']);
    expect(await world.bench.run()).toMatchObject({ result: 'settled' });
    lend([]);
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'ReferenceNotGranted' });
    expect(report.message).toContain('Meanwhile the policy that was applied to bucket photos stays as it is.');
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
  });

  it('takes the policy from the bucket once the owner has confirmed, whatever befalls any one write', async () => {
    await tryEveryMishap(
      async () => {
        const world = await borrower();
        confirm(world, 'team-x, team-b');
        return world;
      },
      (world, trial) => {
        expect(atServer(world), trial).toBeUndefined();
        expect(world.bench.facts(), trial).toEqual({ applied: false, observedGeneration: 1 });
        expect(world.bench.conditions(), trial).toContain('BucketNotReady=True ReferenceNotGranted');
      },
    );
  });

  it('is told, and nothing more is written, after that', async () => {
    const world = await borrower();
    confirm(world, 'team-b');
    const report = await world.bench.run();
    expect(report.events).toEqual(['Normal PolicyRemoved: Removed the policy from bucket photos.']);
    expect(report.message).toBe(
      'The grant of Bucket team-a/photos was withdrawn for namespace team-b, and its owner has confirmed it: no policy of this object ' +
        'is on the bucket any more.',
    );
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'ReferenceNotGranted', writes: [] });
    confirm(world, 'team-b', { allowedNamespaces: { names: ['team-b'] } });
    await world.bench.run();
    expectApplied(world);
  });

  it('does so on the word of the live Bucket, not of the cache', async () => {
    const world = await borrower();
    confirm(world, 'team-b');
    const granted = bucketSpec({ publicAccess, allowedNamespaces: { names: ['team-b'] } });
    world.live.buckets.set('team-a/photos', objectOf('Bucket', 'photos', granted, { status: owned }));
    await world.bench.run();
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
  });

  it('does so on the word of who lends the Provider to the Bucket, too', async () => {
    const world = await ready();
    const annotations = { 's3.cloud37.dev/confirm-withdrawal': 'team-a' };
    const ref = { name: 'provider', namespace: 'platform' };
    const bucket = (change: object) =>
      world.buckets.set(
        'team-a/photos',
        objectOf('Bucket', 'photos', bucketSpec({ publicAccess, ...change }), { status: owned }),
      );
    world.providers.set(
      'platform/provider',
      providerOf(world.s3.driver, { metadata: { namespace: 'platform', annotations } }),
    );
    bucket({ providerRef: ref });
    const policy = world.s3.buckets.get('photos')?.policy;
    world.s3.make('photos', { policy, tags: ownerTags({ name: 'photos' }, { lender: 'platform' }) });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'ReferenceNotGranted' });
    expect(atServer(world)).toBeUndefined();
  });

  it('takes it also while the policy is paused, and does nothing else then', async () => {
    const world = await borrower();
    await world.whilePaused();
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
    confirm(world, 'team-b');
    await world.whilePaused();
    expect(atServer(world)).toBeUndefined();
    expect(world.recorded).toEqual([{ applied: false }]);
  });

  it('cannot be evaded by letting the policy go', async () => {
    const world = await borrower();
    confirm(world, 'team-b');
    world.bench.annotate({ 's3.cloud37.dev/abandon': 'true' });
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(atServer(world)).toBeUndefined();
  });

  it('leaves what others have put there since', async () => {
    const world = await borrower();
    confirm(world, 'team-b');
    putByOthers(world, 's3:*');
    await world.bench.run();
    expect(atServer(world)).toEqual(iam('s3:*'));
  });

  /** The borrower writes this into its status, in place of what the operator wrote. */
  const rewrite = (world: World, status: BucketPolicyStatus) => {
    const object = world.bench.object();
    world.policies.set('team-b/read', {
      ...object,
      status: { ...status, conditions: object.status?.conditions ?? [] },
    });
  };
  const withoutProof = ({ bench }: World): BucketPolicyStatus => {
    const { proof, ...rest } = bench.object().status ?? {};
    expect(proof).toBeDefined();
    return rest;
  };

  it.each<[string, (world: World) => BucketPolicyStatus]>([
    ['was wiped', () => ({})],
    ['lost its proof', withoutProof],
  ])('takes the document of the spec from the bucket though the status %s, paused or not', async (_title, status) => {
    for (const isPaused of [false, true]) {
      const world = await borrower();
      rewrite(world, status(world));
      confirm(world, 'team-b');
      if (isPaused) await world.whilePaused();
      else expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'ReferenceNotGranted' });
      expect(atServer(world)).toBeUndefined();
    }
  });

  it('does so also in a deletion, and with an older status that the operator once wrote', async () => {
    const world = await borrower();
    const older = world.bench.object().status ?? {};
    world.bench.change({ policy: document('s3:PutObject') });
    await world.bench.run();
    expect(atServer(world)).toEqual(iam('s3:PutObject'));
    rewrite(world, older);
    confirm(world, 'team-b');
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(atServer(world)).toBeUndefined();
  });

  it('never says that a document is gone of which nothing proves whose it is, and leaves it', async () => {
    const world = await borrower();
    rewrite(world, {});
    world.bench.change({ policy: document('s3:PutObject') });
    confirm(world, 'team-b');
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'OwnershipInDoubt' });
    expect(report.message).toContain('Bucket team-a/photos still has a policy, and nothing proves whose it is');
    expect(report.message).toContain('The owner of the Bucket can remove it');
    expect(world.bench.conditions()).toContain('BucketNotReady=True OwnershipInDoubt');
    await expect(world.whilePaused()).rejects.toMatchObject({ reason: 'OwnershipInDoubt' });
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({
      result: 'gone',
      events: [expect.stringContaining('Warning OwnershipInDoubt: Bucket team-a/photos still has a policy')],
    });
  });

  it('never says so where the server cannot be asked', async () => {
    const world = await borrower();
    rewrite(world, {});
    confirm(world, 'team-b');
    world.s3.refuse('HeadBucket', { code: 'AccessDenied', status: 403 });
    world.s3.refuse('ListObjectsV2', { code: 'AccessDenied', status: 403 });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'AccessDenied' });
    expect(report.message).toContain('Whether the policy is gone from the bucket is not known');
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
  });

  it.each<[string, (world: World, status: BucketPolicyStatus) => void]>([
    ['whose status proves it', (world, status) => world.policies.set('team-a/own', another('own', 9, { status }))],
    [
      'whose status proves it, though no cache shows it',
      (world, status) => world.unseen.push(another('own', 9, { status })),
    ],
    [
      'whose spec says the same, though its status is lost',
      (world) => world.policies.set('team-a/own', another('own', 9)),
    ],
  ])('leaves it to a BucketPolicy of the owner %s', async (_title, put) => {
    const world = await borrower();
    const { applied, appliedHash } = world.bench.object().status ?? {};
    put(world, await remembered(world, 'own', { applied: applied === true, appliedHash: appliedHash ?? '' }));
    rewrite(world, {});
    confirm(world, 'team-b');
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'ReferenceNotGranted' });
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
  });

  it('takes it though another one, whose grant is withdrawn too or which leaves, has the same document', async () => {
    for (const change of [{ namespace: 'team-c' }, { leaving: true }]) {
      const world = await borrower();
      const { appliedHash } = world.bench.object().status ?? {};
      const status = await remembered(world, 'same', { applied: true, appliedHash: appliedHash ?? '' });
      world.policies.set('team-c/same', another('same', 9, { status, ...change }));
      confirm(world, 'team-b, team-c');
      await world.bench.run();
      expect(atServer(world)).toBeUndefined();
    }
  });
});

describe('a status of the same object that was put back', () => {
  it('counts for no other Bucket than that it was about', async () => {
    const world = await ready();
    const { status } = world.bench.object();
    const moved = { ...world.bench.object(), spec: { ...world.bench.object().spec, bucketRef: { name: 'other' } } };
    world.policies.set('team-a/read', { ...moved, ...(status === undefined ? {} : { status }) });
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
  });
});

describe('a server that keeps a document in another form', () => {
  const canonical = 'a'.repeat(64);
  const userArn = 'arn:aws:iam::123456789012:root';
  /** Rewrites what is put, as AWS does with a canonical user. */
  const rewriting = (
    rewrite: (policy: string) => string,
    principal: PolicyStatement['principal'] = { CanonicalUser: canonical },
  ): World => {
    const world = begin({ spec: { policy: document('s3:GetObject', { principal }) } });
    let stored: string | undefined;
    const bucket = world.s3.buckets.get('photos');
    if (bucket === undefined) throw new Error('no bucket');
    Object.defineProperty(bucket, 'policy', {
      get: () => stored,
      set: (policy: string | undefined) => {
        stored = policy === undefined ? undefined : rewrite(policy);
      },
    });
    return world;
  };
  const byArn = (policy: string) => policy.replace(`"CanonicalUser":["${canonical}"]`, `"AWS":"${userArn}"`);
  const puts = ({ writes }: World) => writes.done.filter((name) => name === 'PutBucketPolicy').length;

  it('is written to once, and left in peace, also by the next process', async () => {
    const world = rewriting(byArn);
    expect(await world.bench.run()).toMatchObject({ result: 'settled' });
    expect(atServer(world)).toMatchObject({ Statement: [{ Principal: { AWS: userArn } }] });
    world.bench.restart();
    for (let passes = 0; passes < 5; passes += 1) {
      world.bench.advance(600_000);
      expect(await world.bench.pass()).toEqual({ result: 'settled', writes: [], events: [] });
    }
    expect(puts(world)).toBe(1);
  });

  const user = (name: string) => `arn:aws:iam::123456789012:user/${name}`;
  it.each([
    ['another name each time', (policy: string, put: number) => policy.replace('alice', `mallory-${String(put % 2)}`)],
    ['the same name', (policy: string) => policy.replace('alice', 'mallory')],
    ['one name more', (policy: string) => policy.replace(user('alice'), `${user('alice')}","${user('mallory')}`)],
    ['one right more', (policy: string) => policy.replace('"s3:GetObject"', '"s3:GetObject","s3:PutObject"')],
  ])('is not taken for what somebody puts there at once after each write: %s', async (_title, change) => {
    let put = 0;
    const world = rewriting((policy) => change(policy, (put += 1)), { AWS: user('alice') });
    for (let passes = 0; passes < 6; passes += 1) {
      await world.bench.pass();
      world.bench.advance(1_000);
      expect(world.bench.facts()).toMatchObject({ applied: false });
    }
    expect(puts(world)).toBe(put);
    expect(put).toBeGreaterThan(2);
  });

  it('gets the document again when somebody changed it, or the spec did', async () => {
    const world = rewriting(byArn);
    await world.bench.run();
    putByOthers(world, 's3:*');
    await world.bench.run();
    expect(atServer(world)).toMatchObject({ Statement: [{ Principal: { AWS: userArn } }] });
    world.bench.change({ policy: document('s3:PutObject', { principal: { CanonicalUser: canonical } }) });
    await world.bench.run();
    expect(atServer(world)).toMatchObject({ Statement: [{ Action: ['s3:PutObject'] }] });
    expect(puts(world)).toBe(3);
  });

  it('loses it in a deletion', async () => {
    const world = rewriting(byArn);
    await world.bench.run();
    world.bench.delete();
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(atServer(world)).toBeUndefined();
  });
});

describe('a policy that would lock the operator out', () => {
  const everything = document('s3:*', {
    effect: 'Deny',
    resource: ['arn:aws:s3:::${bucket}', 'arn:aws:s3:::${bucket}/*'],
  });

  it('is not sent, names the statement and the annotation, and is sent with that', async () => {
    const world = await ready();
    world.bench.change({ policy: everything });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'terminal', reason: 'PolicyInvalid', writes: ['kube status'] });
    expect(report.message).toContain('statement[0] denies s3:GetBucketTagging');
    expect(world.bench.facts()).toMatchObject({ applied: false, observedGeneration: 2 });
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
    world.bench.annotate({ 's3.cloud37.dev/allow-lockout': 'true' });
    expect(await world.bench.run()).toMatchObject({ result: 'settled' });
    expect(atServer(world)).toMatchObject({ Statement: [{ Effect: 'Deny' }] });
  });

  it('is sent to a server that asks a policy about anonymous requests alone', async () => {
    const world = begin({ spec: { policy: everything } });
    Object.assign(world.s3.driver, { unsupported: new Map([['policyPrincipals', 'Anonymous requests only.']]) });
    await world.bench.run();
    expect(atServer(world)).toMatchObject({ Statement: [{ Effect: 'Deny' }] });
  });
});

describe('a Bucket that was made anew under its name for another bucket', () => {
  const moved = async (): Promise<World> => {
    const world = await ready();
    world.s3.make('pictures', { tags: ownTags('photos', 'team-a', 'pictures') });
    const status = { ...owned, bucketName: 'pictures' };
    world.buckets.set(
      'team-a/photos',
      objectOf('Bucket', 'photos', bucketSpec({ publicAccess, name: 'pictures' }), { status }),
    );
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
    world.buckets.set('team-a/photos', objectOf('Bucket', 'photos', bucketSpec({ publicAccess, name: 'pictures' })));
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'BucketNotReady' });
    expect(atServer(world)).toBeUndefined();
    expect(world.bench.facts()).toMatchObject({ applied: false });
    expect(world.bench.facts()).not.toHaveProperty('appliedHash');
  });

  it('by the cache alone takes nothing from the bucket that it was made for', async () => {
    const world = await ready();
    world.s3.make('pictures', { tags: ownTags('photos', 'team-a', 'pictures') });
    const former = world.buckets.get('team-a/photos');
    const status = { ...owned, bucketName: 'pictures' };
    world.buckets.set(
      'team-a/photos',
      objectOf('Bucket', 'photos', bucketSpec({ publicAccess, name: 'pictures' }), { status }),
    );
    world.live.buckets.set('team-a/photos', former);
    const facts = world.bench.facts();
    expect(await world.bench.pass()).toMatchObject({
      result: 'waiting',
      reason: 'BucketNotReady',
      retryAfterMs: 1_000,
    });
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
    expect(world.bench.facts()).toEqual(facts);
    world.live.buckets.set('team-a/photos', undefined);
    expect(await world.bench.pass()).toMatchObject({ result: 'waiting', reason: 'BucketNotFound' });
    expect(world.s3.buckets.get('pictures')?.policy).toBeUndefined();
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
    const spec = bucketSpec({ publicAccess, providerRef: { name: 'other' } });
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

  it('name the winner to its own namespace and to that of the Bucket, and to nobody else', async () => {
    const allowedNamespaces = { names: ['team-b', 'team-c'] };
    for (const [namespace, told] of [
      ['team-a', 'BucketPolicy team-b/elder'],
      ['team-b', 'BucketPolicy team-b/elder'],
      ['team-c', 'a BucketPolicy of another namespace'],
    ] as const) {
      const world = begin({ namespace, bucket: { allowedNamespaces } });
      world.policies.set('team-b/elder', another('elder', 1, { namespace: 'team-b' }));
      const report = await world.bench.run();
      expect(report).toMatchObject({ result: 'waiting', reason: 'PolicyConflict' });
      expect(report.message).toContain(`Bucket team-a/photos has its policy from ${told}; a bucket can have one.`);
    }
  });

  it('are none where one may not refer to the bucket', async () => {
    const world = begin();
    world.policies.set('team-b/stranger', another('stranger', 1, { namespace: 'team-b' }));
    await world.bench.run();
    expectApplied(world);
  });

  it('are not kept waiting by one that may not refer to the bucket and only says that it has a document there', async () => {
    const world = begin();
    const status = { applied: true, appliedHash: 'x', proof: 'v1.made-up' };
    for (const leaving of [true, false]) {
      world.policies.set('team-b/stranger', another('stranger', 1, { namespace: 'team-b', leaving, status }));
      await world.bench.run();
      expectApplied(world);
    }
  });

  it('are settled the same while the grant of the winner is withdrawn, until that is confirmed and carried out', async () => {
    const world = begin();
    const status = await remembered(world, 'elder', { applied: true, appliedHash: 'x' });
    world.policies.set('team-b/elder', another('elder', 1, { namespace: 'team-b', status }));
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'PolicyConflict' });
    confirm(world, 'team-b');
    // The removal, perhaps of another process, would take along what is put there meanwhile.
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'PolicyConflict' });
    const gone = await remembered(world, 'elder', { applied: false });
    world.policies.set('team-b/elder', another('elder', 1, { namespace: 'team-b', status: gone }));
    await world.bench.run();
    expectApplied(world);
  });

  it('tell the owner of the Bucket, and nobody else, how it takes its bucket back from a borrower', async () => {
    const bucket = { allowedNamespaces: { names: ['team-b', 'team-c'] } };
    for (const namespace of ['team-a', 'team-c']) {
      const world = begin({ namespace, bucket });
      world.policies.set('team-b/elder', another('elder', 1, { namespace: 'team-b' }));
      const { message } = await world.bench.run();
      const told =
        'To take it back, remove namespace team-b from allowedNamespaces of the Bucket and confirm that: ' +
        'kubectl annotate --overwrite buckets.s3.cloud37.dev photos -n team-a s3.cloud37.dev/confirm-withdrawal=team-b';
      expect(message?.includes(told)).toBe(namespace === 'team-a');
    }
  });

  it('do not wait for a paused one that has no document there, nor for a leaving one that nobody removes', async () => {
    const bucket = { allowedNamespaces: { names: ['team-b'] } };
    for (const change of [
      { paused: true },
      { leaving: true, paused: true, status: { appliedHash: 'x' } },
      { leaving: true, finalizers: ['team-b.test/hold'], status: { appliedHash: 'x' } },
    ]) {
      const world = begin({ bucket });
      const { status } = change;
      const proven = status === undefined ? {} : { status: await remembered(world, 'elder', status) };
      world.policies.set('team-b/elder', another('elder', 1, { namespace: 'team-b', ...change, ...proven }));
      await world.bench.run();
      expectApplied(world);
    }
  });

  it('wait for a paused one that has its document there', async () => {
    const world = begin({ bucket: { allowedNamespaces: { names: ['team-b'] } } });
    const status = await remembered(world, 'elder', { appliedHash: 'x' });
    world.policies.set('team-b/elder', another('elder', 1, { namespace: 'team-b', paused: true, status }));
    expect(await world.bench.run()).toMatchObject({ result: 'waiting', reason: 'PolicyConflict' });
  });

  it('do not include a forerunner of the same name that a late watch still shows', async () => {
    const world = begin();
    const forerunner = another('read', 1, {
      status: await remembered(world, 'read', { applied: true, appliedHash: 'x' }),
    });
    world.policies.set('late view of team-a/read', {
      ...forerunner,
      metadata: { ...forerunner.metadata, uid: 'uid-before' },
    });
    await world.bench.run();
    expectApplied(world);
  });

  it('wait for one that is leaving until its document is gone', async () => {
    const world = begin();
    const status = await remembered(world, 'leaving', { appliedHash: 'x' });
    world.policies.set('team-a/leaving', another('leaving', 9, { namespace: 'team-b', leaving: true, status }));
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
    const { applied, appliedHash } = world.bench.object().status ?? {};
    const status = await remembered(world, 'elder', { applied: applied === true, appliedHash: appliedHash ?? '' });
    world.policies.set('team-a/elder', another('elder', 1, { status }));
    await world.bench.run();
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
  });

  it('leaves it also when no cache shows that other policy, and whichever Bucket that one refers to', async () => {
    for (const bucketRef of [{ name: 'photos' }, { name: 'pictures' }]) {
      const world = await leaving();
      world.buckets.clear();
      const { appliedHash } = world.bench.object().status ?? {};
      const other = another('elder', 1);
      const object = { ...other, spec: { ...other.spec, bucketRef } };
      const place = {
        bucketName: 'photos',
        region: 'us-east-1',
        providerRef: { namespace: 'team-a', name: 'provider' },
      };
      const status = await world.ownership.sealPolicy(
        { ...place, applied: true, appliedHash: appliedHash ?? '' },
        object,
        signal,
      );
      world.unseen.push({ ...object, status });
      expect(await world.bench.run()).toMatchObject({ result: 'gone' });
      expect(atServer(world)).toEqual(iam('s3:GetObject'));
    }
  });

  it('when the Bucket object is gone goes by the mark: what another one has by now is left, and in doubt it waits', async () => {
    const world = await leaving();
    const policy = world.s3.buckets.get('photos')?.policy;
    world.buckets.clear();
    world.s3.make('photos', { policy });
    const report = await world.bench.run();
    expect(report).toMatchObject({ result: 'waiting', reason: 'OwnershipInDoubt' });
    expect(report.message).toContain('s3.cloud37.dev/abandon');
    world.s3.make('photos', { policy, tags: new Map(ownTags('photos', 'team-z')) });
    expect(await world.bench.run()).toMatchObject({
      result: 'gone',
      events: ['Warning NotOwned: Bucket photos belongs to somebody else by now; its policy is left alone.'],
    });
    expect(atServer(world)).toEqual(iam('s3:GetObject'));
  });

  it('has the other policies of the Bucket look at once, which may have lost theirs with it', async () => {
    const world = await leaving();
    const next = another('next', 9);
    world.policies.set('team-a/next', { ...next, spec: { ...next.spec, policy: document('s3:PutObject') } });
    await world.bench.run();
    expect(world.woken).toEqual(['team-a/next']);
  });

  it('finds the bucket where the server says that it is', async () => {
    const world = await leaving();
    const bucket = world.s3.buckets.get('photos');
    world.s3.make('photos', { ...bucket, region: 'eu-west-1' });
    expect(await world.bench.run()).toMatchObject({ result: 'gone' });
    expect(atServer(world)).toBeUndefined();
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
