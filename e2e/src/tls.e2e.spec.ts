import { mkdirSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { accessKeySpec, bucketSpec, conditionOf, type Manifest, specChange, type World } from '@operator/tools/harness';
import { startMinio, type S3Server } from '@operator/tools/local';
import { testCertificate } from '@operator/testing';
import { Client } from 'minio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld } from './world.ts';

const namespace = 'tls';
const bucket = 'tls-bucket';

let world: World;
let server: S3Server;

beforeAll(async () => {
  world = await startWorld('tls', []);
  const dir = join(world.dir, 'minio-tls');
  mkdirSync(dir);
  server = await startMinio({ dir, tls: testCertificate });
  world.secrets.add('the root secret key of MinIO with TLS', server.secretKey);
  await Promise.all((['provider', 'bucket', 'accesskey'] as const).map((name) => world.startController(name)));
  await world.createNamespace(namespace);
  const { accessKey, secretKey } = server;
  await world.kube.create('Secret', namespace, 'root', {
    stringData: { 'access-key': accessKey, 'secret-key': secretKey },
  });
  await world.kube.create('Secret', namespace, 'ca', { stringData: { 'ca.crt': testCertificate.cert } });
  // An authority too, and not the one.
  await world.kube.create('Secret', namespace, 'other-ca', { stringData: { 'ca.crt': world.controlPlane.ca } });
});
afterAll(async () => {
  await server.stop();
  await world.stop();
});

const createProvider = (name: string, tls?: Manifest) =>
  world.kube.create('Provider', namespace, name, {
    spec: {
      type: 'minio',
      endpoint: server.endpoint,
      region: server.region,
      auth: { accessKeySecretRef: { name: 'root' }, secretKeySecretRef: { name: 'root' } },
      checkIntervalSeconds: 86_400,
      ...(tls === undefined ? {} : { tls }),
    },
  });

describe('a Provider of MinIO with TLS', () => {
  it.each([
    ['unknown', undefined],
    ['not in the given CA', { caCertSecretRef: { name: 'other-ca', key: 'ca.crt' } }],
  ])('says TlsFailed where the certificate is %s, and is Ready once the CA is given', async (why, tls) => {
    const name = why.replaceAll(' ', '-').toLowerCase();
    await createProvider(name, tls);
    const condition = await world.kube.untilNotReady('Provider', namespace, name, 'TlsFailed');
    expect(condition.message).toMatch(/certificate/i);
    const caCertSecretRef = { name: 'ca', key: 'ca.crt' };
    await world.kube.patch('Provider', namespace, name, specChange({ tls: { caCertSecretRef } }));
    const healed = await world.kube.untilReady('Provider', namespace, name);
    expect(conditionOf(healed, 'Ready')?.reason).toBe('Ready');
  });

  it('is Ready without looking at the certificate where insecureSkipVerify says so', async () => {
    await createProvider('unverified', { insecureSkipVerify: true });
    await world.kube.untilReady('Provider', namespace, 'unverified');
  });

  it('gives the CA along with a key, and a client that has nothing else works', async () => {
    await createProvider('verified', { caCertSecretRef: { name: 'ca', key: 'ca.crt' } });
    await world.kube.create('Bucket', namespace, 'bucket', bucketSpec('verified', bucket));
    await world.kube.create('AccessKey', namespace, 'key', accessKeySpec('verified', 'bucket', 'ReadWrite'));
    await world.kube.untilReady('AccessKey', namespace, 'key', 60_000);
    const { data = {} } = (await world.kube.get('Secret', namespace, 'key-credentials')) ?? {};
    const given = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
    const { protocol, hostname, port } = new URL(given('endpoint'));
    expect(protocol).toBe('https:');
    expect(given('ca.crt')).toBe(testCertificate.cert);
    const client = (ca: string | undefined) =>
      new Client({
        endPoint: hostname,
        port: Number(port),
        useSSL: true,
        accessKey: given('access-key-id'),
        secretKey: given('secret-access-key'),
        region: given('region'),
        transportAgent: new Agent(ca === undefined ? {} : { ca }),
        retryOptions: { disableRetry: true },
      });
    await client(given('ca.crt')).putObject(given('bucket'), 'object', 'content');
    expect(await text(await client(given('ca.crt')).getObject(bucket, 'object'))).toBe('content');
    // It is the CA that did it.
    await expect(client(undefined).getObject(bucket, 'object')).rejects.toThrow(/certificate/);
  });

  it('puts no secret out', async () => {
    expect(world.secrets.size).toBeGreaterThan(2);
    expect(await world.findLeaks()).toEqual([]);
  });
});
