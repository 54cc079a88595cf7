import { type Backoff, backoffMs } from './backoff.ts';
import { createSchedule } from './schedule.ts';
import type { ObjectKey } from './resource.ts';

export interface WorkqueueOptions {
  readonly monotonicMs: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** 500 ms up to 5 minutes when absent. */
  readonly backoff?: Backoff;
  /**
   * Keys of one lane share what may be slow, a server. No more of them than `keysOf` says of the lane are given out at a time, so
   * that the keys of other lanes find a worker. The number may change; that it grew is seen at the next `add` or `done`. One lane
   * without a limit when absent.
   */
  readonly lanes?: { readonly of: (key: ObjectKey) => string; readonly keysOf: (lane: string) => number };
  readonly observe?: {
    readonly depth: (keys: number) => void;
    /** Seconds from due to taken. */
    readonly latency: (seconds: number) => void;
    readonly retried: () => void;
  };
}

/** Keys to reconcile: each at most once, and never at two workers at the same time. */
export interface Workqueue {
  add(key: ObjectKey): void;
  /** The earlier of two delays counts; taking the key cancels it. */
  addAfter(key: ObjectKey, delayMs: number): void;
  /** Adds after the key's back-off, or `atLeastMs`. Returns the delay in milliseconds. */
  retry(key: ObjectKey, atLeastMs?: number): number;
  /** Ends the key's back-off. */
  forget(key: ObjectKey): void;
  /** Drops everything known of a key that is gone. */
  remove(key: ObjectKey): void;
  /** The next key whose lane has room, when there is one; undefined once the queue is closed or `signal` aborts. Namespaces take turns. */
  take(signal: AbortSignal): Promise<ObjectKey | undefined>;
  /** To be called once for each key taken. */
  done(key: ObjectKey): void;
  /** No key is given out any more. */
  close(): void;
}

const defaultBackoff: Backoff = { baseMs: 500, capMs: 300_000 };

export const createWorkqueue = (options: WorkqueueOptions): Workqueue => {
  const { monotonicMs, random, observe } = options;
  const backoff = options.backoff ?? defaultBackoff;
  const laneOf = options.lanes?.of ?? (() => '');
  const keysOfLane = options.lanes?.keysOf ?? (() => Infinity);
  /** Keys ready by lane and namespace, each with the time since when; the first line is the next to be served. */
  const ready = new Map<string, { readonly lane: string; readonly keys: Map<ObjectKey, number> }>();
  /** The keys that are ready. */
  const queued = new Set<ObjectKey>();
  /** Keys given out, with their lane, and how many each lane has out. */
  const taken = new Map<ObjectKey, string>();
  const out = new Map<string, number>();
  /** Added while taken. */
  const again = new Set<ObjectKey>();
  const failures = new Map<ObjectKey, number>();
  const waiters = new Set<(key: ObjectKey | undefined) => void>();
  let isClosed = false;

  const add = (key: ObjectKey): void => {
    if (isClosed) return;
    schedule.cancel(key);
    if (taken.has(key)) {
      again.add(key);
      return;
    }
    const lane = laneOf(key);
    if (!queued.has(key)) {
      queued.add(key);
      const name = `${key.slice(0, key.indexOf('/') + 1)} ${lane}`;
      const line = ready.get(name) ?? { lane, keys: new Map<ObjectKey, number>() };
      line.keys.set(key, monotonicMs());
      ready.set(name, line);
      observe?.depth(queued.size);
    }
    if (hasRoom(lane)) serve();
  };

  const hasRoom = (lane: string): boolean => (out.get(lane) ?? 0) < keysOfLane(lane);

  /** Gives keys to the workers that wait, as long as both are there: a lane may have become wider. */
  const serve = (): void => {
    for (const waiter of waiters) {
      const key = next();
      if (key === undefined) return;
      waiters.delete(waiter);
      waiter(key);
    }
  };

  const addAfter = (key: ObjectKey, delayMs: number): void => {
    if (isClosed) return;
    if (delayMs <= 0) add(key);
    else schedule.at(key, monotonicMs() + delayMs);
  };

  const schedule = createSchedule(monotonicMs, add);

  const next = (): ObjectKey | undefined => {
    for (const [name, line] of ready) {
      const { lane, keys } = line;
      if (!hasRoom(lane)) continue;
      for (const [key, since] of keys) {
        keys.delete(key);
        ready.delete(name);
        if (keys.size > 0) ready.set(name, line); // behind all others
        queued.delete(key);
        taken.set(key, lane);
        out.set(lane, (out.get(lane) ?? 0) + 1);
        schedule.cancel(key);
        observe?.depth(queued.size);
        observe?.latency((monotonicMs() - since) / 1_000);
        return key;
      }
    }
    return undefined;
  };

  return {
    add,
    addAfter,
    retry(key, atLeastMs = 0) {
      const attempt = (failures.get(key) ?? 0) + 1;
      failures.set(key, attempt);
      observe?.retried();
      const delayMs = Math.max(atLeastMs, backoffMs(backoff, attempt, random));
      addAfter(key, delayMs);
      return delayMs;
    },
    forget(key) {
      failures.delete(key);
    },
    remove(key) {
      failures.delete(key);
      again.delete(key);
      schedule.cancel(key);
    },
    take(signal) {
      if (isClosed || signal.aborted) return Promise.resolve(undefined);
      const key = next();
      if (key !== undefined) return Promise.resolve(key);
      return new Promise((resolve) => {
        const waiter = (given: ObjectKey | undefined): void => {
          signal.removeEventListener('abort', leave);
          resolve(given);
        };
        const leave = (): void => {
          waiters.delete(waiter);
          resolve(undefined);
        };
        signal.addEventListener('abort', leave, { once: true });
        waiters.add(waiter);
      });
    },
    done(key) {
      const lane = taken.get(key);
      if (lane === undefined) return;
      taken.delete(key);
      const others = (out.get(lane) ?? 1) - 1;
      if (others > 0) out.set(lane, others);
      else out.delete(lane);
      if (again.delete(key)) add(key);
      serve();
    },
    close() {
      isClosed = true;
      schedule.clear();
      for (const waiter of waiters) waiter(undefined);
      waiters.clear();
    },
  };
};
