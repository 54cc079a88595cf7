import { Client } from 'minio';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { s3Error, startHostileEndpoint, type HostileEndpoint } from './hostile-endpoint.ts';

let endpoint: HostileEndpoint;
let client: Client;

beforeEach(async () => {
  endpoint = await startHostileEndpoint({ owner: 'anybody' });
  client = new Client({
    endPoint: '127.0.0.1',
    port: endpoint.port,
    useSSL: false,
    accessKey: 'whoever',
    secretKey: 'whatever',
    region: 'us-east-1',
    retryOptions: { disableRetry: true },
  });
});
afterEach(() => endpoint.close());

describe('a hostile endpoint', () => {
  it('is an honest S3 server where its script says nothing', async () => {
    expect(await client.bucketExists('mine')).toBe(false);
    await client.makeBucket('mine');
    await client.setBucketTagging('mine', { team: 'any' });
    expect(await client.getBucketTagging('mine')).toEqual([{ Key: 'team', Value: 'any' }]);
    expect((await client.listBuckets()).map(({ name }) => name)).toEqual(['mine']);
    await client.removeBucket('mine');
    expect(await client.bucketExists('mine')).toBe(false);
    expect(endpoint.calls.map(({ operation }) => operation)).toContain('PutBucketTagging');
  });

  it('answers as its script says, from one request to the next', async () => {
    endpoint.follow(({ operation }) => (operation === 'ListBuckets' ? s3Error(403, 'AccessDenied') : undefined));
    await expect(client.listBuckets()).rejects.toMatchObject({ code: 'AccessDenied' });
    endpoint.follow(() => undefined);
    expect(await client.listBuckets()).toEqual([]);
  });

  it('says how much of an endless answer was taken, and ends it at its limit', async () => {
    const limitBytes = 1_000_000;
    endpoint.follow(() => ({ begin: '<', endless: 'x'.repeat(1_000), limitBytes }));
    const answer = await fetch(endpoint.url);
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThanOrEqual(limitBytes);
    expect(endpoint.mostBytesTaken()).toBeGreaterThanOrEqual(limitBytes);
  });

  it('lets requests wait, and says how many do', async () => {
    endpoint.follow(() => 'silence');
    const hangUp = new AbortController();
    const asked = fetch(endpoint.url, { signal: hangUp.signal });
    await expect.poll(() => endpoint.open()).toBe(1);
    hangUp.abort();
    await expect(asked).rejects.toThrow();
    await expect.poll(() => endpoint.open()).toBe(0);
  });
});
