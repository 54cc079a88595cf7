import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  pairIn,
  type Pair,
  accessKeySpec,
  bucketSpec,
  s3View,
  until,
  type Stored,
  type World,
} from '@operator/tools/harness';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld } from './world.ts';

/* A key pair is replaced while an application uses it, on a server that lets us choose pairs and on one with two keys for each user. */

const namespace = 'rotation';

const deployment = (name: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: app, image: none}]}
`;

const servers = ['minio', 'moto'] as const;

let world: World;
beforeAll(async () => {
  world = await startWorld('rotation', servers);
  await world.createNamespace(namespace);
  for (const name of ['provider', 'bucket', 'accesskey'] as const) await world.startController(name);
});
afterAll(() => world.stop());

describe.each(servers)('on %s', (server) => {
  const bucketName = `rotation-${server}`;

  const pair = async (): Promise<Pair> => pairIn(await world.kube.get('Secret', namespace, `${server}-credentials`));

  const isLetIn = async ({ accessKey, secretKey }: Pair): Promise<boolean> => {
    const { client, sdk } = s3View({ ...world.server(server), accessKey, secretKey });
    try {
      await client.putObject(bucketName, 'object', 'content');
      return true;
    } catch {
      return false; // refused
    } finally {
      sdk.destroy();
    }
  };

  const request = async (
    annotation: string,
    value: string,
    isAnswered: (status: Stored<'AccessKey'>['status']) => boolean,
  ) => {
    await world.kube.patch('AccessKey', namespace, server, {
      metadata: { annotations: { [`s3.cloud37.dev/${annotation}`]: value } },
    });
    await until(
      () => world.kube.get('AccessKey', namespace, server),
      (object) => object !== undefined && isAnswered(object.status),
      { what: `${annotation}=${value} is answered`, timeoutMs: 60_000 },
    );
    await world.kube.untilReady('AccessKey', namespace, server, 60_000);
  };

  it('a rotation on request leaves the former pair valid, and a revocation leaves none', async () => {
    const { kube } = world;
    await world.createProvider(namespace, server, { server });
    await kube.create('Bucket', namespace, server, bucketSpec(server, bucketName));
    const manifest = join(world.dir, `${server}.yaml`);
    writeFileSync(manifest, deployment(server));
    await world.controlPlane.kubectl(['apply', '-f', manifest]);
    // Each way in which a pair leaves the controller: it must be in Secrets alone.
    const change = {
      secretTemplate: {
        presets: ['AwsCredentials', 'Rclone', 'CosiBucketInfo'],
        data: { 'app.conf': 'id=$(access-key-id)\nsecret=$(secret-access-key)\n' },
      },
      rollout: [{ kind: 'Deployment', name: server }],
    };
    await kube.create('AccessKey', namespace, server, accessKeySpec(server, server, 'ReadWrite', change));
    await kube.untilReady('AccessKey', namespace, server, 60_000);
    const first = await pair();

    await request('rotate-requested-at', 'one', (status) => status?.answeredRotateRequest === 'one');
    const second = await pair();
    expect(second.accessKey).not.toBe(first.accessKey);
    expect([await isLetIn(first), await isLetIn(second)]).toEqual([true, true]);
    const restarted = await world.controlPlane.kubectl(['get', 'deployment', server, '-n', namespace, '-o', 'yaml']);
    expect(restarted).toContain('s3.cloud37.dev/pair-');
    world.secrets.add(`the pair of ${server} before the revocation`, second.secretKey);
    expect(restarted).not.toContain(second.secretKey);
    const rotated = (await kube.get('AccessKey', namespace, server))?.status;
    expect(rotated).toMatchObject({
      accessKeyId: second.accessKey,
      pairGeneration: 2,
      previousKeys: [{ accessKeyId: first.accessKey }],
    });

    await request('revoke-requested-at', 'now', (status) => status?.answeredRevokeRequest === 'now');
    const third = await pair();
    await until(
      () => isLetIn(first).then(async (isFirst) => [isFirst, await isLetIn(second), await isLetIn(third)]),
      (letIn) => letIn.join() === 'false,false,true',
      { what: 'only the last pair is let in', timeoutMs: 60_000 },
    );
    const revoked = (await kube.get('AccessKey', namespace, server))?.status;
    expect(revoked).toMatchObject({ accessKeyId: third.accessKey, pairGeneration: 3 });
    expect(revoked).not.toHaveProperty('previousKeys');
  });
});

it('no secret of any pair is in what the controllers put out', async () => {
  expect(await world.findLeaks()).toEqual([]);
});
