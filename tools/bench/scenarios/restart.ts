import { controllerOf, type Controller } from '@operator/tools/harness';
import { callsOf, countCalls, isStorageCall, isWrite, tellCalls } from '../calls.ts';
import { changedSince, untilAllLookedAt, versionsOf } from '../crowd-rest.ts';
import { crowdKinds } from '../crowd.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';

const mostSeconds = 90;

/**
 * Each controller is stopped and started anew, one after the other, with its defaults: ten workers. Nothing has changed meanwhile,
 * so nothing is written.
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
      await controller.stop();
      await controller.start();
      const lookedAtMs = await untilAllLookedAt(controller, kind, objects);
      const cpuSeconds = await controller.cpuSeconds();
      const calls = await callsOf([controller]);
      writes += countCalls(calls, isWrite);
      written.push(tellCalls(calls, isWrite));
      const figure = (name: string, unit: Figure['unit'], value: number, more: Partial<Figure> = {}) =>
        figures.push({ scenario: 'restart', name: `${kind}: ${name}`, unit, values: [value], ...more });
      figure('start to caches synced', 's', (await startMsOf(controller)) / 1_000, { note: 'and the Lease taken' });
      figure(`start to all ${objects} looked at`, 's', lookedAtMs / 1_000, {
        aim: { atMost: mostSeconds },
        note: `${tellCalls(calls, isStorageCall)}; ${cpuSeconds.toFixed(1)} s of CPU time`,
      });
      figure('most memory', 'MiB', await controller.peakMebibytes());
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

/** Milliseconds from the last start of the process until it began to reconcile, by its own log. */
async function startMsOf(controller: Controller): Promise<number> {
  const starts = (await controller.output()).split('\n').filter((line) => line.includes('"event":"start"'));
  const last = starts.at(-1);
  if (last === undefined) throw new Error(`${controller.proxy} did not say that it started`);
  return (JSON.parse(last) as { readonly startMs: number }).startMs;
}
