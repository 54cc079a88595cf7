import { join } from 'node:path';
import { startWorld, untilPasses, type World } from '@operator/tools/harness';
import { startCollector, type CollectedSpan } from '@operator/tools/local';
import { pause } from '../crowd-rest.ts';
import { inTurns, type Bench, type Figure, type Scenario } from '../scenario.ts';
import { convergeCold, makeObjects, makeProviders } from './converge.ts';

const namespace = 'traced';
/** What a look may cost with traces as they are sent by default, to what it costs without. */
const mostRatio = 1.03;

/** What of its passes a controller sends: of those that only look one in ten, all, or nothing. */
const modes = ['default', 'all', 'off'] as const;
type Mode = (typeof modes)[number];

/** CPU time for each look of one process, and the looks that its collector got the whole trace of. */
interface Turn {
  readonly msPerLook: number;
  readonly looks: number;
  readonly collected: number;
}

/**
 * Buckets at rest that are looked at over and over, by controllers that send traces to a collector on loopback and by one that traces
 * nothing, in turns. What a process does until it has looked at every Bucket ten times does not count: by then its code is compiled.
 */
export const traces: Scenario = {
  name: 'traces',
  title: 'CPU time for each look, with traces and without',
  isTimed: true,
  async run(bench) {
    const { bundles, dir, signal, quick, runs, log } = bench;
    const objects = quick ? 10 : 100;
    const world = await startWorld('traces', ['minio'], { bundles, folder: dir, proxies: false, signal });
    try {
      await makeProviders(world, [namespace]);
      await makeObjects(world, 'Bucket', namespace, objects, signal);
      const spans = await spansOfFirst(bench, world, objects);
      const seen: Record<Mode, Turn[]> = { default: [], all: [], off: [] };
      for (let run = 0; run < runs; run += 1) {
        for (const mode of inTurns(modes, run)) {
          const turn = await turnOf(bench, world, { objects, name: `${mode}-${run}`, mode });
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
    await convergeCold(world, 'Bucket', namespace, objects, { env });
    // As it stops it writes down what it got last.
    await collector.stop();
    const spans = await collector.spans();
    const traces = new Set(spans.filter(isRoot).map(({ traceId }) => traceId));
    return spans.filter(({ traceId }) => traces.has(traceId)).length / objects;
  } finally {
    await collector.stop();
  }
};

const turnOf = async (
  { dir, quick, signal }: Bench,
  world: World,
  { objects, name, mode }: { readonly objects: number; readonly name: string; readonly mode: Mode },
): Promise<Turn> => {
  const collector = mode !== 'off' ? await startCollector({ dir: join(dir, `collector-${name}`) }) : undefined;
  try {
    const controller = await world.startController('bucket', {
      as: `bucket-${name}`,
      namespaces: [namespace],
      flags: ['--resync-interval=1s', ...(mode === 'all' ? ['--trace-quiet-ratio=1'] : [])],
      env: collector === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: collector.httpUrl },
    });
    try {
      await untilPasses(controller, 'Bucket', objects * (quick ? 1 : 10), 600_000, 500);
      const from = { looks: await controller.passes('Bucket'), cpuSeconds: await controller.cpuSeconds() };
      await pause(quick ? 3_000 : 60_000, signal);
      const cpuSeconds = (await controller.cpuSeconds()) - from.cpuSeconds;
      const all = await controller.passes('Bucket');
      const looks = all - from.looks;
      // What it still has to send goes out as it stops.
      await controller.stop();
      await collector?.stop();
      const spans = (await collector?.spans()) ?? [];
      const collected = spans.filter(isRoot).length;
      return { msPerLook: (cpuSeconds / looks) * 1_000, looks: all, collected };
    } finally {
      await controller.close();
    }
  } finally {
    await collector?.stop();
  }
};
