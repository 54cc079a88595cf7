import { driverDeps, startUnderTest } from '@operator/testing';
import { accessTable } from '@operator/testing/access-table';
import { startCeph } from '@operator/tools/local';
import { createGenericDriver } from './generic-driver.ts';

accessTable({
  name: 'Ceph RGW',
  start: startUnderTest(startCeph),
  createDriver: (connection) => createGenericDriver(connection, driverDeps()),
});
