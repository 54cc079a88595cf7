import { createGenericDriver } from '@operator/driver-generic';
import { startUnderTest } from '@operator/testing';
import { trapSuite } from '@operator/testing/traps';
import { startCeph } from '@operator/tools/local';

trapSuite({ server: 'ceph', start: startUnderTest(startCeph), drivers: { custom: createGenericDriver } });
