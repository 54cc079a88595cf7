import { setTimeout as delay } from 'node:timers/promises';
import {
  accessKeySpec,
  bucketSpec,
  controllerOf,
  forEach,
  publicPolicySpec,
  startWorld,
  watchReady,
  type Manifest,
  type World,
} from '@operator/tools/harness';
import { countCalls, isKubeWrite, isStorageCall, readCalls, tellCalls, type Calls } from '../calls.ts';
import type { CrowdKind } from '../crowd.ts';
import { sizeInEtcd } from '../etcd.ts';
import { bundleRawLoop, minioOf, startRawLoop, type RawServer } from '../raw/start.ts';
import { inTurns, type Bench, type Figure, type Scenario } from '../scenario.ts';

/** Workers that a controller has by default, and objects that the raw loop writes at once. */
export const workers = 10;
const provider = 'minio';
/** MinIO seals what its admin API takes with a key from argon2id, for which client and server take 64 MiB and 0.1 s each time. */
const mostKeys = { quick: 5, full: 20 };
const mostPolicies = 300;
/** Of the controller for a Bucket with versioning and tags, its start included. */
const mostCpuMs = 11;
const sides = ['controller', 'raw loop'] as const;
type Side = (typeof sides)[number];

const manifestOf: Readonly<Record<CrowdKind, (name: string) => Manifest>> = {
  Bucket: (name) => bucketSpec(provider, name),
  BucketPolicy: (name) => publicPolicySpec(name, 's3:GetObject'),
  AccessKey: (name) => accessKeySpec(provider, name, 'ReadWrite'),
};

/** How one process brought one namespace's objects to Ready. */
export interface Rate {
  /** From the start of the process until the last object was seen Ready, in seconds. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMebibytes: number;
}
export interface Convergence extends Rate {
  readonly calls: Calls;
  /** Of all objects, in etcd. */
  readonly storedBytes: number;
}

export const converge: Scenario = {
  name: 'converge',
  title: 'Objects that wait for a controller which starts cold, beside a loop that makes only the calls',
  isTimed: true,
  async run(bench) {
    const program = await bundleRawLoop(bench.dir);
    const figures: Figure[] = [];
    for (const size of bench.sizes) figures.push(...(await convergeMany(bench, program, size)));
    return figures;
  },
};

/** Thousands of objects are their own repetition: fewer runs, so that all sizes end within a quarter of an hour. */
const runsOf = (runs: number, size: number): number => Math.max(1, Math.min(runs, Math.round(2_000 / size)));

/** Fresh servers for each size; on them each side has a namespace of its own in each run. */
const convergeMany = async (bench: Bench, program: string, size: number): Promise<readonly Figure[]> => {
  const { bundles, dir, signal, log } = bench;
  const countOf = (kind: CrowdKind): number =>
    kind === 'AccessKey' ? Math.min(size, mostKeys[bench.quick ? 'quick' : 'full']) : size;
  const kinds = bench.kinds.filter(
    (kind) => kind === 'Bucket' || (kind === 'BucketPolicy' ? size <= mostPolicies : size === bench.sizes[0]),
  );
  const world = await startWorld('converge', ['minio'], { bundles, folder: dir, proxies: false, signal });
  try {
    const runs = Array.from({ length: runsOf(bench.runs, size) }, (_, run) =>
      inTurns(sides, run).map((side) => ({ side, namespace: `${side.split(' ')[0]}-${run}` })),
    );
    await makeProviders(
      world,
      runs.flat().map(({ namespace }) => namespace),
    );
    const seen = new Map<string, Convergence[]>();
    for (const run of runs) {
      // Policies and keys are for Buckets.
      for (const kind of new Set<CrowdKind>(['Bucket', ...kinds])) {
        for (const { side, namespace } of run) {
          signal.throwIfAborted();
          const count = countOf(kind);
          await makeObjects(world, kind, namespace, count, signal);
          const found =
            side === 'controller'
              ? await convergeCold(world, kind, namespace, count)
              : await convergeRaw(program, world, kind, namespace, count, minioOf(world));
          log(`${count} × ${kind}, ${side}: ${(count / found.seconds).toFixed(1)} per second`);
          const id = `${kind} ${side}`;
          seen.set(id, [...(seen.get(id) ?? []), found]);
        }
      }
    }
    return kinds.flatMap((kind) => {
      const of = (side: Side) => seen.get(`${kind} ${side}`) ?? [];
      const limit = kind === 'AccessKey' ? { note: 'argon2id of MinIO’s admin API is the limit of both' } : {};
      const most = kind === 'Bucket' ? { mostCpuMs } : {};
      const subject = { scenario: 'converge', what: kind, ...limit, ...most };
      return figuresOf(subject, countOf(kind), of('controller'), of('raw loop'));
    });
  } finally {
    await world.stop();
  }
};

/** Namespaces with a Ready Provider each. Its controller is stopped then: what it does meanwhile is not measured here. */
export const makeProviders = async (
  world: World,
  namespaces: readonly string[],
  name: string = provider,
  create = (namespace: string) => world.createProvider(namespace, name, { server: 'minio' }),
): Promise<void> => {
  const controller = await world.startController('provider');
  for (const namespace of namespaces) {
    await world.createNamespace(namespace);
    await create(namespace);
    await world.kube.untilReady('Provider', namespace, name);
  }
  await controller.close();
};

/** Creates the objects of one side; a Bucket and what is for it have the same name. */
export const makeObjects = (
  world: World,
  kind: CrowdKind,
  namespace: string,
  count: number,
  signal: AbortSignal,
  manifest = manifestOf[kind],
) =>
  forEach(
    Array.from({ length: count }, (_, index) => `${namespace}-${index}`),
    16,
    signal,
    (name) => world.kube.create(kind, namespace, name, manifest(name)),
  );

/** A rate below one object a second is taken for a standstill. */
const patienceMs = (count: number): number => 60_000 + count * 1_000;

/** Starts the controller of the kind on one namespace, and waits until so many objects of it are Ready. */
export const convergeCold = async (
  world: World,
  kind: CrowdKind,
  namespace: string,
  count: number,
  options: { readonly nodeFlags?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Convergence> => {
  const watch = await watchReady(world.kube, kind, namespace);
  const startedAt = performance.now();
  const controller = await world.startController(controllerOf[kind], {
    as: `${controllerOf[kind]}-${namespace}`,
    namespaces: [namespace],
    ...options,
  });
  try {
    await watch.untilReady(count, patienceMs(count));
    const seconds = (Math.max(...watch.readyAt.values()) - startedAt) / 1_000;
    const calls = await callsAtLast(controller);
    const cpuSeconds = await controller.cpuSeconds();
    const peakMebibytes = await controller.peakMebibytes();
    return { seconds, cpuSeconds, peakMebibytes, calls, storedBytes: await storedBytes(world, kind, namespace) };
  } finally {
    watch.close();
    await controller.stop();
    await controller.close();
  }
};

const storedBytes = async ({ controlPlane }: World, kind: CrowdKind, namespace: string): Promise<number> =>
  (await sizeInEtcd(controlPlane.etcdUrl, kind, namespace)).bytes;

/** The calls once there are no more: Events go out after the rest. */
const callsAtLast = async (controller: { metrics(): Promise<string> }): Promise<Calls> => {
  const look = async () => readCalls(await controller.metrics());
  const total = (calls: Calls) => countCalls(calls, (name) => isStorageCall(name) || isKubeWrite(name));
  for (let before = await look(); ;) {
    await delay(500);
    const now = await look();
    if (total(now) === total(before)) return now;
    before = now;
  }
};

export const convergeRaw = async (
  program: string,
  world: World,
  kind: CrowdKind,
  namespace: string,
  count: number,
  server: RawServer,
): Promise<Convergence> => {
  const watch = await watchReady(world.kube, kind, namespace);
  const startedAt = performance.now();
  const loop = await startRawLoop(program, world, kind, namespace, server, workers);
  try {
    // It fails as a whole: then its report says why, and nothing more becomes Ready.
    const [{ calls, cpuSeconds, peakMebibytes }] = await Promise.all([
      loop.report(),
      watch.untilReady(count, patienceMs(count)),
    ]);
    const seconds = (Math.max(...watch.readyAt.values()) - startedAt) / 1_000;
    const stored = await storedBytes(world, kind, namespace);
    return { seconds, cpuSeconds, peakMebibytes, calls: new Map(calls), storedBytes: stored };
  } finally {
    watch.close();
    await loop.stop();
  }
};

const isEvent = (name: string): boolean => name.endsWith(' events');

/** Makes a figure of one scenario. */
export type NewFigure = (
  name: string,
  unit: Figure['unit'],
  values: readonly number[],
  more?: Partial<Figure>,
) => Figure;

type Timed = readonly Pick<Rate, 'seconds'>[];

/** How much of `count` both sides did a second in each run, and one to the other. `more`: of the figure of the controller. */
export const rateFigures = (
  figure: NewFigure,
  count: number,
  { controller, rawLoop }: { readonly controller: Timed; readonly rawLoop: Timed },
  more: Partial<Figure> = {},
): readonly Figure[] => {
  const rates = (all: Timed) => all.map(({ seconds }) => count / seconds);
  const rawRates = rates(rawLoop);
  return [
    figure('controller', 'per second', rates(controller), more),
    figure('raw loop', 'per second', rawRates),
    figure(
      'controller to raw loop',
      'ratio',
      rates(controller).map((rate, run) => rate / (rawRates[run] ?? NaN)),
      { aim: { atLeast: 0.7 } },
    ),
  ];
};

/** What both sides did in each run. `what`: the objects, in a few words. */
export const figuresOf = (
  {
    scenario,
    what,
    note,
    mostCpuMs,
  }: { readonly scenario: string; readonly what: string; readonly note?: string; readonly mostCpuMs?: number },
  count: number,
  controller: readonly Convergence[],
  rawLoop: readonly Convergence[],
): readonly Figure[] => {
  const perObject = (all: readonly Convergence[], matches: (name: string) => boolean) =>
    all.map(({ calls }) => Number((countCalls(calls, matches) / count).toFixed(2)));
  const isWriteOfObject = (name: string) => isKubeWrite(name) && !isEvent(name);
  const figure: NewFigure = (name, unit, values, more = {}) => ({
    scenario,
    name: `${count} × ${what}: ${name}`,
    unit,
    values,
    ...more,
  });
  // What the loop makes is what docs/calls.md says; a controller that makes more has something to explain.
  const atMostAsRaw = (matches: (name: string) => boolean) => ({
    aim: { atMost: Math.min(...perObject(rawLoop, matches)) },
  });
  return [
    ...rateFigures(figure, count, { controller, rawLoop }, note === undefined ? {} : { note }),
    figure('S3 calls per object', 'count', perObject(controller, isStorageCall), {
      ...atMostAsRaw(isStorageCall),
      note: tellCalls(controller[0]?.calls ?? new Map<string, number>(), isStorageCall),
    }),
    figure('Kubernetes writes per object', 'count', perObject(controller, isWriteOfObject), {
      ...atMostAsRaw(isWriteOfObject),
      note: 'without Events',
    }),
    figure(
      'Events per object',
      'count',
      perObject(controller, (name) => isKubeWrite(name) && isEvent(name)),
      {
        aim: { atMost: 1 },
      },
    ),
    figure(
      'bytes in etcd per object',
      'B',
      controller.map(({ storedBytes }) => storedBytes / count),
    ),
    figure(
      'CPU of the controller per object',
      'ms',
      controller.map(({ cpuSeconds }) => (cpuSeconds * 1_000) / count),
      mostCpuMs === undefined ? {} : { aim: { atMost: mostCpuMs } },
    ),
    figure(
      'CPU of the raw loop per object',
      'ms',
      rawLoop.map(({ cpuSeconds }) => (cpuSeconds * 1_000) / count),
    ),
    figure(
      'most memory of the controller',
      'MiB',
      controller.map(({ peakMebibytes }) => peakMebibytes),
    ),
    figure(
      'most memory of the raw loop',
      'MiB',
      rawLoop.map(({ peakMebibytes }) => peakMebibytes),
    ),
  ];
};
