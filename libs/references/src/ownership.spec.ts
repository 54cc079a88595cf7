import { createMemoryS3 } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import { createTestWorld, objectOf, providerOf } from './testing/index.ts';

const { signal } = new AbortController();
const spec = { name: 'photos', providerRef: { name: 'provider' }, adoptionPolicy: 'IfOwned' as const };
const owned = { bucketName: 'photos', ownership: 'Created' as const, ownedSince: '2026-05-01T00:00:00.000Z' };

/** A Bucket whose memory was sealed where its Provider led before it moved to another address, and the world after that. */
const moved = async (former: Parameters<typeof providerOf>[1] = {}) => {
  const old = createMemoryS3({ now: () => new Date(0), serverIdentity: 'http://old.test', tags: false });
  const now = createMemoryS3({ now: () => new Date(0), serverIdentity: 'http://new.test', tags: false });
  const { ownership } = createTestWorld(now.driver);
  const seal = async (provider: ReturnType<typeof providerOf>) => ({
    provider: { ...provider, status: await ownership.sealProvider(provider.status ?? {}, provider, signal) },
    driver: old.driver,
  });
  const bucket = objectOf('Bucket', 'photos', spec);
  const status = await ownership.sealBucket(
    { ...owned, endpoint: old.driver.serverIdentity },
    bucket,
    await seal(providerOf(old.driver, former)),
    signal,
  );
  const remembers = async (annotations: Readonly<Record<string, string>>): Promise<boolean> => {
    const provider = providerOf(now.driver, { metadata: { annotations } });
    const { memory } = await ownership.memoryOf({ ...bucket, status }, { provider, driver: now.driver }, signal);
    return memory !== undefined;
  };
  return { remembers };
};

describe('a memory of a bucket, after its Provider moved to another address', () => {
  const isSame = { 's3.cloud37.dev/same-server': 'http://new.test' };

  it('counts by the word that it is the same server, also where the server told its account', async () => {
    const { remembers } = await moved();
    expect(await remembers(isSame)).toBe(true);
  });

  it('counts for nothing in another account of the same server', async () => {
    const { ownership } = createTestWorld(createMemoryS3({ now: () => new Date(0), tags: false }).driver);
    const { driver } = createMemoryS3({ now: () => new Date(0), tags: false });
    const at = async (accountId: string) => {
      const provider = providerOf(driver, {}, { accountId });
      return {
        provider: { ...provider, status: await ownership.sealProvider(provider.status ?? {}, provider, signal) },
        driver,
      };
    };
    const bucket = objectOf('Bucket', 'photos', spec);
    const status = await ownership.sealBucket(owned, bucket, await at('acme'), signal);
    const memoryAt = async (accountId: string) =>
      (await ownership.memoryOf({ ...bucket, status }, await at(accountId), signal)).memory;
    expect(await memoryAt('acme')).toMatchObject({ ownership: 'Created' });
    expect(await memoryAt('other')).toBeUndefined();
  });

  it('counts for nothing without that word', async () => {
    const { remembers } = await moved();
    expect(await remembers({})).toBe(false);
    expect(await remembers({ 's3.cloud37.dev/same-server': 'http://elsewhere.test' })).toBe(false);
  });

  it('counts for nothing where another Provider, which names the same account, led to the former address', async () => {
    const { remembers } = await moved({ metadata: { uid: 'uid-of-another', name: 'another' } });
    expect(await remembers(isSame)).toBe(false);
  });
});
