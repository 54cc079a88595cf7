import { type Backoff, backoffMs } from './backoff.ts';
import { createSchedule } from './schedule.ts';
import type { ObjectKey } from './resource.ts';

export interface WorkqueueOptions {
  readonly monotonicMs: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** 500 ms up to 5 minutes when absent. */
  readonly backoff?: Backoff;
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
  /** The next key, when there is one; undefined once the queue is closed or `signal` aborts. Namespaces take turns. */
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
  /** Keys ready by namespace, each with the time since when; the first namespace is the next to be served. */
  const ready = new Map<string, Map<ObjectKey, number>>();
  const taken = new Set<ObjectKey>();
  /** Added while taken. */
  const again = new Set<ObjectKey>();
  const failures = new Map<ObjectKey, number>();
  const waiters = new Set<(key: ObjectKey | undefined) => void>();
  let depth = 0;
  let isClosed = false;

  const add = (key: ObjectKey): void => {
    if (isClosed) return;
    schedule.cancel(key);
    if (taken.has(key)) {
      again.add(key);
      return;
    }
    const namespace = key.slice(0, key.indexOf('/') + 1);
    const keys = ready.get(namespace) ?? new Map<ObjectKey, number>();
    if (keys.has(key)) return;
    ready.set(namespace, keys.set(key, monotonicMs()));
    observe?.depth((depth += 1));
    for (const waiter of waiters) {
      waiters.delete(waiter);
      waiter(next());
      break;
    }
  };

  const addAfter = (key: ObjectKey, delayMs: number): void => {
    if (isClosed) return;
    if (delayMs <= 0) add(key);
    else schedule.at(key, monotonicMs() + delayMs);
  };

  const schedule = createSchedule(monotonicMs, add);

  const next = (): ObjectKey | undefined => {
    for (const [namespace, keys] of ready) {
      for (const [key, since] of keys) {
        keys.delete(key);
        ready.delete(namespace);
        if (keys.size > 0) ready.set(namespace, keys); // to the end of the line
        taken.add(key);
        schedule.cancel(key);
        observe?.depth((depth -= 1));
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
      taken.delete(key);
      if (again.delete(key)) add(key);
    },
    close() {
      isClosed = true;
      schedule.clear();
      for (const waiter of waiters) waiter(undefined);
      waiters.clear();
    },
  };
};
