import { createS3Driver, type Driver } from '@operator/s3';
import { connectionTo, driverDeps } from './builders.ts';
import { startFakeS3, type FakeS3 } from './fake-s3.ts';

/** A fake server, and a driver to it that has no feature and issues no keys. */
export interface FakeDriver {
  readonly fake: FakeS3;
  readonly driver: Driver;
  readonly close: () => Promise<void>;
}

/** For `beforeEach`, which calls what it is given back after the test: `return (await startFakeDriver()).close`. */
export const startFakeDriver = async (): Promise<FakeDriver> => {
  const fake = await startFakeS3();
  const driver = createS3Driver(connectionTo(fake.endpoint), driverDeps(), {
    aspects: () => [],
    unsupported: new Map(),
    serverIdentity: 'fake',
    isCertain: false,
    keys: () => 'none',
  });
  return {
    fake,
    driver,
    close: async () => {
      driver.close();
      await fake.close();
    },
  };
};
