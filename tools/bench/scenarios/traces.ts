import { join } from 'node:path';
import { startWorld, untilPasses, type Controller, type World } from '@operator/tools/harness';
import { startCollector, type CollectedSpan, type Collector } from '@operator/tools/local';
import { pause } from '../crowd-rest.ts';
import { inTurns, type Bench, type Figure, type Scenario } from '../scenario.ts';
import { convergeCold, makeObjects, makeProviders } from './converge.ts';

/** What a look may cost with traces as they are sent by default, to what it costs without. */
const mostRatio = 1.03;

/** What of its passes a controller sends: of those that only look one in ten, all, or nothing. */
const modes = ['default', 'all', 'off'] as const;
type Mode = (typeof modes)[number];
/** Of whose Buckets the first convergence is seen. */
const modeOfFirst: Mode = 'all';

const namespaceOf = (mode: Mode): string => `traced-${mode}`;

/** CPU time for each look of one process, and the looks that its collector got the whole trace of. */
interface Turn {
  readonly msPerLook: number;
  readonly looks: number;
  readonly collected: number;
}

/**
 * Buckets at rest that are looked at over and over, by controllers that send traces to a collector on loopback and by one that traces
 * nothing, all at the same time: what the machine does to one it does to all. What a process does until it has looked at every Bucket ten times
 * does not count: by then its code is compiled.
 */
export const traces: Scenario = {
  name: 'traces',
  title: 'CPU time for each look, with traces and without',
  isTimed: true,
  async run(bench) {
    const { bundles, dir, signal, quick, runs, log } = bench;
    const objects = quick ? 10 : 50;
    const world = await startWorld('traces', ['minio'], { bundles, folder: dir, proxies: false, signal });
    try {
      await makeProviders(world, modes.map(namespaceOf));
      for (const mode of modes) await makeObjects(world, 'Bucket', namespaceOf(mode), objects, signal);
      const spans = await spansOfFirst(bench, world, objects);
      for (const mode of modes)
        if (mode !== modeOfFirst) await convergeCold(world, 'Bucket', namespaceOf(mode), objects);
      const seen: Record<Mode, Turn[]> = { default: [], all: [], off: [] };
      for (let run = 0; run < runs; run += 1) {
        for (const [mode, turn] of await turnsOf(bench, world, { objects, run })) {
          log(`traces ${mode}: ${turn.msPerLook.toFixed(2)} ms for each of ${turn.looks} looks`);
          seen[mode].push(turn);
        }
      }
      const figure = (name: string, more: Omit<Figure, 'scenario' | 'name'>): Figure => ({
        scenario: 'traces',
        name,
        ...more,
      });
      const msOf = (mode: Mode): readonly number[] => seen[mode].map(({ msPerLook }) => msPerLook);
      const untraced = msOf('off');
      const toUntraced = (mode: Mode): readonly number[] => msOf(mode).map((ms, run) => ms / (untraced[run] ?? NaN));
      return [
        figure('spans of a first convergence', { unit: 'count', values: [spans] }),
        figure('CPU for each look, untraced', { unit: 'ms', values: untraced }),
        figure('CPU for each look, traced', { unit: 'ms', values: msOf('default') }),
        figure('CPU for each look, all traced', { unit: 'ms', values: msOf('all') }),
        figure('CPU for each look, traced to untraced', {
          unit: 'ratio',
          values: toUntraced('default'),
          aim: { atMost: mostRatio },
        }),
        figure('CPU for each look, all traced to untraced', { unit: 'ratio', values: toUntraced('all') }),
        figure('traces that the collector got of a hundred looks, all traced', {
          unit: 'count',
          values: seen.all.map(({ collected, looks }) => Math.floor((collected / looks) * 100)),
          aim: { atLeast: 100 },
        }),
      ];
    } finally {
      await world.stop();
    }
  },
};

const isRoot = ({ name, parentSpanId = '' }: CollectedSpan): boolean =>
  name === 'reconcile Bucket' && parentSpanId === '';

/** For each of the objects, which converge meanwhile. */
const spansOfFirst = async ({ dir }: Bench, world: World, objects: number): Promise<number> => {
  const collector = await startCollector({ dir: join(dir, 'collector-first') });
  try {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.httpUrl, S3_OPERATOR_TRACE_QUIET_RATIO: '1' };
    await convergeCold(world, 'Bucket', namespaceOf(modeOfFirst), objects, { env });
    // As it stops it writes down what it got last.
    await collector.stop();
    const spans = await collector.spans();
    const traces = new Set(spans.filter(isRoot).map(({ traceId }) => traceId));
    return spans.filter(({ traceId }) => traces.has(traceId)).length / objects;
  } finally {
    await collector.stop();
  }
};

/** A controller of one mode, and the collector that it sends to. */
interface Traced {
  readonly mode: Mode;
  readonly controller: Controller;
  readonly collector: Collector | undefined;
}

const startTraced = async ({ dir }: Bench, world: World, name: string, mode: Mode): Promise<Traced> => {
  const collector = mode === 'off' ? undefined : await startCollector({ dir: join(dir, `collector-${name}`) });
  try {
    const controller = await world.startController('bucket', {
      as: `bucket-${name}`,
      namespaces: [namespaceOf(mode)],
      flags: ['--resync-interval=1s', ...(mode === 'all' ? ['--trace-quiet-ratio=1'] : [])],
      env: collector === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: collector.httpUrl },
    });
    return { mode, controller, collector };
  } catch (error) {
    await collector?.stop();
    throw error;
  }
};

const stateOf = async ({ controller }: Traced) => ({
  looks: await controller.passes('Bucket'),
  cpuSeconds: await controller.cpuSeconds(),
});

/** One of each mode, over the same minute. */
const turnsOf = async (
  bench: Bench,
  world: World,
  { objects, run }: { readonly objects: number; readonly run: number },
): Promise<ReadonlyMap<Mode, Turn>> => {
  const { quick, signal } = bench;
  const all: Traced[] = [];
  try {
    for (const mode of inTurns(modes, run)) all.push(await startTraced(bench, world, `${mode}-${run}`, mode));
    for (const { controller } of all) await untilPasses(controller, 'Bucket', objects * (quick ? 1 : 10), 600_000, 500);
    const windows = await Promise.all(
      all.map(async (traced) => {
        const from = await stateOf(traced);
        await pause(quick ? 3_000 : 60_000, signal);
        return { ...traced, from, to: await stateOf(traced) };
      }),
    );
    const turns = new Map<Mode, Turn>();
    for (const { mode, controller, collector, from, to } of windows) {
      // What it still has to send goes out as it stops.
      await controller.stop();
      await collector?.stop();
      const collected = ((await collector?.spans()) ?? []).filter(isRoot).length;
      const msPerLook = ((to.cpuSeconds - from.cpuSeconds) / (to.looks - from.looks)) * 1_000;
      turns.set(mode, { msPerLook, looks: to.looks, collected });
    }
    return turns;
  } finally {
    for (const { controller, collector } of all) {
      await controller.close();
      await collector?.stop();
    }
  }
};
