import { bucketSpec, startWorld, untilPasses, type Manifest, type World } from '@operator/tools/harness';
import { callsOf, countCalls, isStorageCall, isWrite, tellCalls } from '../calls.ts';
import { connection } from '../connection.ts';
import { changedSince, pause } from '../crowd-rest.ts';
import { eightFeatures } from '../eight-features.ts';
import { bundleRawLoop } from '../raw/start.ts';
import { inTurns, type Bench, type Figure, type Scenario } from '../scenario.ts';
import { createSettingsProvider, settingsServer, startSettings } from '../settings/start.ts';
import {
  convergeCold,
  figuresOf,
  makeObjects,
  makeProviders,
  convergeRaw,
  workers,
  type Convergence,
} from './converge.ts';

const provider = 'settings';
const crowdNamespace = 'crowd';
/** A look at the mark, which the tags are read with, and one at each further feature. */
const callsOfLook = Object.keys(eightFeatures).length;
const mostCallsPerSecond = 30;
/** As often as a Bucket is looked at by default once nothing has changed for two hours. */
const longestPauseSeconds = 3_600;
/** So many Buckets the aim is for. */
const fleet = 10_000;
const memorySamples = 40;

const manifest = (name: string): Manifest => bucketSpec(provider, name, eightFeatures);

/**
 * Buckets with eight features each, on a server that costs next to nothing: it leaves the machine to the controller and to the raw loop. A
 * real one would be the limit of both; moto, which alone has all eight without root, takes 4 ms of CPU for a call.
 */
export const features: Scenario = {
  name: 'features',
  title: 'Buckets with eight features each: first convergence, and at rest',
  isTimed: true,
  async run(bench) {
    const program = await bundleRawLoop(bench.dir);
    const world = await startWorld('features', [], {
      bundles: bench.bundles,
      folder: bench.dir,
      proxies: false,
      signal: bench.signal,
    });
    try {
      const settings = await startSettings(bench, world);
      try {
        return [...(await converge(bench, world, program, settings.endpoint)), ...(await rest(bench, world))];
      } finally {
        await settings.stop();
      }
    } finally {
      await world.stop();
    }
  },
};

const converge = async (bench: Bench, world: World, program: string, endpoint: string): Promise<readonly Figure[]> => {
  const { runs, signal } = bench;
  const [count = fleet] = bench.sizes;
  const server = { ...settingsServer, endpoint };
  const sides = {
    controller: (namespace: string) => convergeCold(world, 'Bucket', namespace, count),
    raw: (namespace: string) => convergeRaw(program, world, 'Bucket', namespace, count, server),
  };
  const names = ['controller', 'raw'] as const;
  const turns = Array.from({ length: runs }, (_, run) => inTurns(names, run));
  const namespaceOf = (side: (typeof names)[number], run: number) => `${side}-${run}`;
  await makeProviders(
    world,
    [...turns.flatMap((turn, run) => turn.map((side) => namespaceOf(side, run))), crowdNamespace],
    provider,
    (namespace) => createSettingsProvider(world, endpoint, namespace, provider),
  );
  const seen: Record<(typeof names)[number], Convergence[]> = { controller: [], raw: [] };
  for (const [run, turn] of turns.entries()) {
    for (const side of turn) {
      signal.throwIfAborted();
      const namespace = namespaceOf(side, run);
      await makeObjects(world, 'Bucket', namespace, count, signal, manifest);
      const found = await sides[side](namespace);
      bench.log(`${count} × Bucket with eight features, ${side}: ${(count / found.seconds).toFixed(1)} per second`);
      seen[side].push(found);
    }
  }
  return figuresOf({ scenario: 'features', what: 'Bucket' }, count, seen.controller, seen.raw);
};

/**
 * A controller that starts among Buckets at rest: a fourth of the crowd, since each takes four times the calls to make. The interval between two
 * looks at an object is shortened so that the window sees many; calls are counted for each look since the start, and told as they are for a
 * fleet whose pauses have grown to an hour.
 */
const rest = async (bench: Bench, world: World): Promise<readonly Figure[]> => {
  const { quick, signal, log } = bench;
  const objects = Math.ceil(bench.crowdBuckets / 4);
  const windowMs = quick ? 10_000 : 120_000;
  const resyncSeconds = quick ? 3 : 300;
  await makeObjects(world, 'Bucket', crowdNamespace, objects, signal, manifest);
  log(`${objects} × Bucket with eight features converge`);
  await convergeCold(world, 'Bucket', crowdNamespace, objects);
  const versions = async (): Promise<ReadonlyMap<string, string>> =>
    new Map(
      (await world.kube.list('Bucket', crowdNamespace)).map(({ metadata }) => [metadata.uid, metadata.resourceVersion]),
    );
  const before = await versions();
  const { asPod, note: connected } = connection();
  const controller = await world.startController('bucket', {
    as: 'bucket-rest',
    namespaces: [crowdNamespace],
    flags: [`--resync-interval=${resyncSeconds}s`],
    asPod,
  });
  try {
    await untilPasses(controller, 'Bucket', objects, 1_800_000, 500);
    log(`the window of ${windowMs / 1_000} s begins`);
    const memory: number[] = [];
    for (let sample = 0; sample < memorySamples; sample += 1) {
      await pause(windowMs / memorySamples, signal);
      memory.push(await controller.residentMebibytes());
    }
    // Calls first: of a pass that ends between the two readings the calls may be missing, never the pass.
    const calls = await callsOf([controller]);
    const looks = await controller.passes('Bucket');
    const perLook = countCalls(calls, isStorageCall) / looks;
    const cpuMs = (await controller.cpuSeconds()) * 1_000;
    const figure = (
      name: string,
      unit: Figure['unit'],
      values: number | readonly number[],
      more: Partial<Figure> = {},
    ): Figure => ({ scenario: 'features', name: `at rest: ${name}`, unit, values: [values].flat(), ...more });
    const atMost = (most: number) => ({ aim: { atMost: most } });
    return [
      figure('looks', 'count', looks, { aim: { atLeast: objects }, note: `${objects} Buckets, the start included` }),
      figure('calls to storage for each look', 'count', perLook, {
        // Passes that have not ended have calls without being counted; whose account it is, is asked once.
        ...atMost((callsOfLook * (looks + workers) + 1) / looks),
        note: tellCalls(calls, isStorageCall),
      }),
      figure(
        `calls of ${fleet} Buckets, with pauses of an hour`,
        'per second',
        (perLook * fleet) / longestPauseSeconds,
        atMost(mostCallsPerSecond),
      ),
      figure('writes on either side', 'count', countCalls(calls, isWrite), {
        ...atMost(0),
        note: tellCalls(calls, isWrite),
      }),
      figure('objects written to', 'count', changedSince(before, await versions()), atMost(0)),
      figure('CPU for each look, the start included', 'ms', cpuMs / looks),
      figure(`memory with ${objects} Buckets`, 'MiB', memory, { note: connected }),
      figure('most memory', 'MiB', await controller.peakMebibytes()),
    ];
  } finally {
    await controller.close();
  }
};
