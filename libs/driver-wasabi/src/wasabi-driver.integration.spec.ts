import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redact } from '@operator/outcome';
import { connectionTo, driverConformance, lackedBy } from '@operator/testing';
import { startMoto } from '@operator/tools/local';
import { createWasabiDriver } from './wasabi-driver.ts';

driverConformance({
  name: 'the wasabi driver on moto, S3 and IAM at two addresses',
  createDriver: createWasabiDriver,
  lacks: [...lackedBy.moto, 'kmsEncryption'],
  issuesKeys: true,
  async start() {
    const dir = await mkdtemp(join(tmpdir(), 'wasabi-driver-'));
    const moto = await startMoto({ dir });
    return {
      connection: connectionTo(moto.endpoint, {
        region: moto.region,
        credentials: { accessKeyId: moto.accessKey, secretAccessKey: redact(moto.secretKey) },
        // Another name of the same server: a call that went to the S3 address would not be signed for this host.
        iamEndpoint: moto.endpoint.replace('127.0.0.1', 'localhost'),
        iamRegion: 'us-east-1',
      }),
      async stop() {
        await moto.stop();
        await rm(dir, { recursive: true });
      },
    };
  },
});
