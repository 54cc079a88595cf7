import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redact } from '@operator/outcome';
import { connectionTo, driverConformance, type ServerUnderTest } from '@operator/testing';
import { startMinio, startSeaweedfs, startVersitygw } from '@operator/tools/local';
import { createGenericDriver } from './generic-driver.ts';

const startWith = (start: typeof startMinio) => async (): Promise<ServerUnderTest> => {
  const dir = await mkdtemp(join(tmpdir(), 'generic-driver-'));
  const server = await start({ dir });
  return {
    connection: connectionTo(server.endpoint, {
      region: server.region,
      ...(server.iamEndpoint === undefined ? {} : { iamEndpoint: server.iamEndpoint }),
      credentials: { accessKeyId: server.accessKey, secretAccessKey: redact(server.secretKey) },
    }),
    async stop() {
      await server.stop();
      await rm(dir, { recursive: true });
    },
  };
};

driverConformance({
  name: 'the generic driver on versitygw',
  createDriver: createGenericDriver,
  issuesKeys: false,
  locksObjects: true,
  hidesOddKeys: true,
  start: startWith(startVersitygw),
});

driverConformance({
  name: 'the generic driver on MinIO',
  createDriver: createGenericDriver,
  issuesKeys: false,
  locksObjects: true,
  start: startWith(startMinio),
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
  createDriver: createGenericDriver,
  issuesKeys: true,
  locksObjects: true,
  start: startWith(startSeaweedfs),
  knownGaps: [
    {
      title: 'that holds something is not removed, and is emptied in batches',
      id: 'E1',
      why: 'SeaweedFS removes a bucket with its objects, and we trust it not to.',
      endsWith: /expected a Fault, but the call succeeded/,
    },
    unmarkedUser(
      'are issued to a user of their own, which may do what its policy says and nothing else',
      /to match object { isOurs: true/,
    ),
    unmarkedUser('can be issued again and again with the same end: every call may be repeated'),
    // Of a user that is not ours no key is listed.
    unmarkedUser('are not issued beyond the most that one user may hold', /expected \[\] to have a length of 2/),
    unmarkedUser('are not usable with another secret'),
    unmarkedUser('end with their user: what the key could do, it can no longer'),
    unmarkedUser('that may not list buckets leave the health good'),
  ],
});
