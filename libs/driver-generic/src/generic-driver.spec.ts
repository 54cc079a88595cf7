import { PutBucketTaggingCommand, PutPublicAccessBlockCommand } from '@aws-sdk/client-s3';
import { asFault } from '@operator/outcome';
import {
  bucketContext,
  bucketSpec,
  connectionTo,
  driverDeps,
  recordingContext,
  refuse,
  startFakeS3,
  type FakeS3,
} from '@operator/testing';
import { lookAtFeatures, readTags, type Driver } from '@operator/s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGenericDriver } from './generic-driver.ts';

let fake: FakeS3;
let driver: Driver;
beforeEach(async () => {
  fake = await startFakeS3();
  driver = createGenericDriver(connectionTo(fake.endpoint), driverDeps());
});
afterEach(async () => {
  driver.close();
  await fake.close();
});

describe('the generic driver', () => {
  it('issues keys only where IAM is set, and says so', () => {
    expect(driver.keys).toMatch(/spec\.iamEndpoint/);
    const withIam = createGenericDriver(connectionTo(fake.endpoint, { iamEndpoint: fake.endpoint }), driverDeps());
    expect(withIam.keys).toMatchObject({ maxKeysPerUser: 2, identity: `iam+${fake.endpoint}` });
  });

  it('finds that a server keeps no tags by the first read of them, and then marks nothing', async () => {
    fake.answer(() => refuse(501, 'NotImplemented'));
    expect(driver.marksBuckets).toBe(true);
    const s3 = { wire: driver.wire(), bucket: 'photos' };
    expect(await readTags(s3, recordingContext())).toBeUndefined();
    expect(driver.marksBuckets).toBe(false);
    expect(await lookAtFeatures(driver, bucketSpec(), bucketContext(), s3, recordingContext())).toEqual([]);
  });

  it('reads marks on, whatever a single bucket or a write of tags is refused', async () => {
    const s3 = { wire: driver.wire(), bucket: 'photos' };
    fake.answer(() => refuse(405, 'MethodNotAllowed'));
    const put = new PutBucketTaggingCommand({ Bucket: 'photos', Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } });
    await s3.wire.send(put, recordingContext()).catch(asFault);
    expect(driver.marksBuckets).toBe(true);
    fake.answer(() => refuse(404, 'NoSuchTagSet'));
    expect(await readTags(s3, recordingContext())).toEqual(new Map());
    fake.answer(() => refuse(405, 'MethodNotAllowed'));
    expect(await readTags({ ...s3, bucket: 'odd' }, recordingContext())).toBeUndefined();
    expect(driver.marksBuckets).toBe(true);
  });

  it('reads marks again once the server has tags after all', async () => {
    const s3 = { wire: driver.wire(), bucket: 'photos' };
    fake.answer(() => refuse(501, 'NotImplemented'));
    await readTags(s3, recordingContext());
    fake.answer(() => refuse(404, 'NoSuchTagSet'));
    await lookAtFeatures(driver, bucketSpec(), bucketContext(), s3, recordingContext());
    expect(driver.marksBuckets).toBe(true);
  });

  it('probes with reads alone, and only on a bucket of ours', async () => {
    fake.answer(() => refuse(501, 'NotImplemented'));
    const context = recordingContext();
    expect(await driver.probe(context)).toMatchObject({ versioning: 'Unknown', tagging: 'Unknown' });
    expect(context.calls).toEqual([]);
    expect(await driver.probe(context, 'photos')).toMatchObject({
      versioning: 'Unsupported',
      tagging: 'Unsupported',
      mfaDelete: 'Unsupported',
      accessKeys: 'Unsupported',
    });
    expect(fake.requests.every(({ method }) => method === 'GET')).toBe(true);
  });

  it('reads MalformedXML as unsupported where the server took the call for another one', async () => {
    fake.answer(() => refuse(400, 'MalformedXML'));
    const command = new PutPublicAccessBlockCommand({ Bucket: 'photos', PublicAccessBlockConfiguration: {} });
    expect(await driver.wire().send(command, recordingContext()).catch(asFault)).toMatchObject({
      reason: 'Unsupported',
    });
  });
});
