import {
  bucketSpec,
  type Call,
  controllerOf,
  type Controller,
  isReady,
  type OurKind,
  s3View,
  type S3View,
  seeded,
  type ServerName,
  type Stored,
  until,
  type World,
} from '@operator/tools/harness';
import { expect } from 'vitest';

/** One object that is brought through one operation while its controller is killed. */
export interface Trial {
  readonly namespace: string;
  readonly name: string;
  /** Another text for each time that the controller is killed. */
  readonly run: string;
  /** Name of the trial's own bucket at the server. */
  readonly bucket: string;
  readonly view: S3View;
}

export interface Scenario {
  readonly action: string;
  readonly kind: OurKind;
  /** Tells it from another one of the same action, kind and server. */
  readonly variant?: string;
  readonly server: ServerName;
  /** True when one object goes through all trials; else each has its own, which is deleted at its end. */
  readonly staysOne?: boolean;
  /** What must be there before; the controller runs and is not killed. */
  readonly prepare?: (trial: Trial) => Promise<void>;
  readonly act: (trial: Trial) => Promise<void>;
  /** True at the end; when absent, once the object is Ready. `before`: the object before the action. */
  readonly isDone?: (object: Stored<OurKind> | undefined, trial: Trial, before: Stored<OurKind> | undefined) => boolean;
  /** The end state at the server and in the API, to the last detail. */
  readonly check: (trial: Trial) => Promise<void>;
}

/** After which calls a scenario's controller was killed, by their operations, in their order. */
export interface Figures {
  readonly writes: readonly string[];
  /** Reads that were drawn. */
  readonly reads: readonly string[];
  /** All reads of a trial that lived to its end. */
  readonly allReads: number;
}

/** The bucket that policies and keys of a scenario are about; made by a bucket-controller that is never killed. */
export const base = 'base';
export const baseBucket = (namespace: string): string => `${namespace}-${base}`;
const mostCalls = 60;
/** Several scenarios share the machine. */
const readyWithinMs = 120_000;

export const titleOf = ({ action, kind, server, variant }: Scenario): string =>
  `${action} ${kind}${variant === undefined ? '' : ` (${variant})`} on ${server}`;
export const namespaceOf = ({ action, kind, server, variant }: Scenario): string =>
  [kind.toLowerCase(), server, action, ...(variant === undefined ? [] : [variant])].join('-');

/** Of the reads of each scenario so many are drawn; KILL_READS=all takes every one, KILL_SEED draws as before. */
const readsDrawn = process.env.KILL_READS === 'all' ? Infinity : Number(process.env.KILL_READS ?? 2);
const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 32);

/**
 * The title of a battery. A write is what leaves a new state behind: the process is killed between the server's answer to each of them and
 * its own knowledge of it. Reads change nothing, so a process that dies after one leaves what it leaves after its last write: of them some
 * are drawn, others in each run; and as many writes, whose answers a process that lives does not get.
 */
export const batteryTitle = `a controller killed after each of its writes, and after reads drawn with KILL_SEED=${seed}`;
/** On a machine that is busy a scenario takes minutes: only hangs are meant to end here. */
export const batteryTimeoutMs = 900_000;

/**
 * After which call of a trial the controller is killed. `reset`: it lives, and the connection ends without the answer to a write that was
 * carried out.
 */
interface Point {
  readonly effect: 'write' | 'read' | 'reset';
  /** Counts calls of this name alone. */
  readonly operation?: string;
  /** From 1. */
  readonly nth: number;
}

/** Reads of a pass. What an informer lists it lists at its start, and a renewed lease is no part of a pass. */
const isRead = ({ effect, side, operation }: Call): boolean =>
  effect === 'read' && !(side === 'kube' && operation.startsWith('list '));

/** Some of the first `count` calls, in their order. */
const draw = (count: number, salt: number): readonly number[] => {
  const random = seeded(seed + salt);
  const left = Array.from({ length: count }, (_, index) => index + 1);
  while (left.length > readsDrawn) left.splice(random.below(left.length), 1);
  return left;
};

/** Which of `all`, by name and as the nth of that name, are not among `some`. */
const missing = (
  all: readonly string[],
  some: readonly string[],
): readonly (readonly [name: string, nth: number])[] => {
  const countIn = (names: readonly string[], name: string) => names.filter((each) => each === name).length;
  return [...new Set(all)].flatMap((name) => {
    const [want, have] = [countIn(all, name), countIn(some, name)];
    return Array.from({ length: Math.max(0, want - have) }, (_, at) => [name, have + at + 1] as const);
  });
};

/** One scenario with all that it needs running. */
interface Stage {
  readonly world: World;
  readonly scenario: Scenario;
  readonly controller: Controller;
  /** Name of the proxy before the scenario's server. */
  readonly s3: string;
}

/** Makes what all scenarios need beside their own controllers. */
export const furnish = async (world: World, scenarios: readonly Scenario[]): Promise<void> => {
  await Promise.all(scenarios.map((scenario) => world.createNamespace(namespaceOf(scenario))));
  await world.startController('provider');
  await world.startController('bucket', {
    as: 'bucket-of-others',
    namespaces: scenarios.filter(({ kind }) => kind !== 'Bucket').map(namespaceOf),
    flags: ['--leader-election-id=bucket-of-others'],
  });
};

/** Waits until no call is made for a second. */
const untilAtRest = async (traffic: World['traffic'], isOurs: (call: Call) => boolean): Promise<void> => {
  let mark = traffic.mark();
  let since = performance.now();
  await until(
    () => {
      const calls = traffic.since(mark, (call) => isOurs(call) && call.effect !== 'watch' && call.effect !== 'event');
      if (calls.length > 0) [mark, since] = [traffic.mark(), performance.now()];
      return performance.now() - since;
    },
    (quietMs) => quietMs >= 1_000,
    { what: 'the controller is at rest', timeoutMs: readyWithinMs },
  );
};

/** Runs one trial; the controller is killed once the server has answered the nth call. */
const runTrial = async ({ world, scenario, controller, s3 }: Stage, trial: Trial, point?: Point) => {
  const {
    kind,
    action,
    isDone: isDoneBy = (object: Stored<OurKind> | undefined) => isReady(object),
    staysOne = false,
  } = scenario;
  const { kube, traffic } = world;
  const isOurs = ({ proxy }: Call) => proxy === controller.proxy || proxy === s3;
  await scenario.prepare?.(trial);
  const before = await kube.get(kind, trial.namespace, trial.name);
  const mark = traffic.mark();
  let killedAfter: string | undefined;
  const trap =
    point &&
    traffic.onCall(
      (call) =>
        isOurs(call) &&
        (point.effect === 'read' ? isRead(call) : call.effect === 'write') &&
        (point.operation === undefined || point.operation === call.operation),
      point.nth,
      'after',
      async ({ operation }) => {
        if (point.effect !== 'reset') await controller.kill();
        killedAfter = operation;
        return 'drop' as const;
      },
    );
  await scenario.act(trial);
  const isDone = async () => {
    const object = await kube.get(kind, trial.namespace, trial.name);
    return action === 'delete' ? object === undefined : isDoneBy(object, trial, before);
  };
  const what = `${titleOf(scenario)}${point === undefined ? '' : `, ${point.effect === 'reset' ? 'with an answer lost at write' : `killed after ${point.effect}`} ${point.nth},`}`;
  await until(
    async () => {
      if (trap === undefined || point === undefined) return isDone();
      return trap.isSprung() || ((await isDone()) && trap.count() < point.nth);
    },
    (over) => over,
    { what: `${what} is killed or done`, timeoutMs: readyWithinMs },
  );
  const calls = traffic.since(mark, isOurs);
  const wasKilled = trap?.isSprung() === true;
  trap?.disarm();
  if (wasKilled && point?.effect !== 'reset') {
    await controller.kill();
    await controller.start();
  }
  await until(isDone, (done) => done, { what: `${what} is done`, timeoutMs: readyWithinMs });
  await scenario.check(trial);
  if (!staysOne) {
    await kube.delete(kind, trial.namespace, trial.name);
    await kube.untilGone(kind, trial.namespace, trial.name, readyWithinMs);
    // What a controller undoes of an object that is gone is no part of the next trial.
    await untilAtRest(traffic, isOurs);
  }
  return {
    killedAfter: wasKilled ? killedAfter : undefined,
    writes: calls.filter(({ effect }) => effect === 'write').map(({ operation }) => operation),
    reads: calls.filter(isRead).length,
  };
};

/** Brings a scenario to its end once for each of its writes and for the reads that are drawn. `salt`: makes its draw another one. */
export const runScenario = async (world: World, scenario: Scenario, salt: number): Promise<Figures> => {
  const { kind, server, staysOne = false } = scenario;
  const { kube } = world;
  const namespace = namespaceOf(scenario);
  const s3 = `s3-${namespace}`;
  const { url } = await world.proxyTo(server, s3);
  await world.createProvider(namespace, 'provider', { server, endpoint: url });
  const controller = await world.startController(controllerOf[kind], {
    as: namespace,
    namespaces: [namespace],
    flags: ['--leader-elect=false'],
  });
  await kube.untilReady('Provider', namespace, 'provider', readyWithinMs);
  if (kind !== 'Bucket') {
    await kube.create('Bucket', namespace, base, bucketSpec('provider', baseBucket(namespace)));
    await kube.untilReady('Bucket', namespace, base, readyWithinMs);
  }
  const view = s3View(world.server(server));
  const stage = { world, scenario, controller, s3 };
  const run = (id: string, point?: Point) => {
    const name = staysOne ? 'one' : id;
    return runTrial(stage, { namespace, name, run: id, bucket: `${namespace}-${name}`, view }, point);
  };

  const writes: string[] = [];
  let last = await run('w1', { effect: 'write', nth: 1 });
  while (last.killedAfter !== undefined) {
    writes.push(last.killedAfter);
    expect(writes.length).toBeLessThan(mostCalls);
    const nth = writes.length + 1;
    last = await run(`w${String(nth)}`, { effect: 'write', nth });
  }
  // The last one lived to the end, so that its calls are all there are. One pass more or less in an earlier trial has moved its writes: what
  // was passed over so is killed after by its name.
  const allReads = last.reads;
  for (const [operation, nth] of missing(last.writes, writes)) {
    const { killedAfter } = await run(`m${String(nth)}-${String(writes.length)}`, { effect: 'write', operation, nth });
    if (killedAfter !== undefined) writes.push(killedAfter);
  }
  const reads: string[] = [];
  const drawn = draw(allReads, salt);
  for (const nth of drawn) {
    // With a pass less a late read does not come: then an earlier one is taken.
    for (let at = nth; at > 0; at = Math.floor(at / 2)) {
      const { killedAfter } = await run(`r${String(nth)}-${String(at)}`, { effect: 'read', nth: at });
      if (killedAfter === undefined) continue;
      reads.push(killedAfter);
      break;
    }
  }
  for (const nth of draw(writes.length, salt)) await run(`l${String(nth)}`, { effect: 'reset', nth });
  if (staysOne) {
    await kube.delete(kind, namespace, 'one');
    await kube.untilGone(kind, namespace, 'one', readyWithinMs);
  }
  console.log(
    `FIGURE ${titleOf(scenario)}: killed after each of ${writes.length} writes, and after ${reads.length} of ${allReads} reads`,
  );
  // Less would mean that nothing was counted.
  expect(writes.length).toBeGreaterThan(1);
  expect(allReads).toBeGreaterThan(0);
  await controller.close();
  return { writes, reads, allReads };
};
