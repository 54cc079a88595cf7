import { controllerOf, untilPasses, type Controller } from '@operator/tools/harness';
import {
  callsBetween,
  callsOf,
  countCalls,
  isKubeRead,
  isStorageCall,
  isWrite,
  tellCalls,
  type Calls,
} from '../calls.ts';
import { connection } from '../connection.ts';
import { changedSince, pause, untilCrowdRests, versionsOf } from '../crowd-rest.ts';
import { crowdKinds, type CrowdKind } from '../crowd.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';

const defaultResyncSeconds = 600;
const looksPerHour = 3_600 / defaultResyncSeconds;
const mostMebibytes = 130;
/** Of the storage for a look at one of the crowd. A key's depend on its server. */
const callsOfLook: Readonly<Partial<Record<CrowdKind, number>>> = { Bucket: 2, BucketPolicy: 2 };
/** Passes that the window cuts in two have calls in it without being counted, or the other way round. */
const edge = 1.25;
/** What a process holds changes from one second to the next: a derivation by argon2id alone has 64 MiB while it lasts. */
const memorySamples = 40;

interface Look {
  readonly passes: number;
  readonly cpuSeconds: number;
  readonly calls: Calls;
}

const look = async (controller: Controller, kind: CrowdKind): Promise<Look> => ({
  calls: await callsOf([controller]),
  passes: await controller.passes(kind),
  cpuSeconds: await controller.cpuSeconds(),
});

/**
 * The crowd while nothing happens. The interval between two looks at an object is shortened so that the window sees many; calls
 * and CPU time are counted for each look, and told as they are at the default of ten minutes. The window begins when every object
 * was looked at once since the start.
 */
export const rest: Scenario = {
  name: 'rest',
  title: 'The crowd at rest',
  isTimed: false,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const windowMs = bench.quick ? 10_000 : 120_000;
    const resyncSeconds = bench.quick ? 2 : 120;
    const crowd = await bench.crowd();
    await untilCrowdRests(crowd);

    const { asPod, note: connected } = connection();
    const watched = new Map<CrowdKind, Controller>();
    for (const kind of crowdKinds) {
      const name = controllerOf[kind];
      await crowd.controllers[name].stop();
      const flags = [`--resync-interval=${resyncSeconds}s`];
      watched.set(kind, await crowd.world.startController(name, { as: `${name}-rest`, flags, asPod }));
    }
    try {
      for (const [kind, controller] of watched) {
        await untilPasses(controller, kind, crowd.counts[kind], 900_000, 500);
      }
      bench.log(`the window of ${windowMs / 1_000} s begins`);
      const versions = await versionsOf(crowd);
      const before = new Map<CrowdKind, Look>();
      for (const [kind, controller] of watched) before.set(kind, await look(controller, kind));
      const startedAt = performance.now();
      const memory = new Map<CrowdKind, number[]>(crowdKinds.map((kind) => [kind, []]));
      for (let sample = 0; sample < memorySamples; sample += 1) {
        await pause(windowMs / memorySamples, bench.signal);
        for (const [kind, controller] of watched) memory.get(kind)?.push(await controller.residentMebibytes());
      }

      const figures: Figure[] = [];
      let writes = 0;
      const written: string[] = [];
      for (const [kind, controller] of watched) {
        const from = before.get(kind);
        const to = await look(controller, kind);
        if (from === undefined) throw new Error(`nothing was seen of ${kind} before`);
        const seconds = (performance.now() - startedAt) / 1_000;
        const calls = callsBetween(from.calls, to.calls);
        const passes = to.passes - from.passes;
        const cpuSeconds = to.cpuSeconds - from.cpuSeconds;
        const objects = crowd.counts[kind];
        writes += countCalls(calls, isWrite);
        written.push(tellCalls(calls, isWrite));
        const note = `${passes} looks in ${seconds.toFixed(0)} s at an interval of ${resyncSeconds} s`;
        const figure = (
          name: string,
          unit: Figure['unit'],
          value: number | readonly number[],
          more: Pick<Figure, 'aim' | 'note'> = {},
        ) => figures.push({ scenario: 'rest', name: `${kind}: ${name}`, unit, values: [value].flat(), ...more });
        figure('looks in the window', 'count', passes, { aim: { atLeast: 1 }, note });
        if (passes === 0) continue;
        const perHour = (matches: (name: string) => boolean) => (countCalls(calls, matches) / passes) * looksPerHour;
        figure('calls to storage per object and hour', 'ratio', perHour(isStorageCall), {
          note: tellCalls(calls, isStorageCall),
        });
        const most = callsOfLook[kind];
        if (most !== undefined)
          figure('calls to storage for each look', 'count', countCalls(calls, isStorageCall) / passes, {
            aim: { atMost: most * edge },
          });
        figure('reads of the API server per object and hour', 'ratio', perHour(isKubeRead), {
          note: tellCalls(calls, isKubeRead),
        });
        figure(
          `CPU of one core at ${objects} objects`,
          '%',
          (cpuSeconds / passes / defaultResyncSeconds) * objects * 100,
          {
            note: `${((cpuSeconds / passes) * 1_000).toFixed(2)} ms for each look; in the window ${((cpuSeconds / seconds) * 100).toFixed(1)} %`,
          },
        );
        figure('memory', 'MiB', memory.get(kind) ?? [], { aim: { atMost: mostMebibytes }, note: connected });
        figure('most memory', 'MiB', await controller.peakMebibytes());
      }
      const changed = changedSince(versions, await versionsOf(crowd));
      const atMost = { aim: { atMost: 0 } };
      figures.push(
        {
          scenario: 'rest',
          name: 'writes on either side',
          unit: 'count',
          values: [writes],
          ...atMost,
          note: written.filter((names) => names !== '').join('; '),
        },
        { scenario: 'rest', name: 'objects written to', unit: 'count', values: [changed], ...atMost },
      );
      return figures;
    } finally {
      for (const controller of watched.values()) await controller.close();
      for (const kind of crowdKinds) await crowd.controllers[controllerOf[kind]].start();
    }
  },
};
