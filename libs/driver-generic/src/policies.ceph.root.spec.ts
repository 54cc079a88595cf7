import { driverDeps, startUnderTest } from '@operator/testing';
import { policyTable } from '@operator/testing/policy-table';
import { startCeph } from '@operator/tools/local';
import { createGenericDriver } from './generic-driver.ts';

policyTable({
  name: 'Ceph RGW',
  start: startUnderTest(startCeph),
  createDriver: (connection) => createGenericDriver(connection, driverDeps()),
  deviations: [
    { row: 'notAction: alice {"get":"open/one"}', is: 'denied', told: 'policyNotAction' },
    { row: 'a denial with notAction: carol {"delete":"open/two"}', is: 'allowed', told: 'policyNotAction' },
    { row: 'notPrincipal: dave {"get":"open/one"}', is: 'allowed', told: 'policyNotPrincipal' },
    { row: 'a denial with StringNotEquals s3:prefix: carol {"list":""}', is: 'allowed', told: 'policyAbsentKeys' },
    { row: 'a denial without TLS: carol {"get":"open/one"}', is: 'allowed', told: 'policySecureTransport' },
    {
      row: 'the whole account, whose users need rights of their own as well: alice {"get":"open/one"}',
      is: 'allowed',
      told: 'policyAccountPrincipal',
    },
    // The root user of an account is past denials there; the operator is refused such a policy all the same.
    { row: 'the operator is denied the policy itself: operator {"policy":"read"}', is: 'allowed', told: 'refusal' },
  ],
});
