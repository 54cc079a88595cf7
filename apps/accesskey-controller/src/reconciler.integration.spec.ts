import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, PutBucketTaggingCommand } from '@aws-sdk/client-s3';
import type { AccessKeySpec, AccessKeyStatus } from '@operator/api';
import { redact } from '@operator/outcome';
import {
  createBench,
  createTestWorld,
  objectOf,
  ownerTags,
  providerOf,
  testCluster,
} from '@operator/references/testing';
import { verifyKey, type Driver, type KeyPair } from '@operator/s3';
import { bucketSpec, connectionTo, driverDeps, recordingContext, startUnderTest } from '@operator/testing';
import { startMinio, startMoto, type S3Server } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keyOn, makeByIam, readsOwn } from '../test/foreign-keys.ts';
import { makePair } from './pair.ts';
import { reconcilerOf } from '../test/reconciler-of.ts';

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
    reconciler: () => reconcilerOf(world),
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

/** Whom a bucket belongs to, as its owner tags say. */
const own = async (on: Driver, name: string, namespace: string): Promise<void> => {
  const TagSet = [...ownerTags({ namespace, name }, { lender: 'platform' })].map(([Key, Value]) => ({ Key, Value }));
  await on.wire().send(new PutBucketTaggingCommand({ Bucket: name, Tagging: { TagSet } }), recordingContext());
};

/** A Provider of the platform that is lent to team-a, with a bucket of either, and an AccessKey of team-a for its own. */
const borrow = async (on: Driver) => {
  for (const [name, namespace] of [
    ['photos', 'team-a'],
    ['theirs', 'platform'],
  ] as const) {
    await on.wire().send(new CreateBucketCommand({ Bucket: name }), recordingContext());
    await own(on, name, namespace);
  }
  const world = createTestWorld(on);
  const ref = { name: 'admin', namespace: 'platform' };
  world.kube.put('secrets', { metadata: ref, data: { 'access-key': 'A', 'secret-key': 'S' } });
  const provider = providerOf(
    on,
    { metadata: { namespace: 'platform' }, spec: { allowedNamespaces: { names: ['team-a'] } } },
    { credentialsVersion: world.kube.get('secrets', ref)?.metadata.resourceVersion ?? '' },
  );
  world.providers.set('platform/provider', provider);
  const providerRef = { name: 'provider', namespace: 'platform' };
  const status = { bucketName: 'photos', exists: true, endpoint: on.serverIdentity, ownership: 'Created' as const };
  world.buckets.set('team-a/photos', objectOf('Bucket', 'photos', { ...bucketSpec({}), providerRef }, { status }));
  const bench = createBench<AccessKeySpec, AccessKeyStatus>({
    writes: world.writes,
    live: (_resource, key) => world.buckets.get(key),
    object: objectOf('AccessKey', 'app', {
      providerRef,
      access: [{ bucketRef: { name: 'photos' }, level: 'ReadWrite' as const }],
    }),
    reconciler: () => reconcilerOf(world),
  });
  const secret = (key: string): string =>
    world.kube.secret({ namespace: 'team-a', name: 'app-credentials' })?.[key] ?? '';
  const pair = (): KeyPair => ({
    accessKeyId: secret('access-key-id'),
    secretAccessKey: redact(secret('secret-access-key')),
  });
  return { bench, pair };
};

it("on MinIO the rights of a borrower end with the bucket's owner tags, and its user is held to its buckets", async () => {
  const { bench, pair } = await borrow(driver);
  const reach = (bucket: string) => verifyKey(driver, pair(), recordingContext(), bucket);
  expect(await bench.run()).toMatchObject({ result: 'settled' });
  expect(await bench.pass()).toEqual({ result: 'settled', writes: [], events: [] });
  expect([await reach('photos'), await reach('theirs')]).toEqual(['accepted', 'denied']);

  // Rights that something else gives the user, as the policy of a group would, do not reach beyond its buckets.
  const { keys } = driver;
  if (typeof keys === 'string') throw new Error(keys);
  const mark = { cluster: testCluster, namespace: 'team-a', name: 'app', uid: 'uid-app' };
  const user = { name: keys.userNameFor(mark), mark, tags: new Map() };
  const standing = (await keys.observeUser(user, recordingContext()))?.policy as { Statement: readonly unknown[] };
  const wide = { Effect: 'Allow', Action: ['s3:*'], Resource: ['arn:aws:s3:::*'] };
  await keys.putPolicy(user, { ...standing, Statement: [...standing.Statement, wide] }, recordingContext());
  expect([await reach('photos'), await reach('theirs')]).toEqual(['accepted', 'denied']);

  await own(driver, 'photos', 'platform');
  expect(await bench.run()).toMatchObject({ reason: 'BucketNotReady' });
  expect(await reach('photos')).toBe('denied');
  expect(await bench.pass()).toMatchObject({ writes: [] });
  await own(driver, 'photos', 'team-a');
  expect(await bench.run()).toMatchObject({ result: 'settled' });
  expect([await reach('photos'), await reach('theirs')]).toEqual(['accepted', 'denied']);
});

it("on moto the policy that holds a borrower's user to its buckets is stored as it was sent", async () => {
  const { createAwsDriver } = await import('@operator/driver-aws');
  const moto = await startMoto({ dir });
  const aws = createAwsDriver(
    connectionTo(moto.endpoint, {
      region: moto.region,
      credentials: { accessKeyId: moto.accessKey, secretAccessKey: redact(moto.secretKey) },
    }),
    driverDeps(),
  );
  try {
    const { bench } = await borrow(aws);
    expect(await bench.run()).toMatchObject({ result: 'settled' });
    expect(await bench.pass()).toEqual({ result: 'settled', writes: [], events: [] });
    await own(aws, 'photos', 'platform');
    expect(await bench.run()).toMatchObject({ reason: 'BucketNotReady' });
    expect(await bench.pass()).toMatchObject({ writes: [] });
    bench.delete();
    expect(await bench.run()).toMatchObject({ result: 'gone' });
  } finally {
    aws.close();
    await moto.stop();
  }
});

it('on moto a revocation waits neither for a policy that the user cannot have, nor for a Secret of somebody else', async () => {
  const { createAwsDriver } = await import('@operator/driver-aws');
  const moto = await startUnderTest(startMoto)();
  const aws = createAwsDriver(moto.connection, driverDeps());
  const secretRef = { namespace: 'team-a', name: 'app-credentials' };
  try {
    const { bench, kube, userName, idsAtServer } = keyOn(aws, { policy: readsOwn });
    const idInSecret = () => kube.secret(secretRef)?.['access-key-id'];
    await bench.run();
    const [own = ''] = await idsAtServer();
    const theirs = await makeByIam(moto.connection)(userName);
    const resource = Array.from(
      { length: 100 },
      (_, index) => `arn:aws:s3:::photos/${String(index).padStart(60, '0')}`,
    );
    bench.change({ policy: { ...readsOwn, statement: [{ effect: 'Allow', action: 's3:GetObject', resource }] } });
    bench.annotate({ 's3.cloud37.dev/revoke-requested-at': 'first' });
    expect(await bench.run()).toMatchObject({ result: 'terminal', reason: 'PolicyInvalid' });
    const after = await idsAtServer();
    expect(after).toEqual([idInSecret()]);
    expect([own, theirs]).not.toContain(after[0]);
    expect(bench.facts()).toMatchObject({ answeredRevokeRequest: 'first' });

    bench.change({ policy: readsOwn });
    await makeByIam(moto.connection)(userName);
    kube.remove('secrets', secretRef);
    kube.put('secrets', { metadata: secretRef, data: { theirs: 'yes' } });
    bench.annotate({ 's3.cloud37.dev/revoke-requested-at': 'second' });
    expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'SecretConflict' });
    expect(await idsAtServer()).toEqual([]);
    kube.remove('secrets', secretRef);
    expect(await bench.run()).toMatchObject({ result: 'settled' });
    expect(await idsAtServer()).toEqual([idInSecret()]);
    expect(bench.facts()).toMatchObject({ answeredRevokeRequest: 'second' });
  } finally {
    aws.close();
    await moto.stop();
  }
});
