import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bucketSpec, s3View, type World } from '@operator/tools/harness';
import { s3Starters, type S3Server } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld } from './world.ts';

// Needs root: the disk of the server is a file system in memory that a test can fill.

const namespace = 'full-disk';
let disk: string;
let server: S3Server;
let world: World;

beforeAll(async () => {
  disk = mkdtempSync(join(tmpdir(), 'full-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk]);
  server = await s3Starters.minio({ dir: join(disk, 'minio') });
  world = await startWorld('full-disk', []);
  await Promise.all((['provider', 'bucket'] as const).map((name) => world.startController(name)));
  await world.createNamespace(namespace);
  await world.kube.create('Secret', namespace, 'root', {
    stringData: { 'access-key': server.accessKey, 'secret-key': server.secretKey },
  });
  await world.kube.create('Provider', namespace, 'provider', {
    spec: {
      type: 'minio',
      endpoint: server.endpoint,
      region: server.region,
      auth: { accessKeySecretRef: { name: 'root' }, secretKeySecretRef: { name: 'root' } },
    },
  });
  await world.kube.untilReady('Provider', namespace, 'provider', 60_000);
});

afterAll(async () => {
  await world.stop();
  await server.stop();
  execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});

/** Takes all the space of the disk that a file can take. */
const fill = (): void => {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(bavail * bsize));
};

it('a bucket that was made while its server had no space for it is Ready once there is some', async () => {
  const { kube } = world;
  fill();
  await kube.create('Bucket', namespace, 'photos', bucketSpec('provider', 'full-disk-photos'));
  await kube.untilNotReady('Bucket', namespace, 'photos', 'ServerError');
  // MinIO has refused to make it, and made it.
  expect(await s3View(server).bucketNames('full-disk')).toEqual(['full-disk-photos']);
  truncateSync(join(disk, 'ballast'));
  await kube.untilReady('Bucket', namespace, 'photos', 120_000);
});
