import { randomBytes } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { createBucket, createWirePool, lookAtFeatures, type Connection, type Driver } from '@operator/s3';
import { bucketContext, bucketSpec, driverDeps, recordingContext, startUnderTest } from '@operator/testing';
import { startMinio } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAdminClient } from './admin-client.ts';
import { serialKeyDerivation } from './derive-key.ts';
import { createMinioDriver } from './driver.ts';

let server: Awaited<ReturnType<ReturnType<typeof startUnderTest>>>;
const drivers: Driver[] = [];
const context = recordingContext();

beforeAll(async () => {
  server = await startUnderTest(startMinio)();
});
afterAll(async () => {
  for (const driver of drivers) driver.close();
  await server.stop();
});

const driverWith = (changes: Partial<Connection> = {}): Driver => {
  const driver = createMinioDriver({ ...server.connection, ...changes }, driverDeps());
  drivers.push(driver);
  return driver;
};

const onBucket = async (driver: Driver, bucket: string, isBorrowed = false) => {
  await createBucket(driver, { bucket }, context);
  const s3 = { wire: driver.wire(), bucket };
  const look = (maxBytes: number) =>
    lookAtFeatures(
      driver,
      bucketSpec({ quota: { maxBytes }, versioning: { enabled: true, mfaDelete: false } }),
      bucketContext({ isBorrowed }),
      s3,
      context,
    );
  return {
    look,
    async converge(maxBytes: number) {
      for (const view of await look(maxBytes)) if (view.verdict === 'different') await view.step.apply(context);
      return look(maxBytes);
    },
    put: (Key: string) => s3.wire.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x'.repeat(2_000) }), context),
  };
};

it('a quota refuses what is more, and lets it in once it is gone', async () => {
  // The admin API has an address of its own.
  const adminEndpoint = server.connection.endpoint.replace('127.0.0.1', 'localhost');
  const bucket = await onBucket(driverWith({ adminEndpoint }), 'bounded');
  expect(await bucket.converge(1_000)).toContainEqual({ aspect: 'quota', verdict: 'same' });
  await expect(bucket.put('a')).rejects.toMatchObject({ reason: 'LimitExceeded' });
  expect(await bucket.converge(0)).toContainEqual({ aspect: 'quota', verdict: 'same' });
  await bucket.put('a');
});

it('a borrower sets a quota where there is none, and lowers it; it neither raises nor removes it', async () => {
  const bucket = await onBucket(driverWith(), 'lent', true);
  for (const bytes of [3_000, 1_000]) {
    expect(await bucket.converge(bytes)).toContainEqual({ aspect: 'quota', verdict: 'same' });
  }
  for (const bytes of [3_000, 0]) {
    expect(await bucket.converge(bytes)).toContainEqual({
      aspect: 'quota',
      verdict: 'blocked',
      fault: expect.objectContaining({ reason: 'ReferenceNotGranted' }) as Error,
    });
    await expect(bucket.put('a')).rejects.toMatchObject({ reason: 'LimitExceeded' });
  }
});

/** Sets a quota as another tool may: `size` is what newer ones write, `quota` what older ones do. */
const setByTool = async (bucket: string, quota: { readonly quota: number; readonly size: number }): Promise<void> => {
  const { connection } = server;
  const pool = createWirePool(connection, driverDeps());
  const pathPrefix = '/minio/admin/v3';
  const options = { connection, uplink: pool.uplink, deriveKey: serialKeyDerivation(), randomBytes, pathPrefix };
  const body = { ...quota, quotatype: 'hard' };
  await createAdminClient(options).send(
    { operation: 'SetBucketQuota', method: 'PUT', path: '/set-bucket-quota', query: { bucket }, body },
    context,
  );
  pool.close();
};

it.each([
  ['size alone', { quota: 0, size: 1_000 }, 1_000],
  ['quota alone', { quota: 1_000, size: 0 }, 1_000],
  ['the smaller size', { quota: 1_000_000, size: 1_000 }, 1_000],
  ['the larger size', { quota: 1_000, size: 1_000_000 }, 1_000_000],
])('what the server enforces is what counts: %s of another tool', async (what, set, enforced) => {
  const name = what.replaceAll(' ', '-');
  const bucket = await onBucket(driverWith(), name, true);
  await setByTool(name, set);
  if (enforced === 1_000) await expect(bucket.put('a')).rejects.toMatchObject({ reason: 'LimitExceeded' });
  else await bucket.put('a');
  expect(await bucket.look(enforced)).toContainEqual({ aspect: 'quota', verdict: 'same' });
  expect(await bucket.converge(enforced + 1)).toContainEqual({
    aspect: 'quota',
    verdict: 'blocked',
    fault: expect.objectContaining({ reason: 'ReferenceNotGranted' }) as Error,
  });
  expect(await bucket.converge(enforced - 1)).toContainEqual({ aspect: 'quota', verdict: 'same' });
  const owned = await onBucket(driverWith(), name);
  await setByTool(name, set);
  expect(await owned.converge(0)).toContainEqual({ aspect: 'quota', verdict: 'same' });
  await owned.put('b');
});

it('an admin endpoint of another server holds up the quota alone, and issues other keys', async () => {
  const other = await startUnderTest(startMinio)();
  const { endpoint: adminEndpoint, credentials } = other.connection;
  const driver = driverWith({ adminEndpoint });
  expect(driver.keys).toMatchObject({ identity: `minio+${adminEndpoint}` });
  expect(driverWith().keys).toMatchObject({ identity: `minio+${server.connection.endpoint}` });
  expect(credentials.accessKeyId).not.toBe(server.connection.credentials.accessKeyId);
  const views = await (await onBucket(driver, 'elsewhere')).converge(1_000);
  await other.stop();
  expect(views).toContainEqual({ aspect: 'versioning', verdict: 'same' });
  expect(views).toContainEqual({
    aspect: 'quota',
    verdict: 'blocked',
    fault: expect.objectContaining({ reason: 'AuthFailed' }) as Error,
  });
});
