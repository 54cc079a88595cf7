import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { BucketSpec, BucketStatus } from '@operator/api';
import { createBench, createTestWorld, objectOf } from '@operator/references/testing';
import type { Driver } from '@operator/s3';
import {
  bucketSpec,
  driverDeps,
  independentClient,
  refuse,
  startProxy,
  startUnderTest,
  type FakeRequest,
  type Proxy,
} from '@operator/testing';
import { startMoto } from '@operator/tools/local';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { bucketReconciler } from './reconciler.ts';

let server: Awaited<ReturnType<ReturnType<typeof startUnderTest>>>;
let proxy: Proxy;
let driver: Driver;
let client: S3Client;
beforeAll(async () => {
  server = await startUnderTest(startMoto)();
  proxy = await startProxy(server.connection.endpoint);
  const { createWasabiDriver } = await import('@operator/driver-wasabi');
  driver = createWasabiDriver({ ...server.connection, endpoint: proxy.endpoint }, driverDeps());
  const { endpoint, region, credentials } = server.connection;
  const [accessKey, secretKey] = [credentials.accessKeyId, credentials.secretAccessKey.reveal()];
  client = independentClient({ endpoint, region, accessKey, secretKey });
});
afterEach(() => proxy.intercept(() => undefined));
afterAll(async () => {
  client.destroy();
  driver.close();
  await proxy.close();
  await server.stop();
});

const deletesObjects = ({ method, path, query }: FakeRequest): boolean =>
  (method === 'POST' && query.has('delete')) || (method === 'DELETE' && !/^\/[^/]+\/?$/.test(path));

/** A Bucket that is Ready, holds an object, and is under deletion. */
const beginDeletion = async (name: string, spec: Partial<BucketSpec>) => {
  const world = createTestWorld(driver);
  const bench = createBench<BucketSpec, BucketStatus>({
    writes: world.writes,
    store: world.buckets,
    object: objectOf('Bucket', name, bucketSpec({ name, deletionPolicy: 'Delete', ...spec })),
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
  expect(await bench.run()).toMatchObject({ result: 'settled' });
  await client.send(new PutObjectCommand({ Bucket: name, Key: 'billed', Body: 'x' }));
  bench.delete();
  return bench;
};

const isWarning = (event: string): boolean => event.startsWith('Warning MinimumStorageDuration: ');

it('tells what a deletion costs before the first object goes, and once', async () => {
  const bench = await beginDeletion('costly', { forceDelete: true });
  proxy.intercept((request) => (deletesObjects(request) ? refuse(503, 'SlowDown') : undefined));
  const first = await bench.pass();
  expect(first.events.filter(isWarning)).toEqual([
    'Warning MinimumStorageDuration: Wasabi bills deleted objects until their minimum storage duration is over: 90 days, or 30 days with reserved capacity.',
  ]);
  proxy.intercept(() => undefined);
  const before = proxy.requests.length;
  expect(await bench.run()).toMatchObject({ result: 'gone' });
  expect(proxy.requests.slice(before).some(deletesObjects)).toBe(true);
});

it('deletes nothing, and tells of no costs, where the bucket is not to be emptied', async () => {
  const bench = await beginDeletion('kept', { forceDelete: false });
  const before = proxy.requests.length;
  const report = await bench.run();
  expect(report).toMatchObject({ result: 'waiting', reason: 'BucketNotEmpty' });
  expect(report.events.filter(isWarning)).toEqual([]);
  expect(proxy.requests.slice(before).filter(({ method }) => method === 'DELETE')).toEqual([]);
});
