import {
  bucketSpec,
  forEach,
  memoryOf,
  startWorld,
  watchReady,
  type Controller,
  type ReadyWatch,
  type World,
} from '@operator/tools/harness';
import { narrate } from '@operator/tools/narrate';
import { callsOf, countCalls, isStorageCall, tellCalls } from '../calls.ts';
import { connection } from '../connection.ts';
import { pause, untilAllLookedAt } from '../crowd-rest.ts';
import { slotLabel } from '../crowd.ts';
import { databaseBytes, sizeInEtcd } from '../etcd.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';
import { createSettingsProvider, startSettings } from '../settings/start.ts';
import { makeProviders } from './converge.ts';
import { startMsOf } from './restart.ts';

const namespace = 'fleet';
const provider = 'settings';
/** Slots of the fleet, by which it is shared among shards; as many shards as these at most. */
const slots = 8;
const mebibyte = 2 ** 20;
const memorySamples = 20;
const slotOf = (index: number): number => index % slots;

/**
 * A fleet of Buckets that grows, with a controller that starts among them at each size; then the largest in shards. What is found is kept at
 * once. The server is one that costs next to nothing: it leaves the machine to the controller and the API server.
 */
export const growth: Scenario = {
  name: 'growth',
  title: 'What a fleet of Buckets costs the controller, the API server and etcd as it grows, whole and in shards',
  isTimed: true,
  only: 'named',
  async run(bench) {
    const { bundles, dir, signal, fleets, shards, found } = bench;
    const world = await startWorld('growth', [], { bundles, folder: dir, proxies: false, signal });
    try {
      const settings = await startSettings(bench, world);
      try {
        await makeProviders(world, [namespace], provider, (place) =>
          createSettingsProvider(world, settings.endpoint, place, provider),
        );
        const watch = await watchReady(world.kube, 'Bucket', namespace);
        try {
          for (const fleet of fleets) {
            await growTo(bench, world, watch, fleet);
            found(await measureWhole(bench, world, fleet));
          }
        } finally {
          watch.close();
        }
        const fleet = fleets.at(-1) ?? 0;
        for (const count of shards) found(await measureShards(bench, world, fleet, count));
        return [];
      } finally {
        await settings.stop();
      }
    } finally {
      await world.stop();
    }
  },
};

const growTo = async ({ signal, log }: Bench, world: World, watch: ReadyWatch, fleet: number): Promise<void> => {
  const from = watch.readyAt.size;
  await narrate(`making Buckets up to ${fleet}`, log, async (say) => {
    const controller = await world.startController('bucket', { as: `grow-${fleet}`, namespaces: [namespace] });
    const beat = setInterval(() => say(`${watch.readyAt.size} Ready`), 1_000);
    try {
      const indices = Array.from({ length: fleet - from }, (_, nth) => from + nth);
      await forEach(indices, 16, signal, (index) => {
        const name = `fleet-${String(index).padStart(5, '0')}`;
        const labels = { [slotLabel]: String(slotOf(index)) };
        return world.kube.create('Bucket', namespace, name, { metadata: { labels }, ...bucketSpec(provider, name) });
      });
      await watch.untilReady(fleet, 60_000 + (fleet - from) * 500);
    } finally {
      clearInterval(beat);
      await controller.close();
    }
  });
};

/** What one process was like that started among its objects, once all were looked at. */
interface Seen {
  readonly syncedSeconds: number;
  readonly lookedAtSeconds: number;
  readonly cpuSeconds: number;
  readonly memory: readonly number[];
  readonly peak: number;
  readonly calls: number;
  readonly passes: number;
  readonly note: string;
}

/** Starts controllers at once, each with its selector and its number of objects, and waits until each has looked at all of them. */
const seeAll = async (
  { quick, signal }: Bench,
  world: World,
  shards: readonly { readonly selector: string; readonly objects: number }[],
): Promise<readonly Seen[]> => {
  const { asPod } = connection();
  const controllers: Controller[] = [];
  try {
    for (const [nth, { selector }] of shards.entries()) {
      const flags = ['--resync-interval=10m', `--watch-selector=${selector}`];
      const as = `bucket-${shards.length}-${nth}-${shards[0]?.objects ?? 0}`;
      controllers.push(await world.startController('bucket', { as, namespaces: [namespace], flags, asPod }));
    }
    const looks = await Promise.all(
      controllers.map(async (controller, nth) => {
        const lookedAtMs = await untilAllLookedAt(controller, 'Bucket', shards[nth]?.objects ?? 0);
        return { lookedAtSeconds: lookedAtMs / 1_000, cpuSeconds: await controller.cpuSeconds() };
      }),
    );
    const memory: number[][] = controllers.map(() => []);
    for (let sample = 0; sample < memorySamples; sample += 1) {
      await pause(quick ? 50 : 500, signal);
      for (const [nth, controller] of controllers.entries()) memory[nth]?.push(await controller.residentMebibytes());
    }
    return await Promise.all(
      controllers.map(async (controller, nth) => {
        const calls = await callsOf([controller]);
        return {
          syncedSeconds: (await startMsOf(controller)) / 1_000,
          lookedAtSeconds: looks[nth]?.lookedAtSeconds ?? NaN,
          cpuSeconds: looks[nth]?.cpuSeconds ?? NaN,
          memory: memory[nth] ?? [],
          peak: await controller.peakMebibytes(),
          calls: countCalls(calls, isStorageCall),
          passes: await controller.passes('Bucket'),
          note: tellCalls(calls, isStorageCall),
        };
      }),
    );
  } finally {
    for (const controller of controllers) await controller.close();
  }
};

const measureWhole = async (bench: Bench, world: World, fleet: number): Promise<readonly Figure[]> => {
  const [seen] = await seeAll(bench, world, [{ selector: slotLabel, objects: fleet }]);
  if (seen === undefined) throw new Error('no controller was seen');
  const { controlPlane } = world;
  const { etcdUrl } = controlPlane;
  const stored = await sizeInEtcd(etcdUrl, 'Bucket', namespace);
  const residentOf = async (name: string) => (await memoryOf(controlPlane.pids()[name] ?? NaN)).resident;
  const figure = figureOf(`${fleet} Buckets`);
  return [
    figure('memory', 'MiB', seen.memory, { note: connection().note }),
    figure('most memory', 'MiB', [seen.peak]),
    figure('start to caches synced', 's', [seen.syncedSeconds], { note: 'and the Lease taken' }),
    figure('start to all looked at', 's', [seen.lookedAtSeconds]),
    figure('CPU time until then', 's', [seen.cpuSeconds]),
    figure('calls to storage for each look', 'count', [seen.calls / seen.passes], { note: seen.note }),
    figure('bytes in etcd per object', 'B', [stored.bytes / stored.objects]),
    figure('database of etcd', 'MiB', [(await databaseBytes(etcdUrl)) / mebibyte], {
      note: 'former revisions included',
    }),
    figure('memory of etcd', 'MiB', [await residentOf('etcd')]),
    figure('memory of the API server', 'MiB', [await residentOf('kube-apiserver')]),
  ];
};

const measureShards = async (bench: Bench, world: World, fleet: number, count: number): Promise<readonly Figure[]> => {
  const indices = Array.from({ length: fleet }, (_, index) => index);
  const shards = Array.from({ length: count }, (_, shard) => {
    const own = Array.from({ length: slots }, (_, slot) => slot).filter((slot) => slot % count === shard);
    return {
      selector: `${slotLabel} in (${own.join(',')})`,
      objects: indices.filter((index) => own.includes(slotOf(index))).length,
    };
  });
  const seen = await seeAll(bench, world, shards);
  const medians = seen.map(({ memory }) => memory.toSorted((one, other) => one - other)[memory.length >> 1] ?? NaN);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const most = (values: readonly number[]) => Math.max(...values);
  const figure = figureOf(`${fleet} Buckets in ${count} shards`);
  return [
    figure('memory of a shard', 'MiB', medians),
    figure('memory of all', 'MiB', [sum(medians)]),
    figure('start to caches synced', 's', [most(seen.map(({ syncedSeconds }) => syncedSeconds))], {
      note: 'of the last',
    }),
    figure('start to all looked at', 's', [most(seen.map(({ lookedAtSeconds }) => lookedAtSeconds))], {
      note: 'of the last',
    }),
    figure('CPU time until then, of all', 's', [sum(seen.map(({ cpuSeconds }) => cpuSeconds))]),
    figure('calls to storage for each look', 'count', [
      sum(seen.map(({ calls }) => calls)) / sum(seen.map(({ passes }) => passes)),
    ]),
  ];
};

const figureOf =
  (what: string) =>
  (name: string, unit: Figure['unit'], values: readonly number[], more: Pick<Figure, 'note'> = {}): Figure => ({
    scenario: 'growth',
    name: `${what}: ${name}`,
    unit,
    values,
    ...more,
  });
