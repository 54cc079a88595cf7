import type { ObjectKey } from './resource.ts';

export interface TurnsOptions {
  /** What may be slow and is shared by several keys, a server. */
  readonly laneOf: (key: ObjectKey) => string;
  /** How many keys of a lane may be out at a time; may change. */
  readonly keysOf: (lane: string) => number;
  /** How many keys can be out at a time. */
  readonly workers: number;
}

/** Whose turn it is among the keys that are ready. No clock, no timers: who asks gets an answer. */
export interface Turns {
  /** Keys that are ready. */
  size(): number;
  isReady(key: ObjectKey): boolean;
  isOut(key: ObjectKey): boolean;
  /** A key is ready, at a time of the caller's clock. */
  add(key: ObjectKey, at: number): void;
  /** True when a key could be out now, as far as its own namespace and lane go. */
  hasRoom(key: ObjectKey): boolean;
  /** The key whose turn it is, which is out from now on, and when it became ready; undefined when nothing may be out. */
  next(): { readonly key: ObjectKey; readonly at: number } | undefined;
  /** A key is not out any more. */
  done(key: ObjectKey): void;
}

/**
 * Namespaces take turns, then the lanes of a namespace, then its keys in the order of their arrival. No lane has more keys out than it
 * may. No namespace has more keys out than workers are left for the others: the first may have half of all, the next half of what is
 * left, and as keys come back all come to have the same. So there is a worker for a namespace that has none, however slow the keys of
 * a few others are. Source: dynamic queue thresholds, Choudhury and Hahne 1998, with a factor of one.
 */
export const createTurns = ({ laneOf, keysOf, workers }: TurnsOptions): Turns => {
  /** Keys ready by namespace and lane, each with the time since when; the first of each map is the next to be served. */
  const ready = new Map<string, Map<string, Map<ObjectKey, number>>>();
  const queued = new Set<ObjectKey>();
  /** Keys that are out, with their lane; how many each lane and each namespace has. */
  const out = new Map<ObjectKey, string>();
  const ofLane = new Map<string, number>();
  const ofNamespace = new Map<string, number>();

  const hasLaneRoom = (lane: string): boolean => (ofLane.get(lane) ?? 0) < keysOf(lane);
  const hasShare = (namespace: string): boolean => (ofNamespace.get(namespace) ?? 0) < workers - out.size;

  /** The first lane of a namespace that has room goes behind its others. */
  const takeFrom = (lanes: Map<string, Map<ObjectKey, number>>) => {
    for (const [lane, keys] of lanes) {
      if (!hasLaneRoom(lane)) continue;
      for (const [key, at] of keys) {
        keys.delete(key);
        moveBehind(lanes, lane, keys);
        return { key, at, lane };
      }
    }
    return undefined;
  };

  return {
    size: () => queued.size,
    isReady: (key) => queued.has(key),
    isOut: (key) => out.has(key),
    add(key, at) {
      if (queued.has(key)) return;
      queued.add(key);
      const namespace = namespaceOf(key);
      const lane = laneOf(key);
      const lanes = ready.get(namespace) ?? new Map<string, Map<ObjectKey, number>>();
      const keys = lanes.get(lane) ?? new Map<ObjectKey, number>();
      ready.set(namespace, lanes.set(lane, keys.set(key, at)));
    },
    hasRoom: (key) => hasShare(namespaceOf(key)) && hasLaneRoom(laneOf(key)),
    next() {
      for (const [namespace, lanes] of ready) {
        const found = hasShare(namespace) ? takeFrom(lanes) : undefined;
        if (found === undefined) continue;
        const { key, at, lane } = found;
        moveBehind(ready, namespace, lanes);
        queued.delete(key);
        out.set(key, lane);
        count(ofLane, lane, 1);
        count(ofNamespace, namespace, 1);
        return { key, at };
      }
      return undefined;
    },
    done(key) {
      const lane = out.get(key);
      if (lane === undefined) return;
      out.delete(key);
      count(ofLane, lane, -1);
      count(ofNamespace, namespaceOf(key), -1);
    },
  };
};

/** Empty for a cluster-scoped object. */
const namespaceOf = (key: ObjectKey): string => key.slice(0, Math.max(key.indexOf('/'), 0));

/** Puts an entry behind all others; one that is empty is dropped. */
const moveBehind = <V extends ReadonlyMap<unknown, unknown>>(entries: Map<string, V>, name: string, value: V): void => {
  entries.delete(name);
  if (value.size > 0) entries.set(name, value);
};

const count = (counts: Map<string, number>, name: string, by: number): void => {
  const number = (counts.get(name) ?? 0) + by;
  if (number > 0) counts.set(name, number);
  else counts.delete(name);
};
