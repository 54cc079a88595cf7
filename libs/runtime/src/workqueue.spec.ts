import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Workqueue, type WorkqueueOptions, createWorkqueue } from './workqueue.ts';

const never = new AbortController().signal;
let queue: Workqueue;
let depths: number[];
let latencies: number[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  depths = [];
  latencies = [];
  queue = createWorkqueue({
    monotonicMs: () => performance.now(),
    random: () => 0.5,
    observe: {
      depth: (keys) => void depths.push(keys),
      latency: (seconds) => void latencies.push(seconds),
      retried: () => undefined,
    },
  });
});

afterEach(() => {
  queue.close();
  vi.useRealTimers();
});

const createWithLanes = (lanes: NonNullable<WorkqueueOptions['lanes']>): Workqueue =>
  createWorkqueue({ monotonicMs: () => performance.now(), random: () => 0.5, lanes });

const takeAll = async (): Promise<string[]> => {
  const keys: string[] = [];
  for (;;) {
    const stop = new AbortController();
    const taking = queue.take(stop.signal);
    stop.abort();
    const key = await taking;
    if (key === undefined) return keys;
    keys.push(key);
    queue.done(key);
  }
};

describe('a workqueue', () => {
  it('holds a key once, however often it is added', async () => {
    for (const key of ['n/a', 'n/b', 'n/a', 'n/a']) queue.add(key);
    expect(await takeAll()).toEqual(['n/a', 'n/b']);
  });

  it('gives a key to one worker at a time, and again once it is done', async () => {
    queue.add('n/a');
    expect(await queue.take(never)).toBe('n/a');
    queue.add('n/a');
    const second = queue.take(never);
    const seen = vi.fn();
    void second.then(seen);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(seen).not.toHaveBeenCalled();
    queue.done('n/a');
    expect(await second).toBe('n/a');
  });

  it('lets namespaces take turns', async () => {
    for (const key of ['big/1', 'big/2', 'big/3', 'big/4', 'small/1', 'tiny/1']) queue.add(key);
    expect(await takeAll()).toEqual(['big/1', 'small/1', 'tiny/1', 'big/2', 'big/3', 'big/4']);
  });

  it('lets namespaces take turns before the lanes within one', async () => {
    queue = createWithLanes({ of: (key) => key.slice(0, -1), keysOf: () => 2 });
    for (const key of ['big/p1', 'big/q1', 'big/r1', 'big/p2', 'small/p1', 'small/p2', 'tiny/p1']) queue.add(key);
    expect(await takeAll()).toEqual(['big/p1', 'small/p1', 'tiny/p1', 'big/q1', 'small/p2', 'big/r1', 'big/p2']);
  });

  it.each([
    ['three times as long as a key was out', 100, 300],
    ['a second at most', 10_000, 1_000],
  ])('leaves the place of a key in a lane that rests empty, %s', async (_title, outMs, restMs) => {
    queue = createWithLanes({
      of: (key) => key.slice(0, -1),
      keysOf: () => 1,
      restOf: (lane) => (lane === 'n/p' ? 3 : 0),
    });
    for (const key of ['n/p1', 'n/p2', 'n/q1', 'n/q2']) queue.add(key);
    expect(await queue.take(never)).toBe('n/p1');
    expect(await queue.take(never)).toBe('n/q1');
    const given: (string | undefined)[] = [];
    for (let worker = 0; worker < 3; worker += 1) void queue.take(never).then((key) => given.push(key));
    await vi.advanceTimersByTimeAsync(outMs);
    queue.add('n/p1');
    queue.done('n/p1');
    queue.done('n/q1');
    await vi.advanceTimersByTimeAsync(restMs - 1);
    expect(given).toEqual(['n/q2']);
    await vi.advanceTimersByTimeAsync(1);
    expect(given).toEqual(['n/q2', 'n/p2']);
    queue.done('n/p2');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(given).toEqual(['n/q2', 'n/p2', 'n/p1']);
  });

  /** A queue of so many workers, each with the key that it has got by now. */
  const startWorkers = (workers: number): string[] => {
    queue = createWorkqueue({
      monotonicMs: () => performance.now(),
      random: () => 0.5,
      // Each its own lane, as of Providers that hang.
      lanes: { of: (key) => key, keysOf: () => 10 },
      workers,
    });
    const held: string[] = [];
    for (let worker = 0; worker < workers; worker += 1)
      void queue.take(never).then((key) => held.push(key ?? 'closed'));
    return held;
  };
  const add = async (namespace: string, keys: number): Promise<void> => {
    for (let number = 1; number <= keys; number += 1) queue.add(`${namespace}/${number}`);
    await vi.advanceTimersByTimeAsync(0);
  };
  /** How many workers each namespace has. */
  const tallyOf = (held: readonly string[]): Record<string, number> => {
    const tally: Record<string, number> = {};
    for (const key of held) {
      const [namespace = ''] = key.split('/');
      tally[namespace] = (tally[namespace] ?? 0) + 1;
    }
    return tally;
  };

  it('lets no namespace have more workers than it leaves to the others', async () => {
    const held = startWorkers(40);
    await add('crowd', 150);
    expect(tallyOf(held)).toEqual({ crowd: 20 });
    await add('other', 1);
    expect(tallyOf(held)).toEqual({ crowd: 20, other: 1 });
    await add('mob', 150);
    await add('late', 150);
    await add('last', 1);
    expect(tallyOf(held)).toEqual({ crowd: 20, other: 1, mob: 10, late: 5, last: 1 });
  });

  it('brings crowds to equal shares as their keys come back', async () => {
    const held = startWorkers(40);
    for (const namespace of ['a', 'b', 'c']) await add(namespace, 150);
    for (let turn = 0; turn < 100; turn += 1) {
      const [key = ''] = held.splice(0, 1);
      queue.done(key);
      void queue.take(never).then((next) => held.push(next ?? 'closed'));
      await vi.advanceTimersByTimeAsync(0);
    }
    const shares = Object.values(tallyOf(held));
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(2);
    expect(held.length).toBeGreaterThanOrEqual(28);
  });

  it('gives a share out that has grown', async () => {
    const held = startWorkers(4);
    await add('crowd', 3);
    await add('other', 1);
    expect(held).toEqual(['crowd/1', 'crowd/2', 'other/1']);
    queue.done('other/1');
    await vi.advanceTimersByTimeAsync(0);
    expect(held).toHaveLength(3);
    queue.done('crowd/1');
    await vi.advanceTimersByTimeAsync(0);
    expect(held.at(-1)).toBe('crowd/3');
  });

  /** Makes a queue of one lane, with these keys and a worker for each; what the workers were given by now. */
  const takeFromLane = (lane: { readonly width: number }, keys: readonly string[]): (string | undefined)[] => {
    queue = createWithLanes({ of: () => 'lane', keysOf: () => lane.width });
    for (const key of keys) queue.add(key);
    const seen: (string | undefined)[] = [];
    keys.forEach(() => void queue.take(never).then((key) => seen.push(key)));
    return seen;
  };

  it('gives out as many keys of a lane as it may have out now', async () => {
    const lane = { width: 1 };
    const seen = takeFromLane(lane, ['n/1', 'n/2', 'n/3', 'n/4']);
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual(['n/1']);
    lane.width = 3;
    queue.done('n/1');
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual(['n/1', 'n/2', 'n/3', 'n/4']);
    lane.width = 1;
    queue.add('n/5');
    void queue.take(never).then((key) => seen.push(key));
    queue.done('n/2');
    queue.done('n/3');
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).not.toContain('n/5');
    queue.done('n/4');
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toContain('n/5');
  });

  it('gives out a key that waited for its lane when it is added again to a wider one', async () => {
    const lane = { width: 1 };
    const seen = takeFromLane(lane, ['n/hangs', 'n/1', 'n/2']);
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual(['n/hangs']);
    lane.width = 3;
    queue.add('n/1');
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual(['n/hangs', 'n/1', 'n/2']);
  });

  it('gives out no more keys of a lane than it may have out, and keeps the turns', async () => {
    queue = createWithLanes({ of: (key) => (key.startsWith('slow') ? 'slow' : 'quick'), keysOf: () => 2 });
    for (const key of ['slow/1', 'slow/2', 'slow/3', 'slower/1', 'quick/1']) queue.add(key);
    expect(await Promise.all([1, 2, 3].map(() => queue.take(never)))).toEqual(['slow/1', 'slower/1', 'quick/1']);
    const seen: (string | undefined)[] = [];
    for (const taking of [queue.take(never), queue.take(never)]) void taking.then((key) => seen.push(key));
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual([]);
    queue.add('quick/2');
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual(['quick/2']);
    queue.done('slower/1');
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual(['quick/2', 'slow/2']);
    queue.done('slow/1');
    expect(await queue.take(never)).toBe('slow/3');
  });

  it('adds later, and keeps the earlier of two delays', async () => {
    queue.addAfter('n/a', 5_000);
    queue.addAfter('n/a', 1_000);
    queue.addAfter('n/a', 9_000);
    await vi.advanceTimersByTimeAsync(999);
    expect(await takeAll()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await takeAll()).toEqual(['n/a']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await takeAll()).toEqual([]);
  });

  it('cancels a delayed add when the key is taken before', async () => {
    queue.addAfter('n/a', 1_000);
    queue.add('n/a');
    expect(await takeAll()).toEqual(['n/a']);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await takeAll()).toEqual([]);
  });

  it('keeps many delays in order with one timer', async () => {
    const delays = Array.from({ length: 500 }, (_, at) => ((at * 7_919) % 500) + 1);
    for (const delay of delays) queue.addAfter(`n/${delay}`, delay);
    expect(vi.getTimerCount()).toBe(1);
    const seen: string[] = [];
    for (let at = 0; at < 500; at += 1) {
      await vi.advanceTimersByTimeAsync(1);
      seen.push(...(await takeAll()));
    }
    expect(seen).toEqual(Array.from({ length: 500 }, (_, at) => `n/${at + 1}`));
  });

  it('is not moved by a clock that jumps', async () => {
    queue.addAfter('n/a', 1_000);
    vi.setSystemTime(new Date('2060-01-01'));
    await vi.advanceTimersByTimeAsync(500);
    expect(await takeAll()).toEqual([]);
    vi.setSystemTime(new Date('1980-01-01'));
    await vi.advanceTimersByTimeAsync(500);
    expect(await takeAll()).toEqual(['n/a']);
  });

  it('backs off exponentially with jitter up to five minutes, and starts over once forgotten', () => {
    const delays = Array.from({ length: 14 }, () => queue.retry('n/a'));
    expect(delays.slice(0, 4)).toEqual([375, 625, 1_125, 2_125]);
    expect(delays.at(-1)).toBe(150_125);
    expect(Math.max(...delays)).toBeLessThanOrEqual(300_000);
    queue.forget('n/a');
    expect(queue.retry('n/a')).toBe(375);
    expect(queue.retry('n/a', 90_000)).toBe(90_000);
  });

  it('gives nothing out after it is closed, and frees those that wait', async () => {
    const waiting = queue.take(never);
    queue.close();
    expect(await waiting).toBeUndefined();
    queue.add('n/a');
    expect(await queue.take(never)).toBeUndefined();
  });

  it('leaves a key in the queue when the worker that waits has gone', async () => {
    const gone = new AbortController();
    const waiting = queue.take(gone.signal);
    gone.abort();
    expect(await waiting).toBeUndefined();
    queue.add('n/a');
    expect(await queue.take(never)).toBe('n/a');
  });

  it('tells its depth and how long a key waited', async () => {
    queue.add('n/a');
    queue.add('n/b');
    await vi.advanceTimersByTimeAsync(2_000);
    await takeAll();
    expect(depths).toEqual([1, 2, 1, 0]);
    expect(latencies).toEqual([2, 2]);
  });
});
