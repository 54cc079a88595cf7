import { accessSync, constants, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  createKubeClient,
  loadKubeconfig,
  openKubeConnection,
  type KubeClient,
  type Resource,
} from '@operator/runtime';
import { cpuSecondsOf, forEach, memoryOf, startWorld, type World } from '@operator/tools/harness';
import { freePort, startChild } from '@operator/tools/local';
import { UsageError } from '../command.ts';
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

const knownPeers: ReadonlyMap<string, Peer> = new Map([['insee', insee]]);
/** What takes a peer half a minute. */
const mostBuckets = 300;

/** The same servers, the same number of Buckets, each operator cold and alone, both with their defaults. */
export const peer: Scenario = {
  name: 'peer',
  title: 'Buckets that wait for another operator, beside ours (--peer)',
  isTimed: true,
  check({ peers }) {
    for (const [name, folder] of peers) {
      peerOf(name);
      try {
        accessSync(join(folder, 'manager'), constants.X_OK);
        if (readdirSync(join(folder, 'crds')).length === 0) throw new Error(`${join(folder, 'crds')} is empty`);
      } catch (error) {
        throw new UsageError(`--peer: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    }
  },
  async run(bench) {
    if (bench.peers.size === 0) bench.log('no --peer is given: nothing to compare with');
    const figures: Figure[] = [];
    for (const [name, folder] of bench.peers) figures.push(...(await compare(bench, name, peerOf(name), folder)));
    return figures;
  },
};

const peerOf = (name: string): Peer => {
  const known = knownPeers.get(name);
  if (known === undefined)
    throw new UsageError(`--peer: no ${JSON.stringify(name)}; there are: ${[...knownPeers.keys()].join(', ')}`);
  return known;
};

const compare = async (bench: Bench, name: string, known: Peer, folder: string): Promise<readonly Figure[]> => {
  const count = Math.min(mostBuckets, ...bench.sizes);
  const own: Rate[] = [];
  const theirs: Rate[] = [];
  for (let run = 0; run < bench.runs; run += 1) {
    bench.signal.throwIfAborted();
    const rates = await runBoth(bench, { name, known, folder, count, isOursFirst: run % 2 === 0 });
    own.push(rates.own);
    theirs.push(rates.theirs);
    bench.log(`${count} Buckets: ours ${rates.own.seconds.toFixed(1)} s, ${name} ${rates.theirs.seconds.toFixed(1)} s`);
  }
  const figure = (
    what: string,
    unit: Figure['unit'],
    rates: readonly Rate[],
    value: (rate: Rate, run: number) => number,
    more: Pick<Figure, 'aim' | 'note'> = {},
  ): Figure => ({ scenario: 'peer', name: `${count} Buckets: ${what}`, unit, values: rates.map(value), ...more });
  const perSecond = ({ seconds }: Rate): number => count / seconds;
  const toOurs = ({ seconds }: Rate, run: number): number => seconds / (own[run]?.seconds ?? NaN);
  const note = 'theirs have a quota, ours versioning and tags';
  return [
    figure('ours', 'per second', own, perSecond),
    figure(name, 'per second', theirs, perSecond, { note }),
    figure(`ours to ${name}`, 'ratio', theirs, toOurs, { aim: { atLeast: 8 } }),
    figure('most memory of ours', 'MiB', own, ({ peakMebibytes }) => peakMebibytes),
    figure(`most memory of ${name}`, 'MiB', theirs, ({ peakMebibytes }) => peakMebibytes),
    figure('CPU of ours', 's', own, ({ cpuSeconds }) => cpuSeconds),
    figure(`CPU of ${name}`, 's', theirs, ({ cpuSeconds }) => cpuSeconds),
  ];
};

/** Servers of its own for each run: an operator that watches all namespaces would see the objects of earlier runs, too. */
const runBoth = async (
  bench: Bench,
  {
    name,
    known,
    folder,
    count,
    isOursFirst,
  }: {
    readonly name: string;
    readonly known: Peer;
    readonly folder: string;
    readonly count: number;
    readonly isOursFirst: boolean;
  },
): Promise<{ readonly own: Rate; readonly theirs: Rate }> => {
  const { bundles, dir, signal } = bench;
  const world = await startWorld('peer', ['minio'], { bundles, folder: dir, proxies: false, signal });
  const kubeconfig = world.controlPlane.kubeconfigPath;
  const connection = openKubeConnection(await loadKubeconfig(kubeconfig), () => performance.now());
  const kube = createKubeClient({ connection, userAgent: 'bench', monotonicMs: () => performance.now() });
  const runOurs = async (): Promise<Rate> => {
    await makeProviders(world, ['own']);
    await makeObjects(world, 'Bucket', 'own', count, signal);
    return convergeCold(world, 'Bucket', 'own', count);
  };
  const runTheirs = async (): Promise<Rate> => {
    await world.createNamespace(name);
    await known.prepare(kube, world, name);
    const names = Array.from({ length: count }, (_, index) => `${name}-${index}`);
    await forEach(names, 16, signal, (bucket) =>
      kube.create(known.bucket, { metadata: { name: bucket, namespace: name }, spec: known.spec(bucket) }),
    );
    return runPeer(known, join(folder, 'manager'), world, kube, name, count, signal);
  };
  try {
    await applyCrds(world, folder);
    if (isOursFirst) return { own: await runOurs(), theirs: await runTheirs() };
    return { theirs: await runTheirs(), own: await runOurs() };
  } finally {
    connection.close();
    await world.stop();
  }
};

const applyCrds = async ({ controlPlane: { kubectl } }: World, folder: string): Promise<void> => {
  const crds = join(folder, 'crds');
  await kubectl(['apply', '--server-side', '-f', crds]);
  await kubectl(['wait', '--for=condition=established', '--timeout=30s', '-f', crds]);
};

interface PeerObject {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Starts the other operator and watches until all of its Buckets are done. */
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
