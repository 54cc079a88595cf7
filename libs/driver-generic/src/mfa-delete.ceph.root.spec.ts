import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { asFault, redact } from '@operator/outcome';
import {
  createBucket,
  emptyBucketBatch,
  lookAtFeatures,
  removeBucket,
  retireFeatures,
  type Driver,
} from '@operator/s3';
import {
  bucketContext,
  bucketSpec,
  driverDeps,
  independentClient,
  recordingContext,
  startUnderTest,
} from '@operator/testing';
import { startCeph } from '@operator/tools/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGenericDriver } from './generic-driver.ts';

type Ceph = Awaited<ReturnType<typeof startCeph>>;
type Device = Awaited<ReturnType<Ceph['createMfaDevice']>>;

const Bucket = 'guarded';
const mfaSecretRef = { name: 'device', serialKey: 'serial', seedKey: 'seed' };
const context = recordingContext();

let ceph: Ceph;
let server: Awaited<ReturnType<ReturnType<typeof startUnderTest>>>;
let driver: Driver;
let independent: S3Client;
/** Each has a code of its own for a half minute. */
let devices: readonly [Device, Device, Device];

beforeAll(async () => {
  server = await startUnderTest(async (options) => (ceph = await startCeph(options)))();
  driver = createGenericDriver(server.connection, driverDeps());
  independent = independentClient(ceph);
  devices = [await ceph.createMfaDevice(), await ceph.createMfaDevice(), await ceph.createMfaDevice()];
  await createBucket(driver, { bucket: Bucket }, context);
});
afterAll(async () => {
  independent.destroy();
  driver.close();
  await server.stop();
});

const specOf = (enabled: boolean, mfaDelete: boolean) =>
  bucketSpec({ name: Bucket, forceDelete: true, versioning: { enabled, mfaDelete, mfaSecretRef } });
const contextWith = ({ serial, seed }: Device) => {
  const values = new Map([
    ['serial', redact(serial)],
    ['seed', redact(seed)],
  ]);
  return bucketContext({ inputs: new Map([['versioning.mfa', { kind: 'Secret', values }]]) });
};
const s3 = () => ({ wire: driver.wire(), bucket: Bucket });
/** One pass of a controller. */
const pass = async (device: Device, [enabled, mfaDelete]: readonly [boolean, boolean]) => {
  const look = () => lookAtFeatures(driver, specOf(enabled, mfaDelete), contextWith(device), s3(), context);
  for (const view of await look()) if (view.verdict === 'different') await view.step.apply(context);
  return (await look()).find(({ aspect }) => aspect === 'versioning');
};
const faultOf = (call: Promise<unknown>) => call.then(() => undefined, asFault);
const seen = async () => {
  const { Status, MFADelete } = await independent.send(new GetBucketVersioningCommand({ Bucket }));
  return [Status, MFADelete];
};
const put = async (Key: string) =>
  (await independent.send(new PutObjectCommand({ Bucket, Key, Body: 'content' }))).VersionId;
const removeVersion = (Key: string, VersionId: string | undefined) =>
  independent.send(new DeleteObjectCommand({ Bucket, Key, VersionId })).then(
    () => 'removed',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );

describe('MFA delete on Ceph RGW', () => {
  it('is not switched with a seed that the device does not have, and versioning comes all the same', async () => {
    const other = { ...devices[0], seed: devices[1].seed };
    const fault = await faultOf(pass(other, [true, true]));
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'AccessDenied' });
    expect(fault?.message).toMatch(
      /refuses to switch MFA delete of bucket guarded with a code of the device in Secret device/,
    );
    for (const secret of [other.serial, other.seed]) expect(fault?.message).not.toContain(secret);
    expect((await seen())[0]).toBe('Enabled');
  });

  it('is switched on with a code, and then keeps versions from being deleted without one', async () => {
    const former = await put('before');
    expect(await removeVersion('before', former)).toBe('removed');
    expect(await pass(devices[1], [true, true])).toMatchObject({ verdict: 'same' });
    expect(await seen()).toEqual(['Enabled', 'Enabled']);
    expect(await removeVersion('kept', await put('kept'))).toBe('AccessDenied');
  });

  it('waits for the next code where that of the moment was used, and is switched off with it, as versioning is', async () => {
    // At once, unless a step ended in between: then the code is a new one already.
    const early = await faultOf(pass(devices[1], [false, false]));
    expect([undefined, 'Conflict']).toContain(early?.reason);
    if (early !== undefined) expect(early.retryAfterMs).toBeLessThanOrEqual(30_000);
    await expect
      .poll(() => faultOf(pass(devices[1], [false, false])), { timeout: 60_000, interval: 1_000 })
      .toBeUndefined();
    expect(await seen()).toEqual(['Suspended', 'Disabled']);
  });

  it('is switched off before a bucket is emptied', async () => {
    expect(await pass(devices[2], [true, true])).toMatchObject({ verdict: 'same' });
    const VersionId = await put('many');
    expect(await removeVersion('kept', await put('kept'))).toBe('AccessDenied');
    // Ceph lets them go by DeleteObjects all the same. The operator does not count on that.
    const Delete = { Objects: [{ Key: 'many', VersionId }] };
    expect((await independent.send(new DeleteObjectsCommand({ Bucket, Delete }))).Deleted).toMatchObject([
      { VersionId },
    ]);
    const last = { spec: specOf(true, true), bucket: contextWith(devices[2]) };
    await expect
      .poll(() => faultOf(retireFeatures(driver, s3(), last, context)), { timeout: 60_000, interval: 1_000 })
      .toBeUndefined();
    expect(await seen()).toEqual(['Enabled', 'Disabled']);
    expect(await emptyBucketBatch(driver, { bucket: Bucket }, context)).toMatchObject({
      remaining: false,
      blocked: [],
    });
    expect((await independent.send(new ListObjectVersionsCommand({ Bucket }))).Versions ?? []).toEqual([]);
    await removeBucket(driver, { bucket: Bucket }, context);
  });
});
