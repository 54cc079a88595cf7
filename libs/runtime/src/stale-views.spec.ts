import { setTimeout as delay } from 'node:timers/promises';
import { type Outcome, progressing, settled } from '@operator/outcome';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MemoryApi, Stored } from '../test/memory-api.ts';
import { type Stage, type WidgetPass, createStage, finalizer, resource } from '../test/stage.ts';
import { catchUp } from './catch-up.ts';
import type { Finalized } from './reconciler.ts';

const ours = { finalizers: [finalizer] };

let stage: Stage;
let api: MemoryApi;
/** What was written outside: the operation and the uid for which it was. */
let effects: string[];

beforeEach(() => {
  stage = createStage();
  ({ api } = stage);
  effects = [];
});

afterEach(() => stage.end());

/** A write to the outside for an object. */
const write = (pass: WidgetPass, operation: string, { metadata }: Stored): Promise<void> =>
  pass.call(
    { service: 'outside', operation, write: true },
    async () => void effects.push(`${operation} ${metadata.uid}`),
  );

const remove = async (object: Stored, pass: WidgetPass): Promise<Finalized<Record<string, unknown>>> => {
  if (object.spec.policy !== 'Retain') await write(pass, 'Delete', object);
  return { result: 'done' };
};

/** How often passes were stopped before they wrote. */
const staleViews = async (): Promise<number> => {
  const line = /stale_views_total\{.*\} (\d+)/.exec(await stage.metrics.registry.metrics());
  return Number(line?.[1] ?? 0);
};

describe('while the watch is late', () => {
  it('what was recreated is not destroyed by the deletion of the former object', async () => {
    const former = api.create('a', {}, { ...ours, deletionTimestamp: '2026-05-05T11:00:00Z' });
    await stage.startInformer();
    api.holdWatch();
    api.remove('a');
    const heir = api.create('a', {}, ours);
    const seen: string[] = [];
    await stage.startController({
      reconcile: ({ metadata }) => {
        seen.push(metadata.uid);
        return settled({});
      },
      finalize: remove,
    });
    await vi.waitUntil(() => seen.length > 0);
    expect(effects).toEqual([]);
    expect(seen).toEqual([heir.metadata.uid]);
    expect(stage.informer.get('n/a')?.metadata.uid).not.toBe(former.metadata.uid);
    expect(await staleViews()).toBe(1);
  });

  it('a former object that lived does not write on what its heir has', async () => {
    const former = api.create('a', { size: 1 }, ours);
    await stage.startInformer();
    api.holdWatch();
    api.remove('a');
    const heir = api.create('a', { size: 2 }, ours);
    await stage.startController({
      reconcile: async (object, pass) => {
        if (effects.length === 0) await write(pass, 'Put', object);
        return settled({ size: object.spec.size });
      },
    });
    await vi.waitUntil(() => api.find('a')?.status?.observedGeneration === 1);
    expect(effects).toEqual([`Put ${heir.metadata.uid}`]);
    expect(effects).not.toContain(`Put ${former.metadata.uid}`);
    expect(api.find('a')?.status?.size).toBe(2);
  });

  it.each<[string, { readonly metadata?: object; readonly spec?: object }]>([
    ['whose spec asks for keeping by now', { spec: { policy: 'Retain' } }],
    ['that was paused', { metadata: { annotations: { 's3.cloud37.dev/paused': 'true' } } }],
    ['that went to another shard', { metadata: { labels: { shard: 'b' } } }],
  ])('nothing is destroyed for an object under deletion %s', async (_title, change) => {
    api.create('a', { policy: 'Delete' }, { ...ours, deletionTimestamp: '2026-05-05T11:00:00Z' });
    await stage.startInformer();
    api.holdWatch();
    api.change('a', change);
    await stage.startController({ finalize: remove });
    await delay(50);
    expect(effects).toEqual([]);
    // Asked for once where the cache can learn it, and with a pause between where only the watch can.
    expect(api.requests.filter((request) => request === 'get a').length).toBeLessThan(10);
  });

  it('nothing is destroyed for an object that is gone, whose name is free', async () => {
    api.create('a', {}, { ...ours, deletionTimestamp: '2026-05-05T11:00:00Z' });
    await stage.startInformer();
    api.holdWatch();
    api.remove('a');
    await stage.startController({ finalize: remove });
    await delay(30);
    expect(effects).toEqual([]);
    api.releaseWatch();
    await vi.waitUntil(() => stage.informer.get('n/a') === undefined);
  });

  it('an object that is being deleted by now is not made again for a finalizer that it has lost here', async () => {
    api.create('a');
    await stage.startInformer();
    api.holdWatch();
    api.change('a', { metadata: ours });
    api.delete('a');
    await stage.startController({
      reconcile: async (object, pass) => {
        await write(pass, 'Put', object);
        return settled({});
      },
      finalize: remove,
    });
    await vi.waitUntil(() => api.find('a') === undefined);
    expect(effects).toEqual(['Delete uid-1']);
  });

  it('a repair by a stale view is neither made nor told', async () => {
    const former = api.create('a', {}, ours);
    api.change('a', {
      status: {
        observedGeneration: 1,
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            reason: 'Ready',
            message: '',
            observedGeneration: 1,
            lastTransitionTime: '2026-05-05T10:00:00Z',
          },
        ],
      },
    });
    await stage.startInformer();
    api.holdWatch();
    api.remove('a');
    api.create('a', {}, ours);
    await stage.startController({
      reconcile: ({ metadata }) =>
        // As one that writes to Kubernetes alone.
        metadata.uid === former.metadata.uid
          ? progressing({}, { reason: 'Converging', steps: ['paint'] })
          : settled({}),
    });
    await vi.waitUntil(() => api.find('a')?.status?.observedGeneration === 1);
    expect(stage.events).toEqual([]);
  });
});

describe('a late status', () => {
  /** A pass over the first object that ends only when the test says so. */
  const startHeldPass = async (ended: () => Outcome<Record<string, unknown>>, change: () => void): Promise<void> => {
    const held = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<undefined>();
    let passes = 0;
    await stage.startController({
      reconcile: async () => {
        passes += 1;
        if (passes > 1) return settled({});
        begun.resolve(undefined);
        await held.promise;
        return ended();
      },
    });
    await begun.promise;
    api.holdWatch();
    change();
    held.resolve(undefined);
    await vi.waitUntil(() => passes > 1);
  };

  it.each<[string, () => Outcome<Record<string, unknown>>]>([
    ['verdict', () => settled({ userName: 'of the former' })],
    [
      'progress',
      () => progressing({ userName: 'of the former' }, { reason: 'Converging', steps: [], retryAfterMs: 1 }),
    ],
  ])('of a former object is not the %s of its heir', async (_title, ended) => {
    api.create('a', {}, ours);
    await stage.startInformer();
    await startHeldPass(ended, () => {
      api.remove('a');
      api.create('a', {}, ours);
    });
    await vi.waitUntil(() => api.statuses.length > 0);
    expect(api.statuses).toMatchObject([{ uid: 'uid-2', status: { observedGeneration: 1 } }]);
    expect(api.find('a')?.status).not.toHaveProperty('userName');
  });

  it('of a leader that has lost its lease does not replace what its successor has written', async () => {
    api.create('a', {}, ours);
    await stage.startInformer();
    await startHeldPass(
      () => settled({ keyId: 'replaced' }),
      () => api.change('a', { status: { keyId: 'of the successor' } }),
    );
    expect(api.find('a')?.status?.keyId).not.toBe('replaced');
  });
});

describe('the live proof', () => {
  const makeReady = async (): Promise<void> => {
    api.create('a', {}, ours);
    await stage.startInformer();
  };

  it('is one GET for all the writes of a pass, whatever their number, and for its second look', async () => {
    await makeReady();
    let looks = 0;
    await stage.startController({
      reconcile: async (object, pass) => {
        looks += 1;
        await Promise.all(['Put', 'Tag', 'Paint'].map((operation) => write(pass, operation, object)));
        return looks === 1 ? progressing({}, { reason: 'Converging', steps: [] }) : settled({});
      },
    });
    await vi.waitUntil(() => api.find('a')?.status !== undefined);
    expect(effects).toHaveLength(6);
    expect(api.requests).toEqual(['get a', 'status a']);
  });

  it('costs nothing in a pass that only looks', async () => {
    await makeReady();
    await stage.startController({});
    await vi.waitUntil(() => api.find('a')?.status !== undefined);
    expect(api.requests).toEqual(['status a']);
  });

  it('costs nothing after the finalizer was set, or something recorded, in the same pass', async () => {
    api.create('new');
    api.create('a', {}, ours);
    await stage.startInformer();
    await stage.startController({
      reconcile: async (object, pass) => {
        if (object.metadata.name === 'a') await pass.record({ intent: 1 });
        await write(pass, 'Put', object);
        return settled({ intent: 2 });
      },
    });
    await vi.waitUntil(() => ['a', 'new'].every((name) => api.find(name)?.status?.observedGeneration === 1));
    expect(api.requests.toSorted()).toEqual(['apply new', 'status a', 'status a', 'status new']);
  });

  it('is asked for again in every pass of a deletion', async () => {
    api.create('a', {}, { ...ours, deletionTimestamp: '2026-05-05T11:00:00Z' });
    await stage.startInformer();
    let batches = 0;
    await stage.startController({
      finalize: async (object, pass) => {
        await write(pass, 'Delete', object);
        batches += 1;
        if (batches === 3) return { result: 'done' };
        return { result: 'progressing', status: {}, reason: 'Emptying', message: 'Emptying.', retryAfterMs: 1 };
      },
    });
    await vi.waitUntil(() => api.find('a') === undefined);
    expect(api.requests.filter((request) => request === 'get a')).toHaveLength(3);
  });

  it('ends the pass even where a reconciler takes the Fault for one of its server', async () => {
    await makeReady();
    api.holdWatch();
    api.change('a', { spec: { size: 2 } });
    const seen: unknown[] = [];
    await stage.startController({
      reconcile: async (object, pass) => {
        seen.push(object.spec.size);
        await write(pass, 'Put', object).catch(() => undefined);
        return settled({ size: object.spec.size ?? 'stale' });
      },
    });
    await vi.waitUntil(() => api.find('a')?.status !== undefined);
    expect(seen).toEqual([undefined, 2]);
    expect(effects).toEqual(['Put uid-1']);
    expect(api.find('a')?.status?.size).toBe(2);
  });

  it('may be asked for before anything is planned, and other objects be read past the caches', async () => {
    await makeReady();
    const found: unknown[] = [];
    await stage.startController({
      reconcile: async (object, pass) => {
        await pass.prove();
        found.push((await pass.live(resource, 'n/a'))?.metadata.uid, await pass.live(resource, 'n/none'));
        await write(pass, 'Put', object);
        return settled({});
      },
    });
    await vi.waitUntil(() => api.find('a')?.status !== undefined);
    expect(found).toEqual(['uid-1', undefined]);
    expect(api.requests).toEqual(['get a', 'get a', 'get none', 'status a']);
  });
});

it('a new leader takes the heir from the list that it catches up with, not the object that its watch has shown', async () => {
  api.create('a', {}, ours);
  await stage.startInformer();
  // An answer to a write of its own, newer than what the watch has shown.
  api.holdWatch();
  stage.informer.remember(api.change('a', { status: { size: 1 } }));
  api.remove('a');
  const heir = api.create('a', {}, ours);
  api.create('gone');
  const { informer, log, random } = stage;
  await catchUp({ kube: api.kube, informer, namespaces: [], log, random }, AbortSignal.timeout(5_000));
  expect([...stage.informer.list()].map(({ metadata }) => metadata.uid)).toEqual([heir.metadata.uid]);
});
