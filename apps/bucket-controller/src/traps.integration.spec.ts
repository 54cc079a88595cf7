import { setTimeout as wait } from 'node:timers/promises';
import {
  CreateBucketCommand,
  GetBucketTaggingCommand,
  PutBucketTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { BucketSpec, BucketStatus } from '@operator/api';
import { createBench, createTestWorld, objectOf } from '@operator/references/testing';
import type { Driver, DriverFactory } from '@operator/s3';
import {
  bucketSpec,
  driverDeps,
  independentClient,
  startProxy,
  startUnderTest,
  succeed,
  type FakeRequest,
  type Proxy,
} from '@operator/testing';
import { declaredOn, differencesFrom, lackedBy, prepareSurroundings } from '@operator/testing/declarations';
import { startMinio, startMoto } from '@operator/tools/local';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bucketReconciler } from './reconciler.ts';

/* What a trap of a server may lead a Bucket to; the traps themselves are in libs/testing/src/traps.ts. */

const isPut = ({ method }: FakeRequest): boolean => method === 'PUT';
const isOfSetting = (request: FakeRequest): boolean => isPut(request) && request.query.size > 0;

const servers: readonly (readonly [
  'minio' | 'moto',
  ReturnType<typeof startUnderTest>,
  () => Promise<DriverFactory>,
])[] = [
  ['moto', startUnderTest(startMoto), async () => (await import('@operator/driver-aws')).createAwsDriver],
  ['minio', startUnderTest(startMinio), async () => (await import('@operator/driver-minio')).createMinioDriver],
];

describe.each(servers)('a Bucket on %s', (name, start, factory) => {
  let server: Awaited<ReturnType<typeof start>>;
  let proxy: Proxy;
  let driver: Driver;
  let client: S3Client;
  beforeAll(async () => {
    server = await start();
    proxy = await startProxy(server.connection.endpoint);
    const createDriver = await factory();
    driver = createDriver({ ...server.connection, endpoint: proxy.endpoint }, driverDeps());
    const { endpoint, region, credentials } = server.connection;
    const [accessKey, secretKey] = [credentials.accessKeyId, credentials.secretAccessKey.reveal()];
    client = independentClient({ endpoint, region, accessKey, secretKey });
    await prepareSurroundings(client, lackedBy[name]);
  });
  afterEach(() => proxy.intercept(() => undefined));
  afterAll(async () => {
    client.destroy();
    driver.close();
    await proxy.close();
    await server.stop();
  });

  const begin = (bucketName: string) => {
    const world = createTestWorld(driver);
    const spec = bucketSpec({ ...declaredOn(name), name: bucketName });
    const bench = createBench<BucketSpec, BucketStatus>({
      writes: world.writes,
      store: world.buckets,
      object: objectOf('Bucket', bucketName, spec),
      reconciler: () =>
        bucketReconciler({
          references: world.references(),
          ownership: world.ownership,
          vanished: () => undefined,
          sameName: (wanted) => [...world.buckets.values()].filter(({ spec: { name: other } }) => other === wanted),
          policiesOf: () => Promise.resolve([]),
          borrowersOf: () => Promise.resolve([]),
          labelsOf: () => Promise.resolve({}),
          inputs: { inputsOf: () => Promise.resolve(new Map()), bucketsAt: () => Promise.resolve([]) },
        }),
    });
    return { bench, spec };
  };

  it.each([
    ['of any setting', isOfSetting],
    ['of all settings but the mark', (request: FakeRequest) => isOfSetting(request) && !request.query.has('tagging')],
  ])(
    'is not Ready while writes %s are answered 200 without effect, and is once they have one',
    async (what, isDropped) => {
      const { bench, spec } = begin(what === 'of any setting' ? 'all-dropped' : 'some-dropped');
      proxy.intercept((request) => (isDropped(request) ? succeed() : undefined));
      for (let passes = 0; passes < 6; passes += 1) {
        const report = await bench.pass();
        expect(bench.conditions()).toContainEqual(expect.stringMatching(/^Ready=False/));
        for (const event of report.events) expect(event).not.toMatch(/BucketUpdated: (?!Wrote .*whether it holds)/);
        bench.advance(1_000);
      }
      proxy.intercept(() => undefined);
      // What a server took and did not keep is not asked of it again for an hour.
      bench.advance(3_600_001);
      expect(await bench.run()).toMatchObject({ result: 'settled' });
      expect(bench.conditions()).toContain('Ready=True Ready');
      expect(await differencesFrom(spec, client, spec.name)).toEqual([]);
    },
  );

  it("that somebody else has is not created again: a server may say 200, and has given somebody's bucket away", async () => {
    const Bucket = 'somebodys';
    await client.send(new CreateBucketCommand({ Bucket }));
    const TagSet = [{ Key: 'owner', Value: 'somebody' }];
    await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
    const { bench } = begin(Bucket);
    const before = proxy.requests.length;
    expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'NotOwned' });
    expect(proxy.requests.slice(before).filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
    expect((await client.send(new GetBucketTaggingCommand({ Bucket }))).TagSet).toEqual(TagSet);
  });

  it('gets never two PUTs side by side', async () => {
    let [underWay, most] = [0, 0];
    proxy.intercept(async (request) => {
      if (!isPut(request)) return undefined;
      underWay += 1;
      most = Math.max(most, underWay);
      // Long enough for another one to come.
      await wait(30);
      underWay -= 1;
      return undefined;
    });
    expect(await begin('one-by-one').bench.run()).toMatchObject({ result: 'settled' });
    expect(most).toBe(1);
  });
});
