import { driverDeps, startUnderTest } from '@operator/testing';
import { policyTable } from '@operator/testing/policy-table';
import { startSeaweedfs } from '@operator/tools/local';
import { createGenericDriver } from './generic-driver.ts';

policyTable({
  name: 'SeaweedFS',
  start: startUnderTest(startSeaweedfs),
  createDriver: (connection) => createGenericDriver(connection, driverDeps()),
  deviations: [
    { row: 'notAction', is: 'refused', told: 'refusal' },
    { row: 'a denial with notAction', is: 'refused', told: 'refusal' },
    { row: 'notPrincipal', is: 'refused', told: 'refusal' },
    { row: 'a denial with StringNotEqualsIfExists s3:prefix', is: 'refused', told: 'refusal' },
    { row: 'a denial without TLS, with IfExists', is: 'refused', told: 'refusal' },
  ],
});
