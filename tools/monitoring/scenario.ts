import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { testCertificate } from '@operator/testing';
import { Client } from 'minio';
import { controllerNames } from '../controllers.ts';
import {
  accessKeySpec,
  bucketSpec,
  passRequest,
  publicPolicySpec,
  type Controller,
  type World,
} from '../harness/index.ts';
import { startMinio } from '../local/index.ts';
import { startPrometheus, type Line, type Prometheus } from './prometheus.ts';

/** Everything that the dashboard shows, in small. */
export interface Scenario {
  readonly controllers: readonly Controller[];
  readonly prometheus: Prometheus;
  /** A query of the dashboard as Grafana asks it with everything chosen, between two times in seconds since 1970. */
  ask(expr: string, from: number, to: number): Promise<readonly Line[]>;
  /** Asks for another pass over what is there, so that rates are not zero. */
  stir(at: string): Promise<void>;
  stop(): Promise<void>;
}

const team = 'team-a';
const platform = 'storage';
const versioned = { versioning: { enabled: true } };

/**
 * Starts the four controllers and a Prometheus in a world with MinIO; then objects of all kinds, a server with TLS, one that is
 * away, something paused, drift, and a bucket that vanishes.
 */
export const startScenario = async (world: World): Promise<Scenario> => {
  const [dir, tlsDir] = [join(world.dir, 'prometheus'), join(world.dir, 'minio-tls')];
  for (const folder of [dir, tlsDir]) mkdirSync(folder);
  const [secure, ...controllers] = await Promise.all([
    startMinio({ dir: tlsDir, tls: testCertificate }),
    ...controllerNames.map((name) => world.startController(name)),
  ]);
  world.secrets.add('the root secret key of MinIO with TLS', secure.secretKey);
  const prometheus = await startPrometheus({ dir, targets: controllers.map(({ metricsAddress }) => metricsAddress) });
  const { kube } = world;
  const lent = { allowedNamespaces: { all: true } };
  for (const namespace of [team, platform]) await world.createNamespace(namespace);
  await kube.create('Secret', platform, 'ca', { stringData: { 'ca.crt': testCertificate.cert } });
  await kube.create('Secret', platform, 'secure', {
    stringData: { 'access-key': secure.accessKey, 'secret-key': secure.secretKey },
  });
  await world.createProvider(platform, 'minio', { server: 'minio', spec: lent });
  // Nobody listens on port 1.
  await world.createProvider(platform, 'away', { server: 'minio', endpoint: 'http://127.0.0.1:1', spec: lent });
  await kube.create('Provider', platform, 'secure', {
    spec: {
      type: 'minio',
      endpoint: secure.endpoint,
      region: secure.region,
      auth: { accessKeySecretRef: { name: 'secure' }, secretKeySecretRef: { name: 'secure' } },
      tls: { caCertSecretRef: { name: 'ca', key: 'ca.crt' } },
    },
  });
  const at = (provider: string) => ({ providerRef: { name: provider, namespace: platform } });
  for (const name of ['photos', 'gone'])
    await kube.create('Bucket', team, name, bucketSpec('minio', name, { ...at('minio'), ...versioned }));
  await kube.create('Bucket', team, 'waits', bucketSpec('away', 'waits', at('away')));
  await kube.create('Bucket', team, 'paused', {
    metadata: { annotations: { 's3.cloud37.dev/paused': 'true' } },
    ...bucketSpec('minio', 'paused', at('minio')),
  });
  const rotate = { rotate: { enabled: true, intervalDays: 30 } };
  await kube.create(
    'AccessKey',
    team,
    'app',
    accessKeySpec('minio', 'photos', 'ReadWrite', { ...at('minio'), ...rotate }),
  );
  await kube.create('BucketPolicy', team, 'readers', publicPolicySpec('photos', 's3:GetObject'));
  for (const name of ['minio', 'secure']) await kube.untilReady('Provider', platform, name);
  for (const name of ['photos', 'gone']) await kube.untilReady('Bucket', team, name);
  await kube.untilReady('AccessKey', team, 'app');
  await kube.untilReady('BucketPolicy', team, 'readers');

  const { endpoint, accessKey, secretKey, region } = world.server('minio');
  const { hostname, port } = new URL(endpoint);
  const client = new Client({ endPoint: hostname, port: Number(port), useSSL: false, accessKey, secretKey, region });
  await client.setBucketVersioning('photos', { Status: 'Suspended' });
  await client.removeBucket('gone');

  const stir = async (request: string): Promise<void> => {
    for (const name of ['photos', 'gone', 'waits']) await kube.patch('Bucket', team, name, passRequest(request));
    for (const name of ['minio', 'away', 'secure']) await kube.patch('Provider', platform, name, passRequest(request));
    await kube.patch('AccessKey', team, 'app', passRequest(request));
    await kube.patch('BucketPolicy', team, 'readers', passRequest(request));
  };
  return {
    controllers,
    prometheus,
    ask: (expr, from, to) =>
      prometheus.range(
        expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$(namespace|provider)\b/g, '.*'),
        from,
        to,
      ),
    stir,
    async stop() {
      await prometheus.stop();
      await secure.stop();
    },
  };
};
