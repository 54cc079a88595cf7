import { randomBytes } from 'node:crypto';
import { redact } from '@operator/outcome';
import { createBucket, lookAtFeatures, type Driver } from '@operator/s3';
import { bucketContext, bucketSpec, driverDeps, recordingContext, startUnderTest } from '@operator/testing';
import { startMinio } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMinioDriver } from './driver.ts';

/* What conformance cannot see: a MinIO with a key service encrypts. */

const key = 'bucket-key';
const secret = redact(randomBytes(32).toString('base64'));
let server: Awaited<ReturnType<ReturnType<typeof startUnderTest>>>;
let driver: Driver;
const context = recordingContext();

beforeAll(async () => {
  const env = { MINIO_KMS_SECRET_KEY: `${key}:${secret.reveal()}` };
  server = await startUnderTest(({ dir }) => startMinio({ dir, env }))();
  driver = createMinioDriver(server.connection, driverDeps());
  await createBucket(driver, { bucket: 'sealed' }, context);
});
afterAll(async () => {
  driver.close();
  await server.stop();
});

type Encryption = NonNullable<ReturnType<typeof bucketSpec>['encryption']>;
const kms = (kmsKeyId: string, bucketKeyEnabled = false): Encryption => ({
  enabled: true,
  algorithm: 'aws:kms',
  kmsKeyId,
  bucketKeyEnabled,
});
const look = async (encryption: Encryption) => {
  const s3 = { wire: driver.wire(), bucket: 'sealed' };
  const views = await lookAtFeatures(driver, bucketSpec({ encryption }), bucketContext(), s3, context);
  return views.find(({ aspect }) => aspect === 'encryption');
};
const converge = async (encryption: Encryption) => {
  const view = await look(encryption);
  if (view?.verdict !== 'different') throw new Error('expected a gap');
  return view.step.apply(context);
};

it.each<Encryption>([
  { enabled: true, algorithm: 'AES256' },
  kms(key),
  { enabled: false, algorithm: 'AES256' },
  kms(`arn:aws:kms:${key}`),
  { enabled: true, algorithm: 'AES256' },
])('encryption converges to %j', async (encryption) => {
  expect(await converge(encryption)).toEqual({ end: 'done' });
  expect((await look(encryption))?.verdict).toBe('same');
});

it('a key that is not known is refused, with its name, and what is there stays', async () => {
  await expect(converge(kms('nobodys-key'))).rejects.toMatchObject({ kind: 'waiting', reason: 'RequestRefused' });
  expect((await look({ enabled: true, algorithm: 'AES256' }))?.verdict).toBe('same');
});

it('a bucket key is told as unsupported, after the rest has converged', async () => {
  expect(await converge(kms(key, true))).toEqual({ end: 'done' });
  expect(await look(kms(key, true))).toMatchObject({ verdict: 'unsupported', message: 'MinIO has no bucket keys.' });
  expect((await look(kms(key)))?.verdict).toBe('same');
});
