import { createMemoryS3 } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import type { Provider } from './connection.ts';
import type { Provided } from './references.ts';
import { createTestWorld, objectOf, providerOf } from './testing/index.ts';

const { signal } = new AbortController();
const spec = { name: 'photos', providerRef: { name: 'provider' }, adoptionPolicy: 'IfOwned' as const };
const owned = { bucketName: 'photos', ownership: 'Created' as const, ownedSince: '2026-05-01T00:00:00.000Z' };

const serverAt = (serverIdentity: string) =>
  createMemoryS3({ now: () => new Date(0), serverIdentity, tags: false }).driver;
const { ownership } = createTestWorld(serverAt('http://s3.test'));

/** A Provider that leads there, whose status proves the account; undefined: the server tells none. */
const providedAt = async (
  endpoint: string,
  accountId: string | undefined,
  metadata: Partial<Provider['metadata']> = {},
): Promise<Provided> => {
  const driver = serverAt(endpoint);
  const provider = providerOf(driver, { metadata });
  const { accountId: told, ...others } = provider.status ?? {};
  expect(told).toBeDefined();
  const status = { ...others, ...(accountId === undefined ? {} : { accountId }) };
  return { provider: { ...provider, status: await ownership.sealProvider(status, provider, signal) }, driver };
};

/** Whether a memory that was sealed with the former counts with the present. */
const isRemembered = async (former: Provided, present: Provided): Promise<boolean> => {
  const bucket = objectOf('Bucket', 'photos', spec);
  const status = { ...owned, endpoint: former.driver.serverIdentity };
  const sealed = await ownership.sealBucket(status, bucket, former, signal);
  return (await ownership.memoryOf({ ...bucket, status: sealed }, present, signal)).memory !== undefined;
};

describe('a memory of a bucket', () => {
  it('counts in the account that it was sealed for, and in no other of the same server', async () => {
    const there = await providedAt('http://s3.test', 'acme');
    expect(await isRemembered(there, there)).toBe(true);
    expect(await isRemembered(there, await providedAt('http://s3.test', 'acme', { uid: 'uid-of-another' }))).toBe(true);
    expect(await isRemembered(there, await providedAt('http://s3.test', 'other'))).toBe(false);
  });

  const isSame = { annotations: { 's3.cloud37.dev/same-server': 'http://new.test' } };

  it.each([['acme'], [undefined]])(
    'counts after a move of its Provider by the word that it is the same server, account %s',
    async (account) => {
      const former = await providedAt('http://old.test', account);
      expect(await isRemembered(former, await providedAt('http://new.test', account, isSame))).toBe(true);
    },
  );

  it('counts after a move for nothing without that word, in another account, and with another Provider', async () => {
    const former = await providedAt('http://old.test', 'acme');
    const elsewhere = { annotations: { 's3.cloud37.dev/same-server': 'http://elsewhere.test' } };
    for (const present of [
      await providedAt('http://new.test', 'acme'),
      await providedAt('http://new.test', 'acme', elsewhere),
      await providedAt('http://new.test', 'other', isSame),
      await providedAt('http://new.test', 'acme', { ...isSame, uid: 'uid-of-another' }),
    ])
      expect(await isRemembered(former, present)).toBe(false);
  });
});
