import { driverDeps, startUnderTest } from '@operator/testing';
import { accessTable } from '@operator/testing/access-table';
import { startSeaweedfs } from '@operator/tools/local';
import { createGenericDriver } from './generic-driver.ts';

accessTable({
  name: 'SeaweedFS',
  start: startUnderTest(startSeaweedfs),
  createDriver: (connection) => createGenericDriver(connection, driverDeps()),
});
