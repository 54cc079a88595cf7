import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  accessKeySpec,
  bucketSpec,
  bundleWithDecisionClock,
  type Call,
  controllerNames,
  createDecisionClock,
  isReady,
  type Pair,
  passRequest,
  seeded,
  startWorld,
  type ServerName,
  type Stored,
  until,
  type World,
} from '../harness/index.ts';
import { startApplication, type Application, type Use } from './application.ts';
import { mountSecret, pairIn } from './mount.ts';

export interface RotationOptions {
  readonly server: ServerName;
  readonly rotations: number;
  /** Requests a second of the application. */
  readonly perSecond: number;
  /** Milliseconds that the application keeps what it has read. */
  readonly rereadMs: number;
  /** Draws after which calls the process is killed. */
  readonly seed: number;
  /** Where what it runs lies, and the logs stay. */
  readonly folder: string;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What an application saw that used the Secret while its key was rotated. */
export interface RotationResult {
  readonly server: ServerName;
  readonly seconds: number;
  readonly requests: number;
  /** Requests refused for their credentials. */
  readonly refused: number;
  /** Requests that failed otherwise, and what was said. */
  readonly failed: number;
  readonly rotations: number;
  readonly kills: number;
  /** What those saw that never read again. */
  readonly former: {
    /** Requests before their retention ended, and how many of them were not done. */
    readonly before: number;
    readonly beforeNotDone: number;
    /** Requests after the key was removed, and how many of them were done. */
    readonly after: number;
    readonly afterDone: number;
  };
  /** What was said where something was not done that had to be. */
  readonly codes: readonly string[];
  /** Where a secret stood that must not. */
  readonly leaks: readonly string[];
}

const namespace = 'rotation';
const name = 'app';
const dayMs = 86_400_000;
/** The days of the key; the decision clock goes through them in seconds. */
const rotate = { enabled: true, intervalDays: 2, previousKeysRetentionDays: 1 };
const killsInAStep = 2;
/** A rotation makes about so many calls. */
const mostCalls = 16;
const formerPerSecond = 10;
/** Requests that a removed key is tried with at least. */
const leastAfter = 10;
const patienceMs = 180_000;

/** True when nothing was refused that had to be done, and nothing was done that had to be refused. */
export const holds = ({ refused, failed, former, leaks, rotations, kills }: RotationResult): boolean =>
  refused === 0 &&
  failed === 0 &&
  former.beforeNotDone === 0 &&
  former.afterDone === 0 &&
  former.after >= rotations * leastAfter &&
  kills >= rotations &&
  leaks.length === 0;

/**
 * Rotates a key again and again while an application uses it by its Secret, and kills the controller in the middle of each step. Half of
 * the rotations are due by the interval, half are requested.
 * @throws Error when a rotation does not come to its end; the signal's reason when aborted
 */
export const proveRotation = async (options: RotationOptions): Promise<RotationResult> => {
  const { server, folder, signal } = options;
  const bundles = await bundleWithDecisionClock(folder);
  try {
    const world = await startWorld(`rotation-${server}`, [server], { bundles, folder, traces: false, signal });
    try {
      return await rotateUnderLoad(world, options);
    } finally {
      await world.stop();
    }
  } finally {
    await rm(bundles, { recursive: true, force: true });
  }
};

const rotateUnderLoad = async (world: World, options: RotationOptions): Promise<RotationResult> => {
  const { server, rotations, rereadMs, perSecond, seed, log, signal } = options;
  const { kube, traffic } = world;
  const random = seeded(seed);
  const clock = createDecisionClock(join(world.dir, 'decision-clock'));
  const flags = ['--leader-elect=false'];
  const [provider, bucket, accessKey] = await Promise.all(
    (['provider', 'bucket', 'accesskey'] as const).map((each) =>
      world.startController(each, { flags, env: clock.env }),
    ),
  );
  if (provider === undefined || bucket === undefined || accessKey === undefined)
    throw new Error(`not all of ${controllerNames.join()} started`);

  await world.createNamespace(namespace);
  await world.createProvider(namespace, 'provider', { server });
  await kube.create('Bucket', namespace, 'bucket', bucketSpec('provider', `rotation-${server}`));
  await kube.create('AccessKey', namespace, name, accessKeySpec('provider', 'bucket', 'ReadWrite', { rotate }));
  await kube.untilReady('AccessKey', namespace, name, patienceMs);

  const mounting = new AbortController();
  const volume = join(world.dir, 'volume');
  const { ended } = await mountSecret(
    kube,
    { namespace, name: `${name}-credentials` },
    volume,
    AbortSignal.any([signal, mounting.signal]),
  );
  const { endpoint, region } = world.server(server);
  const at = { endpoint, region, bucket: `rotation-${server}` };
  const applications: Application[] = [];
  const start = async (rate: number, pair: () => Promise<Pair>): Promise<Application> => {
    const application = await startApplication({ ...at, perSecond: rate, pair });
    applications.push(application);
    return application;
  };

  let kills = 0;
  const isOurs = ({ proxy, side, operation, effect }: Call): boolean =>
    (proxy === accessKey.proxy || proxy === server) &&
    (effect === 'write' || (effect === 'read' && !(side === 'kube' && operation.startsWith('list '))));
  /** Asks for something, and kills the process that does it, after a call that is drawn; and again after it has started again. */
  const throughKills = async (what: string, ask: () => Promise<unknown>, isDone: () => Promise<boolean>) => {
    for (let kill = 0; kill < killsInAStep; kill += 1) {
      const nth = 1 + random.below(mostCalls);
      const trap = traffic.onCall(isOurs, nth, 'after', async () => {
        await accessKey.kill();
        return 'drop' as const;
      });
      await (kill === 0 ? ask() : accessKey.start());
      const isOver = async () => trap.isSprung() || (await isDone());
      await until(isOver, Boolean, { what: `${what}: it is killed or done`, timeoutMs: patienceMs, signal });
      trap.disarm();
      await accessKey.kill();
      kills += 1;
    }
    await accessKey.start();
    await until(isDone, Boolean, { what, timeoutMs: patienceMs, signal, show: () => 'see the AccessKey' });
  };
  const restart = async (): Promise<void> => {
    const other = random.pick([provider, bucket]);
    await other.kill();
    kills += 1;
    await other.start();
  };

  const look = async () => {
    const stored = await kube.get('AccessKey', namespace, name);
    const secret = await kube.get('Secret', namespace, `${name}-credentials`);
    const inSecret = Buffer.from(secret?.data?.['access-key-id'] ?? '', 'base64').toString('utf8');
    return { status: stored?.status, isSettled: isReady(stored) && stored?.status?.accessKeyId === inSecret, inSecret };
  };
  const former = { before: 0, beforeNotDone: 0, after: 0, afterDone: 0 };
  const codes = new Set<string>();

  try {
    let read: Promise<Pair> | undefined;
    let readAt = 0;
    const application = await start(perSecond, () => {
      if (read === undefined || performance.now() - readAt >= rereadMs) {
        readAt = performance.now();
        read = pairIn(volume);
      }
      return read;
    });
    const beganAt = performance.now();

    for (let round = 1; round <= rotations; round += 1) {
      const first = await pairIn(volume);
      const never = await start(formerPerSecond, () => Promise.resolve(first));
      const isRequested = round % 2 === 0;
      await throughKills(
        `rotation ${String(round)}`,
        async () => {
          if (isRequested) {
            await kube.patch('AccessKey', namespace, name, annotated('rotate-requested-at', String(round)));
            return;
          }
          clock.advance(rotate.intervalDays * dayMs);
          await kube.patch('AccessKey', namespace, name, passRequest(`rotate-${String(round)}`));
        },
        async () => {
          const { status, isSettled, inSecret } = await look();
          // Once, and not more often.
          const isNext = status?.pairGeneration === round + 1 && inSecret !== first.accessKey;
          return isSettled && isNext && isPrevious(status, first.accessKey);
        },
      );
      await restart();
      // A day is never shorter than what an application may keep what it has read.
      await delay(rereadMs + 1_000, undefined, { signal });

      const endsAt = performance.now();
      clock.advance(rotate.previousKeysRetentionDays * dayMs);
      await throughKills(
        `removal of the former key of rotation ${String(round)}`,
        () => kube.patch('AccessKey', namespace, name, passRequest(`retire-${String(round)}`)),
        async () => {
          const { status, isSettled } = await look();
          return isSettled && (status?.previousKeys ?? []).length === 0;
        },
      );
      const goneAt = performance.now();
      const since = () => never.uses.filter(({ startedAt }) => startedAt > goneAt);
      await until(since, (uses) => uses.length >= leastAfter, { what: 'the former key was tried', signal });
      await never.stop();
      const before = never.uses.filter(({ endedAt }) => endedAt < endsAt);
      const after = since();
      const notDone = before.filter(({ end }) => end !== 'done');
      for (const use of notDone) codes.add(`former key: ${use.code ?? ''}`);
      former.before += before.length;
      former.beforeNotDone += notDone.length;
      former.after += after.length;
      former.afterDone += after.filter(({ end }) => end !== 'refused').length;
      log(
        `${server}: rotation ${String(round)} of ${String(rotations)} (${isRequested ? 'requested' : 'due'}): ` +
          `${String(application.uses.length)} requests, ${String(countOf(application, 'refused'))} refused, ${String(kills)} kills`,
      );
    }
    const seconds = (performance.now() - beganAt) / 1_000;
    await application.stop();
    for (const { end, code } of application.uses) if (end !== 'done') codes.add(code ?? end);
    return {
      server,
      seconds,
      requests: application.uses.length,
      refused: countOf(application, 'refused'),
      failed: countOf(application, 'failed'),
      rotations,
      kills,
      former,
      codes: [...codes],
      leaks: (await world.findLeaks()).map(({ secret, where }) => `${secret} in ${where}`),
    };
  } finally {
    await Promise.all(applications.map((application) => application.stop()));
    mounting.abort();
    await ended;
  }
};

const annotated = (annotation: string, value: string) => ({
  metadata: { annotations: { [`s3.cloud37.dev/${annotation}`]: value } },
});

const isPrevious = (status: Stored<'AccessKey'>['status'], id: string): boolean =>
  status?.previousKeys?.some(({ accessKeyId }) => accessKeyId === id) === true;

const countOf = ({ uses }: Application, what: Use['end']): number => uses.filter(({ end }) => end === what).length;
