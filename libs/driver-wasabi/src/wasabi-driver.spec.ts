import { GetBucketPolicyCommand } from '@aws-sdk/client-s3';
import { asFault } from '@operator/outcome';
import { connectionTo, driverDeps, recordingContext, refuse, startFakeS3 } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import { regionOfEndpoint } from './regions.ts';
import { createWasabiDriver } from './wasabi-driver.ts';

const driverTo = (endpoint: string, region: string) =>
  createWasabiDriver(connectionTo(endpoint, { region }), driverDeps());

describe('the wasabi driver', () => {
  it.each([
    ['https://s3.wasabisys.com', 'us-east-1'],
    ['https://s3.eu-central-1.wasabisys.com', 'eu-central-1'],
    ['https://s3.nl-1.wasabisys.com/', 'eu-central-1'],
    ['https://s3.ap-southeast-2.wasabisys.com', 'ap-southeast-2'],
    ['https://example.com', undefined],
    ['https://my-bucket.s3.wasabisys.com', undefined],
    ['https://s3.my-bucket.wasabisys.com', undefined],
    ['https://my-bucket.s3.eu-central-1.wasabisys.com', undefined],
    ['https://s3.eu-central-1.wasabisys.com:9021', undefined],
    ['https://wasabisys.com', undefined],
    ['http://127.0.0.1:5000', undefined],
  ])('%s has the buckets of %s', (endpoint, region) => {
    expect(regionOfEndpoint(endpoint)).toBe(region);
  });

  it('says which region the endpoint has when the two disagree, without a call', async () => {
    const driver = driverTo('https://s3.eu-central-1.wasabisys.com', 'us-west-1');
    const context = recordingContext();
    const fault = asFault(await driver.checkHealth(context).catch(asFault));
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'WrongRegion' });
    expect(fault.message).toBe(
      "The endpoint https://s3.eu-central-1.wasabisys.com has the buckets of the region eu-central-1, but the Provider's region is us-west-1. " +
        'Set the region to eu-central-1, or the endpoint to https://s3.us-west-1.wasabisys.com.',
    );
    expect(context.calls).toEqual([]);
  });

  it("reaches a bucket of another region at that region's endpoint", () => {
    expect(driverTo('https://s3.wasabisys.com', 'us-east-1').wire('eu-west-1').endpoint).toBe(
      'https://s3.eu-west-1.wasabisys.com',
    );
    expect(driverTo('https://s3.wasabisys.com', 'us-east-1').wire().endpoint).toBe('https://s3.wasabisys.com');
  });

  it('is one server in all regions, and warns before a deletion', () => {
    const driver = driverTo('https://s3.eu-west-1.wasabisys.com', 'eu-west-1');
    expect(driver.serverIdentity).toBe('wasabi');
    expect(driver.keys).toMatchObject({ identity: 'iam+https://iam.wasabisys.com' });
    expect(driver.deletionWarning).toContain('90 days');
  });

  it("is not the server of a bucket's virtual host", () => {
    const endpoint = 'https://my-bucket.s3.wasabisys.com';
    expect(driverTo(endpoint, 'us-east-1').serverIdentity).toBe(endpoint);
  });

  it.each([
    ['RequestRateLimitExceeded', 'transient', 'Throttled'],
    ['AuthenticationLockout', 'waiting', 'AuthFailed'],
    ['AccountNotActivated', 'waiting', 'AccessDenied'],
  ])('%s is %s %s', async (code, kind, reason) => {
    const fake = await startFakeS3();
    fake.answer(() => refuse(403, code));
    const driver = driverTo(fake.endpoint, 'us-east-1');
    const fault = asFault(
      await driver
        .wire()
        .send(new GetBucketPolicyCommand({ Bucket: 'b' }), recordingContext())
        .catch(asFault),
    );
    expect(fault).toMatchObject({ kind, reason });
    // Five minutes of lockout: no attempt before they are over.
    if (reason === 'AuthFailed') expect(fault.retryAfterMs).toBeGreaterThan(300_000);
    driver.close();
    await fake.close();
  });
});
