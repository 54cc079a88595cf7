import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startWorld, type World } from '@operator/tools/harness';
import { localFolder } from '@operator/tools/paths';
import { pause, untilAllLookedAt } from '../crowd-rest.ts';
import { readProfile, tellTop } from '../profile.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';
import { convergeCold, makeObjects, makeProviders } from './converge.ts';

const namespace = 'profiled';
const folder = join(localFolder, 'bench', 'profiles');
/** Origins that are told one by one. */
const mostOrigins = 8;

/**
 * CPU profiles of what costs a bucket-controller most: the first convergence of Buckets, looks at them at rest, and its start among them. The
 * files are kept in .local/bench/profiles, for Chrome's DevTools or speedscope; their tops are printed.
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
      await makeProviders(world, [namespace]);
      await makeObjects(world, 'Bucket', namespace, count, signal);
      mkdirSync(folder, { recursive: true });
      const at = Date.now();
      const paths: Readonly<Record<string, (flags: readonly string[]) => Promise<unknown>>> = {
        'first convergence': (nodeFlags) => convergeCold(world, 'Bucket', namespace, count, { nodeFlags }),
        'looks at rest': (flags) =>
          runOnce(world, flags, ['--resync-interval=10m'], (controller) =>
            untilAllLookedAt(controller, 'Bucket', count),
          ),
        // Its first looks come within ten minutes: few do in this time.
        start: (flags) => runOnce(world, flags, [], () => pause(5_000, signal)),
      };
      const figures: Figure[] = [];
      for (const [name, run] of Object.entries(paths)) {
        const file = `${name.replaceAll(' ', '-')}-${at}.cpuprofile`;
        await run(['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${file}`]);
        figures.push(...tell(bench, name, join(folder, file), count));
      }
      return figures;
    } finally {
      await world.stop();
    }
  },
};

const runOnce = async (
  world: World,
  nodeFlags: readonly string[],
  flags: readonly string[],
  wait: (controller: Awaited<ReturnType<World['startController']>>) => Promise<unknown>,
): Promise<void> => {
  const controller = await world.startController('bucket', { namespaces: [namespace], nodeFlags, flags });
  try {
    await wait(controller);
  } finally {
    // The profile is written at its end.
    await controller.stop();
    await controller.close();
  }
};

const tell = ({ log }: Bench, name: string, path: string, count: number): readonly Figure[] => {
  const read = readProfile(path);
  log(`\n${name}, ${count} Buckets: ${path}\n${tellTop(read)}`);
  const share = (ms: number) => [(ms / read.busyMs) * 100];
  const rest = read.origins.slice(mostOrigins).reduce((sum, [, ms]) => sum + ms, 0);
  const figure = (what: string, unit: Figure['unit'], values: readonly number[]): Figure => ({
    scenario: 'profile',
    name: `${name}: ${what}`,
    unit,
    values,
  });
  return [
    figure(`busy, for ${count} Buckets`, 'ms', [read.busyMs]),
    ...read.origins.slice(0, mostOrigins).map(([origin, ms]) => figure(origin, '%', share(ms))),
    figure('all others', '%', share(rest)),
  ];
};
