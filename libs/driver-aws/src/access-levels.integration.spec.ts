import { driverDeps, startUnderTest } from '@operator/testing';
import { accessTable } from '@operator/testing/access-table';
import { startMoto } from '@operator/tools/local';
import { createAwsDriver } from './aws-driver.ts';

accessTable({
  name: 'moto',
  start: startUnderTest(startMoto),
  createDriver: (connection) => createAwsDriver(connection, driverDeps()),
});
