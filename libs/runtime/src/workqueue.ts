import { type Backoff, backoffMs } from './backoff.ts';
import { createSchedule } from './schedule.ts';
import type { ObjectKey } from './resource.ts';
import { createTurns } from './turns.ts';

export interface WorkqueueOptions {
  readonly monotonicMs: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** 500 ms up to 5 minutes when absent. */
  readonly backoff?: Backoff;
  /**
   * Keys of one lane share what may be slow, a server. No more of them than `keysOf` says of the lane are given out at a time, so
   * that the keys of other lanes find a worker. The number may change; that it grew is seen at the next `add` or `done`. One lane
   * without a limit when absent. `restOf`: how many times as long as a key was out its place stays empty, a second at most; 0 when absent.
   */
  readonly lanes?: {
    readonly of: (key: ObjectKey) => string;
    readonly keysOf: (lane: string) => number;
    readonly restOf?: (lane: string) => number;
  };
  /** How many take keys, of which no namespace may have all; no limit for any when absent. */
  readonly workers?: number;
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
  /** The key whose turn it is, once there is one; undefined once the queue is closed or `signal` aborts. Turns: see `createTurns`. */
  take(signal: AbortSignal): Promise<ObjectKey | undefined>;
  /** To be called once for each key taken. */
  done(key: ObjectKey): void;
  /** No key is given out any more. */
  close(): void;
}

const longestRestMs = 1_000;

const defaultBackoff: Backoff = { baseMs: 500, capMs: 300_000 };

export const createWorkqueue = (options: WorkqueueOptions): Workqueue => {
  const { monotonicMs, random, observe } = options;
  const backoff = options.backoff ?? defaultBackoff;
  const turns = createTurns({
    laneOf: options.lanes?.of ?? (() => ''),
    keysOf: options.lanes?.keysOf ?? (() => Infinity),
    workers: options.workers ?? Infinity,
  });
  /** When each key was taken that is out. */
  const takenAt = new Map<ObjectKey, number>();
  /** Added while taken. */
  const again = new Set<ObjectKey>();
  const failures = new Map<ObjectKey, number>();
  const waiters = new Set<(key: ObjectKey | undefined) => void>();
  let isClosed = false;

  const add = (key: ObjectKey): void => {
    if (isClosed) return;
    schedule.cancel(key);
    if (turns.isOut(key)) {
      again.add(key);
      return;
    }
    if (!turns.isReady(key)) {
      turns.add(key, monotonicMs());
      observe?.depth(turns.size());
    }
    if (turns.hasRoom(key)) serve();
  };

  /** Gives keys to the workers that wait, as long as both are there: a lane may have become wider, a share larger. */
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

  /** The place of a key is free. */
  const release = (key: ObjectKey): void => {
    turns.done(key);
    if (again.delete(key)) add(key);
    serve();
  };
  const resting = createSchedule(monotonicMs, release);

  const next = (): ObjectKey | undefined => {
    const turn = turns.next();
    if (turn === undefined) return undefined;
    const { key, at } = turn;
    schedule.cancel(key);
    observe?.depth(turns.size());
    const now = monotonicMs();
    observe?.latency((now - at) / 1_000);
    takenAt.set(key, now);
    return key;
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
      const from = takenAt.get(key);
      if (from === undefined) return;
      takenAt.delete(key);
      const { lanes } = options;
      const times = lanes?.restOf?.(lanes.of(key)) ?? 0;
      const now = monotonicMs();
      if (times > 0 && !isClosed) resting.at(key, now + Math.min((now - from) * times, longestRestMs));
      else release(key);
    },
    close() {
      isClosed = true;
      schedule.clear();
      resting.clear();
      for (const waiter of waiters) waiter(undefined);
      waiters.clear();
    },
  };
};
