import {
  CreateMultipartUploadCommand,
  GetBucketLifecycleConfigurationCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { BucketSpec } from '@operator/api';
import { createBucket, lookAtFeatures, type Driver } from '@operator/s3';
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

/* What rules do, not only that they are stored: there a day lasts ten seconds. */

type Rules = NonNullable<BucketSpec['lifecycle']>['rules'];

let server: Awaited<ReturnType<ReturnType<typeof startUnderTest>>>;
let driver: Driver;
let client: S3Client;
const context = recordingContext();

beforeAll(async () => {
  server = await startUnderTest((options) => startCeph({ ...options, sts: true }))();
  const { endpoint, region, credentials } = server.connection;
  driver = createGenericDriver(server.connection, driverDeps());
  client = independentClient({
    endpoint,
    region,
    accessKey: credentials.accessKeyId,
    secretKey: credentials.secretAccessKey.reveal(),
  });
});
afterAll(async () => {
  driver.close();
  client.destroy();
  await server.stop();
});

const viewsOf = (bucket: string, spec: BucketSpec) =>
  lookAtFeatures(driver, spec, bucketContext({ created: false }), { wire: driver.wire(), bucket }, context);
const converge = async (bucket: string, rules: Rules) => {
  const spec = bucketSpec({
    versioning: { enabled: true, mfaDelete: false },
    lifecycle: { rules, others: 'Remove' },
  });
  for (const view of await viewsOf(bucket, spec)) if (view.verdict === 'different') await view.step.apply(context);
  return viewsOf(bucket, spec);
};
const put = (Bucket: string, Key: string, options: { Tagging?: string; Body?: string } = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body: 'content', ...options }));
/** All versions and delete markers, each as `key` or `key (earlier)` or `key (marker)`. */
const contentOf = async (Bucket: string): Promise<readonly string[]> => {
  const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
  return [
    ...Versions.map(({ Key = '', IsLatest }) => (IsLatest === true ? Key : `${Key} (earlier)`)),
    ...DeleteMarkers.map(({ Key = '' }) => `${Key} (marker)`),
  ].sort();
};
const uploadsOf = async (Bucket: string): Promise<readonly string[]> => {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  return Uploads.map(({ Key = '' }) => Key).sort();
};
const within = { timeout: 100_000, interval: 1_000 };

describe('the effect of lifecycle rules on Ceph RGW', { concurrent: true }, () => {
  it('objects go that a rule is for, and those outside its prefix, tags and sizes, or of a rule that is off, stay', async () => {
    const bucket = 'effect-expiration';
    await createBucket(driver, { bucket }, context);
    const views = await converge(bucket, [
      { id: 'prefix', status: 'Enabled', prefix: 'old/', expiration: { days: 1 } },
      { id: 'tags', status: 'Enabled', prefix: 'tagged/', tags: { stage: 'raw' }, expiration: { days: 1 } },
      { id: 'sizes', status: 'Enabled', prefix: 'sized/', objectSizeGreaterThan: 100, expiration: { days: 1 } },
      { id: 'off', status: 'Disabled', prefix: 'off/', expiration: { days: 1 } },
      { id: 'date', status: 'Enabled', prefix: 'date/', expiration: { date: '2020-01-31' } },
      { id: 'future', status: 'Enabled', prefix: 'future/', expiration: { date: '2099-01-31' } },
    ]);
    expect(views.map(({ verdict }) => verdict)).toEqual(views.map(() => 'same'));
    for (const key of ['old/a', 'new/a', 'off/a', 'tagged/b', 'sized/small', 'date/a', 'future/a'])
      await put(bucket, key);
    await put(bucket, 'tagged/a', { Tagging: 'stage=raw' });
    await put(bucket, 'sized/large', { Body: 'x'.repeat(200) });
    const current = async () => (await contentOf(bucket)).filter((one) => !one.includes('('));
    const left = ['future/a', 'new/a', 'off/a', 'sized/small', 'tagged/b'];
    await expect.poll(current, within).toEqual(left);
    // What stays has stayed after a further round too.
    await put(bucket, 'old/b');
    await expect.poll(current, within).toEqual(left);
  });

  it('earlier versions go, but for the newest of them where the rule says so', async () => {
    const bucket = 'effect-versions';
    await createBucket(driver, { bucket }, context);
    await converge(bucket, [
      { id: 'all', status: 'Enabled', prefix: 'all/', noncurrentVersionExpiration: { noncurrentDays: 1 } },
      {
        id: 'but-one',
        status: 'Enabled',
        prefix: 'one/',
        noncurrentVersionExpiration: { noncurrentDays: 1, newerNoncurrentVersions: 1 },
      },
    ]);
    for (const key of ['all/a', 'one/a', 'other/a']) for (let count = 0; count < 3; count += 1) await put(bucket, key);
    const left = ['all/a', 'one/a', 'one/a (earlier)', 'other/a', 'other/a (earlier)', 'other/a (earlier)'];
    await expect.poll(() => contentOf(bucket), within).toEqual(left);
    await put(bucket, 'all/a');
    await expect.poll(() => contentOf(bucket), within).toEqual(left);
  });

  it('uploads that nobody finished are aborted, and those outside the prefix stay', async () => {
    const bucket = 'effect-uploads';
    await createBucket(driver, { bucket }, context);
    await converge(bucket, [
      { id: 'a', status: 'Enabled', prefix: 'old/', abortIncompleteMultipartUpload: { daysAfterInitiation: 1 } },
    ]);
    for (const Key of ['old/a', 'new/a']) await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    expect(await uploadsOf(bucket)).toEqual(['new/a', 'old/a']);
    await expect.poll(() => uploadsOf(bucket), within).toEqual(['new/a']);
    await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'old/b' }));
    await expect.poll(() => uploadsOf(bucket), within).toEqual(['new/a']);
  });

  it('delete markers that hide nothing go', async () => {
    const bucket = 'effect-markers';
    await createBucket(driver, { bucket }, context);
    await converge(bucket, [
      { id: 'objects', status: 'Enabled', prefix: 'a/', expiration: { days: 1 } },
      { id: 'versions', status: 'Enabled', prefix: 'a/', noncurrentVersionExpiration: { noncurrentDays: 1 } },
      { id: 'markers', status: 'Enabled', prefix: 'a/', expiration: { expiredObjectDeleteMarker: true } },
    ]);
    await put(bucket, 'a/1');
    await put(bucket, 'b/1');
    await expect.poll(() => contentOf(bucket), within).toEqual(['b/1']);
  });
});

it('Ceph RGW drops how many earlier versions stay unmoved: such a transition is left out, and told', async () => {
  const bucket = 'dropped-transition';
  await createBucket(driver, { bucket }, context);
  const rules: Rules = [
    {
      id: 'a',
      status: 'Enabled',
      noncurrentVersionExpiration: { noncurrentDays: 90, newerNoncurrentVersions: 2 },
      noncurrentVersionTransitions: [{ noncurrentDays: 30, newerNoncurrentVersions: 1, storageClass: 'GLACIER' }],
    },
  ];
  const views = await converge(bucket, rules);
  expect(views.find(({ aspect }) => aspect === 'lifecycle')).toMatchObject({
    verdict: 'unsupported',
    message: expect.stringMatching(/^The server accepts newerNoncurrentVersions .* and drops it/) as string,
  });
  const { Rules: [stored] = [] } = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }));
  expect(stored).toMatchObject({
    ID: 'a',
    Status: 'Enabled',
    NoncurrentVersionExpiration: { NoncurrentDays: 90, NewerNoncurrentVersions: 2 },
  });
  expect(stored?.NoncurrentVersionTransitions ?? []).toEqual([]);
});
