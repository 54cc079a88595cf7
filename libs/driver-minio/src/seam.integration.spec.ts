import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redact } from '@operator/outcome';
import { bindAspect, createBucket, createS3Driver, lookAtFeatures, type Aspect, type Driver } from '@operator/s3';
import { bucketContext, bucketSpec, connectionTo, driverDeps, recordingContext } from '@operator/testing';
import { startMinio, type S3Server } from '@operator/tools/local';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAdminClient, type AdminClient } from './admin-client.ts';
import { serialKeyDerivation } from './derive-key.ts';
import { ownCodes } from './own-codes.ts';

/* A feature of another API than S3, by a small aspect that works on a real server. */

let dir: string;
let minio: S3Server;
let driver: Driver;
const context = recordingContext();

const quota = (admin: AdminClient): Aspect<number> => ({
  name: 'quota',
  desired: ({ quota: declared }) => declared?.maxBytes,
  async read({ bucket }, within) {
    const call = {
      operation: 'GetBucketQuota',
      method: 'GET',
      path: '/get-bucket-quota',
      query: { bucket },
      answer: 'plain',
    } as const;
    const answer = (await admin.send(call, within)) as { readonly quota?: number };
    return answer.quota ?? 0;
  },
  isSet: (have) => have > 0,
  diff: (want, have) => (want === have ? undefined : want),
  async write({ bucket }, to, within) {
    const body = to === 0 ? { quota: 0 } : { quota: to, size: to, quotatype: 'hard' };
    await admin.send(
      { operation: 'SetBucketQuota', method: 'PUT', path: '/set-bucket-quota', query: { bucket }, body },
      within,
    );
  },
});

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'seam-'));
  minio = await startMinio({ dir });
  const credentials = { accessKeyId: minio.accessKey, secretAccessKey: redact(minio.secretKey) };
  const connection = connectionTo(minio.endpoint, { region: minio.region, credentials });
  const deriveKey = serialKeyDerivation();
  driver = createS3Driver(connection, driverDeps(), {
    aspects: ({ uplink }) => [
      bindAspect(
        quota(createAdminClient({ connection, uplink, deriveKey, randomBytes, pathPrefix: '/minio/admin/v3' })),
      ),
    ],
    unsupported: new Map(),
    serverIdentity: minio.endpoint,
    ownCodes,
    isCertain: false,
    keys: () => 'none',
  });
});
afterAll(async () => {
  driver.close();
  await minio.stop();
  await rm(dir, { recursive: true });
});

it('a feature of another API converges, is seen to work, and is taken away again', async () => {
  await createBucket(driver, { bucket: 'bounded' }, context);
  const s3 = { wire: driver.wire(), bucket: 'bounded' };
  const look = (maxBytes: number) =>
    lookAtFeatures(driver, bucketSpec({ quota: { maxBytes } }), bucketContext(), s3, context);
  const put = (Key: string) =>
    s3.wire.send(new PutObjectCommand({ Bucket: 'bounded', Key, Body: 'x'.repeat(2_000) }), context);
  for (const maxBytes of [1_000, 0]) {
    const [view] = await look(maxBytes);
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    expect(await view.step.apply(context)).toEqual({ end: 'done' });
    expect(await look(maxBytes)).toEqual([{ aspect: 'quota', verdict: 'same' }]);
    if (maxBytes > 0) await expect(put('a')).rejects.toMatchObject({ reason: 'LimitExceeded' });
    else await put('b');
  }
  expect(context.calls.filter(({ service }) => service === 'minio-admin').length).toBeGreaterThan(5);
});
