import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redact } from '@operator/outcome';
import { connectionTo, driverConformance, lackedBy, surroundings } from '@operator/testing';
import { startMinio } from '@operator/tools/local';
import { createMinioDriver } from './driver.ts';

driverConformance({
  name: 'the MinIO driver',
  createDriver: createMinioDriver,
  isCertain: true,
  lacks: lackedBy.minio,
  surroundings: surroundings.minio,
  issuesKeys: true,
  async start() {
    const dir = await mkdtemp(join(tmpdir(), 'driver-minio-'));
    const server = await startMinio({ dir });
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
  },
});
