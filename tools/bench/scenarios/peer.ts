import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  createKubeClient,
  loadKubeconfig,
  openKubeConnection,
  type KubeClient,
  type Resource,
} from '@operator/runtime';
import { cpuSecondsOf, forEach, memoryOf, startWorld, type World } from '../../harness/index.ts';
import { freePort, startChild } from '../../local/index.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';
import { convergeCold, makeObjects, makeProviders, type Rate } from './converge.ts';

/** Another operator, by what it publishes: its objects, and how they say that they are done. */
interface Peer {
  readonly bucket: Resource;
  /** Makes what one Bucket refers to, in this namespace. */
  prepare(kube: KubeClient, world: World, namespace: string): Promise<void>;
  /** The spec of one Bucket. */
  spec(bucket: string): Readonly<Record<string, unknown>>;
  readonly doneCondition: string;
  /** Flags beside its defaults, for a second operator on one machine. `port`: a free one. */
  readonly args: (port: number) => readonly string[];
}

const secrets: Resource = { group: '', version: 'v1', kind: 'Secret', plural: 'secrets' };
const inseeInstance: Resource = {
  group: 's3.onyxia.sh',
  version: 'v1alpha1',
  kind: 'S3Instance',
  plural: 's3instances',
};

/** Source: InseeFrLab/s3-operator, CRDs and README. It knows neither versioning nor tags: its Buckets have a quota instead. */
const insee: Peer = {
  bucket: { group: 's3.onyxia.sh', version: 'v1alpha1', kind: 'Bucket', plural: 'buckets' },
  async prepare(kube, world, namespace) {
    const { endpoint, region, accessKey, secretKey } = world.server('minio');
    await kube.create(secrets, {
      metadata: { name: 'root', namespace },
      stringData: { S3_ACCESS_KEY: accessKey, S3_SECRET_KEY: secretKey },
    });
    await kube.create(inseeInstance, {
      metadata: { name: 'minio', namespace },
      spec: { s3Provider: 'minio', url: endpoint, secretRef: 'root', region },
    });
  },
  spec: (name) => ({ name, s3InstanceRef: 'minio', quota: { default: '10Gi' } }),
  doneCondition: 'Reconciled',
  args: (port) => [`--health-probe-bind-address=127.0.0.1:${port}`],
};

const knownPeers: Readonly<Record<string, Peer>> = { insee };
/** What takes a peer half a minute. */
const mostBuckets = 300;

/** The same servers, the same number of Buckets, each operator cold and alone, both with their defaults. */
export const peer: Scenario = {
  name: 'peer',
  title: 'Buckets that wait for another operator, beside ours (--peer)',
  isTimed: true,
  async run(bench) {
    if (bench.peers.size === 0) bench.log('no --peer is given: nothing to compare with');
    const figures: Figure[] = [];
    for (const [name, folder] of bench.peers) {
      const known = knownPeers[name];
      if (known === undefined) throw new Error(`no peer ${name}; there are: ${Object.keys(knownPeers).join(', ')}`);
      figures.push(...(await compare(bench, name, known, folder)));
    }
    return figures;
  },
};

const compare = async (bench: Bench, name: string, known: Peer, folder: string): Promise<readonly Figure[]> => {
  const { bundles, dir, signal, log } = bench;
  const count = Math.min(mostBuckets, ...bench.sizes);
  const world = await startWorld('peer', ['minio'], { bundles, folder: dir, proxies: false, signal });
  const kubeconfig = world.controlPlane.kubeconfigPath;
  const connection = openKubeConnection(await loadKubeconfig(kubeconfig), () => performance.now());
  const kube = createKubeClient({ connection, userAgent: 'bench', monotonicMs: () => performance.now() });
  try {
    await applyCrds(world, folder);
    const own: Rate[] = [];
    const theirs: Rate[] = [];
    for (let run = 0; run < bench.runs; run += 1) {
      signal.throwIfAborted();
      const ourPlace = `own-${run}`;
      const theirPlace = `${name}-${run}`;
      await makeProviders(world, [ourPlace]);
      await makeObjects(world, 'Bucket', ourPlace, count, signal);
      own.push(await convergeCold(bench, world, 'Bucket', ourPlace, count));

      await world.createNamespace(theirPlace);
      await known.prepare(kube, world, theirPlace);
      const names = Array.from({ length: count }, (_, index) => `${theirPlace}-${index}`);
      await forEach(names, 16, signal, (bucket) =>
        kube.create(known.bucket, { metadata: { name: bucket, namespace: theirPlace }, spec: known.spec(bucket) }),
      );
      theirs.push(await runPeer(known, join(folder, 'manager'), world, kube, theirPlace, count, signal));
      log(`${count} Buckets: ours ${own.at(-1)?.seconds.toFixed(1)} s, ${name} ${theirs.at(-1)?.seconds.toFixed(1)} s`);
    }
    const figure = (
      what: string,
      unit: Figure['unit'],
      values: readonly number[],
      more: Partial<Figure> = {},
    ): Figure => ({
      scenario: 'peer',
      name: `${count} Buckets: ${what}`,
      unit,
      values,
      ...more,
    });
    const note = 'theirs have a quota, ours versioning and tags';
    return [
      figure(
        'ours',
        'per second',
        own.map(({ seconds }) => count / seconds),
      ),
      figure(
        name,
        'per second',
        theirs.map(({ seconds }) => count / seconds),
        { note },
      ),
      figure(
        `ours to ${name}`,
        'ratio',
        theirs.map(({ seconds }, run) => seconds / (own[run]?.seconds ?? NaN)),
        {
          aim: { atLeast: 8 },
        },
      ),
      figure(
        'most memory of ours',
        'MiB',
        own.map(({ peakMebibytes }) => peakMebibytes),
      ),
      figure(
        `most memory of ${name}`,
        'MiB',
        theirs.map(({ peakMebibytes }) => peakMebibytes),
      ),
      figure(
        'CPU of ours',
        's',
        own.map(({ cpuSeconds }) => cpuSeconds),
      ),
      figure(
        `CPU of ${name}`,
        's',
        theirs.map(({ cpuSeconds }) => cpuSeconds),
      ),
    ];
  } finally {
    connection.close();
    await world.stop();
  }
};

const applyCrds = async ({ controlPlane: { kubectl } }: World, folder: string): Promise<void> => {
  const crds = join(folder, 'crds');
  if (readdirSync(crds).length === 0) throw new Error(`${crds} is empty`);
  await kubectl(['apply', '--server-side', '-f', crds]);
  await kubectl(['wait', '--for=condition=established', '--timeout=30s', '-f', crds]);
};

interface PeerObject {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Starts the other operator and watches until all of its Buckets are done. It sees all namespaces: those of earlier runs too. */
const runPeer = async (
  { bucket, doneCondition, args }: Peer,
  command: string,
  world: World,
  kube: KubeClient,
  namespace: string,
  count: number,
  signal: AbortSignal,
): Promise<Rate> => {
  const { value: page } = await kube.list(bucket, { namespace }, { pageSize: 1 }).next();
  const resourceVersion = page?.resourceVersion;
  if (resourceVersion === undefined) throw new Error('the API server lists nothing');
  const startedAt = performance.now();
  const child = await startChild({
    name: 'peer',
    command,
    args: args(await freePort()),
    env: { KUBECONFIG: world.controlPlane.kubeconfigPath },
    logPath: join(world.dir, 'logs', `peer-${namespace}.log`),
    lifetime: 'parent',
  });
  const ended = new AbortController();
  const late = AbortSignal.any([signal, ended.signal, AbortSignal.timeout(60_000 + count * 1_000)]);
  void child.exited.then((how) => ended.abort(new Error(`the peer ${how}; see ${child.logPath}`)));
  try {
    const done = new Set<string>();
    const from = { resourceVersion, signal: late, timeoutSeconds: 3_600 };
    for await (const event of kube.watch<PeerObject>(bucket, { namespace }, from)) {
      if (event.type === 'BOOKMARK') continue;
      const { metadata, status } = event.object;
      if (status?.conditions?.some(({ type, status: is }) => type === doneCondition && is === 'True'))
        done.add(metadata.name);
      if (done.size === count) break;
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const { peak } = await memoryOf(child.pid);
    return { seconds, cpuSeconds: await cpuSecondsOf(child.pid), peakMebibytes: peak };
  } catch (error) {
    late.throwIfAborted();
    throw error;
  } finally {
    await child.stop();
  }
};
