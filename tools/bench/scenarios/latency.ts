import { setTimeout as delay } from 'node:timers/promises';
import {
  bucketSpec,
  forEach,
  startCountingProxy,
  startWorld,
  Traffic,
  watchReady,
  type Call,
  type ReadyWatch,
  type World,
} from '@operator/tools/harness';
import { narrate } from '@operator/tools/narrate';
import { bundleRawLoop, minioOf, runRawLoop } from '../raw/start.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';
import { makeObjects, makeProviders } from './converge.ts';

const provider = 'minio';
/** How long the slow server takes for each answer. */
const slowMs = 2_000;
/** Whoever waits longer counts as having waited so long; after a few of them the measurement says enough. */
const patienceMs = 30_000;
const mostImpatient = 3;
/** In milliseconds. */
const mostP99 = { atRest: { atMost: 60 }, amongMany: { atMost: 75 } };
/** Before what is measured: connections are opened, and code is compiled. */
const warmUps = 10;

/**
 * Buckets that arrive one after the other, each created when the one before was Ready; and edits of Buckets that are there, in the same
 * way: a hundred beside two thousand, as Strimzi measures its user operator.
 */
export const latency: Scenario = {
  name: 'latency',
  title: 'Buckets that arrive or change one at a time: at rest, among many, and beside a slow server',
  isTimed: true,
  async run(bench) {
    const { bundles, dir, signal, quick } = bench;
    const samples = quick ? 10 : 100;
    const some = quick ? 30 : 2_000;
    const many = quick ? 50 : 5_000;
    const waiting = quick ? 20 : 300;
    const raw = await rawArrivals(bench, samples);
    const world = await startWorld('latency', ['minio'], { bundles, folder: dir, proxies: false, signal });
    try {
      await world.startController('provider');
      await world.startController('bucket');
      await makePlace(world, 'arrivals');
      const watch = await watchReady(world.kube, 'Bucket', 'arrivals');
      const measure = (run: string, count = samples) => arrivals(world, watch, run, count, signal);
      await measure('warm', warmUps);

      const atRest: (readonly number[])[] = [];
      for (let run = 0; run < bench.runs; run += 1) atRest.push(await measure(`rest-${run}`));
      const crowd = await makePlaceOfMany(world);
      const edited: (readonly number[])[] = [];
      const among: (readonly number[])[] = [];
      try {
        await crowd.grow(bench, some);
        for (let run = 0; run < bench.runs; run += 1)
          edited.push(await edits(world, crowd.watch, run, samples, signal));
        await crowd.grow(bench, many);
        for (let run = 0; run < bench.runs; run += 1) among.push(await measure(`among-${run}`));
      } finally {
        crowd.watch.close();
      }

      const slow = await makeSlowPlace(world, waiting, signal);
      let beside: readonly number[];
      try {
        beside = await measure('beside');
      } finally {
        await slow.close();
        watch.close();
      }
      const p99Among = medianOf(among.map((run) => percentile(run, 0.99)));
      return [
        ...figuresOf('raw loop, one after the other', raw),
        ...figuresOf('at rest', atRest, mostP99.atRest),
        ...figuresOf(`edits beside ${some} Ready ones`, edited, mostP99.amongMany),
        ...figuresOf(`among ${many} Ready ones`, among, mostP99.amongMany),
        ...figuresOf(`beside ${waiting} on a server that takes ${slowMs} ms`, [beside]),
        {
          scenario: 'latency',
          name: 'p99 beside a slow server, to that without',
          unit: 'ratio',
          values: [percentile(beside, 0.99) / p99Among],
          aim: { atMost: 2 },
          ...(beside.length < samples ? { note: `at least: given up after ${beside.length} arrivals` } : {}),
        },
      ];
    } finally {
      await world.stop();
    }
  },
};

/**
 * Milliseconds for the calls of one Bucket after the other, without what creates it and what tells that it is Ready: what the servers need on
 * this machine, whoever asks. For each run a process and a namespace of their own, on servers on which nothing else works.
 */
const rawArrivals = async (bench: Bench, samples: number): Promise<readonly (readonly number[])[]> => {
  const { bundles, dir, signal } = bench;
  const program = await bundleRawLoop(dir);
  const world = await startWorld('latency-raw', ['minio'], { bundles, folder: dir, proxies: false, signal });
  try {
    const namespaces = Array.from({ length: bench.runs }, (_, run) => `raw-${run}`);
    await makeProviders(world, namespaces);
    const took: (readonly number[])[] = [];
    for (const namespace of namespaces) {
      await makeObjects(world, 'Bucket', namespace, warmUps + samples, signal);
      const { tookMs } = await runRawLoop(program, world, 'Bucket', namespace, minioOf(world), 1);
      took.push(tookMs.slice(warmUps));
    }
    return took;
  } finally {
    await world.stop();
  }
};

const makePlace = async (world: World, namespace: string, endpoint?: string): Promise<void> => {
  await world.createNamespace(namespace);
  await world.createProvider(namespace, provider, {
    server: 'minio',
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  await world.kube.untilReady('Provider', namespace, provider, 120_000);
};

/** Milliseconds from the request that creates a Bucket until it is seen Ready. */
const arrivals = async (
  world: World,
  watch: ReadyWatch,
  run: string,
  count: number,
  signal: AbortSignal,
): Promise<readonly number[]> => {
  const took: number[] = [];
  let impatient = 0;
  for (let nth = 0; nth < count && impatient < mostImpatient; nth += 1) {
    signal.throwIfAborted();
    const name = `${run}-${nth}`;
    const createdAt = performance.now();
    await world.kube.create('Bucket', 'arrivals', name, bucketSpec(provider, `arrivals-${name}`));
    const left = createdAt + patienceMs - performance.now();
    const readyAt = await watch.untilReadyNamed(name, left).catch(() => createdAt + patienceMs);
    took.push(readyAt - createdAt);
    if (took.at(-1) === patienceMs) impatient += 1;
  }
  return took;
};

/** Milliseconds from the request that changes the tags of a Bucket until it is seen Ready so. Each time another of those in `many`. */
const edits = async (
  world: World,
  watch: ReadyWatch,
  run: number,
  count: number,
  signal: AbortSignal,
): Promise<readonly number[]> => {
  const took: number[] = [];
  for (let nth = 0; nth < count; nth += 1) {
    signal.throwIfAborted();
    const name = `many-${nth % watch.readyAt.size}`;
    const change = { spec: { tagging: { tags: { tier: `run-${run}-${nth}` } } } };
    const askedAt = performance.now();
    const { metadata } = await world.kube.patch('Bucket', 'many', name, change);
    took.push((await watch.untilReadyNamed(name, patienceMs, metadata.generation)) - askedAt);
  }
  return took;
};

/** A namespace for many Buckets, and the way to have so many there. */
const makePlaceOfMany = async (world: World) => {
  await makePlace(world, 'many');
  const watch = await watchReady(world.kube, 'Bucket', 'many');
  let made = 0;
  return {
    watch,
    grow: async ({ log, signal }: Bench, count: number): Promise<void> => {
      await narrate(`making ${count} Buckets`, log, async () => {
        const names = Array.from({ length: count - made }, (_, index) => `many-${made + index}`);
        made = count;
        await forEach(names, 16, signal, (name) =>
          world.kube.create('Bucket', 'many', name, bucketSpec(provider, name)),
        );
        await watch.untilReady(count, 60_000 + count * 500);
      });
    },
  };
};

class SlowTraffic extends Traffic {
  override note(call: Call): ReturnType<Traffic['note']> {
    const noted = super.note(call);
    return {
      after: noted.after,
      before: async () => {
        await delay(slowMs);
        return noted.before();
      },
    };
  }
}

/** A namespace whose Provider answers slowly, with so many Buckets that wait for it. */
const makeSlowPlace = async (world: World, count: number, signal: AbortSignal): Promise<{ close(): Promise<void> }> => {
  const upstream = world.server('minio').endpoint;
  const proxy = await startCountingProxy({ name: 'slow', side: 's3', upstream, traffic: new SlowTraffic() });
  await makePlace(world, 'slow', proxy.url);
  const names = Array.from({ length: count }, (_, index) => `slow-${index}`);
  await forEach(names, 16, signal, (name) => world.kube.create('Bucket', 'slow', name, bucketSpec(provider, name)));
  return proxy;
};

/** The smallest value that at least this share of all do not exceed. */
const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((one, other) => one - other)[Math.ceil(values.length * share) - 1] ?? NaN;
const medianOf = (values: readonly number[]): number => percentile(values, 0.5);

const figuresOf = (
  when: string,
  runs: readonly (readonly number[])[],
  aim?: { readonly atMost: number },
): readonly Figure[] => {
  const note = `${runs[0]?.length ?? 0} a run`;
  const figure = (name: string, share: number): Figure => ({
    scenario: 'latency',
    name: `${when}: ${name}`,
    unit: 'ms',
    values: runs.map((run) => percentile(run, share)),
    note,
  });
  return [
    figure('p50', 0.5),
    { ...figure('p99', 0.99), ...(aim === undefined ? {} : { aim }) },
    {
      scenario: 'latency',
      name: `${when}: each`,
      unit: 'ms',
      values: runs.flat().map((ms) => Number(ms.toFixed(1))),
    },
  ];
};
