import { randomUUID } from 'node:crypto';
import { annotations, reasons } from '@operator/api';
import { progressing, settled, waiting } from '@operator/outcome';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createStage, finalizer, type Stage, type Widgets } from '../test/stage.ts';
import type { KubeObject } from './resource.ts';
import { createResting } from './resting.ts';

const minute = 60_000;
const hour = 60 * minute;
const madeAt = Date.parse('2026-05-05T00:00:00Z');

/** Ready since `madeAt`. */
const atRest = (uid = 'uid', metadata: object = {}): KubeObject => ({
  apiVersion: 'runtime.test/v1',
  kind: 'Widget',
  metadata: {
    name: uid,
    namespace: 'n',
    uid,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: new Date(madeAt).toISOString(),
    finalizers: [finalizer],
    ...metadata,
  },
  spec: {},
  status: {
    observedGeneration: 1,
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Ready',
        message: 'Everything is as declared.',
        observedGeneration: 1,
        lastTransitionTime: new Date(madeAt).toISOString(),
      },
    ],
  },
});

const unready = (object: KubeObject): KubeObject => ({
  ...object,
  status: {
    ...object.status,
    conditions: (object.status?.conditions ?? []).map((condition) => ({ ...condition, status: 'False' as const })),
  },
});

const begin = (given: { random?: () => number; shortestMs?: number; longestMs?: number; spreads?: boolean } = {}) => {
  let nowMs = madeAt;
  const resting = createResting({
    clock: { now: () => new Date(nowMs) },
    random: given.random ?? (() => 0.5),
    finalizer,
    resyncIntervalMs: given.shortestMs ?? 10 * minute,
    maxResyncIntervalMs: given.longestMs ?? hour,
    spreadsFirstLooks: given.spreads ?? true,
  });
  return { resting, at: (ms: number) => void (nowMs = madeAt + ms) };
};

describe('the pause of an object at rest', () => {
  it('doubles while nothing changes, up to the longest', () => {
    const { resting, at } = begin();
    const pauses: number[] = [];
    for (let ms = 0, look = 0; look < 8; look += 1) {
      at(ms);
      pauses.push(resting.nextLookMs(atRest(), undefined) / minute);
      ms += (pauses.at(-1) ?? 0) * minute;
    }
    expect(pauses.slice(0, 4)).toEqual([10, 10, 20, 40]);
    // Then at a moment of its own in each hour.
    expect(pauses[4]).toBeGreaterThan(6);
    expect(pauses[4]).toBeLessThan(66);
    expect(pauses.slice(5).map((pause) => Math.round(pause))).toEqual([60, 60, 60]);
  });

  it.each([
    [0, 9, 11],
    [10 * minute, 9, 11],
    [30 * minute, 27, 33],
    [59 * minute, 53.1, 60],
  ])('is jittered by a tenth after %d ms of rest', (restedMs, least, most) => {
    const pauses = [0, 0.25, 0.75, 0.999_999].map((random) => {
      const { resting, at } = begin({ random: () => random });
      at(restedMs);
      return resting.nextLookMs(atRest(), undefined) / minute;
    });
    expect(Math.min(...pauses)).toBeCloseTo(least, 3);
    expect(Math.max(...pauses)).toBeCloseTo(most, 3);
    expect(new Set(pauses).size).toBeGreaterThan(2);
  });

  it('is kept to the moment of the object by a look that comes a little early or late', () => {
    const { resting, at } = begin();
    at(5 * hour);
    const due = 5 * hour + resting.nextLookMs(atRest(), undefined);
    for (const offMs of [-minute, -1, 0, 1, minute]) {
      at(due + offMs);
      expect(resting.nextLookMs(atRest(), undefined)).toBeCloseTo(hour - offMs, 0);
    }
  });

  it('is the shortest again once something stirred', () => {
    const { resting, at } = begin();
    at(5 * hour);
    resting.stirred('n/uid');
    resting.stirred('n/other');
    expect(resting.nextLookMs(atRest(), undefined)).toBe(10 * minute);
    at(5 * hour + 20 * minute);
    expect(resting.nextLookMs(atRest(), undefined)).toBe(20 * minute);
    resting.forget('n/uid');
    expect(resting.nextLookMs(atRest(), undefined)).toBeGreaterThan(20 * minute);
  });

  it.each<[string, KubeObject, number | undefined, number]>([
    ['what is not Ready has the shortest', unready(atRest()), undefined, 10 * minute],
    [
      'its own interval is kept to',
      atRest('uid', { annotations: { [annotations.resyncInterval]: '3m' } }),
      undefined,
      3 * minute,
    ],
    ['what a look asks for is kept to', atRest(), 5 * hour, 5 * hour],
    [
      'the sooner of the two is kept to',
      atRest('uid', { annotations: { [annotations.resyncInterval]: '3m' } }),
      5 * hour,
      3 * minute,
    ],
  ])('does not grow where %s', (_title, object, askedMs, pause) => {
    const { resting, at } = begin();
    at(5 * hour);
    expect(resting.nextLookMs(object, askedMs)).toBe(pause);
  });

  it('does not grow where the interval was chosen, nor where a clock went back', () => {
    const chosen = begin({ shortestMs: 5_000, longestMs: 5_000 });
    chosen.at(5 * hour);
    expect(chosen.resting.nextLookMs(atRest(), undefined)).toBe(5_000);
    const { resting, at } = begin();
    at(-5 * hour);
    expect(resting.nextLookMs(atRest(), undefined)).toBe(10 * minute);
  });

  it('spreads ten thousand objects that were all made at once over the hour', () => {
    const { resting, at } = begin({ random: Math.random });
    const looks = new Array<number>(6 * 60).fill(0);
    for (let index = 0; index < 10_000; index += 1) {
      const object = atRest(randomUUID());
      for (let ms = index * 24; ms < 6 * hour;) {
        const inMinute = Math.floor(ms / minute);
        looks[inMinute] = (looks[inMinute] ?? 0) + 1;
        at(ms);
        ms += resting.nextLookMs(object, undefined);
      }
    }
    // From the third hour on; nine reads a look are 25 calls a second, and no minute has much more.
    const settledLooks = looks.slice(180);
    const callsPerSecond = (settledLooks.reduce((sum, count) => sum + count, 0) * 9) / (3 * 3_600);
    expect(callsPerSecond).toBeCloseTo(25, 0);
    expect(Math.max(...settledLooks)).toBeLessThan((10_000 / 60) * 1.5);
  });
});

describe('the first look of a process', () => {
  it('is spread over the shortest interval, evenly', () => {
    const { resting, at } = begin();
    at(5 * hour);
    const tenths = new Array<number>(10).fill(0);
    for (let index = 0; index < 5_000; index += 1) {
      const tenth = Math.floor(resting.firstLookMs(atRest(randomUUID())) / minute);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    expect(tenths).toHaveLength(10);
    expect(Math.min(...tenths)).toBeGreaterThan(400);
    expect(Math.max(...tenths)).toBeLessThan(600);
  });

  it('comes at the same moment however often processes start, so that none is put off for ever', () => {
    const { resting, at } = begin();
    const due = [0, 1, 2, 3].map((seconds) => {
      at(5 * hour + seconds * 1_000);
      return (5 * hour + seconds * 1_000 + resting.firstLookMs(atRest('uid'))) % (10 * minute);
    });
    expect(new Set(due.map((ms) => Math.round(ms))).size).toBe(1);
  });

  const requestedAt = (value: string): object => ({ annotations: { [annotations.reconcileRequestedAt]: value } });
  it.each<[string, KubeObject]>([
    ['is not Ready', unready(atRest())],
    ['has a new spec', atRest('uid', { generation: 2 })],
    ['has no status', { ...atRest(), status: undefined } as unknown as KubeObject],
    ['is being deleted', atRest('uid', { deletionTimestamp: '2026-05-05T04:00:00Z' })],
    ['lost our finalizer', atRest('uid', { finalizers: [] })],
    ['is paused', atRest('uid', { annotations: { [annotations.paused]: 'true' } })],
    ['has an interval of its own', atRest('uid', { annotations: { [annotations.resyncInterval]: '1h' } })],
    ['was asked for a moment ago', atRest('uid', requestedAt('2026-05-05T04:59:00Z'))],
  ])('is at once at what %s', (_title, object) => {
    const { resting, at } = begin();
    at(5 * hour);
    expect(resting.firstLookMs(object)).toBe(0);
    for (const before of ['2026-05-05T04:00:00Z', '17', 'now'])
      expect(resting.firstLookMs(atRest('uid', requestedAt(before)))).toBeGreaterThan(0);
  });

  it('is at once where the interval was chosen, and of a kind that does not spread', () => {
    expect(begin({ spreads: false }).resting.firstLookMs(atRest())).toBe(0);
    expect(begin({ longestMs: 10 * minute }).resting.firstLookMs(atRest())).toBe(0);
  });
});

describe('a controller', () => {
  let stage: Stage;
  let nowMs: number;
  let pauses: number[];
  const looks = (): number => pauses.length;

  beforeEach(async () => {
    stage = createStage();
    stage.api.create('a', {}, { finalizers: [finalizer], creationTimestamp: atRest().metadata.creationTimestamp });
    stage.api.change('a', { status: { ...atRest().status } });
    await stage.startInformer();
    nowMs = madeAt + 5 * hour;
    pauses = [];
  });
  afterEach(() => stage.end());

  const start = (reconcile: Widgets['reconcile'], kind: Widgets['kind'] = {}) =>
    stage.startController({
      ...(reconcile === undefined ? {} : { reconcile }),
      kind: {
        clock: { now: () => new Date(nowMs) },
        maxResyncIntervalMs: hour,
        metrics: { ...stage.metrics, pausing: (_kind, seconds) => void pauses.push((seconds * 1_000) / minute) },
        ...kind,
      },
    });

  /** One look at what has rested for hours, and then one after `stir`. */
  const pauseAfter = async (stir: () => unknown, reconcile?: Widgets['reconcile']): Promise<number | undefined> => {
    await start(reconcile);
    await vi.waitUntil(() => looks() === 1);
    expect(pauses[0]).not.toBe(10);
    nowMs += hour;
    await stir();
    if (reconcile !== undefined) stage.queue.add('n/a');
    await vi.waitUntil(() => looks() === 2);
    return pauses[1];
  };

  it('goes on with a long pause where only a look was due', async () => {
    await start(undefined);
    await vi.waitUntil(() => looks() === 1);
    nowMs += pauses[0] === undefined ? 0 : pauses[0] * minute;
    stage.queue.add('n/a');
    await vi.waitUntil(() => looks() === 2);
    expect(pauses[1]).toBeCloseTo(60, 0);
    expect(stage.api.requests).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['a new spec', () => stage.api.change('a', { spec: { size: 2 } })],
    [
      'a request for a look',
      () => stage.api.change('a', { metadata: { annotations: { [annotations.reconcileRequestedAt]: 'now' } } }),
    ],
    ['a change of what it depends on', () => stage.wake('n/a')],
  ])('comes back soon after %s', async (_title, stir) => {
    expect(await pauseAfter(stir)).toBe(10);
  });

  it('comes back soon after a repair of drift', async () => {
    let passes = 0;
    const repaired = await pauseAfter(
      () => undefined,
      () => {
        passes += 1;
        return passes === 2 ? progressing({}, { reason: 'Converging', steps: ['paint'] }) : settled({});
      },
    );
    expect(repaired).toBe(10);
  });

  it('comes back soon after a failure, and keeps the pause of what waits for something else', async () => {
    let passes = 0;
    const recovered = await pauseAfter(
      () => undefined,
      () => {
        passes += 1;
        if (passes === 2) throw waiting(reasons.ProviderNotReady, 'Not yet.', { retryAfterMs: 20 });
        return settled({});
      },
    );
    expect(recovered).toBe(10);
  });

  it('makes no look at once at an object at rest where its kind spreads them, until something asks for one', async () => {
    await start(undefined, { spreadsFirstLooks: true });
    stage.api.create('new', {}, { finalizers: [finalizer] });
    await vi.waitUntil(() => looks() === 1);
    expect(stage.api.requests).toEqual(['status new']);
    stage.wake('n/a');
    await vi.waitUntil(() => looks() === 2);
    expect(stage.api.requests).toEqual(['status new']);
  });

  it('undoes what an object at rest said of itself when the process started, whatever it says when it goes', async () => {
    stage.api.change('a', { status: { ...atRest().status, made: 'x' } });
    await vi.waitUntil(() => stage.informer.get('n/a')?.status?.made === 'x');
    const undone: unknown[] = [];
    await stage.startController({
      finalize: async (object) => {
        undone.push(object.status?.made);
        return { result: 'done' };
      },
      kind: { clock: { now: () => new Date(nowMs) }, maxResyncIntervalMs: hour, spreadsFirstLooks: true },
    });
    stage.api.change('a', { status: {} });
    stage.api.delete('a');
    await vi.waitUntil(() => stage.api.find('a') === undefined);
    expect(undone[0]).toBe('x');
  });
});
