import {
  accessKeySpec,
  bucketSpec,
  controllerNames,
  forEach,
  listingKeySpec,
  publicPolicySpec,
  startWorld,
  watchReady,
  type Controller,
  type ControllerName,
  type Manifest,
  type World,
} from '@operator/tools/harness';
import { connection } from './connection.ts';
import { narrate } from '@operator/tools/narrate';
import type { Bench } from './scenario.ts';

export const crowdKinds = ['Bucket', 'BucketPolicy', 'AccessKey'] as const;
export type CrowdKind = (typeof crowdKinds)[number];

/** The servers, each under the Provider of its name: moto has no more than most of the keys. */
const crowdServers = ['minio', 'moto'] as const;
type CrowdServer = (typeof crowdServers)[number];

/** Thousands of Ready objects, with the four controllers. Who uses it leaves it as it was. */
export interface Crowd {
  /** Without proxies. Everything is in the namespace `crowd`. */
  readonly world: World;
  readonly namespace: string;
  readonly counts: Readonly<Record<CrowdKind, number>>;
  /** Running, with the flags they have by default. Their Leases are theirs: stop one before another of its kind is to lead. */
  readonly controllers: Readonly<Record<ControllerName, Controller>>;
  /** Name of the object and, for a Bucket, of the bucket at the server: `crowd-00000` and so on. */
  readonly nameOf: (index: number) => string;
  /** Every object that it consists of, with the server that it is on. */
  readonly members: readonly {
    readonly kind: CrowdKind;
    readonly namespace: string;
    readonly name: string;
    readonly server: CrowdServer;
  }[];
  close(): Promise<void>;
}

/** Label of a Bucket with its slot, 0 to 3, by which shards share the crowd. */
export const slotLabel = 'bench.cloud37.dev/slot';
export const slots = 4;

const namespace = 'crowd';
const nameOf = (index: number): string => `crowd-${String(index).padStart(5, '0')}`;

const namesOf = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => nameOf(index));

/**
 * Makes the crowd: Buckets, and a policy and a key for each fifth. Of the keys each tenth is on MinIO, the rest on an IAM (moto):
 * more would take longer there than all else, for each needs several derivations by argon2id (MinIO's admin API), by client and
 * server, and so does each look at one.
 */
export async function makeCrowd(bench: Bench): Promise<Crowd> {
  const count = bench.crowdBuckets;
  const counts = { Bucket: count, BucketPolicy: Math.ceil(count / 5), AccessKey: Math.ceil(count / 5) };
  const serverOf = (kind: CrowdKind, index: number): CrowdServer =>
    kind === 'AccessKey' && index >= Math.ceil(count / 50) ? 'moto' : 'minio';
  const { bundles, dir, signal } = bench;
  const world = await startWorld('crowd', crowdServers, { bundles, folder: dir, proxies: false, signal });
  try {
    await world.createNamespace(namespace);
    const controllers = {} as Record<ControllerName, Controller>;
    const { asPod } = connection();
    for (const name of controllerNames) controllers[name] = await world.startController(name, { asPod });
    for (const server of crowdServers) {
      // Checked as often as by default: an outage is noticed as it would be. And no rate of ours holds the keys on moto back.
      const spec = { checkIntervalSeconds: 60, requestsPerSecond: 1_000 };
      await world.createProvider(namespace, server, { server, spec });
      await world.kube.untilReady('Provider', namespace, server);
    }

    const make = async (kind: CrowdKind, manifestOf: (name: string, index: number) => Manifest): Promise<void> => {
      const watch = await watchReady(world.kube, kind, namespace);
      try {
        await narrate(`making ${counts[kind]} × ${kind}`, bench.log, async (say) => {
          const beat = setInterval(() => say(`${watch.readyAt.size} Ready`), 1_000);
          try {
            await forEach(namesOf(counts[kind]).entries(), 16, signal, ([index, name]) =>
              world.kube.create(kind, namespace, name, manifestOf(name, index)),
            );
            await watch.untilReady(counts[kind], 1_200_000);
          } finally {
            clearInterval(beat);
          }
        });
      } finally {
        watch.close();
      }
    };
    await make('Bucket', (name, index) => ({
      metadata: { labels: { [slotLabel]: String(index % slots) } },
      ...bucketSpec('minio', name),
    }));
    await Promise.all([
      make('BucketPolicy', (name) => publicPolicySpec(name, 's3:GetObject')),
      make('AccessKey', (name, index) => {
        const server = serverOf('AccessKey', index);
        return server === 'minio' ? accessKeySpec(server, name, 'ReadWrite') : listingKeySpec(server);
      }),
    ]);
    const members = crowdKinds.flatMap((kind) =>
      namesOf(counts[kind]).map((name, index) => ({ kind, namespace, name, server: serverOf(kind, index) })),
    );
    return {
      members,
      world,
      namespace,
      counts,
      controllers,
      nameOf,
      close: () => world.stop(),
    };
  } catch (error) {
    await world.stop();
    throw error;
  }
}
