import type { ObjectKey } from './resource.ts';

/** Keys that become due later. */
export interface Schedule {
  /** Makes a key due at a time of the monotonic clock, in milliseconds, unless it is due earlier. */
  at(key: ObjectKey, dueAt: number): void;
  cancel(key: ObjectKey): void;
  clear(): void;
}

interface Entry {
  readonly key: ObjectKey;
  readonly dueAt: number;
}

const longestTimerMs = 2 ** 31 - 1;

/** One heap and one timer for all keys, on a clock that never jumps. `onDue`: called for each key when it is due. */
export const createSchedule = (monotonicMs: () => number, onDue: (key: ObjectKey) => void): Schedule => {
  let heap: Entry[] = [];
  /** The entry that counts for a key; others in the heap are left-overs. */
  const current = new Map<ObjectKey, Entry>();
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Infinity;

  const push = (entry: Entry): void => {
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || parent.dueAt <= entry.dueAt) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  };

  const pop = (): void => {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      const child = right !== undefined && left !== undefined && right.dueAt < left.dueAt ? right : left;
      if (child === undefined || child.dueAt >= last.dueAt) break;
      heap[at] = child;
      at = 2 * at + (child === left ? 1 : 2);
    }
    heap[at] = last;
  };

  /** The first entry that counts. */
  const earliest = (): Entry | undefined => {
    for (let first = heap[0]; first !== undefined && current.get(first.key) !== first; first = heap[0]) pop();
    if (heap.length > 2 * current.size + 1_000) {
      // Sorted by due time, an array is a heap.
      heap = [...current.values()].sort((a, b) => a.dueAt - b.dueAt);
    }
    return heap[0];
  };

  const arm = (): void => {
    const dueAt = earliest()?.dueAt ?? Infinity;
    if (dueAt === timerAt) return;
    clearTimeout(timer);
    timerAt = dueAt;
    if (dueAt === Infinity) return;
    timer = setTimeout(fire, Math.min(Math.max(dueAt - monotonicMs(), 0), longestTimerMs));
  };

  const fire = (): void => {
    timerAt = Infinity;
    const now = monotonicMs();
    const due: ObjectKey[] = [];
    for (let first = earliest(); first !== undefined && first.dueAt <= now; first = earliest()) {
      current.delete(first.key);
      due.push(first.key);
    }
    arm();
    for (const key of due) onDue(key);
  };

  return {
    at(key, dueAt) {
      const known = current.get(key);
      if (known !== undefined && known.dueAt <= dueAt) return;
      const entry = { key, dueAt };
      current.set(key, entry);
      push(entry);
      arm();
    },
    cancel(key) {
      if (current.delete(key)) arm();
    },
    clear() {
      heap = [];
      current.clear();
      clearTimeout(timer);
      timerAt = Infinity;
    },
  };
};
