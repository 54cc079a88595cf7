import { driverConformance, lackedBy, startUnderTest, surroundings } from '@operator/testing';
import { startMinio, startSeaweedfs, startVersitygw } from '@operator/tools/local';
import { createGenericDriver } from './generic-driver.ts';

driverConformance({
  name: 'the generic driver on versitygw',
  lacks: lackedBy.versitygw,
  createDriver: createGenericDriver,
  issuesKeys: false,
  locksObjects: true,
  hidesOddKeys: true,
  start: startUnderTest(startVersitygw),
});

driverConformance({
  name: 'the generic driver on MinIO',
  // Its quotas and the targets of its copies are of its admin API, which only its own driver speaks.
  lacks: [...lackedBy.minio, 'quota', 'replication'],
  surroundings: surroundings.minio,
  createDriver: createGenericDriver,
  issuesKeys: false,
  locksObjects: true,
  start: startUnderTest(startMinio),
});

driverConformance({
  name: 'the generic driver on SeaweedFS',
  lacks: lackedBy.seaweedfs,
  createDriver: createGenericDriver,
  issuesKeys: true,
  speaksIam: true,
  locksObjects: true,
  start: startUnderTest(startSeaweedfs),
});
