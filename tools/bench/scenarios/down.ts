import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import {
  bucketSpec,
  conditionOf,
  controllerOf,
  forEach,
  passRequest,
  sumOfMetric,
  watchReady,
  type World,
} from '@operator/tools/harness';
import { startMinio } from '@operator/tools/local';
import { callsBetween, callsOf, countCalls, isKubeWrite, isStorageCall, isStorageWrite, tellCalls } from '../calls.ts';
import { pause, untilCalm, untilCrowdRests } from '../crowd-rest.ts';
import { crowdKinds } from '../crowd.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';

const elsewhere = 'elsewhere';
/** In an outage an object says first that the endpoint is away and then, once that is known, that its Provider is not Ready. */
const mostStatusWrites = 2;
/** While all tell the outage, the API server is busy with them. */
const mostWhileAsked = 1.5;
/** The same but for what differs between two measurements of it. */
const unchanged = 1.2;

/**
 * The server of the crowd goes away, every object on it is asked for a pass meanwhile, and it comes back. In its place a socket
 * counts who knocks: it hangs up at once in the first half of the time, and says nothing in the second. Objects on another
 * Provider are created one at a time before, while all of those tell the outage, and once it is silent.
 */
export const down: Scenario = {
  name: 'down',
  title: 'A server that is away',
  isTimed: true,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const { quick, signal } = bench;
    const awayMs = quick ? 10_000 : 120_000;
    const samples = quick ? 5 : 40;
    const crowd = await bench.crowd();
    const { world, controllers, counts } = crowd;
    const members = crowd.members.filter(({ server }) => server === 'minio');
    await untilCrowdRests(crowd);
    const all = Object.values(controllers);

    const other = await startMinio({ dir: join(world.dir, elsewhere), signal });
    try {
      await world.createNamespace(elsewhere);
      await createProviderAt(world, other);
      await world.kube.untilReady('Provider', elsewhere, elsewhere);
      await arrivalsMs(world, 'warm', warmUps, signal);
      const start = await callsOf(all);
      const before = await arrivalsMs(world, 'before', samples, signal);

      const from = await callsOf(all);
      const { port } = new URL(world.server('minio').endpoint);
      await world.stopServer('minio');
      const knocks = await countKnocks(Number(port));
      const leftAt = performance.now();
      const silence = setTimeout(() => knocks.fallSilent(), awayMs / 2);
      let deepest = 0;
      let whileAsked: readonly number[];
      let whileSilent: readonly number[];
      try {
        const depth = async () => {
          for (const controller of all) {
            deepest = Math.max(deepest, sumOfMetric(await controller.metrics(), 'wasabi_s3_operator_workqueue_depth'));
          }
        };
        await forEach(members, 16, signal, ({ kind, namespace, name }) =>
          world.kube.patch(kind, namespace, name, passRequest(`down-${leftAt}`)),
        );
        await depth();
        const untilAway = async (ms: number) => {
          while (performance.now() - leftAt < ms) {
            await depth();
            await pause(Math.min(1_000, Math.max(0, ms - (performance.now() - leftAt))), signal);
          }
        };
        whileAsked = await arrivalsMs(world, 'asked', samples, signal);
        await untilAway(awayMs * 0.75);
        whileSilent = await arrivalsMs(world, 'silent', samples, signal);
        await untilAway(awayMs);
      } finally {
        clearTimeout(silence);
        await knocks.close();
        if (!signal.aborted) await world.startServer('minio');
      }
      const awaySeconds = (performance.now() - leftAt) / 1_000;
      const during = callsBetween(from, await callsOf(all));
      const backAt = performance.now();
      for (const kind of crowdKinds)
        await untilCalm(
          controllers[controllerOf[kind]],
          kind,
          counts[kind] + (kind === 'Bucket' ? arrived(samples) : 0),
        );
      const calmSeconds = (performance.now() - backAt) / 1_000;
      const whole = callsBetween(from, await callsOf(all));

      const told = await providersTold(world);
      bench.log(`the Providers said: ${told}`);
      const isOfCrowd = (name: string) => /^kubernetes apply (buckets|bucketpolicies|accesskeys)$/.test(name);
      // What an arrival writes is known from those before.
      const ownApplies = countCalls(callsBetween(start, from), isOfCrowd);
      const statusWrites = countCalls(during, isOfCrowd) - 2 * ownApplies;
      const figure = (name: string, unit: Figure['unit'], value: number, more: Partial<Figure> = {}): Figure => ({
        scenario: 'down',
        name,
        unit,
        values: [value],
        ...more,
      });
      return [
        figure('knocks at the door, answered by hanging up', 'count', knocks.counts().refused),
        figure('knocks at the door, answered by silence', 'count', knocks.counts().unanswered),
        figure('knocks', 'per second', (knocks.counts().refused + knocks.counts().unanswered) / awaySeconds),
        figure('calls to storage, by the controllers', 'count', countCalls(during, isStorageCall), {
          note: tellCalls(during, isStorageCall),
        }),
        figure('deepest queue', 'count', deepest),
        figure('status writes for each object while it was away', 'count', statusWrites / members.length, {
          aim: { atMost: mostStatusWrites },
          note: tellCalls(during, isKubeWrite),
        }),
        figure('back to all Ready', 's', calmSeconds, { note: tellCalls(whole, isKubeWrite) }),
        figure('writes to storage that nothing asked for', 'count', strayWrites(whole, samples), {
          aim: { atMost: 0 },
          note: tellCalls(whole, isStorageWrite),
        }),
        { scenario: 'down', name: 'arrival elsewhere, before', unit: 'ms', values: before },
        { scenario: 'down', name: 'arrival elsewhere, while all are asked', unit: 'ms', values: whileAsked },
        { scenario: 'down', name: 'arrival elsewhere, in the silence', unit: 'ms', values: whileSilent },
        figure('median of arrivals, while all are asked to before', 'ratio', median(whileAsked) / median(before), {
          aim: { atMost: mostWhileAsked },
        }),
        figure('median of arrivals, in the silence to before', 'ratio', median(whileSilent) / median(before), {
          aim: { atMost: unchanged },
        }),
      ];
    } finally {
      if (!signal.aborted) await leaveElsewhere(world, samples);
      await other.stop();
    }
  },
};

const warmUps = 3;
const arrived = (samples: number): number => warmUps + 3 * samples;

/** Creating one Bucket takes three writes: the bucket, its tags, its versioning. */
const strayWrites = (calls: ReadonlyMap<string, number>, samples: number): number =>
  countCalls(calls, isStorageWrite) - 2 * 3 * samples;

const createProviderAt = async (
  { kube }: World,
  server: {
    readonly endpoint: string;
    readonly region: string;
    readonly accessKey: string;
    readonly secretKey: string;
  },
): Promise<void> => {
  await kube.create('Secret', elsewhere, elsewhere, {
    stringData: { 'access-key': server.accessKey, 'secret-key': server.secretKey },
  });
  const secret = { name: elsewhere };
  await kube.create('Provider', elsewhere, elsewhere, {
    spec: {
      type: 'minio',
      endpoint: server.endpoint,
      region: server.region,
      auth: { accessKeySecretRef: secret, secretKeySecretRef: secret },
    },
  });
};

/** Creates Buckets one at a time; milliseconds from each answer of the API server until it is seen Ready. */
async function arrivalsMs(
  { kube }: World,
  name: string,
  count: number,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const watch = await watchReady(kube, 'Bucket', elsewhere);
  try {
    const took: number[] = [];
    for (let index = 0; index < count; index += 1) {
      signal.throwIfAborted();
      const own = `${name}-${index}`;
      await kube.create('Bucket', elsewhere, own, bucketSpec(elsewhere, `elsewhere-${own}`));
      const startedAt = performance.now();
      took.push((await watch.untilReadyNamed(own, 60_000)) - startedAt);
    }
    return took;
  } finally {
    watch.close();
  }
}

/**
 * Listens where the server was. It ends every connection at once, as a balancer without back ends does; once silent it takes them
 * and never answers, as a server that hangs does.
 */
async function countKnocks(port: number) {
  const counts = { refused: 0, unanswered: 0 };
  const silenced = new Set<Socket>();
  let isSilent = false;
  const door = createServer((socket) => {
    counts[isSilent ? 'unanswered' : 'refused'] += 1;
    if (!isSilent) return socket.destroy();
    silenced.add(socket);
    socket.on('error', () => undefined).on('close', () => silenced.delete(socket));
    return socket.resume();
  });
  await new Promise<void>((resolve, reject) => door.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    counts: () => counts,
    fallSilent: () => {
      isSilent = true;
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => door.close(() => resolve()));
      for (const socket of silenced) socket.destroy();
      await closed;
    },
  };
}

const providersTold = async ({ kube }: World): Promise<string> =>
  (await kube.list('Provider'))
    .map((provider) => `${provider.metadata.name}: ${conditionOf(provider, 'Ready')?.reason ?? 'nothing'}`)
    .join(', ');

async function leaveElsewhere({ kube }: World, samples: number): Promise<void> {
  const names = [
    ...Array.from({ length: warmUps }, (_, index) => `warm-${index}`),
    ...['before', 'asked', 'silent'].flatMap((name) =>
      Array.from({ length: samples }, (_, index) => `${name}-${index}`),
    ),
  ];
  await Promise.all(names.map((name) => kube.delete('Bucket', elsewhere, name)));
  await Promise.all(names.map((name) => kube.untilGone('Bucket', elsewhere, name, 60_000)));
  await kube.delete('Provider', elsewhere, elsewhere);
  await kube.untilGone('Provider', elsewhere, elsewhere);
  await kube.delete('Namespace', undefined, elsewhere);
  await kube.untilGone('Namespace', undefined, elsewhere, 60_000);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
