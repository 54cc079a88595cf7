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
  // Its quotas are of its admin API, which only its own driver speaks.
  lacks: [...lackedBy.minio, 'quota'],
  surroundings: surroundings.minio,
  createDriver: createGenericDriver,
  issuesKeys: false,
  locksObjects: true,
  start: startUnderTest(startMinio),
});

/** SeaweedFS drops the path of an IAM user, which is our mark: what we make there we do not recognise (docs/providers/custom.md). */
const unmarkedUser = (title: string, endsWith = /exists and does not carry the mark of this object/) => ({
  title,
  id: 'E4',
  why: 'SeaweedFS drops the path of an IAM user, which is our mark.',
  endsWith,
});

driverConformance({
  name: 'the generic driver on SeaweedFS',
  lacks: lackedBy.seaweedfs,
  createDriver: createGenericDriver,
  issuesKeys: true,
  locksObjects: true,
  start: startUnderTest(startSeaweedfs),
  knownGaps: [
    unmarkedUser(
      'are issued to a user of their own, which may do what its policy says and nothing else',
      /to match object { isOurs: true/,
    ),
    unmarkedUser('can be issued again and again with the same end: every call may be repeated'),
    // Of a user that is not ours no key is listed.
    unmarkedUser('are not issued beyond the most that one user may hold', /expected \[\] to have a length of 2/),
    unmarkedUser(
      'show whose their users are, to the operator of their cluster alone',
      /to match object { isComplete: true/,
    ),
    unmarkedUser('are not usable with another secret'),
    unmarkedUser('end with their user: what the key could do, it can no longer'),
    unmarkedUser('that may not list buckets leave the health good'),
  ],
});
