import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { narrate } from '../narrate.ts';
import { freePort } from './ports.ts';
import { listsBuckets, randomCredentials, type S3Credentials } from './s3-servers.ts';
import { minioImage } from './versions.ts';

const run = promisify(execFile);

export interface ContainerServer extends S3Credentials {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/**
 * MinIO in a container, for a machine with a Docker engine and no Go: its last published image, with random credentials.
 * @throws Error with Docker's words, or when it does not answer within 60 s
 */
export async function startMinioContainer(given: {
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}): Promise<ContainerServer> {
  const { log, signal } = given;
  const port = await freePort();
  const name = `wasabi-s3-operator-minio-${port}`;
  const credentials = randomCredentials();
  // `-e NAME` without a value takes it from our environment: nothing secret stands on a command line.
  const env = { ...process.env, MINIO_ROOT_USER: credentials.accessKey, MINIO_ROOT_PASSWORD: credentials.secretKey };
  const args = ['run', '--detach', '--rm', '--name', name, '--publish', `127.0.0.1:${port}:9000`];
  const variables = ['-e', 'MINIO_ROOT_USER', '-e', 'MINIO_ROOT_PASSWORD'];
  const stop = async () => {
    await run('docker', ['rm', '--force', '--volumes', name]);
  };
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await narrate(`starting ${minioImage} in Docker`, log, async () => {
      await run('docker', [...args, ...variables, minioImage, 'server', '/data'], { env, signal });
      const deadline = performance.now() + 60_000;
      while (!(await listsBuckets(endpoint, credentials).catch(() => false))) {
        if (performance.now() > deadline) throw new Error(`${name} does not answer within 60 s`);
        await delay(200, undefined, { signal });
      }
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...credentials, endpoint, stop };
}
