import { driverDeps, startUnderTest } from '@operator/testing';
import { accessTable } from '@operator/testing/access-table';
import { startMinio } from '@operator/tools/local';
import { createMinioDriver } from './driver.ts';

accessTable({
  name: 'MinIO',
  start: startUnderTest(startMinio),
  createDriver: (connection) => createMinioDriver(connection, driverDeps()),
});
