import {
  controllerNames,
  forEach,
  memoryOf,
  minioAdmin,
  ourKinds,
  passRequest,
  s3View,
  seeded,
  startWorld,
  sumOfMetric,
  untilQuiet,
  type Controller,
  type Seeded,
  type World,
} from '@operator/tools/harness';
import { pause } from '../crowd-rest.ts';
import { makeWeather } from '../faults.ts';
import { handlesOf } from '../handles.ts';
import { createRandomChanges } from '../random-changes.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';
import { compareWithApi, compareWithServer } from '../server-truth.ts';
import { lowestOf, slopeOf } from '../slope.ts';

const namespaces = ['soak-one', 'soak-two', 'soak-three'];
const provider = 'provider';
/** A pool of connections for each Provider and the one to the API server; more is a leak. */
const mostOpenFiles = 150;
const truthWithinMs = 600_000;
/** Under it a slope is noise: over ten minutes a heap that did not grow in two hours has shown 15 MiB an hour. */
const leastSlopeMs = 1_800_000;
/** Between two collections the heap also has what nobody needs; the lowest of so many samples has least of it. */
const samplesInLowest = 6;
/** MiB in an hour. What lives in a heap is some 35 MiB and is known to a few. */
const mostHeapGrowth = 10;

interface Sample {
  readonly atMs: number;
  readonly pid: number;
  readonly mebibytes: number;
  /** Of V8's heap: what lives and what is not collected yet. */
  readonly heapMebibytes: number;
  readonly files: number;
  readonly sockets: number;
}

/**
 * Random changes of all kinds while calls are dropped, refused and delayed on either side, the API server restarts, and, in
 * the first quarter, controllers are killed. Then the faults end, and everything must become as declared. The seed is in the
 * log; `BENCH_SEED` takes it again.
 */
export const soak: Scenario = {
  name: 'soak',
  title: 'Random changes and faults',
  isTimed: false,
  isLong: true,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const { quick, signal, bundles, dir } = bench;
    const seed = Number(process.env.BENCH_SEED ?? Date.now() % 2 ** 32);
    bench.log(`soak: seed ${seed}`);
    const random = seeded(seed);
    const lengthMs = bench.soakMinutes * 60_000;
    const world = await startWorld('soak', ['minio'], { bundles, folder: dir, traces: false, signal });
    try {
      const { kube, traffic, controlPlane } = world;
      const controllers = await Promise.all(controllerNames.map((name) => world.startController(name)));
      for (const namespace of namespaces) {
        await world.createNamespace(namespace);
        await world.createProvider(namespace, provider, { server: 'minio', spec: { checkIntervalSeconds: 60 } });
        await kube.untilReady('Provider', namespace, provider);
      }
      const server = world.server('minio');
      const view = s3View(server);
      const changes = createRandomChanges({ kube, view, random, namespaces, provider, most: quick ? 20 : 100 });

      const over = new AbortController();
      const startedAt = performance.now();
      const passed = () => performance.now() - startedAt;
      // Nobody reads what went through the proxies before the end; kept for half an hour it would be much.
      const forgetting = setInterval(() => (traffic.calls.length = 0), 1_000);
      const timer = setTimeout(() => over.abort(), lengthMs);
      const ends = AbortSignal.any([over.signal, signal]);
      const made = new Map<string, number>();
      const samples = new Map<Controller, Sample[]>(controllers.map((controller) => [controller, []]));
      let kills = 0;
      let restarts = 0;

      const keepChanging = async () => {
        while (!ends.aborted) {
          const name = await changes.change(signal);
          made.set(name, (made.get(name) ?? 0) + 1);
          // Two or three in a second: others are measured beside, and the machine must keep up with all of it.
          await sleep(quick ? 100 + random.below(200) : 200 + random.below(400), ends);
        }
      };
      const keepKilling = async () => {
        for (;;) {
          await sleep((quick ? 5_000 : 45_000) + random.below(quick ? 2_000 : 30_000), ends);
          if (ends.aborted || passed() > lengthMs / 4) return;
          const victim = random.pick(controllers);
          await victim.kill();
          await victim.start();
          kills += 1;
        }
      };
      const keepRestarting = async () => {
        for (;;) {
          await sleep(quick ? lengthMs / 2 : 240_000 + random.below(120_000), ends);
          if (ends.aborted || (quick && restarts === 1)) return;
          await controlPlane.restartApiServer({ kill: random.chance(0.5) });
          restarts += 1;
        }
      };
      const keepSampling = async () => {
        while (!ends.aborted) {
          await sleep(quick ? 2_000 : 10_000, ends);
          for (const [controller, taken] of samples) {
            // One that is just being killed has nothing to show.
            const sample = await sampleOf(controller, passed()).catch(() => undefined);
            if (sample !== undefined) taken.push(sample);
          }
        }
      };
      const spell = quick ? { fairMs: 2_000, foulMs: 2_000 } : { fairMs: 15_000, foulMs: 8_000 };
      const [faults] = await Promise.all([
        makeWeather(traffic, forkOf(random), ends, spell),
        keepChanging(),
        keepKilling(),
        keepRestarting(),
        keepSampling(),
      ]).finally(() => {
        over.abort();
        clearTimeout(timer);
        clearInterval(forgetting);
      });
      signal.throwIfAborted();
      const { declared } = changes;
      const { buckets, policies, keys } = declared;
      bench.log(`soak: ${tell(made)}`);
      bench.log(`soak: ${tell(faults)}, ${kills} kills, ${restarts} restarts of the API server`);

      const calmFrom = performance.now();
      const untrue = await untilNone(() => compareWithApi(declared, kube), truthWithinMs, signal);
      const trueSeconds = (performance.now() - calmFrom) / 1_000;
      // What somebody changed at the server is seen at the next look.
      await askAll(world, signal);
      await untilQuiet(traffic);
      const untrueAtServer = await untilNone(
        async () => [
          ...(await compareWithApi(declared, kube)),
          ...(await compareWithServer(declared, { kube, view, admin: minioAdmin(server), server })),
        ],
        60_000,
        signal,
      );
      for (const difference of [...untrue, ...untrueAtServer]) bench.log(`soak: ${difference}`);

      const figure = (name: string, unit: Figure['unit'], value: number, more: Partial<Figure> = {}): Figure => ({
        scenario: 'soak',
        name,
        unit,
        values: [value],
        ...more,
      });
      const figures = [
        figure('changes', 'count', sumOf(made), { aim: { atLeast: 1 }, note: `seed ${seed}; ${tell(made)}` }),
        figure('calls met by a fault', 'count', sumOf(faults), {
          aim: { atLeast: 1 },
          note: `${tell(faults)}, ${kills} kills, ${restarts} restarts of the API server`,
        }),
        figure('end of faults to all Ready', 's', trueSeconds, {
          note: `${buckets.size} Buckets, ${policies.size} BucketPolicies, ${keys.size} AccessKeys`,
        }),
        figure('differences in the API', 'count', untrue.length, {
          aim: { atMost: 0 },
          note: untrue.slice(0, 5).join('; '),
        }),
        figure('differences at the server', 'count', untrueAtServer.length, {
          aim: { atMost: 0 },
          note: untrueAtServer.slice(0, 5).join('; '),
        }),
      ];
      for (const controller of controllers) {
        const { name, pid } = controller;
        const end = await sampleOf(controller, passed());
        const life = (samples.get(controller) ?? []).filter((sample) => sample.pid === pid);
        const half = life.filter(({ atMs }) => atMs > lengthMs / 2);
        figures.push(
          figure(`${name}: memory at the end`, 'MiB', end.mebibytes),
          figure(`${name}: most memory`, 'MiB', (await memoryOf(pid)).peak),
          figure(`${name}: open files at the end`, 'count', end.files, {
            aim: { atMost: mostOpenFiles },
            note: `${end.sockets} sockets; most seen ${Math.max(end.files, ...life.map(({ files }) => files))}`,
          }),
        );
        if (lengthMs / 2 < leastSlopeMs) continue;
        const overHours = (of: (sample: Sample) => number) =>
          half.map((sample) => [sample.atMs / 3_600_000, of(sample)] as const);
        const resident = overHours(({ mebibytes }) => mebibytes);
        const lowest = lowestOf(
          overHours(({ heapMebibytes }) => heapMebibytes),
          samplesInLowest,
        );
        figures.push(
          figure(`${name}: growth in an hour`, 'MiB', slopeOf(resident), { note: `by ${half.length} samples` }),
          figure(`${name}: growth of its heap in an hour`, 'MiB', slopeOf(lowest), {
            aim: { atMost: mostHeapGrowth },
            note: `by the ${lowest.length} lowest of ${half.length} samples`,
          }),
        );
      }
      return figures;
    } finally {
      await world.stop();
    }
  },
};

/** Of its own: the weather must not change what the changes are. */
const forkOf = (random: Seeded): Seeded => seeded(random.below(2 ** 32));

const sleep = (ms: number, signal: AbortSignal): Promise<void> => pause(ms, signal).catch(() => undefined);

const sampleOf = async (controller: Controller, atMs: number): Promise<Sample> => {
  const { pid } = controller;
  const [{ resident }, { files, sockets }, metrics] = await Promise.all([
    memoryOf(pid),
    handlesOf(pid),
    controller.metrics(),
  ]);
  const heapMebibytes = sumOfMetric(metrics, 'nodejs_heap_size_used_bytes') / 2 ** 20;
  return { atMs, pid, mebibytes: resident, heapMebibytes, files, sockets };
};

const askAll = async ({ kube }: World, signal: AbortSignal): Promise<void> => {
  for (const kind of ourKinds) {
    await forEach(await kube.list(kind), 8, signal, ({ metadata: { namespace, name } }) =>
      kube.patch(kind, namespace, name, passRequest('soak-is-over')),
    );
  }
};

/** Looks until nothing is left; what is left when the time is over. */
const untilNone = async (
  look: () => Promise<readonly string[]>,
  withinMs: number,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const end = performance.now() + withinMs;
  for (;;) {
    const left = await look();
    if (left.length === 0 || performance.now() > end) return left;
    await pause(1_000, signal);
  }
};

const sumOf = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);
const tell = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([name, count]) => `${count}× ${name}`).join(', ');
