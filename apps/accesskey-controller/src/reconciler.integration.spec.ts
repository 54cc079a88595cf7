import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccessKeySpec, AccessKeyStatus } from '@operator/api';
import { redact } from '@operator/outcome';
import { createBench, createTestWorld, objectOf } from '@operator/references/testing';
import { verifyKey, type Driver, type KeyPair } from '@operator/s3';
import { connectionTo, driverDeps, recordingContext } from '@operator/testing';
import { startMinio, type S3Server } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makePair } from './pair.ts';
import { accessKeyReconciler } from './reconciler.ts';

const dir = mkdtempSync(join(tmpdir(), 'accesskey-'));
let server: S3Server;
let driver: Driver;

beforeAll(async () => {
  server = await startMinio({ dir });
  const credentials = { accessKeyId: server.accessKey, secretAccessKey: redact(server.secretKey) };
  const { createMinioDriver } = await import('@operator/driver-minio');
  driver = createMinioDriver(connectionTo(server.endpoint, { credentials }), driverDeps());
});

afterAll(async () => {
  driver.close();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
});

it('replaces a key on MinIO whose secret was changed there, and is at rest before and after', async () => {
  const world = createTestWorld(driver);
  const bench = createBench<AccessKeySpec, AccessKeyStatus>({
    writes: world.writes,
    object: objectOf('AccessKey', 'app', { providerRef: { name: 'provider' } }),
    reconciler: () =>
      accessKeyReconciler({
        kube: world.kube.client,
        references: world.references(),
        ownership: world.ownership,
        newPair: () => makePair(randomBytes),
      }),
  });
  const context = recordingContext();
  const pairInSecret = (): KeyPair => {
    const secret = world.kube.secret({ namespace: 'team-a', name: 'app-credentials' });
    return {
      accessKeyId: secret?.['access-key-id'] ?? '',
      secretAccessKey: redact(secret?.['secret-access-key'] ?? ''),
    };
  };
  const atRest = { result: 'settled', writes: [], events: [] };

  await bench.run();
  expect(await bench.pass()).toEqual(atRest);
  const former = pairInSecret();
  bench.advance(3_600_000);

  const { keys } = driver;
  const name = bench.object().status?.userName ?? '';
  if (typeof keys === 'string') throw new Error(keys);
  const user = {
    name,
    mark: { cluster: 'cluster-1', namespace: 'team-a', name: 'app', uid: 'uid-app' },
    tags: new Map(),
  };
  const changed = { ...makePair(randomBytes), accessKeyId: former.accessKeyId };
  await keys.createKey(user, changed, context);
  expect(await verifyKey(driver, former, context)).toBe('wrongSecret');

  const { events } = await bench.pass();
  expect(events).toEqual([
    expect.stringMatching(/^Warning KeyRefused: /),
    expect.stringMatching(/^Normal AccessKeyRotated: /),
  ]);
  await bench.run();
  expect(await verifyKey(driver, pairInSecret(), context)).toBe('accepted');
  expect(await verifyKey(driver, changed, context)).toBe('unknown');
  expect(await bench.pass()).toEqual(atRest);
  bench.delete();
  expect(await bench.run()).toMatchObject({ result: 'gone' });
});
