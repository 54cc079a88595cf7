import { setTimeout as delay } from 'node:timers/promises';
import { blocked, settled, waiting } from '@operator/outcome';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MemoryApi, Stored } from '../test/memory-api.ts';
import { type Stage, type WidgetPass, type Widgets, createStage, finalizer } from '../test/stage.ts';
import { KubeError } from './kube-error.ts';
import { ownStatus } from './resource.ts';

const ours = { finalizers: [finalizer] };
const stripped = { metadata: { finalizers: [] } };

let stage: Stage;
let api: MemoryApi;
/** What was undone: the uid, and the kind's own status that it was undone by. */
let undone: string[];

beforeEach(() => {
  stage = createStage();
  ({ api } = stage);
  undone = [];
});

afterEach(() => stage.end());

const undo = async (object: Stored, pass: WidgetPass): Promise<{ readonly result: 'done' }> => {
  await pass.call({ service: 'outside', operation: 'Undo', write: true }, async () => {
    undone.push(`${object.metadata.uid} ${JSON.stringify(ownStatus(object))}`);
  });
  return { result: 'done' };
};

/** An object that has had its first verdict. */
const startWith = async (widgets: Widgets = {}): Promise<void> => {
  api.create('a', {}, ours);
  await stage.startInformer();
  await stage.startController({ reconcile: () => settled({ made: 'thing' }), finalize: undo, ...widgets });
  await vi.waitUntil(() => stage.informer.get('n/a')?.status?.made === 'thing');
};

/** The controller has seen all that the API server has told. */
const seen = () => vi.waitUntil(() => stage.informer.get('n/a') === undefined);

describe('an object whose finalizer somebody else removed', () => {
  it('is finalized when it is deleted at once', async () => {
    await startWith();
    // No pass comes between the two.
    api.holdWatch();
    api.change('a', stripped);
    api.remove('a');
    api.releaseWatch();
    await vi.waitUntil(() => undone.length > 0);
    expect(undone).toEqual(['uid-1 {"made":"thing"}']);
  });

  it('is finalized when it is being deleted already, and goes with the finalizer', async () => {
    const held = Promise.withResolvers<undefined>();
    let attempts = 0;
    await startWith({
      finalize: async (object, pass) => {
        attempts += 1;
        if (attempts === 1) await held.promise;
        // As a server that is away.
        if (attempts === 1) throw waiting('ProviderNotReady', 'away');
        return undo(object, pass);
      },
    });
    api.delete('a');
    await vi.waitUntil(() => attempts === 1);
    api.change('a', stripped);
    await seen();
    held.resolve(undefined);
    await vi.waitUntil(() => undone.length > 0);
    expect(undone).toEqual(['uid-1 {"made":"thing"}']);
  });

  it("is finalized while it is being deleted and another one's finalizer holds it", async () => {
    await startWith();
    api.holdWatch();
    api.change('a', { metadata: { finalizers: ['somebody/else'] } });
    api.delete('a');
    api.releaseWatch();
    await vi.waitUntil(() => undone.length > 0);
    // Once: it is let go, whoever asks for a pass.
    stage.queue.add('n/a');
    await delay(20);
    api.change('a', stripped);
    await seen();
    await delay(20);
    expect(undone).toEqual(['uid-1 {"made":"thing"}']);
  });

  it('has it again before the next write outside', async () => {
    const written: boolean[] = [];
    let isWriting = false;
    await startWith({
      reconcile: async (_object, pass) => {
        if (isWriting)
          await pass.call({ service: 'outside', operation: 'Put', write: true }, async () => {
            written.push(api.find('a')?.metadata.finalizers?.includes(finalizer) === true);
          });
        return settled({ made: 'thing' });
      },
    });
    isWriting = true;
    api.change('a', stripped);
    await vi.waitUntil(() => written.length > 0);
    expect(written).toEqual([true]);
  });

  it('is finalized by what was known of it before its status was emptied', async () => {
    let isBlocked = false;
    await startWith({
      // What cannot be looked at is told by what the status says, however little that is.
      reconcile: (object) =>
        isBlocked
          ? blocked(ownStatus<Record<string, unknown>>(object), waiting('ProviderNotReady', 'away'))
          : settled({ made: 'thing' }),
    });
    isBlocked = true;
    api.change('a', { status: {} });
    stage.queue.add('n/a');
    await vi.waitUntil(() => (api.find('a')?.status?.conditions?.length ?? 0) > 0);
    api.holdWatch();
    api.change('a', { ...stripped, status: {} });
    api.remove('a');
    api.releaseWatch();
    await vi.waitUntil(() => undone.length > 0);
    expect(undone).toEqual(['uid-1 {"made":"thing"}']);
  });

  it('is not finalized once another one has its name, where that may have what it had', async () => {
    await startWith();
    api.holdWatch();
    api.change('a', stripped);
    api.remove('a');
    api.create('a', {}, ours);
    api.releaseWatch();
    await vi.waitUntil(() => stage.informer.get('n/a')?.metadata.uid === 'uid-2');
    await delay(30);
    expect(undone).toEqual([]);
  });

  it('is finalized also when another one has its name, where what it has is of its uid alone', async () => {
    await startWith({ kind: { isBoundToUid: true } });
    api.holdWatch();
    api.change('a', stripped);
    api.remove('a');
    api.create('a', {}, ours);
    api.releaseWatch();
    await vi.waitUntil(() => undone.length > 0);
    await vi.waitUntil(() => api.find('a')?.status?.made === 'thing');
    expect(undone).toEqual(['uid-1 {"made":"thing"}']);
  });

  it('is finalized also when a pass has met the next one of its name before the watch told of it', async () => {
    await startWith({ kind: { isBoundToUid: true } });
    api.holdWatch();
    api.change('a', stripped);
    api.remove('a');
    const heir = api.create('a', {}, ours);
    stage.informer.remember(heir);
    expect(stage.informer.get('n/a')?.metadata.uid).toBe(heir.metadata.uid);
    api.releaseWatch();
    await vi.waitUntil(() => undone.length > 0);
    expect(undone).toEqual(['uid-1 {"made":"thing"}']);
  });

  it('is finalized also when it was paused: nobody can end that any more', async () => {
    await startWith();
    api.holdWatch();
    api.change('a', { metadata: { finalizers: [], annotations: { 's3.cloud37.dev/paused': 'true' } } });
    api.remove('a');
    api.releaseWatch();
    await vi.waitUntil(() => undone.length > 0);
  });

  it('keeps what it has where that may be meant, also while it is being deleted', async () => {
    await startWith({
      kind: { keepsWhenStripped: true },
      finalize: async () => {
        throw waiting('ProviderNotReady', 'away');
      },
    });
    api.delete('a');
    await vi.waitUntil(() => JSON.stringify(api.find('a')).includes('ProviderNotReady'));
    api.change('a', stripped);
    await seen();
    api.create('a', {}, ours);
    await vi.waitUntil(() => api.find('a')?.status?.made === 'thing');
    api.holdWatch();
    api.change('a', stripped);
    api.remove('a');
    api.releaseWatch();
    await seen();
    await delay(20);
    expect(api.requests.filter((request) => request === 'get a')).toEqual([]);
  });

  it('is forgotten where nothing is left when it goes', async () => {
    await startWith({ kind: { leavesNothing: true } });
    api.holdWatch();
    api.change('a', stripped);
    api.remove('a');
    api.releaseWatch();
    await seen();
    await delay(20);
    expect(undone).toEqual([]);
  });
});

it('what this process let go itself is not finalized again when the watch says that it is gone', async () => {
  await startWith();
  api.delete('a');
  await seen();
  await delay(30);
  expect(undone).toEqual(['uid-1 {"made":"thing"}']);
});

it('tells once that nothing more will be done for an object', async () => {
  const forgotten: string[] = [];
  await startWith({ kind: { forgotten: (uid) => void forgotten.push(uid) } });
  api.holdWatch();
  api.change('a', stripped);
  api.remove('a');
  api.releaseWatch();
  await vi.waitUntil(() => forgotten.length > 0);
  expect(undone).toHaveLength(1);
  api.create('b', {}, ours);
  stage.queue.add('n/b');
  await vi.waitUntil(() => api.find('b')?.status?.made === 'thing');
  api.delete('b');
  await vi.waitUntil(() => forgotten.length > 1);
  await delay(10);
  expect(forgotten).toEqual(['uid-1', 'uid-2']);
});

it('is let go although the first removal of the finalizer failed', async () => {
  await startWith();
  const apply = api.kube.apply.bind(api.kube);
  let refused = 0;
  Object.assign(api.kube, {
    apply: async (...[resource, wanted, options]: Parameters<typeof apply>) => {
      const takesFinalizer = options?.subresource === undefined && !JSON.stringify(wanted).includes(finalizer);
      if (takesFinalizer && refused === 0) {
        refused += 1;
        throw new KubeError({ status: 500, reason: 'InternalError', message: 'etcd leader changed' });
      }
      return apply(resource, wanted, options);
    },
  });
  api.delete('a');
  await seen();
  expect(refused).toBe(1);
  expect(api.find('a')).toBeUndefined();
});

it('is undone by what it recorded before its last write outside, whoever wrote into its status before', async () => {
  let isWanted = false;
  await startWith({
    reconcile: async (_object, pass) => {
      if (!isWanted) return settled({ made: 'thing' });
      await pass.record({ made: 'thing', pending: 'other' });
      await pass.call({ service: 'outside', operation: 'Put', write: true }, () => Promise.resolve());
      // The answer to the read that follows never comes.
      throw waiting('ServerError', 'away');
    },
  });
  isWanted = true;
  api.change('a', { status: { ...api.find('a')?.status, note: 'of somebody' } });
  stage.queue.add('n/a');
  await vi.waitUntil(() => api.find('a')?.status?.pending === 'other');
  api.delete('a');
  await seen();
  expect(undone.join()).toContain('"pending":"other"');
});

describe('an object of which everything is undone, while its finalizer cannot be taken off', () => {
  const removals = () => api.requests.filter((request) => request === 'apply a').length;

  beforeEach(async () => {
    await startWith({
      finalize: async (object, pass) => {
        const end = await undo(object, pass);
        // The API server refuses from here on, the first time.
        if (undone.length === 1) api.away = 500;
        return end;
      },
    });
    api.delete('a');
    await vi.waitUntil(() => removals() > 0);
  });

  it('is not undone again: what it had may be somebody else’s by then', async () => {
    api.away = undefined;
    await vi.waitUntil(() => stage.informer.get('n/a') === undefined, { timeout: 30_000 });
    expect(undone).toEqual(['uid-1 {"made":"thing"}']);
    expect(removals()).toBeGreaterThan(1);
  });

  it('is undone again once it has changed: what was decided may not hold for it as it is', async () => {
    api.holdWatch();
    api.change('a', { metadata: { annotations: { note: 'changed' } } });
    const before = removals();
    api.away = undefined;
    await vi.waitUntil(() => removals() > before, { timeout: 30_000 });
    api.releaseWatch();
    await vi.waitUntil(() => stage.informer.get('n/a') === undefined, { timeout: 30_000 });
    expect(undone).toEqual(['uid-1 {"made":"thing"}', 'uid-1 {"made":"thing"}']);
  });
});
