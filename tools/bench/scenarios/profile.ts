import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startWorld, untilPasses, type World } from '@operator/tools/harness';
import { localFolder } from '@operator/tools/paths';
import { pause } from '../crowd-rest.ts';
import { authorOf, readProfile, sumsBy, tellTop } from '../profile.ts';
import { bundleRawLoop, minioOf, runRawLoop } from '../raw/start.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';
import { convergeCold, makeObjects, makeProviders, workers } from './converge.ts';

const namespace = 'profiled';
/** Of the Buckets that the raw loop makes. */
const rawNamespace = 'profiled-raw';
const folder = join(localFolder, 'bench', 'profiles');
/** So many that what a start costs is little beside them. */
const looksOfEach = 10;

/** `flags`: of Node, with which a process writes its profile as it ends. Resolves with how many Buckets or looks its time was for. */
type Profiled = (flags: readonly string[]) => Promise<number>;

/** What is profiled: what the controller does and, where there are calls to compare, the raw loop's part of it. */
interface Path {
  readonly name: string;
  readonly controller: Profiled;
  readonly rawLoop?: Profiled;
}

/**
 * CPU profiles of what costs a bucket-controller most: the first convergence of Buckets, looks at them at rest, and its start among them;
 * beside those of the raw loop. The files are kept in .local/bench/profiles, for Chrome's DevTools or speedscope; their tops are printed.
 */
export const profile: Scenario = {
  name: 'profile',
  title: 'CPU profiles of the bucket-controller: first convergence, looks at rest, start',
  isTimed: true,
  only: 'named',
  async run(bench) {
    const { bundles, dir, signal, quick } = bench;
    const count = quick ? 50 : 1_000;
    const world = await startWorld('profile', ['minio'], { bundles, folder: dir, proxies: false, signal });
    try {
      await makeProviders(world, [namespace, rawNamespace]);
      for (const each of [namespace, rawNamespace]) await makeObjects(world, 'Bucket', each, count, signal);
      mkdirSync(folder, { recursive: true });
      const figures: Figure[] = [];
      for (const path of await pathsOf(bench, world, count)) figures.push(...(await profiled(bench, path)));
      return figures;
    } finally {
      await world.stop();
    }
  },
};

const pathsOf = async ({ dir, signal }: Bench, world: World, count: number): Promise<readonly Path[]> => {
  const program = await bundleRawLoop(dir);
  const server = minioOf(world);
  return [
    {
      name: 'first convergence',
      controller: async (nodeFlags) => {
        await convergeCold(world, 'Bucket', namespace, count, { nodeFlags });
        return count;
      },
      rawLoop: async (flags) => {
        const { tookMs } = await runRawLoop(program, world, 'Bucket', rawNamespace, server, workers, { flags });
        return tookMs.length;
      },
    },
    {
      name: 'look at rest',
      controller: (flags) =>
        runController(world, flags, ['--resync-interval=1s'], (controller) =>
          untilPasses(controller, 'Bucket', count * looksOfEach, 600_000, 1_000),
        ),
      rawLoop: async (flags) => {
        const rounds = looksOfEach;
        const { tookMs } = await runRawLoop(program, world, 'Look', namespace, server, workers, { flags, rounds });
        return tookMs.length;
      },
    },
    {
      name: `start among ${count}`,
      // Its first looks come within ten minutes: few do in this time.
      controller: (flags) =>
        runController(world, flags, [], async () => {
          await pause(5_000, signal);
          return 1;
        }),
    },
  ];
};

/** Resolves with what `wait` does, once the controller has ended. */
const runController = async (
  world: World,
  nodeFlags: readonly string[],
  flags: readonly string[],
  wait: (controller: Awaited<ReturnType<World['startController']>>) => Promise<number>,
): Promise<number> => {
  const controller = await world.startController('bucket', { namespaces: [namespace], nodeFlags, flags });
  try {
    return await wait(controller);
  } finally {
    // The profile is written at its end.
    await controller.stop();
    await controller.close();
  }
};

/** What each side took, by who wrote the code. */
const profiled = async ({ log }: Bench, { name, controller, rawLoop }: Path): Promise<readonly Figure[]> => {
  const figures: Figure[] = [];
  const measure = async (side: string, run: Profiled): Promise<void> => {
    const file = `${name}-${side}-${Date.now()}.cpuprofile`.replaceAll(' ', '-');
    const per = await run(['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${file}`]);
    const path = join(folder, file);
    const found = readProfile(path);
    log(`\n${name}, ${side}: ${path}\n${tellTop(found)}`);
    for (const [author, ms] of [['all', found.busyMs] as const, ...sumsBy(found.origins, authorOf)])
      figures.push({ scenario: 'profile', name: `${name}: ${side}: ${author}`, unit: 'ms', values: [ms / per] });
  };
  await measure('controller', controller);
  if (rawLoop !== undefined) await measure('raw loop', rawLoop);
  return figures;
};
