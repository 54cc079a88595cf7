import { controllerOf, type Controller } from '@operator/tools/harness';
import { callsOf, countCalls, isStorageCall, isWrite, tellCalls } from '../calls.ts';
import { changedSince, pause, untilAllLookedAt, versionsOf } from '../crowd-rest.ts';
import { crowdKinds, type Crowd } from '../crowd.ts';
import { bundleRawLoop, minioOf, runRawLoop } from '../raw/start.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';
import { workers } from './converge.ts';

const mostSeconds = 90;
/** Of CPU time for ten thousand looks at Buckets, the start included. */
const mostCpuSeconds = 13;

/** With a chosen interval every object is looked at once this process works; by itself what is at rest is spread over ten minutes. */
const chosen = '--resync-interval=10m';
const spreadSeconds = 600;
/** Of those that would come if they were spread evenly; of a small crowd any number may come. */
const uneven = 1.5;

/**
 * Each controller is stopped and started anew, one after the other, with its defaults: ten workers. Nothing has changed meanwhile, so
 * nothing is written. First it is seen how few looks it makes by itself, then how fast it can look at all, and what the calls of these looks
 * alone cost.
 */
export const restart: Scenario = {
  name: 'restart',
  title: 'Controllers that start among the crowd',
  isTimed: true,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const crowd = await bench.crowd();
    const versions = await versionsOf(crowd);
    const figures: Figure[] = [];
    let writes = 0;
    const written: string[] = [];
    for (const kind of crowdKinds) {
      const controller = crowd.controllers[controllerOf[kind]];
      const objects = crowd.counts[kind];
      const name = controllerOf[kind];
      const figure = (what: string, unit: Figure['unit'], value: number, more: Partial<Figure> = {}) =>
        figures.push({ scenario: 'restart', name: `${kind}: ${what}`, unit, values: [value], ...more });
      // How many keys are looked at in that time is up to their servers.
      if (kind !== 'AccessKey') {
        await controller.stop();
        await controller.start();
        const windowSeconds = bench.quick ? 5 : 60;
        await pause(windowSeconds * 1_000, bench.signal);
        const most = Math.max((objects * windowSeconds * uneven) / spreadSeconds, objects / 5);
        figure(`looks in the first ${windowSeconds} s`, 'count', await controller.passes(kind), {
          aim: { atMost: most },
        });
        writes += countCalls(await callsOf([controller]), isWrite);
      }
      await controller.stop();

      const all = await crowd.world.startController(name, { as: `${name}-restart`, flags: [chosen] });
      const lookedAtMs = await untilAllLookedAt(all, kind, objects);
      const cpuSeconds = await all.cpuSeconds();
      const calls = await callsOf([all]);
      writes += countCalls(calls, isWrite);
      written.push(tellCalls(calls, isWrite));
      figure('start to caches synced', 's', (await startMsOf(all)) / 1_000, { note: 'and the Lease taken' });
      figure(`start to all ${objects} looked at`, 's', lookedAtMs / 1_000, {
        aim: { atMost: mostSeconds },
        note: tellCalls(calls, isStorageCall),
      });
      figure(`CPU time of ${objects} looks, the start included`, 's', cpuSeconds, {
        ...(kind === 'Bucket' ? { aim: { atMost: (mostCpuSeconds * objects) / 10_000 } } : {}),
      });
      figure('most memory', 'MiB', await all.peakMebibytes());
      await all.close();
      if (kind === 'Bucket')
        figure(`raw loop, CPU time of ${objects} looks, the start included`, 's', await rawLooks(crowd, bench.dir));
      await controller.start();
    }
    const atMost = { aim: { atMost: 0 } };
    const changed = changedSince(versions, await versionsOf(crowd));
    figures.push(
      {
        scenario: 'restart',
        name: 'writes on either side',
        unit: 'count',
        values: [writes],
        ...atMost,
        note: written.filter((names) => names !== '').join('; '),
      },
      { scenario: 'restart', name: 'objects written to', unit: 'count', values: [changed], ...atMost },
    );
    return figures;
  },
};

/** CPU seconds of the raw loop for a look at each Bucket of the crowd. */
const rawLooks = async ({ world, namespace }: Crowd, dir: string): Promise<number> => {
  const program = await bundleRawLoop(dir);
  return (await runRawLoop(program, world, 'Look', namespace, minioOf(world), workers)).cpuSeconds;
};

/** Milliseconds from the last start of the process until it began to reconcile, by its own log. */
export async function startMsOf(controller: Controller): Promise<number> {
  const starts = (await controller.output()).split('\n').filter((line) => line.includes('"event":"start"'));
  const last = starts.at(-1);
  if (last === undefined) throw new Error(`${controller.proxy} did not say that it started`);
  return (JSON.parse(last) as { readonly startMs: number }).startMs;
}
