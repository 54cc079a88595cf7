import {
  bucketSpec,
  minioAdmin,
  publicPolicySpec,
  s3View,
  type S3View,
  specChange,
  type Stored,
  type World,
} from '@operator/tools/harness';
import type { BucketSpec } from '@operator/api';
import {
  declaredEverywhere,
  declaredOn,
  lackedBy,
  prepareSurroundings,
  replacement,
} from '@operator/testing/declarations';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  base,
  baseBucket,
  batteryTimeoutMs,
  batteryTitle,
  furnish,
  namespaceOf,
  runScenario,
  titleOf,
  type Scenario as AnyScenario,
  type Trial,
} from './kills/battery.ts';
import { startWorld } from './world.ts';

/* Buckets and BucketPolicies; AccessKeys are in key-kills.e2e.spec.ts. */

interface Scenario extends AnyScenario {
  readonly action: 'create' | 'adopt' | 'update' | 'delete';
  readonly server: 'minio' | 'moto';
}

/** After how many reads a controller was killed, over all scenarios. */
let readKills = 0;

let world: World;
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

const withoutTrail = (spec: Partial<BucketSpec>): Partial<BucketSpec> =>
  Object.fromEntries(Object.entries(spec).filter(([feature]) => feature !== 'cloudTrail'));

/**
 * One Bucket with all that the server has. But those that are created have no trail: they are made beside those that are changed, by another
 * address of the same server, and where a server is not Amazon who changes a trail takes turns by its address.
 */
const featureScenarios = (server: Scenario['server']): readonly Scenario[] => [
  {
    action: 'create',
    kind: 'Bucket',
    server,
    act: (trial) => createBucket(trial, withoutTrail(declaredOn(server))),
    check: (trial) => expectBucket(trial, { spec: withoutTrail(declaredOn(server)), ownership: 'Created' }),
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

// --- The battery ----------------------------------------------------------------------------------------------------

const scenarios = [...bucketScenarios, ...policyScenarios];

beforeAll(async () => {
  world = await startWorld('kill', ['minio', 'moto']);
  around = await prepareSurroundings(s3View(world.server('moto')).sdk, lackedBy.moto);
  clusterId = (await world.kube.get('Namespace', undefined, 'kube-system'))?.metadata.uid ?? '';
  await furnish(world, scenarios);
});
afterAll(() => world.stop());

describe(batteryTitle, { timeout: batteryTimeoutMs }, () => {
  it.concurrent.each(scenarios.map((scenario, salt) => ({ scenario, salt, title: titleOf(scenario) })))(
    'leaves exactly what was asked for: $title',
    async ({ scenario, salt }) => {
      const { reads } = await runScenario(world, scenario, salt);
      readKills += reads.length;
    },
  );

  it('was killed after reads too', () => {
    expect(readKills).toBeGreaterThanOrEqual(scenarios.length);
  });

  it('leaves no user, policy or bucket that nobody asked for', async () => {
    const minio = minioAdmin(world.server('minio'));
    expect(await minio.userNames()).toEqual([]);
    expect((await minio.policyNames()).toSorted()).toEqual(
      ['consoleAdmin', 'diagnostics', 'readonly', 'readwrite', 'writeonly'].toSorted(),
    );
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
    expect(world.secrets.size).toBeGreaterThan(2);
    expect(await world.findLeaks()).toEqual([]);
  });
});
