import { PutBucketWebsiteCommand, PutPublicAccessBlockCommand } from '@aws-sdk/client-s3';
import { asFault } from '@operator/outcome';
import {
  bucketContext,
  bucketSpec,
  connectionTo,
  driverDeps,
  recordingContext,
  refuse,
  startFakeS3,
  succeed,
  type FakeS3,
} from '@operator/testing';
import { lookAtFeatures, readOwner, type Driver, type Wire } from '@operator/s3';
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

  it('finds that a server keeps no tags by its own word, and then marks nothing', async () => {
    const s3 = { wire: driver.wire(), bucket: 'photos' };
    fake.answer(({ query }) => (query.has('tagging') ? refuse(501, 'NotImplemented') : succeed()));
    expect(await readOwner(s3, recordingContext())).toEqual({ kind: 'notKept' });
    expect(driver.marksBuckets).toBe(false);
    expect(
      await lookAtFeatures(driver, bucketSpec(), bucketContext({ created: false }), s3, recordingContext()),
    ).toEqual([]);
  });

  it('reads marks again once the server has tags after all', async () => {
    const s3 = { wire: driver.wire(), bucket: 'photos' };
    fake.answer(({ query }) => (query.has('tagging') ? refuse(501, 'NotImplemented') : succeed()));
    await readOwner(s3, recordingContext());
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
      accessKeys: 'Unsupported',
    });
    expect(fake.requests.every(({ method }) => method === 'GET')).toBe(true);
  });

  it.each<[string, (wire: Wire) => Promise<unknown>]>([
    [
      'the public access block',
      (wire) => {
        const command = new PutPublicAccessBlockCommand({ Bucket: 'photos', PublicAccessBlockConfiguration: {} });
        return wire.send(command, recordingContext());
      },
    ],
    [
      'the website',
      (wire) => {
        const WebsiteConfiguration = { IndexDocument: { Suffix: 'index.html' } };
        return wire.send(new PutBucketWebsiteCommand({ Bucket: 'photos', WebsiteConfiguration }), recordingContext());
      },
    ],
  ])('reads MalformedXML as unsupported where the server took a PUT of %s for another one', async (_what, put) => {
    fake.answer(() => refuse(400, 'MalformedXML'));
    expect(await put(driver.wire()).catch(asFault)).toMatchObject({ reason: 'Unsupported' });
  });
});
