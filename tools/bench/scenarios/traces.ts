import { join } from 'node:path';
import { startWorld, untilPasses, type World } from '@operator/tools/harness';
import { startCollector, type CollectedSpan } from '@operator/tools/local';
import { pause } from '../crowd-rest.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';
import { convergeCold, makeObjects, makeProviders } from './converge.ts';

const namespace = 'traced';
/** What a pass may cost with traces, to what it costs without. */
const mostRatio = 1.03;

/** CPU time for each look of one process, and the looks that its collector got the whole trace of. */
interface Turn {
  readonly msPerLook: number;
  readonly looks: number;
  readonly collected: number;
}

/**
 * Buckets at rest that are looked at over and over, by a controller that sends traces to a collector on loopback and by one that traces
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
      const seen: Record<'on' | 'off', Turn[]> = { on: [], off: [] };
      for (let run = 0; run < runs; run += 1) {
        // Who begins has the cooler machine.
        for (const traced of run % 2 === 0 ? (['on', 'off'] as const) : (['off', 'on'] as const)) {
          const turn = await turnOf(bench, world, { objects, name: `${traced}-${run}`, isTraced: traced === 'on' });
          log(`traces ${traced}: ${turn.msPerLook.toFixed(2)} ms for each of ${turn.looks} looks`);
          seen[traced].push(turn);
        }
      }
      const figure = (name: string, more: Omit<Figure, 'scenario' | 'name'>): Figure => ({
        scenario: 'traces',
        name,
        ...more,
      });
      return [
        figure('spans of a first convergence', { unit: 'count', values: [spans] }),
        figure('CPU for each look, untraced', { unit: 'ms', values: seen.off.map(({ msPerLook }) => msPerLook) }),
        figure('CPU for each look, traced', { unit: 'ms', values: seen.on.map(({ msPerLook }) => msPerLook) }),
        figure('CPU for each look, traced to untraced', {
          unit: 'ratio',
          values: seen.on.map(({ msPerLook }, run) => msPerLook / (seen.off[run]?.msPerLook ?? NaN)),
          aim: { atMost: mostRatio },
        }),
        figure('traces that the collector got of a hundred looks', {
          unit: 'count',
          values: seen.on.map(({ collected, looks }) => Math.floor((collected / looks) * 100)),
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
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.httpUrl };
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
  { objects, name, isTraced }: { readonly objects: number; readonly name: string; readonly isTraced: boolean },
): Promise<Turn> => {
  const collector = isTraced ? await startCollector({ dir: join(dir, `collector-${name}`) }) : undefined;
  try {
    const controller = await world.startController('bucket', {
      as: `bucket-${name}`,
      namespaces: [namespace],
      flags: ['--resync-interval=1s'],
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
