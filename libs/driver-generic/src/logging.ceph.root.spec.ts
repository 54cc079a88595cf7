import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { createBucket, lookAtFeatures, putBucketPolicy, type BucketWire, type Driver } from '@operator/s3';
import {
  bucketContext,
  bucketSpec,
  driverDeps,
  independentClient,
  recordingContext,
  startUnderTest,
} from '@operator/testing';
import { startCeph } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGenericDriver } from './generic-driver.ts';

/* What conformance cannot see: Ceph RGW writes logs into the bucket of another Bucket. */

let server: Awaited<ReturnType<ReturnType<typeof startUnderTest>>>;
let driver: Driver;
let judge: S3Client;
let s3: BucketWire;
const context = recordingContext();
const target = 'logs';

beforeAll(async () => {
  server = await startUnderTest(startCeph)();
  driver = createGenericDriver(server.connection, driverDeps());
  const { endpoint, region, credentials } = server.connection;
  const [accessKey, secretKey] = [credentials.accessKeyId, credentials.secretAccessKey.reveal()];
  judge = independentClient({ endpoint, region, accessKey, secretKey });
  s3 = { wire: driver.wire(), bucket: 'photos' };
  for (const bucket of ['photos', target]) await createBucket(driver, { bucket }, context);
});
afterAll(async () => {
  judge.destroy();
  driver.close();
  await server.stop();
});

const look = async (enabled: boolean) => {
  const logging = { enabled, targetBucketRef: { name: 'audit' }, targetPrefix: 'photos/' };
  const found = {
    kind: 'Bucket',
    key: 'team-a/audit',
    bucket: target,
    region: 'us-east-1',
    driver,
    credentialsVersion: '1',
    isOfOneKeeper: true,
  } as const;
  const inputs = new Map(enabled ? [['logging.target', found]] : []);
  const views = await lookAtFeatures(driver, bucketSpec({ logging }), bucketContext({ inputs }), s3, context);
  return views.find(({ aspect }) => aspect === 'logging');
};
const step = async (enabled: boolean) => {
  const view = await look(enabled);
  if (view?.verdict !== 'different') throw new Error('expected a gap');
  return view.step.apply(context);
};

/** What stands in the logs, once there are some. */
const logs = async (): Promise<string> => {
  const { Contents = [] } = await judge.send(new ListObjectsV2Command({ Bucket: target, Prefix: 'photos/' }));
  const bodies = Contents.map(async ({ Key }) => {
    const { Body } = await judge.send(new GetObjectCommand({ Bucket: target, Key }));
    return Body?.transformToString();
  });
  return (await Promise.all(bodies)).join('\n');
};

it('a bucket whose policy does not let the server write gets none, and the message has what to allow', async () => {
  await expect(step(true)).rejects.toMatchObject({
    kind: 'waiting',
    reason: 'AccessDenied',
    message: expect.stringContaining(
      'the action s3:PutObject on arn:aws:s3:::logs/photos/* in its BucketPolicy',
    ) as string,
  });
});

it('a request is in the logs of the bucket that is named, and none that came after they were off', async () => {
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'logging.s3.amazonaws.com' },
    Action: ['s3:PutObject'],
    Resource: [`arn:aws:s3:::${target}/photos/*`],
    Condition: { ArnLike: { 'aws:SourceArn': ['arn:aws:s3:::photos'] } },
  } as const;
  await putBucketPolicy(
    { wire: driver.wire(), bucket: target },
    { Version: '2012-10-17', Statement: [statement] },
    context,
  );
  expect(await step(true)).toEqual({ end: 'done' });
  expect((await look(true))?.verdict).toBe('same');
  await judge.send(new PutObjectCommand({ Bucket: 'photos', Key: 'holiday.jpg', Body: 'x' }));
  // The server writes what it has when the setting changes; otherwise every few minutes.
  expect(await step(false)).toEqual({ end: 'done' });
  expect((await look(false))?.verdict).toBe('same');
  await judge.send(new PutObjectCommand({ Bucket: 'photos', Key: 'later.jpg', Body: 'x' }));
  await expect.poll(logs, { timeout: 20_000 }).toMatch(/PUT.*holiday\.jpg/);
  expect(await logs()).not.toContain('later.jpg');
});
