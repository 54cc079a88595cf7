import { createAwsDriver } from '@operator/driver-aws';
import { createGenericDriver } from '@operator/driver-generic';
import { createMinioDriver } from '@operator/driver-minio';
import { createWasabiDriver } from '@operator/driver-wasabi';
import { startUnderTest } from '@operator/testing';
import { standsElsewhere, trapsElsewhere, trapSuite } from '@operator/testing/traps';
import { startMinio, startMoto, startSeaweedfs, startVersitygw } from '@operator/tools/local';
import { expect, it } from 'vitest';

trapSuite({
  server: 'minio',
  start: startUnderTest(startMinio),
  drivers: { minio: createMinioDriver, custom: createGenericDriver },
});
trapSuite({
  server: 'moto',
  start: startUnderTest(startMoto),
  drivers: { aws: createAwsDriver, wasabi: createWasabiDriver },
});
trapSuite({ server: 'versitygw', start: startUnderTest(startVersitygw), drivers: { custom: createGenericDriver } });
trapSuite({ server: 'seaweedfs', start: startUnderTest(startSeaweedfs), drivers: { custom: createGenericDriver } });

it.each(Object.keys(trapsElsewhere))('%s: its test stands where the table says', async (title) => {
  expect(await standsElsewhere(new URL('../../../', import.meta.url), title)).toBe(true);
});
