import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  ListBucketsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { BucketSpec, BucketStatus } from '@operator/api';
import { redact } from '@operator/outcome';
import { createBench, createTestWorld, objectOf, tryEveryMishap } from '@operator/references/testing';
import { removeBucket, type Driver } from '@operator/s3';
import {
  bucketSpec,
  connectionTo,
  driverDeps,
  independentClient,
  recordingContext,
  startAmazonLike,
  type AmazonLike,
} from '@operator/testing';
import { startMoto, type S3Server } from '@operator/tools/local';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { bucketReconciler } from './reconciler.ts';

const { createAwsDriver } = await import('@operator/driver-aws');

let dir: string;
let moto: S3Server;
/** Past the proxy: what it sees is what there is. */
let judge: S3Client;
let amazon: AmazonLike;
const drivers: Driver[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'amazon-'));
  moto = await startMoto({ dir });
  judge = independentClient(moto);
});
beforeEach(async () => {
  amazon = await startAmazonLike(moto);
});
afterEach(async () => {
  for (const driver of drivers.splice(0)) driver.close();
  await amazon.close();
});
afterAll(async () => {
  judge.destroy();
  await moto.stop();
  await rm(dir, { recursive: true });
});

let count = 0;

/** A cluster with one Bucket whose Provider leads to Amazon. */
const begin = (spec: Partial<BucketSpec> = {}, settlesInMs = 120_000) => {
  const name = `photos-${String((count += 1))}`;
  const credentials = { accessKeyId: moto.accessKey, secretAccessKey: redact(moto.secretKey) };
  const made = createAwsDriver(connectionTo(amazon.endpoint, { region: moto.region, credentials }), driverDeps());
  drivers.push(made);
  // As it is for Amazon's own endpoints.
  const driver = Object.assign(Object.create(made) as Driver, { settlesInMs });
  const world = createTestWorld(driver);
  const bench = createBench<BucketSpec, BucketStatus>({
    writes: world.writes,
    store: world.buckets,
    object: objectOf(
      'Bucket',
      name,
      bucketSpec({
        name,
        versioning: { enabled: true, mfaDelete: false },
        tagging: { tags: { team: 'a' } },
        ...spec,
      }),
    ),
    reconciler: () =>
      bucketReconciler({
        references: world.references(),
        ownership: world.ownership,
        vanished: () => undefined,
        sameName: () => [...world.buckets.values()],
        policiesOf: () => Promise.resolve([]),
        borrowersOf: () => Promise.resolve([]),
        labelsOf: () => Promise.resolve({}),
        inputs: { inputsOf: () => Promise.resolve(new Map()), bucketsAt: () => Promise.resolve([]) },
      }),
  });
  return { bench, name, ...world };
};

const isThere = async (name: string): Promise<boolean> =>
  ((await judge.send(new ListBucketsCommand({}))).Buckets ?? []).some(({ Name }) => Name === name);
/** Ready says what an independent client sees. */
const expectReady = async ({ bench, name }: Pick<ReturnType<typeof begin>, 'bench' | 'name'>, trial = '') => {
  expect(bench.conditions(), trial).toEqual(['Ready=True Ready']);
  expect(bench.object().status, trial).toMatchObject({ ownership: 'Created', exists: true });
  const { Status } = await judge.send(new GetBucketVersioningCommand({ Bucket: name }));
  expect(Status, trial).toBe('Enabled');
  const { TagSet = [] } = await judge.send(new GetBucketTaggingCommand({ Bucket: name }));
  expect(TagSet, trial).toContainEqual({ Key: 'team', Value: 'a' });
  expect(TagSet, trial).toContainEqual({ Key: 's3.cloud37.dev/uid', Value: `uid-${name}` });
};
const creationsOf = (name: string) => amazon.creations.filter(({ bucket }) => bucket === name);

it('a new bucket is created and marked by one call, and no call but that leaves out whose it is to be', async () => {
  const world = begin({ tagging: { tags: {} } });
  const { writes } = await world.bench.pass();
  expect(writes.filter((write) => !write.startsWith('kube'))).toEqual([
    'CreateBucket',
    'PutBucketVersioning',
    'PutPublicAccessBlock',
  ]);
  await world.bench.run();
  expect(world.bench.conditions()).toEqual(['Ready=True Ready']);
  expect(amazon.unconditional).toEqual([]);
  expect(creationsOf(world.name)).toHaveLength(1);
});

it.each([
  ['nobody knows', false],
  ['only a HEAD knows', true],
])('a new bucket that %s for a while is created once, and Ready only when all is there', async (_title, headKnows) => {
  for (const unknown of [1, 2, 3, 5, 8]) {
    Object.assign(amazon.lags, { freshUnknown: unknown, headKnowsFresh: headKnows, freshUnlisted: 3 });
    const world = begin();
    const reports = [];
    while (reports.at(-1)?.result !== 'settled' && reports.length < 20) {
      reports.push(await world.bench.pass());
      world.bench.advance(1_000);
    }
    await expectReady(world, String(unknown));
    expect(creationsOf(world.name), String(unknown)).toEqual([{ bucket: world.name, wasThere: false }]);
    const said = reports.flatMap(({ events, reason = '' }) => [...events, reason]).join('\n');
    expect(said, String(unknown)).not.toContain('BucketMissing');
  }
});

it('a new bucket that nobody knows for a while ends exactly right whatever befalls any one write', async () => {
  Object.assign(amazon.lags, { freshUnknown: 2, freshUnlisted: 2 });
  const struck = await tryEveryMishap(
    async () => Promise.resolve(begin()),
    async (world, trial) => {
      await expectReady(world, trial);
    },
  );
  expect(struck).toBeGreaterThan(10);
});

it('a bucket that somebody removed long after its creation is created again', async () => {
  const world = begin({}, 0);
  await world.bench.run();
  await expectReady(world);
  const driver = drivers.at(-1);
  if (driver === undefined) throw new Error('it was made');
  await removeBucket(driver, { bucket: world.name }, recordingContext());
  const { events } = await world.bench.pass();
  expect(events.join()).toContain('BucketMissing');
  await world.bench.run();
  await expectReady(world);
});

it('a name that a deletion still keeps is waited for, and the message says so', async () => {
  Object.assign(amazon.lags, { namePutOff: 2, removedShown: 1 });
  const first = begin({ deletionPolicy: 'Delete' });
  await first.bench.run();
  first.bench.delete();
  expect(await first.bench.run()).toMatchObject({ result: 'gone' });
  expect(await isThere(first.name)).toBe(false);
  const next = begin({ name: first.name, adoptionPolicy: 'Never' });
  const reports = [];
  while (reports.at(-1)?.result !== 'settled' && reports.length < 20) {
    reports.push(await next.bench.pass());
    next.bench.advance(1_000);
  }
  const putOff = reports.filter(({ message = '' }) => message.includes('OperationAborted'));
  expect(putOff).toHaveLength(2);
  expect(putOff[0]).toMatchObject({ reason: 'Conflict', retryAfterMs: 60_000 });
  expect(putOff[0]?.message).toMatch(/tries again every minute until then\.$/);
  expect(next.bench.object().status).toMatchObject({ ownership: 'Created' });
});

it('a removed bucket that is still shown is gone all the same, also for a process that was killed after the removal', async () => {
  Object.assign(amazon.lags, { removedShown: 3 });
  await tryEveryMishap(
    async () => {
      const world = begin({ deletionPolicy: 'Delete' });
      await world.bench.run();
      world.bench.delete();
      return world;
    },
    async ({ bench, name }, trial) => {
      expect(await bench.run(), trial).toMatchObject({ result: 'gone' });
      expect(await isThere(name), trial).toBe(false);
    },
  );
});

it('a bucket that is there is never created again, which would reset its ACL', async () => {
  const world = begin({ adoptionPolicy: 'Always' });
  await judge.send(new CreateBucketCommand({ Bucket: world.name }));
  await world.bench.run();
  expect(world.bench.object().status).toMatchObject({ ownership: 'Adopted' });
  expect(creationsOf(world.name)).toEqual([]);
});

it('a bucket of another account is not taken, whatever its policy lets these credentials do', async () => {
  const world = begin({ adoptionPolicy: 'Always' });
  await judge.send(new CreateBucketCommand({ Bucket: world.name }));
  amazon.foreign.add(world.name);
  expect(await world.bench.run()).toMatchObject({ result: 'waiting' });
  expect(world.bench.conditions()).toContain('Ready=False AccessDenied');
  expect(creationsOf(world.name)).toEqual([]);
});

it('a bucket of another region says which', async () => {
  const world = begin();
  amazon.elsewhere.set(world.name, 'eu-west-1');
  expect(await world.bench.run()).toMatchObject({
    result: 'terminal',
    reason: 'RegionMismatch',
    message: expect.stringContaining('is in region eu-west-1') as string,
  });
  expect(creationsOf(world.name)).toEqual([]);
});
