import { isDeepStrictEqual } from 'node:util';
import { positiveConditionTypes } from '@operator/api';
import { summarise, type Verdict } from '@operator/conditions';
import { Fault, asFault, type Claim, type Outcome } from '@operator/outcome';
import {
  KubeError,
  keyOf,
  ownStatus,
  type Finalized,
  type KubeObject,
  type ObjectKey,
  type Pass,
  type Reconciler,
  type Resource,
  type StoredObject,
} from '@operator/runtime';
import { Killed, mishaps, type Mishap, type Writes } from './writes.ts';

/** How one pass ended, and what it wrote outside and told. */
export interface PassReport {
  readonly result: 'settled' | 'progressing' | 'transient' | 'waiting' | 'terminal' | 'conflict' | 'killed' | 'gone';
  readonly reason?: string;
  readonly message?: string;
  readonly retryAfterMs?: number;
  readonly writes: readonly string[];
  /** `reason: message`. */
  readonly events: readonly string[];
}

/** Runs one reconciler on one stored object as the runtime does, one pass at a time; the object's status is what it wrote. */
export interface Bench<Spec, Status> {
  object(): KubeObject<Spec, Status>;
  /** The stored status without its conditions. */
  facts(): Readonly<Record<string, unknown>>;
  /** The stored conditions, as `type=status reason`. */
  conditions(): readonly string[];
  pass(): Promise<PassReport>;
  /** Passes, a second apart, while they make progress or are transient; the last report. Fails after 30. */
  run(): Promise<PassReport>;
  /** A person's change: another generation. */
  change(spec: Partial<Spec>): void;
  /** Names of the steps that the passes took, in order. */
  steps(): readonly string[];
  annotate(annotations: Readonly<Record<string, string>>): void;
  delete(): void;
  /** Milliseconds until the next look that the last outcome asked for; undefined when it left that to the resync interval. */
  resyncAfterMs(): number | undefined;
  /** Milliseconds until time alone asks for a look, as the last pass said. */
  dueInMs(): number | undefined;
  /** The clock of the passes. */
  now(): Date;
  advance(ms: number): void;
  /** Another process: the reconciler's memory is gone, nothing is armed. */
  restart(): void;
}

export interface BenchOptions<Spec, Status> {
  /** Made anew for each process. */
  readonly reconciler: () => Reconciler<Spec, Status>;
  readonly object: KubeObject<Spec, Status>;
  readonly writes: Writes;
  /** Where the informers look; the object stands in it under its key while it exists. */
  readonly store?: Map<string, KubeObject<Spec, Status>>;
  /** What a live read of another object finds; nothing when absent. */
  readonly live?: (resource: Resource, key: ObjectKey) => StoredObject | undefined;
}

const start = new Date('2026-05-05T10:00:00.000Z');

const verdictOf = (outcome: Outcome<unknown> | Exclude<Finalized<unknown>, { result: 'done' }> | Fault): Verdict => {
  if (outcome instanceof Fault) return { result: 'blocked', fault: outcome };
  if (outcome.result === 'blocked') return { result: 'blocked', fault: outcome.fault };
  return outcome;
};

/** JSON has no undefined. */
const plain = <T>(value: T): T => (value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T));

export const createBench = <Spec, Status>(options: BenchOptions<Spec, Status>): Bench<Spec, Status> => {
  const { writes, store = new Map<string, KubeObject<Spec, Status>>() } = options;
  const key = keyOf(options.object);
  store.set(key, plain(options.object));
  let reconciler = options.reconciler();
  const steps: string[] = [];
  let resyncAfterMs: number | undefined;
  let dueInMs: number | undefined;
  let nowMs = start.getTime();
  let version = 0;

  const stored = (): KubeObject<Spec, Status> => {
    const object = store.get(key);
    if (object === undefined) throw new Error(`${key} is gone`);
    return object;
  };
  const put = (change: { metadata?: object; spec?: Partial<Spec>; status?: object }): void => {
    const object = stored();
    version += 1;
    store.set(
      key,
      plain({
        ...object,
        metadata: { ...object.metadata, ...change.metadata, resourceVersion: String(version) },
        spec: { ...object.spec, ...change.spec },
        ...(change.status === undefined ? {} : { status: change.status as never }),
      }),
    );
  };
  const writeStatus = async (status: object): Promise<void> => {
    const wanted = plain(status);
    if (isDeepStrictEqual(wanted, plain(stored().status ?? {}))) return;
    await writes.write('kube status', () => {
      put({ status: wanted });
    });
  };

  const openPass = (events: string[]): Pass<Status> => ({
    signal: new AbortController().signal,
    now: new Date(nowMs),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined } as never,
    step: (name, run) => {
      steps.push(name);
      return run();
    },
    prove: () => Promise.resolve(),
    live: async (resource, name) => plain(options.live?.(resource, name) as never),
    call: ({ operation, write }, run) => (write ? writes.write(operation, run) : writes.read(run)),
    record: (status) => {
      const { conditions, observedGeneration } = stored().status ?? {};
      return writeStatus({ ...status, conditions, observedGeneration });
    },
    event: (type, reason, message) => events.push(`${type} ${reason}: ${message}`),
  });

  const tell = async (status: object, claims: readonly Claim[], verdict: Verdict): Promise<void> => {
    const object = stored();
    const { generation } = object.metadata;
    const conditions = summarise(claims, object.status?.conditions ?? [], {
      generation,
      now: new Date(nowMs),
      verdict,
      positive: positiveConditionTypes,
      stalling: ['Unsupported'],
    });
    const hasVerdict =
      verdict.result === 'settled' || (verdict.result === 'blocked' && verdict.fault.kind === 'terminal');
    const observedGeneration = hasVerdict ? generation : object.status?.observedGeneration;
    await writeStatus({ ...status, observedGeneration, conditions });
  };

  const reconcile = async (pass: Pass<Status>): Promise<Omit<PassReport, 'writes' | 'events'>> => {
    const outcome = await reconciler.reconcile(stored(), pass).catch(faultOf);
    const verdict = verdictOf(outcome);
    const settled = !(outcome instanceof Fault) && outcome.result === 'settled' ? outcome : undefined;
    resyncAfterMs = settled?.resyncAfterMs;
    dueInMs = 'dueInMs' in outcome ? outcome.dueInMs : undefined;
    const claims = outcome instanceof Fault ? [] : outcome.claims;
    const faultClaims = verdict.result === 'blocked' ? reconciler.claimsOf(verdict.fault, stored()) : [];
    await tell(
      outcome instanceof Fault ? ownStatus(stored() as never) : (outcome.status as object),
      [...claims, ...faultClaims],
      verdict,
    );
    return reportOf(verdict);
  };

  const finalize = async (pass: Pass<Status>): Promise<Omit<PassReport, 'writes' | 'events'>> => {
    const finalized = await reconciler.finalize(stored(), pass).catch(faultOf);
    if (finalized instanceof Fault || finalized.result !== 'done') {
      const verdict = verdictOf(finalized);
      const fault = verdict.result === 'blocked' ? verdict.fault : undefined;
      const claims = finalized instanceof Fault || finalized.result === 'progressing' ? [] : finalized.claims;
      const status = finalized instanceof Fault ? ownStatus(stored() as never) : finalized.status;
      await tell(
        status as object,
        [...claims, ...(fault === undefined ? [] : reconciler.claimsOf(fault, stored()))],
        verdict,
      );
      return reportOf(verdict);
    }
    await writes.write('kube finalizer', () => {
      store.delete(key);
    });
    return { result: 'gone' };
  };

  const reportOf = (verdict: Verdict): Omit<PassReport, 'writes' | 'events'> => {
    if (verdict.result !== 'blocked') return { ...verdict, result: verdict.result };
    const { kind, reason, message, retryAfterMs } = verdict.fault;
    return { result: kind, reason, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  };

  const pass = async (): Promise<PassReport> => {
    if (!store.has(key)) return { result: 'gone', writes: [], events: [] };
    const before = writes.done.length;
    const events: string[] = [];
    const opened = openPass(events);
    const report = (ended: Omit<PassReport, 'writes' | 'events'>): PassReport => {
      const { result, reason, message, retryAfterMs } = ended;
      return {
        result,
        ...(reason === undefined ? {} : { reason }),
        ...(message === undefined ? {} : { message }),
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        writes: writes.done.slice(before),
        events,
      };
    };
    try {
      const isLeaving = stored().metadata.deletionTimestamp !== undefined;
      return report(await (isLeaving ? finalize(opened) : reconcile(opened)));
    } catch (caught) {
      if (caught instanceof Killed) return report({ result: 'killed' });
      if (caught instanceof KubeError) return report({ result: 'conflict', reason: caught.reason });
      throw caught;
    }
  };

  return {
    object: stored,
    facts: () => {
      const facts = new Map(Object.entries(stored().status ?? {}));
      facts.delete('conditions');
      return Object.fromEntries(facts);
    },
    conditions: () =>
      (stored().status?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`),
    steps: () => steps,
    pass,
    async run() {
      for (let passes = 0; passes < 30; passes += 1) {
        const report = await pass();
        nowMs += 1_000;
        if (!['progressing', 'transient', 'conflict'].includes(report.result)) return report;
        if (report.reason === 'Conflict') continue;
      }
      throw new Error(`${key} does not come to rest: ${JSON.stringify(stored().status)}`);
    },
    change: (spec) => {
      put({ spec, metadata: { generation: stored().metadata.generation + 1 } });
    },
    annotate: (annotations) => {
      put({ metadata: { annotations } });
    },
    delete: () => {
      const { generation } = stored().metadata;
      put({ metadata: { generation: generation + 1, deletionTimestamp: new Date(nowMs).toISOString() } });
    },
    resyncAfterMs: () => resyncAfterMs,
    dueInMs: () => dueInMs,
    now: () => new Date(nowMs),
    advance: (ms) => {
      nowMs += ms;
    },
    restart: () => {
      writes.restart();
      reconciler = options.reconciler();
    },
  };
};

/** What is neither a Fault nor of the API server is a bug, and fails the test. */
const faultOf = (caught: unknown): Fault => {
  if (!(caught instanceof Fault)) throw caught;
  return asFault(caught);
};

/**
 * Runs a trial once for every mishap and every write that the trial makes: `begin` prepares a world and acts; after the mishap
 * (and a new process, if it was killed) the bench runs to its end and `check` sees the outcome. Returns how many trials struck.
 */
export const tryEveryMishap = async <
  World extends { readonly bench: Pick<Bench<unknown, unknown>, 'run' | 'restart'>; readonly writes: Writes },
>(
  begin: () => Promise<World>,
  check: (world: World, mishap: string) => unknown,
): Promise<number> => {
  let struck = 0;
  for (const mishap of mishaps) {
    for (let nth = 1; ; nth += 1) {
      const world = await begin();
      world.writes.arm(mishap, nth);
      const strikes = await runThrough(world, mishap);
      await check(world, `${mishap} write ${String(nth)}: ${world.writes.done.join(', ')}`);
      if (!strikes) break;
      struck += 1;
    }
  }
  return struck;
};

const runThrough = async (
  { bench, writes }: { readonly bench: Pick<Bench<unknown, unknown>, 'run' | 'restart'>; readonly writes: Writes },
  mishap: Mishap,
): Promise<boolean> => {
  const report = await bench.run();
  const hasStruck = writes.hasStruck();
  if (report.result !== 'killed') return hasStruck;
  if (!mishap.startsWith('killed')) throw new Error('killed without cause');
  bench.restart();
  await bench.run();
  return hasStruck;
};
