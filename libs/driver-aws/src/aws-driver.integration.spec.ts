import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redact } from '@operator/outcome';
import { connectionTo, driverConformance, lackedBy } from '@operator/testing';
import { startMoto } from '@operator/tools/local';
import { createAwsDriver } from './aws-driver.ts';

driverConformance({
  name: 'the aws driver on moto',
  createDriver: createAwsDriver,
  lacks: lackedBy.moto,
  issuesKeys: true,
  suspendsUnderLock: true,
  locksObjects: true,
  async start() {
    const dir = await mkdtemp(join(tmpdir(), 'aws-driver-'));
    const moto = await startMoto({ dir });
    return {
      connection: connectionTo(moto.endpoint, {
        region: moto.region,
        credentials: { accessKeyId: moto.accessKey, secretAccessKey: redact(moto.secretKey) },
      }),
      async stop() {
        await moto.stop();
        await rm(dir, { recursive: true });
      },
    };
  },
});
