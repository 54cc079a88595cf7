import { PutObjectCommand } from '@aws-sdk/client-s3';
import { createBucket, lookAtFeatures, type Driver } from '@operator/s3';
import { bucketContext, bucketSpec, driverDeps, recordingContext, startUnderTest } from '@operator/testing';
import { startCeph } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGenericDriver } from './generic-driver.ts';

let server: Awaited<ReturnType<ReturnType<typeof startUnderTest>>>;
let driver: Driver;
const context = recordingContext();

beforeAll(async () => {
  server = await startUnderTest(startCeph)();
  driver = createGenericDriver(server.connection, driverDeps());
});
afterAll(async () => {
  driver.close();
  await server.stop();
});

it('a quota refuses what is more, and lets it in once it is gone', async () => {
  await createBucket(driver, { bucket: 'bounded' }, context);
  const s3 = { wire: driver.wire(), bucket: 'bounded' };
  const converge = async (maxBytes: number) => {
    const look = () => lookAtFeatures(driver, bucketSpec({ quota: { maxBytes } }), bucketContext(), s3, context);
    for (const view of await look()) if (view.verdict === 'different') await view.step.apply(context);
    expect(await look()).toContainEqual({ aspect: 'quota', verdict: 'same' });
  };
  const put = (bytes: number) =>
    s3.wire.send(new PutObjectCommand({ Bucket: 'bounded', Key: 'a', Body: 'x'.repeat(bytes) }), context);
  await converge(10_001);
  await put(5_000);
  await expect(put(20_000)).rejects.toMatchObject({ reason: 'LimitExceeded' });
  await converge(0);
  await put(20_000);
});
