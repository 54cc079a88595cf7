import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redact } from '@operator/outcome';
import { connectionTo, driverConformance, type ServerUnderTest } from '@operator/testing';
import { startMinio, startVersitygw } from '@operator/tools/local';
import { createGenericDriver } from './generic-driver.ts';

const startWith = (start: typeof startMinio) => async (): Promise<ServerUnderTest> => {
  const dir = await mkdtemp(join(tmpdir(), 'generic-driver-'));
  const server = await start({ dir });
  return {
    connection: connectionTo(server.endpoint, {
      region: server.region,
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
  start: startWith(startVersitygw),
});

driverConformance({
  name: 'the generic driver on MinIO',
  createDriver: createGenericDriver,
  issuesKeys: false,
  locksObjects: true,
  start: startWith(startMinio),
});
