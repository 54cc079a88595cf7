import { Client } from 'minio';
import { minioAdmin, type World } from '@operator/tools/harness';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld('world', ['minio', 'moto', 'versitygw', 'seaweedfs']);
});
afterAll(() => world.stop());

describe('the world of the tests', () => {
  it.each(['minio', 'moto', 'versitygw', 'seaweedfs'] as const)(
    'counts signed calls to %s and lets them through',
    async (name) => {
      const { accessKey, secretKey, region } = world.server(name);
      const proxy = await world.proxyTo(name, `counted-${name}`);
      const { hostname, port } = new URL(proxy.url);
      const client = new Client({
        endPoint: hostname,
        port: Number(port),
        useSSL: false,
        accessKey,
        secretKey,
        region,
      });
      await client.makeBucket('counted');
      await client.putObject('counted', 'a/key', Buffer.alloc(100_000));
      await client.listBuckets();
      const calls = world.traffic.since(0, (call) => call.proxy === `counted-${name}`);
      expect(calls.map(({ operation, effect, status }) => [operation, effect, status])).toEqual([
        ['CreateBucket', 'write', 200],
        ['PutObject', 'write', 200],
        ['ListBuckets', 'read', 200],
      ]);
    },
  );

  it("reads MinIO's accounts, sealed answers too", async () => {
    const admin = minioAdmin(world.server('minio'));
    expect(await admin.userNames()).toEqual([]);
    expect(await admin.user('nobody')).toBeUndefined();
    expect(await admin.policyNames()).toContain('readwrite');
  });

  it('finds a secret in an object, and names it without showing it', async () => {
    await world.createNamespace('leaky');
    expect(await world.findLeaks()).toEqual([]);
    const { secretKey } = world.server('minio');
    await world.kube.create('ConfigMap', 'leaky', 'leak', { data: { note: `the key is ${secretKey}` } });
    const leaks = await world.findLeaks();
    expect(leaks).toEqual([{ secret: 'the root secret key of minio', where: 'ConfigMap objects' }]);
    await world.kube.delete('ConfigMap', 'leaky', 'leak');
  });

  it('finds values of Secrets that a test wrote, whatever their keys are called, and a wrong one too', async () => {
    await world.createNamespace('wrong');
    const stringData = {
      'access-key': 'shown-to-everybody',
      'secret-key': 'not-the-secret-key',
      pass: 'of-another-name',
    };
    await world.kube.create('Secret', 'wrong', 'wrong', { stringData });
    expect(await world.findLeaks()).toEqual([]);
    const note = 'shown-to-everybody not-the-secret-key of-another-name';
    await world.kube.create('ConfigMap', 'wrong', 'leak', { data: { note } });
    const where = 'ConfigMap objects';
    expect(await world.findLeaks()).toEqual([
      { secret: 'pass of a Secret', where },
      { secret: 'secret-key of a Secret', where },
    ]);
    await world.kube.delete('ConfigMap', 'wrong', 'leak');
  });

  it('finds a secret in the metrics of a controller that was closed', async () => {
    const controller = await world.startController('provider');
    await world.createNamespace('measured');
    await world.createProvider('measured', 'name-in-metrics', { server: 'minio' });
    await world.kube.untilReady('Provider', 'measured', 'name-in-metrics');
    await controller.close();
    expect(await world.findLeaks()).toEqual([]);
    // The name of an object is what a label shows.
    world.secrets.add('the planted one', 'measured/name-in-metrics');
    const places = (await world.findLeaks()).filter(({ where }) => where.includes('metrics'));
    expect(places).toEqual([{ secret: 'the planted one', where: 'last metrics of provider' }]);
  });
});
