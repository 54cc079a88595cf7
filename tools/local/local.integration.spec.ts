import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListUsersCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { listeningAddresses } from '../harness/listening-addresses.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { startMinio, startMoto, startSeaweedfs, startVersitygw, type S3Server } from './s3-servers.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'local-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('the control plane', () => {
  let controlPlane: ControlPlane;
  beforeAll(async () => {
    const users = [{ name: 'reader', groups: ['readers'] }];
    controlPlane = await startControlPlane({ dir: join(dir, 'control-plane'), users });
  });
  afterAll(() => controlPlane.stop());

  const mayReaderList = async () =>
    (
      await controlPlane
        .kubectl(['auth', 'can-i', 'list', 'pods', `--token=${controlPlane.tokenFor('reader')}`])
        .catch(() => 'no')
    ).trim();

  it('grants a user what RBAC says, and nothing before', async () => {
    expect(await mayReaderList()).toBe('no');
    await controlPlane.kubectl(['create', 'clusterrolebinding', 'readers', '--clusterrole=view', '--group=readers']);
    await vi.waitUntil(async () => (await mayReaderList()) === 'yes', { timeout: 20_000 });
  });

  it('collects what belonged to a deleted owner', async () => {
    const { kubectl } = controlPlane;
    await kubectl(['create', 'configmap', 'owner']);
    const uid = await kubectl(['get', 'configmap', 'owner', '-o', 'jsonpath={.metadata.uid}']);
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }];
    const owned = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'owned', namespace: 'default', ownerReferences },
    };
    await kubectl(['create', '-f', '-'], JSON.stringify(owned));
    await kubectl(['delete', 'configmap', 'owner']);
    await vi.waitUntil(async () => !(await kubectl(['get', 'configmaps', '-o', 'name'])).includes('owned'), {
      timeout: 60_000,
    });
  });

  it('keeps its address, its users and its data over a restart and a kill of the API server', async () => {
    const { url } = controlPlane;
    await controlPlane.kubectl(['create', 'configmap', 'lasting']);
    await controlPlane.restartApiServer();
    await controlPlane.restartApiServer({ kill: true });
    expect(controlPlane.url).toBe(url);
    expect(await controlPlane.kubectl(['get', 'configmap', 'lasting', '-o', 'name'])).toBe('configmap/lasting\n');
  });

  it('issues tokens of service accounts', async () => {
    const token = await controlPlane.serviceAccountToken('default', 'default');
    const who = await controlPlane.kubectl([
      'auth',
      'whoami',
      `--token=${token}`,
      '-o',
      'jsonpath={.status.userInfo.username}',
    ]);
    expect(who).toBe('system:serviceaccount:default:default');
  });
});

describe.each([
  ['minio', startMinio],
  ['moto', startMoto],
  ['versitygw', startVersitygw],
  ['seaweedfs', startSeaweedfs],
] as const)('%s', (name, startServer) => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startServer({ dir: join(dir, name) });
  });
  afterAll(() => server.stop());

  const client = (secretAccessKey: string) =>
    new S3Client({
      endpoint: server.endpoint,
      region: server.region,
      forcePathStyle: true,
      credentials: { accessKeyId: server.accessKey, secretAccessKey },
    });

  it('serves its administrator and refuses a wrong secret key', async () => {
    await client(server.secretKey).send(new CreateBucketCommand({ Bucket: 'made-here' }));
    const { Buckets } = await client(server.secretKey).send(new ListBucketsCommand());
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['made-here']);
    await expect(client('wrong').send(new ListBucketsCommand())).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
    });
  });

  // What listens elsewhere is open to the whole network. Only Linux tells it in files.
  it.runIf(process.platform === 'linux')('listens on loopback alone', () => {
    const addresses = listeningAddresses(server.pid);
    expect(addresses).toContain(`127.0.0.1:${new URL(server.endpoint).port}`);
    expect(addresses.filter((address) => !/^(127\.0\.0\.1|::1):/.test(address))).toEqual([]);
  });

  const itChecksIam = (users: readonly unknown[], refusal: object) =>
    it('checks signatures of IAM too', async () => {
      const iam = (secretAccessKey: string) =>
        new IAMClient({
          endpoint: server.iamEndpoint ?? '',
          region: server.region,
          credentials: { accessKeyId: server.accessKey, secretAccessKey },
        });
      const { Users = [] } = await iam(server.secretKey).send(new ListUsersCommand());
      expect(Users.map(({ UserName }) => UserName)).toEqual(users);
      await expect(iam('wrong').send(new ListUsersCommand())).rejects.toMatchObject(refusal);
    });

  const itComesBack = () =>
    it('comes back on its port with its data', async () => {
      await server.stop();
      const { accessKey, secretKey, endpoint } = server;
      server = await startServer({
        dir: join(dir, name),
        port: Number(new URL(endpoint).port),
        credentials: { accessKey, secretKey },
      });
      const { Buckets } = await client(secretKey).send(new ListBucketsCommand());
      expect(Buckets?.map(({ Name }) => Name)).toEqual(['made-here']);
    });

  // moto keeps everything in memory.
  if (name === 'moto') itChecksIam(['admin'], { name: 'SignatureDoesNotMatch' });
  else itComesBack();
  // SeaweedFS refuses in the XML of S3, of which an IAM client reads no code.
  if (name === 'seaweedfs')
    itChecksIam([expect.stringMatching(/^admin-/)], { message: expect.stringContaining('signature') as unknown });
});
