import {
  GetUserPolicyCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListUserPoliciesCommand,
  ListUsersCommand,
} from '@aws-sdk/client-iam';
import {
  accessKeySpec,
  bucketSpec,
  type Call,
  controllerOf,
  type Controller,
  isReady,
  type MinioAdmin,
  minioAdmin,
  type OurKind,
  publicPolicySpec,
  s3View,
  type S3View,
  seeded,
  specChange,
  type Stored,
  until,
  type World,
} from '@operator/tools/harness';
import type { BucketSpec } from '@operator/api';
import { declaredEverywhere, declaredOn, prepareSurroundings, replacement } from '@operator/testing/declarations';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld } from './world.ts';

/** One object that is brought through one action while its controller is killed. */
interface Trial {
  readonly namespace: string;
  readonly name: string;
  /** Name of the trial's own bucket at the server. */
  readonly bucket: string;
  readonly view: S3View;
}

interface Scenario {
  readonly action: 'create' | 'adopt' | 'update' | 'delete';
  readonly kind: OurKind;
  /** Tells it from another one of the same action, kind and server. */
  readonly variant?: string;
  readonly server: 'minio' | 'moto';
  /** What must be there before; the controller runs and is not killed. */
  readonly prepare?: (trial: Trial) => Promise<void>;
  readonly act: (trial: Trial) => Promise<void>;
  /** The end state at the server and in the API, to the last detail. */
  readonly check: (trial: Trial) => Promise<void>;
}

/** The bucket that policies and keys of a scenario are about; made by a bucket-controller that is never killed. */
const base = 'base';
const baseBucket = (namespace: string) => `${namespace}-${base}`;
const mostCalls = 60;

/** After how many reads a controller was killed, over all scenarios. */
let readKills = 0;

let world: World;
let minio: MinioAdmin;
let iam: IAMClient;
/** Buckets at moto that features name. */
let around: readonly string[];

// --- Bucket ---------------------------------------------------------------------------------------------------------

const markOf = ({ metadata }: Stored<'Bucket'>) => ({
  's3.cloud37.dev/cluster': clusterId,
  's3.cloud37.dev/namespace': metadata.namespace,
  's3.cloud37.dev/name': metadata.name,
  's3.cloud37.dev/uid': metadata.uid,
  's3.cloud37.dev/proof': expect.stringMatching(/^v1\.[\w-]{43}$/) as string,
});
let clusterId: string;

const createBucket = async ({ namespace, name, bucket }: Trial, change = {}) => {
  await world.kube.create('Bucket', namespace, name, bucketSpec('provider', bucket, change));
};

const readyBucket = async (trial: Trial, change = {}) => {
  await createBucket(trial, change);
  await world.kube.untilReady('Bucket', trial.namespace, trial.name);
};

/** Keys of the objects, versions and delete markers in a bucket, and of its open uploads. */
const contentOf = async ({ client }: S3View, bucket: string) => {
  const versions: string[] = [];
  for await (const item of client.listObjects(bucket, '', true, { IncludeVersion: true }))
    versions.push((item as { name: string }).name);
  const uploads: string[] = [];
  for await (const item of client.listIncompleteUploads(bucket, '', true)) uploads.push((item as { key: string }).key);
  return { versions: versions.toSorted(), uploads: uploads.toSorted() };
};

const neighbourOf = (bucket: string) => `neighbour-of-${bucket}`;
const smallContent = { versions: ['a', 'a'], uploads: ['open'] };
/** Two versions of an object, and an upload that nobody completed. */
const fillALittle = async ({ client }: S3View, bucket: string) => {
  await client.putObject(bucket, 'a', 'one');
  await client.putObject(bucket, 'a', 'two');
  await client.initiateNewMultipartUpload(bucket, 'open', {});
};
/** More than one batch of emptying takes: of the deletion of a key that is not there a versioned bucket keeps a marker. */
const markersInABatch = 1000;
const fillPastABatch = async (view: S3View, bucket: string) => {
  await fillALittle(view, bucket);
  await view.client.removeObjects(
    bucket,
    Array.from({ length: markersInABatch }, (_, index) => `gone/${index}`),
  );
};

/** `spec`: what of it declares features. `tags`: those that others put there. */
const expectBucket = async (
  { namespace, name, bucket, view }: Trial,
  want: { spec: Partial<BucketSpec>; tags?: Record<string, string>; ownership: 'Created' | 'Adopted' },
) => {
  const object = await world.kube.untilReady('Bucket', namespace, name);
  expect(await view.differencesFrom(want.spec, bucket)).toEqual([]);
  expect((await view.bucket(bucket))?.tags).toEqual({ ...want.spec.tagging?.tags, ...want.tags, ...markOf(object) });
  expect(object.status).toMatchObject({ exists: true, bucketName: bucket, ownership: want.ownership });
  expect(object.status).not.toHaveProperty('createIntent');
  expect(await view.bucketNames(bucket)).toEqual([bucket]);
};

/** One Bucket with all that the server has. */
const featureScenarios = (server: Scenario['server']): readonly Scenario[] => [
  {
    action: 'create',
    kind: 'Bucket',
    server,
    act: (trial) => createBucket(trial, declaredOn(server)),
    check: (trial) => expectBucket(trial, { spec: declaredOn(server), ownership: 'Created' }),
  },
  {
    action: 'update',
    kind: 'Bucket',
    server,
    prepare: (trial) => readyBucket(trial, declaredOn(server)),
    async act({ namespace, name }) {
      const change = replacement(declaredOn(server), declaredOn(server, 'other'));
      await world.kube.patch('Bucket', namespace, name, specChange(change));
    },
    check: (trial) => expectBucket(trial, { spec: declaredOn(server, 'other'), ownership: 'Created' }),
  },
];

const bucketScenarios: readonly Scenario[] = [
  ...featureScenarios('minio'),
  ...featureScenarios('moto'),
  {
    action: 'adopt',
    kind: 'Bucket',
    server: 'minio',
    async prepare({ bucket, view }) {
      await view.client.makeBucket(bucket);
      await view.client.setBucketTagging(bucket, { foreign: 'kept' });
      await view.client.putObject(bucket, 'theirs', 'content');
    },
    act: (trial) => createBucket(trial, { adoptionPolicy: 'Always' }),
    async check(trial) {
      await expectBucket(trial, { spec: declaredEverywhere(), tags: { foreign: 'kept' }, ownership: 'Adopted' });
      expect((await trial.view.client.statObject(trial.bucket, 'theirs')).size).toBe(7);
    },
  },
  {
    // What an earlier Bucket of this name left when it went.
    action: 'adopt',
    variant: 'owned',
    kind: 'Bucket',
    server: 'minio',
    async prepare(trial) {
      const { namespace, name, bucket, view } = trial;
      await readyBucket(trial, { deletionPolicy: 'Retain', tagging: { tags: { team: 'storage', tier: 'one' } } });
      await view.client.putObject(bucket, 'kept', 'content');
      await world.kube.delete('Bucket', namespace, name);
      await world.kube.untilGone('Bucket', namespace, name);
    },
    act: (trial) => createBucket(trial, { adoptionPolicy: 'IfOwned', tagging: { tags: { team: 'compute' } } }),
    async check(trial) {
      const asDeclared = Object.entries(declaredEverywhere()).filter(([feature]) => feature !== 'tagging');
      // A tag that the new one does not declare is by now somebody else's.
      const tags = { team: 'compute', tier: 'one' };
      await expectBucket(trial, { spec: Object.fromEntries(asDeclared), tags, ownership: 'Adopted' });
      expect((await trial.view.client.statObject(trial.bucket, 'kept')).size).toBe(7);
    },
  },
  {
    action: 'delete',
    kind: 'Bucket',
    server: 'minio',
    async prepare(trial) {
      await readyBucket(trial);
      // Two versions and a delete marker.
      await trial.view.client.putObject(trial.bucket, 'a', 'one');
      await trial.view.client.putObject(trial.bucket, 'a', 'two');
      await trial.view.client.removeObject(trial.bucket, 'a');
    },
    act: ({ namespace, name }) => world.kube.delete('Bucket', namespace, name),
    check: async ({ bucket, view }) => expect(await view.bucketNames(bucket)).toEqual([]),
  },
  {
    action: 'delete',
    variant: 'full',
    kind: 'Bucket',
    server: 'minio',
    async prepare(trial) {
      const { bucket, view } = trial;
      await readyBucket(trial);
      await fillPastABatch(view, bucket);
      await view.client.makeBucket(neighbourOf(bucket));
      await view.client.setBucketVersioning(neighbourOf(bucket), { Status: 'Enabled' });
      await fillALittle(view, neighbourOf(bucket));
    },
    act: ({ namespace, name }) => world.kube.delete('Bucket', namespace, name),
    async check({ bucket, view }) {
      expect(await view.bucketNames(bucket)).toEqual([]);
      // An upload that was not aborted would show in a new bucket of the name.
      await view.client.makeBucket(bucket);
      expect(await contentOf(view, bucket)).toEqual({ versions: [], uploads: [] });
      await view.client.removeBucket(bucket);
      // Nothing else was touched.
      const neighbour = neighbourOf(bucket);
      expect(await contentOf(view, neighbour)).toEqual(smallContent);
      for await (const item of view.client.listObjects(neighbour, '', true, { IncludeVersion: true })) {
        const { name, versionId } = item as { name: string; versionId: string };
        await view.client.removeObject(neighbour, name, { versionId });
      }
      await view.client.removeBucket(neighbour);
    },
  },
];

// --- BucketPolicy ---------------------------------------------------------------------------------------------------

const foreignPolicy = (bucket: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'theirs',
        Effect: 'Allow',
        Principal: { AWS: ['*'] },
        Action: ['s3:PutObject'],
        Resource: [`arn:aws:s3:::${bucket}/*`],
      },
    ],
  });

const createPolicy = async ({ namespace, name }: Trial) => {
  await world.kube.create('BucketPolicy', namespace, name, publicPolicySpec(base, 's3:GetObject'));
};
const readyPolicy = async (trial: Trial) => {
  await createPolicy(trial);
  await world.kube.untilReady('BucketPolicy', trial.namespace, trial.name);
};
const expectPolicy = async ({ namespace, name, view }: Trial, action: string) => {
  const object = await world.kube.untilReady('BucketPolicy', namespace, name);
  expect(object.status).toMatchObject({ applied: true });
  expect(object.status).not.toHaveProperty('pendingHash');
  expect(await view.policy(baseBucket(namespace))).toMatchObject({
    Statement: [{ Sid: 'one', Effect: 'Allow', Principal: { AWS: ['*'] }, Action: [action] }],
  });
};

const policyScenarios: readonly Scenario[] = [
  {
    action: 'create',
    kind: 'BucketPolicy',
    server: 'minio',
    act: createPolicy,
    check: (trial) => expectPolicy(trial, 's3:GetObject'),
  },
  {
    action: 'adopt',
    kind: 'BucketPolicy',
    server: 'minio',
    prepare: ({ namespace, view }) =>
      view.client.setBucketPolicy(baseBucket(namespace), foreignPolicy(baseBucket(namespace))),
    act: createPolicy,
    check: (trial) => expectPolicy(trial, 's3:GetObject'),
  },
  {
    action: 'update',
    kind: 'BucketPolicy',
    server: 'minio',
    prepare: readyPolicy,
    async act({ namespace, name }) {
      const { spec } = publicPolicySpec(base, 's3:PutObject') as { spec: object };
      await world.kube.patch('BucketPolicy', namespace, name, { spec });
    },
    check: (trial) => expectPolicy(trial, 's3:PutObject'),
  },
  {
    action: 'delete',
    kind: 'BucketPolicy',
    server: 'minio',
    prepare: readyPolicy,
    act: ({ namespace, name }) => world.kube.delete('BucketPolicy', namespace, name),
    check: async ({ namespace, view }) => expect(await view.policy(baseBucket(namespace))).toBeUndefined(),
  },
];

// --- AccessKey ------------------------------------------------------------------------------------------------------

const secretName = (name: string) => `${name}-credentials`;

/** The keys that the server has for a user, and the policies attached to it. Undefined when there is no such user. */
const accountAt = {
  async minio(user: string) {
    const found = await minio.user(user);
    if (found === undefined) return undefined;
    const policies = (found.policyName ?? '').split(',').filter((name) => name !== '');
    return {
      keys: await minio.keysOf(user),
      policies: await Promise.all(policies.map(async (name) => JSON.stringify(await minio.policy(name)))),
    };
  },
  async moto(user: string) {
    const { Users: users = [] } = await iam.send(new ListUsersCommand({}));
    if (!users.some(({ UserName: name }) => name === user)) return undefined;
    const { AccessKeyMetadata: keys = [] } = await iam.send(new ListAccessKeysCommand({ UserName: user }));
    const { PolicyNames: names = [] } = await iam.send(new ListUserPoliciesCommand({ UserName: user }));
    const documents = names.map(async (name) => {
      const { PolicyDocument: document = '' } = await iam.send(
        new GetUserPolicyCommand({ UserName: user, PolicyName: name }),
      );
      return decodeURIComponent(document);
    });
    return { keys: keys.map(({ AccessKeyId: id = '' }) => id), policies: await Promise.all(documents) };
  },
};

const createKey = async ({ namespace, name }: Trial) => {
  await world.kube.create('AccessKey', namespace, name, accessKeySpec('provider', base, 'ReadOnly'));
};
const readyKey = async (trial: Trial) => {
  await createKey(trial);
  await world.kube.untilReady('AccessKey', trial.namespace, trial.name);
};

const pairIn = async (namespace: string, name: string) => {
  const { data = {} } = (await world.kube.get('Secret', namespace, secretName(name))) ?? {};
  const plain = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
  return { accessKey: plain('access-key-id'), secretKey: plain('secret-access-key') };
};

/** One user, one key which the Secret holds and the status names, the rights asked for, and the pair works. */
const expectKey = async ({ namespace, name }: Trial, server: 'minio' | 'moto', mayWrite: boolean) => {
  const { status } = await world.kube.untilReady('AccessKey', namespace, name);
  const pair = await pairIn(namespace, name);
  const account = await accountAt[server](status?.userName ?? '');
  expect(account?.keys).toEqual([pair.accessKey]);
  expect(status).toMatchObject({ created: true, accessKeyId: pair.accessKey, secretName: secretName(name) });
  expect(status).not.toHaveProperty('keyIntent');
  expect(account?.policies).toHaveLength(1);
  expect(account?.policies[0]?.includes('s3:PutObject')).toBe(mayWrite);
  const { endpoint, region } = world.server(server);
  const asUser = s3View({ endpoint, region, ...pair });
  const put = asUser.client.putObject(baseBucket(namespace), 'probe', 'content');
  if (mayWrite) await put;
  else await expect(put).rejects.toMatchObject({ code: 'AccessDenied' });
};

const keyScenarios = (server: 'minio' | 'moto'): readonly Scenario[] => {
  const userNames = new Map<string, string | undefined>();
  const rememberUser = async ({ namespace, name }: Trial) => {
    userNames.set(`${namespace}/${name}`, (await world.kube.get('AccessKey', namespace, name))?.status?.userName);
  };
  return [
    {
      action: 'create',
      kind: 'AccessKey',
      server,
      act: createKey,
      check: (trial) => expectKey(trial, server, false),
    },
    {
      // A lost Secret: the user is taken over, its key is replaced.
      action: 'adopt',
      kind: 'AccessKey',
      server,
      prepare: readyKey,
      act: ({ namespace, name }) => world.kube.delete('Secret', namespace, secretName(name)),
      async check(trial) {
        await until(
          () => world.kube.get('Secret', trial.namespace, secretName(trial.name)),
          (secret) => secret !== undefined,
          { what: 'the Secret is there again' },
        );
        await expectKey(trial, server, false);
      },
    },
    {
      action: 'update',
      kind: 'AccessKey',
      server,
      prepare: readyKey,
      async act({ namespace, name }) {
        const access = [{ bucketRef: { name: base }, level: 'ReadWrite' }];
        await world.kube.patch('AccessKey', namespace, name, specChange({ access }));
      },
      check: (trial) => expectKey(trial, server, true),
    },
    {
      action: 'delete',
      kind: 'AccessKey',
      server,
      async prepare(trial) {
        await readyKey(trial);
        await rememberUser(trial);
      },
      act: ({ namespace, name }) => world.kube.delete('AccessKey', namespace, name),
      async check({ namespace, name }) {
        const user = userNames.get(`${namespace}/${name}`);
        expect(user).toBeDefined();
        expect(await accountAt[server](user ?? '')).toBeUndefined();
        await world.kube.untilGone('Secret', namespace, secretName(name));
      },
    },
  ];
};

// --- The battery ----------------------------------------------------------------------------------------------------

const scenarios = [...bucketScenarios, ...policyScenarios, ...keyScenarios('minio'), ...keyScenarios('moto')];
const titleOf = ({ action, kind, server, variant }: Scenario) =>
  `${action} ${kind}${variant === undefined ? '' : ` (${variant})`} on ${server}`;
const namespaceOf = ({ action, kind, server, variant }: Scenario) =>
  [kind.toLowerCase(), server, action, ...(variant === undefined ? [] : [variant])].join('-');

beforeAll(async () => {
  world = await startWorld('kill', ['minio', 'moto']);
  minio = minioAdmin(world.server('minio'));
  const { endpoint, region, accessKey, secretKey } = world.server('moto');
  iam = new IAMClient({ endpoint, region, credentials: { accessKeyId: accessKey, secretAccessKey: secretKey } });
  around = await prepareSurroundings(s3View(world.server('moto')).sdk);
  clusterId = (await world.kube.get('Namespace', undefined, 'kube-system'))?.metadata.uid ?? '';
  await Promise.all(scenarios.map((scenario) => world.createNamespace(namespaceOf(scenario))));
  await world.startController('provider');
  await world.startController('bucket', {
    as: 'bucket-of-others',
    namespaces: scenarios.filter(({ kind }) => kind !== 'Bucket').map(namespaceOf),
    flags: ['--leader-election-id=bucket-of-others'],
  });
});
afterAll(async () => {
  iam.destroy();
  await world.stop();
});

/** After which call of a trial the controller is killed. */
interface Point {
  readonly effect: 'write' | 'read';
  /** From 1. */
  readonly nth: number;
}

/** Reads of a pass. What an informer lists it lists at its start, and a renewed lease is no part of a pass. */
const isRead = ({ effect, side, operation }: Call) =>
  effect === 'read' && !(side === 'kube' && operation.startsWith('list '));

/** Runs one trial; the controller is killed once the server has answered the nth call. Tells of each kind how many there were. */
const runTrial = async (scenario: Scenario, trial: Trial, controller: Controller, s3: string, point?: Point) => {
  const { kind, action } = scenario;
  const isOurs = ({ proxy }: Call) => proxy === controller.proxy || proxy === s3;
  await scenario.prepare?.(trial);
  const mark = world.traffic.mark();
  const trap =
    point &&
    world.traffic.onCall(
      (call) => isOurs(call) && (point.effect === 'write' ? call.effect === 'write' : isRead(call)),
      point.nth,
      'after',
      async () => {
        await controller.kill();
        return 'drop' as const;
      },
    );
  const before = await world.kube.get(kind, trial.namespace, trial.name);
  await scenario.act(trial);
  const isDone = async () => {
    const object = await world.kube.get(kind, trial.namespace, trial.name);
    if (action === 'delete') return object === undefined;
    // A lost Secret changes no generation: what must have changed is the key.
    if (kind === 'AccessKey' && action === 'adopt') {
      const changed = (object as Stored<'AccessKey'>).status?.accessKeyId;
      return isReady(object) && changed !== (before as Stored<'AccessKey'>).status?.accessKeyId;
    }
    return isReady(object);
  };
  const what = `${titleOf(scenario)}${point === undefined ? '' : `, killed after ${point.effect} ${point.nth},`}`;
  await until(
    async () => {
      if (trap === undefined || point === undefined) return isDone();
      return trap.isSprung() || ((await isDone()) && trap.count() < point.nth);
    },
    (over) => over,
    { what: `${what} is killed or done` },
  );
  const calls = world.traffic.since(mark, isOurs);
  const wasKilled = trap?.isSprung() === true;
  trap?.disarm();
  if (wasKilled) {
    await controller.kill();
    await controller.start();
  }
  await until(isDone, (done) => done, { what: `${what} is done` });
  await scenario.check(trial);
  await world.kube.delete(kind, trial.namespace, trial.name);
  await world.kube.untilGone(kind, trial.namespace, trial.name);
  return {
    wasKilled,
    writes: calls.filter(({ effect }) => effect === 'write').length,
    reads: calls.filter(isRead).length,
  };
};

/** Of the reads of each scenario so many are drawn; KILL_READS=all takes every one, KILL_SEED draws as before. */
const readsDrawn = process.env.KILL_READS === 'all' ? Infinity : Number(process.env.KILL_READS ?? 2);
const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 32);

/** Some of the first `count` reads, in their order. Of each scenario by itself: they run side by side. */
const drawReads = (scenario: Scenario, count: number): readonly number[] => {
  const random = seeded(seed + scenarios.indexOf(scenario));
  const left = Array.from({ length: count }, (_, index) => index + 1);
  while (left.length > readsDrawn) left.splice(random.below(left.length), 1);
  return left;
};

/**
 * A write is what leaves a new state behind: the process is killed between the server's answer to each of them and its own
 * knowledge of it. Reads change nothing, so a process that dies after one leaves what it leaves after its last write: of them
 * some are drawn, others in each run.
 */
// On a machine that is busy a scenario takes minutes: only hangs are meant to end here.
describe(
  `a controller killed after each of its writes, and after reads drawn with KILL_SEED=${seed}`,
  { timeout: 900_000 },
  () => {
    it.concurrent.each(scenarios.map((scenario) => ({ ...scenario, scenario, title: titleOf(scenario) })))(
      'leaves exactly what was asked for: $title',
      async ({ scenario, title, kind, server }) => {
        const namespace = namespaceOf(scenario);
        const s3 = `s3-${namespace}`;
        const { url } = await world.proxyTo(server, s3);
        await world.createProvider(namespace, 'provider', { server, endpoint: url });
        const controller = await world.startController(controllerOf[kind], {
          as: namespace,
          namespaces: [namespace],
          flags: ['--leader-elect=false'],
        });
        await world.kube.untilReady('Provider', namespace, 'provider', 60_000);
        if (kind !== 'Bucket') {
          await world.kube.create('Bucket', namespace, base, bucketSpec('provider', baseBucket(namespace)));
          await world.kube.untilReady('Bucket', namespace, base, 60_000);
        }
        const view = s3View(world.server(server));
        const run = (name: string, point?: Point) =>
          runTrial(scenario, { namespace, name, bucket: `${namespace}-${name}`, view }, controller, s3, point);

        const kills = { write: 0, read: 0 };
        let last = await run('w1', { effect: 'write', nth: 1 });
        while (last.wasKilled) {
          kills.write += 1;
          expect(kills.write).toBeLessThan(mostCalls);
          last = await run(`w${kills.write + 1}`, { effect: 'write', nth: kills.write + 1 });
        }
        // The last one lived to the end, so that its reads are all there are.
        const drawn = drawReads(scenario, last.reads);
        for (const nth of drawn) if ((await run(`r${nth}`, { effect: 'read', nth })).wasKilled) kills.read += 1;
        console.log(
          `FIGURE ${title}: killed after each of ${kills.write} writes, and after ${kills.read} of ${last.reads} reads (${drawn.join(', ')})`,
        );
        // Less would mean that nothing was counted.
        expect(kills.write).toBeGreaterThan(1);
        expect(last.reads).toBeGreaterThan(0);
        readKills += kills.read;
        await controller.close();
      },
    );

    it('was killed after reads too', () => {
      // One that is drawn may come after the end, when a pass more or less was made: not all of them.
      expect(readKills).toBeGreaterThan(scenarios.length / 2);
    });

    it('leaves no user, policy or bucket that nobody asked for', async () => {
      expect(await minio.userNames()).toEqual([]);
      expect((await minio.policyNames()).toSorted()).toEqual(
        ['consoleAdmin', 'diagnostics', 'readonly', 'readwrite', 'writeonly'].toSorted(),
      );
      const { Users: users = [] } = await iam.send(new ListUsersCommand({}));
      expect(users.map(({ UserName: name }) => name)).toEqual(['admin']);
      const bases = (server: 'minio' | 'moto') =>
        [
          ...scenarios
            .filter((scenario) => scenario.server === server && scenario.kind !== 'Bucket')
            .map((scenario) => baseBucket(namespaceOf(scenario))),
          ...(server === 'moto' ? around : []),
        ].toSorted();
      for (const server of ['minio', 'moto'] as const) {
        expect((await s3View(world.server(server)).bucketNames('')).toSorted()).toEqual(bases(server));
      }
    });

    it('puts no secret out', async () => {
      expect(world.secrets.size).toBeGreaterThan(20);
      expect(await world.findLeaks()).toEqual([]);
    });
  },
);
