import { driverDeps, startUnderTest } from '@operator/testing';
import { startCeph } from '@operator/tools/local';
import { it } from 'vitest';
import { makeByIam, readsOwn, tryForeignKey } from '../test/foreign-keys.ts';

// Ceph RGW denies keys that it does not know: only what the key may do shows that it is there.
const readsAndLists = {
  ...readsOwn,
  statement: [
    ...readsOwn.statement,
    { effect: 'Allow' as const, action: 's3:ListAllMyBuckets', resource: 'arn:aws:s3:::*' },
  ],
};

it('a key of somebody else on Ceph RGW', async () => {
  const server = await startUnderTest(startCeph)();
  const { createGenericDriver } = await import('@operator/driver-generic');
  const driver = createGenericDriver(server.connection, driverDeps());
  try {
    await tryForeignKey(driver, makeByIam(server.connection), readsAndLists);
  } finally {
    driver.close();
    await server.stop();
  }
});
