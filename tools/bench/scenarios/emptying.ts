import { forEach, s3View, startWorld, watchReady, type World } from '@operator/tools/harness';
import { narrate } from '@operator/tools/narrate';
import { callsOf, countCalls, isKubeWrite, isStorageCall, tellCalls, type Calls } from '../calls.ts';
import { bundleRawLoop, minioOf, startRawLoop } from '../raw/start.ts';
import { inTurns, type Bench, type Figure, type Scenario } from '../scenario.ts';
import { makeObjects, makeProviders, rateFigures, workers, type NewFigure } from './converge.ts';

const versionsOfKey = 4;
/** Below a hundred versions a second it is taken for a standstill. */
const patienceMs = (versions: number): number => 60_000 + versions * 10;

interface Emptied {
  /** From the start of the process until the object is gone. */
  readonly seconds: number;
  readonly calls: Calls;
}

/** A Bucket that is deleted with thousands of versions in it, beside a loop that makes only the calls. */
export const emptying: Scenario = {
  name: 'emptying',
  title: 'A Bucket that is deleted with thousands of versions in it, beside a loop that makes only the calls',
  isTimed: true,
  only: 'whole',
  async run(bench) {
    const { bundles, dir, signal, quick, log } = bench;
    const versions = quick ? 400 : 20_000;
    const program = await bundleRawLoop(dir);
    const world = await startWorld('emptying', ['minio'], { bundles, folder: dir, proxies: false, signal });
    try {
      const sides = {
        controller: (namespace: string) => emptyByController(world, namespace, versions),
        raw: (namespace: string) => emptyByRawLoop(world, program, namespace, versions),
      };
      const names = ['controller', 'raw'] as const;
      const turns = Array.from({ length: bench.runs }, (_, run) => inTurns(names, run));
      const namespaceOf = (side: (typeof names)[number], run: number) => `${side}-${run}`;
      await makeProviders(
        world,
        turns.flatMap((turn, run) => turn.map((side) => namespaceOf(side, run))),
      );
      const seen: Record<(typeof names)[number], Emptied[]> = { controller: [], raw: [] };
      for (const [run, turn] of turns.entries()) {
        for (const side of turn) {
          const namespace = namespaceOf(side, run);
          await fill(bench, world, namespace, versions);
          const emptied = await sides[side](namespace);
          log(`${versions} versions, ${side}: ${(versions / emptied.seconds).toFixed(0)} per second`);
          seen[side].push(emptied);
        }
      }
      return figuresOf(versions, seen.controller, seen.raw);
    } finally {
      await world.stop();
    }
  },
};

const bucketIn = (namespace: string): string => `${namespace}-0`;

/** A Bucket with so many versions that is being deleted, and that nobody serves yet. */
const fill = async ({ signal, log }: Bench, world: World, namespace: string, versions: number): Promise<void> => {
  const watch = await watchReady(world.kube, 'Bucket', namespace);
  await makeObjects(world, 'Bucket', namespace, 1, signal);
  const controller = await world.startController('bucket', { as: `make-${namespace}`, namespaces: [namespace] });
  try {
    await watch.untilReady(1, 60_000);
  } finally {
    watch.close();
    await controller.close();
  }
  const { client } = s3View(world.server('minio'));
  await narrate(`putting ${versions} versions`, log, async () => {
    const keys = Array.from({ length: versions / versionsOfKey }, (_, index) => `folder/key ${index}`);
    for (let version = 0; version < versionsOfKey; version += 1)
      await forEach(keys, 16, signal, (key) => client.putObject(bucketIn(namespace), key, `content ${version}`));
  });
  await world.kube.delete('Bucket', namespace, bucketIn(namespace));
};

const emptyByController = async (world: World, namespace: string, versions: number): Promise<Emptied> => {
  const startedAt = performance.now();
  const controller = await world.startController('bucket', { as: `empty-${namespace}`, namespaces: [namespace] });
  try {
    await world.kube.untilGone('Bucket', namespace, bucketIn(namespace), patienceMs(versions));
    const seconds = (performance.now() - startedAt) / 1_000;
    return { seconds, calls: await callsOf([controller]) };
  } finally {
    await controller.close();
  }
};

const emptyByRawLoop = async (world: World, program: string, namespace: string, versions: number): Promise<Emptied> => {
  const startedAt = performance.now();
  const loop = await startRawLoop(program, world, 'Emptying', namespace, minioOf(world), workers);
  try {
    const [{ calls }] = await Promise.all([
      loop.report(),
      world.kube.untilGone('Bucket', namespace, bucketIn(namespace), patienceMs(versions)),
    ]);
    return { seconds: (performance.now() - startedAt) / 1_000, calls: new Map(calls) };
  } finally {
    await loop.stop();
  }
};

const figuresOf = (
  versions: number,
  controller: readonly Emptied[],
  rawLoop: readonly Emptied[],
): readonly Figure[] => {
  const figure: NewFigure = (name, unit, values, more = {}) => ({
    scenario: 'emptying',
    name: `${versions} versions: ${name}`,
    unit,
    values,
    ...more,
  });
  const counts = (all: readonly Emptied[], matches: (name: string) => boolean) =>
    all.map(({ calls }) => countCalls(calls, matches));
  const noteOf = ([first]: readonly Emptied[], matches: (name: string) => boolean) => ({
    note: tellCalls(first?.calls ?? new Map<string, number>(), matches),
  });
  return [
    ...rateFigures(figure, versions, { controller, rawLoop }),
    figure('S3 calls of the controller', 'count', counts(controller, isStorageCall), noteOf(controller, isStorageCall)),
    figure('S3 calls of the raw loop', 'count', counts(rawLoop, isStorageCall), noteOf(rawLoop, isStorageCall)),
    figure('Kubernetes writes', 'count', counts(controller, isKubeWrite), noteOf(controller, isKubeWrite)),
  ];
};
