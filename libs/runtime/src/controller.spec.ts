import { setTimeout as delay } from 'node:timers/promises';
import { annotations } from '@operator/api';
import type { Condition } from '@operator/conditions';
import {
  type Fault,
  type Outcome,
  blocked,
  progressing,
  settled,
  terminal,
  transient,
  waiting,
} from '@operator/outcome';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import type { Backoff } from './backoff.ts';
import type { ControllerDeps } from './controller-deps.ts';
import { createController } from './controller.ts';
import type { Informer, InformerEvents } from './informer.ts';
import type { KubeClient } from './kube-client.ts';
import { leadershipLost } from './leadership-lost.ts';
import { createMetrics } from './metrics.ts';
import type { Finalized, Pass } from './reconciler.ts';
import { type CommonStatus, type KubeObject, keyOf } from './resource.ts';
import { createOutage } from './outage.ts';
import { type RootSpan, type SpanAttributes, type Tracing, untraced } from './tracing.ts';
import { createWorkqueue } from './workqueue.ts';

type Widget = KubeObject<object, object>;

const resource = { group: 'runtime.test', version: 'v1', kind: 'Widget', plural: 'widgets' };
const finalizer = 'runtime.test/finalizer';
const log = pino({ level: 'silent' });
const monotonicMs = () => performance.now();
const random = () => 0.5;

const widget = (name: string): Widget => ({
  apiVersion: 'runtime.test/v1',
  kind: 'Widget',
  metadata: {
    name,
    namespace: 'n',
    uid: name,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-05-05T10:00:00Z',
    finalizers: [finalizer],
  },
  spec: {},
});

interface Options {
  readonly objects: readonly Widget[];
  readonly kube: Partial<KubeClient>;
  readonly mayWrite?: () => boolean;
  readonly backoff?: Backoff;
  readonly now?: () => Date;
  /** Told the number of passes so far. */
  readonly reconcile?: (passes: number, pass: Pass<object>) => Promise<Outcome<object>> | Outcome<object>;
  readonly finalize?: (object: Widget, pass: Pass<object>) => Promise<Finalized<object>>;
  readonly isBeyondHelp?: (fault: Fault) => boolean;
  readonly more?: Partial<ControllerDeps<object, object>>;
}

/** A controller over the objects of a cache that the test keeps, and the ways to see what it does. */
const run = async ({ objects, kube, mayWrite, backoff, now, reconcile, finalize, isBeyondHelp, more }: Options) => {
  const known = new Map(objects.map((object) => [keyOf(object), object]));
  const queue = createWorkqueue({ monotonicMs, random, ...(backoff === undefined ? {} : { backoff }) });
  let passes = 0;
  const told: string[] = [];
  let listener: InformerEvents<Widget> = {};
  const controller = createController<object, object>({
    resource,
    finalizer,
    reconciler: {
      reconcile: async (_object, pass) => (reconcile ?? (() => settled({})))((passes += 1), pass),
      finalize: finalize ?? (async () => ({ result: 'done' })),
      claimsOf: () => [],
      providerOf: () => undefined,
    },
    informer: {
      get: (key: string) => known.get(key),
      list: () => known.values(),
      hasSynced: () => true,
      on: (events: InformerEvents<Widget>) => (listener = events),
      remember: (object: Widget) => known.has(keyOf(object)) && known.set(keyOf(object), object),
    } as unknown as Informer<Widget>,
    kube: { takesNew: () => Promise.resolve(true), ...kube } as KubeClient,
    queue,
    mayWrite: mayWrite ?? (() => true),
    log,
    clock: { now: now ?? (() => new Date('2026-05-05T10:00:00Z')) },
    monotonicMs,
    random,
    metrics: createMetrics('test'),
    events: { record: (_object, type, reason) => void told.push(`${type} ${reason}`) },
    tracing: untraced,
    outage: createOutage(log, monotonicMs),
    workers: 10,
    resyncIntervalMs: 600_000,
    maxResyncIntervalMs: 600_000,
    ...(isBeyondHelp === undefined ? {} : { isBeyondHelp }),
    ...more,
  });
  const stop = new AbortController();
  const running = controller.run(stop.signal, new AbortController().signal);
  return {
    passes: () => passes,
    add: (object: Widget) => {
      known.set(keyOf(object), object);
      listener.onAdd?.(object);
    },
    told,
    wake: (key: string) => queue.add(key),
    remove: (object: Widget, wasTold = true) => {
      known.delete(keyOf(object));
      listener.onDelete?.(object, wasTold);
    },
    end: async () => {
      stop.abort();
      await running;
      return passes;
    },
  };
};

/** Stores a status as the API server does. */
const applied: KubeClient['apply'] = (_resource, { metadata, status }) =>
  Promise.resolve({ ...widget(metadata.name), status } as never);

/** The same of an object that is more than its name. */
const appliedTo =
  (object: Widget): KubeClient['apply'] =>
  (_resource, { status }) =>
    Promise.resolve({ ...object, status } as never);

it('leaves room for the timer that ends its term once the lease has run out', async () => {
  let isOver = false;
  const { end } = await run({
    objects: [widget('a')],
    kube: {
      apply: () => (isOver ? Promise.resolve({ metadata: {} } as never) : Promise.reject(leadershipLost())),
    },
    reconcile: (passes) => {
      isOver = passes > 1_000; // without room this test would never end
      return settled({});
    },
  });
  await delay(100);
  expect(await end()).toBeLessThan(5);
});

it('lets the event loop turn between passes that do no I/O', async () => {
  let turn = 0;
  const begun = new Map<number, number>();
  const all = Promise.withResolvers<undefined>();
  const { end } = await run({
    objects: Array.from({ length: 300 }, (_, index) => widget(`w${index}`)),
    kube: { apply: applied },
    reconcile: (passes) => {
      begun.set(turn, (begun.get(turn) ?? 0) + 1);
      setImmediate(() => (turn += 1));
      if (passes === 300) all.resolve(undefined);
      return settled({});
    },
  });
  await all.promise;
  expect(await end()).toBe(300);
  // With ten workers.
  expect(Math.max(...begun.values())).toBeLessThanOrEqual(20);
});

it.each([
  ['settled', (dueInMs: number) => settled({}, { dueInMs })],
  ['blocked', (dueInMs: number) => blocked({}, terminal('SpecInvalid', 'No.'), [], { dueInMs })],
])('looks when a %s pass says that a look is due, however long the interval', async (_how, ended) => {
  const second = Promise.withResolvers<undefined>();
  const { end } = await run({
    objects: [widget('a')],
    kube: { apply: applied },
    reconcile: (passes) => {
      if (passes === 2) second.resolve(undefined);
      return passes === 1 ? ended(1) : settled({});
    },
  });
  await second.promise;
  expect(await end()).toBe(2);
});

it('tells a conflict at the storage server, which may last, like any other fault', async () => {
  const statuses: unknown[] = [];
  const { passes, end } = await run({
    objects: [widget('a')],
    kube: {
      apply: (given, object, options) => {
        statuses.push(object.status);
        return applied(given, object, options);
      },
    },
    backoff: { baseMs: 1, capMs: 1 },
    reconcile: () => {
      throw transient('Conflict', 'Another operation is under way.');
    },
  });
  await vi.waitUntil(() => passes() >= 10);
  await end();
  const told = { status: 'False', reason: 'Conflict', message: 'Another operation is under way.' };
  expect(statuses).toEqual([
    {
      conditions: [
        expect.objectContaining({ type: 'Ready', ...told }),
        expect.objectContaining({
          type: 'Reconciling',
          status: 'True',
          reason: 'Conflict',
          message: 'Trying again (Conflict); Ready says why.',
        }),
      ],
    },
  ]);
});

it('keeps the time of a transition through a repair that ends in the same pass', async () => {
  const since = '2026-01-01T00:00:00Z';
  const ready = { type: 'Ready', status: 'True' as const, reason: 'Ready', message: '', observedGeneration: 1 };
  const statuses: unknown[] = [];
  const stage = await run({
    objects: [{ ...widget('a'), status: { conditions: [{ ...ready, lastTransitionTime: since }] } }],
    kube: {
      apply: (given, object, options) => {
        statuses.push(object.status);
        return applied(given, object, options);
      },
    },
    reconcile: (looks) => (looks === 1 ? progressing({}, { reason: 'Converging', steps: ['a'] }) : settled({})),
  });
  await vi.waitUntil(() => statuses.length === 1);
  await stage.end();
  expect(statuses).toMatchObject([{ conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: since }] }]);
});

it('undoes the work for an object once, whoever asks for another pass before the watch says that it is gone', async () => {
  const leaving: Widget = {
    ...widget('a'),
    metadata: { ...widget('a').metadata, deletionTimestamp: '2026-05-05T10:00:00Z' },
  };
  let attempts = 0;
  const stage = await run({
    objects: [leaving],
    kube: {
      apply: () => {
        stage.wake('n/a');
        return Promise.resolve({ ...leaving, metadata: { ...leaving.metadata, finalizers: [] } } as never);
      },
    },
    finalize: async () => {
      attempts += 1;
      return { result: 'done' };
    },
  });
  await vi.waitUntil(() => attempts > 0);
  await delay(20);
  await stage.end();
  expect(attempts).toBe(1);
});

describe('a paused object', () => {
  const found: CommonStatus = {
    observedGeneration: 1,
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Ready',
        message: 'Everything is as declared.',
        observedGeneration: 1,
        lastTransitionTime: '2026-05-05T09:00:00Z',
      },
    ],
  };
  const paused = (change: object): Widget => {
    const { metadata } = widget('a');
    return {
      ...widget('a'),
      metadata: { ...metadata, annotations: { [annotations.paused]: 'true' }, ...change },
      status: found,
    };
  };

  it.each<[string, object, readonly string[]]>([
    ['stays as it was found, and says beside it that it is paused', {}, ['Ready=True Ready', 'Paused=True Paused']],
    [
      'whose spec has changed says that nothing comes of it',
      { generation: 2 },
      ['Ready=False Paused', 'Reconciling=True Paused', 'Paused=True Paused'],
    ],
    [
      'that is being deleted says that nothing comes of it',
      { deletionTimestamp: '2026-05-05T10:00:00Z' },
      ['Ready=False Paused', 'Reconciling=True Paused', 'Paused=True Paused'],
    ],
  ])('%s', async (_title, change, want) => {
    const told: string[] = [];
    const stage = await run({
      objects: [paused(change)],
      kube: {
        apply: (given, object, options) => {
          const { conditions = [] } = (object.status ?? {}) as CommonStatus;
          told.push(...conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`));
          return appliedTo(paused(change))(given, object, options);
        },
      },
    });
    await vi.waitUntil(() => told.length > 0);
    // What is stored is not sent again.
    stage.wake('n/a');
    await delay(10);
    await stage.end();
    expect(stage.told).toEqual(['Normal Paused']);
    expect(told).toEqual(want);
    expect(stage.passes()).toBe(0);
  });

  const runPaused = async (whilePaused: (object: Widget, pass: Pass<object>) => Promise<void>) =>
    run({
      objects: [paused({})],
      kube: { apply: appliedTo(paused({})), get: async () => paused({}) as never },
      backoff: { baseMs: 1, capMs: 1 },
      more: {
        reconciler: {
          reconcile: () => Promise.reject(new Error('a paused object is not reconciled')),
          finalize: () => Promise.reject(new Error('a paused object is not finalized')),
          whilePaused,
          claimsOf: () => [],
          providerOf: () => undefined,
        },
      },
    });

  it('has done in each pass what its pause does not stop', async () => {
    const calls: string[] = [];
    const stage = await runPaused((object, pass) =>
      pass.call({ service: 's3', operation: `take from ${object.metadata.name}`, write: true }, async () => {
        calls.push(object.metadata.name);
      }),
    );
    await vi.waitUntil(() => calls.length === 1);
    stage.wake('n/a');
    await vi.waitUntil(() => calls.length === 2);
    await stage.end();
    expect(stage.told).toEqual(['Normal Paused']);
  });

  it('is told as paused once what was recorded meanwhile stands, and not as being worked on', async () => {
    const sent: { readonly resourceVersion: string | undefined; readonly status: CommonStatus }[] = [];
    const stage = await run({
      objects: [paused({})],
      kube: {
        apply: async (_resource, { metadata, status }) => {
          sent.push({ resourceVersion: metadata.resourceVersion, status: status as CommonStatus });
          const resourceVersion = `after ${String(sent.length)}`;
          return { ...paused({}), metadata: { ...paused({}).metadata, resourceVersion }, status } as never;
        },
        get: async () => paused({}) as never,
      },
      more: {
        reconciler: {
          reconcile: () => Promise.reject(new Error('a paused object is not reconciled')),
          finalize: () => Promise.reject(new Error('a paused object is not finalized')),
          whilePaused: (_object, pass) => pass.record({ taken: true }),
          claimsOf: () => [],
          providerOf: () => undefined,
        },
      },
    });
    await vi.waitUntil(() => sent.length === 2);
    await stage.end();
    expect(sent[1]?.resourceVersion).toBe('after 1');
    expect(sent[1]?.status).toMatchObject({ taken: true });
    expect(sent[1]?.status.conditions?.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
      'Ready Paused',
      'Reconciling Paused',
      'Paused Paused',
    ]);
  });

  it('is not told as paused any more once it goes on', async () => {
    const sent: CommonStatus[] = [];
    const before = paused({ annotations: undefined });
    const condition = { ...found.conditions?.[0], type: 'Paused', reason: 'Paused' } as Condition;
    const stage = await run({
      objects: [{ ...before, status: { ...found, conditions: [...(found.conditions ?? []), condition] } }],
      kube: {
        apply: (given, object, options) => {
          sent.push(object.status as CommonStatus);
          return applied(given, object, options);
        },
      },
    });
    await vi.waitUntil(() => sent.length === 1);
    await stage.end();
    expect(sent).toEqual([found]);
    expect(stage.told).toEqual([]);
  });

  it('has that tried again when it fails, and is told as paused all the same', async () => {
    let attempts = 0;
    const stage = await runPaused(async () => {
      attempts += 1;
      if (attempts < 3) throw transient('EndpointUnreachable', 'no answer');
    });
    await vi.waitUntil(() => attempts === 3);
    await stage.end();
    expect(stage.told).toEqual(['Normal Paused']);
  });
});

it.each([
  ['Failed', 'Warning CheckFailed'],
  ['InUse', 'Warning InUse'],
])('tells what stops an object for the reason %s in an Event as its kind names it: %s', async (reason, event) => {
  const stage = await run({
    objects: [widget('a')],
    kube: { apply: applied },
    reconcile: () => Promise.reject(waiting(reason, 'so')),
    more: { failureEvent: (given) => (given === 'Failed' ? 'CheckFailed' : undefined) },
  });
  await vi.waitUntil(() => stage.told.length === 1);
  await stage.end();
  expect(stage.told).toEqual([event]);
});

describe('of a new object, what may yet come', () => {
  const created = Date.parse('2026-05-05T10:00:00Z');
  /** Passes at these seconds of the object's life; what it waits for in each, undefined when all is there. */
  const liveThrough = async (
    ...looks: readonly (readonly [seconds: number, missing: string | undefined])[]
  ): Promise<readonly string[]> => {
    let at = 0;
    const stage = await run({
      objects: [widget('a')],
      kube: { apply: applied },
      now: () => new Date(created + 1_000 * (looks[at]?.[0] ?? 0)),
      reconcile: () => {
        const missing = looks[at]?.[1];
        return missing === undefined ? settled({}) : Promise.reject(waiting(missing, 'none'));
      },
      more: { mayYetCome: ({ reason }) => reason.endsWith('NotFound') },
    });
    for (at = 0; at < looks.length; at += 1) {
      await vi.waitUntil(() => stage.passes() === at + 1);
      await delay(5);
      if (at + 1 < looks.length) stage.wake('n/a');
    }
    await stage.end();
    return stage.told;
  };

  it.each<[string, readonly (readonly [number, string | undefined])[], readonly string[]]>([
    [
      'is not told when it comes',
      [
        [1, 'ProviderNotFound'],
        [2, undefined],
        [60, undefined],
      ],
      [],
    ],
    [
      'is told once when it does not',
      [
        [1, 'ProviderNotFound'],
        [9, 'ProviderNotFound'],
        [10, 'ProviderNotFound'],
        [70, 'ProviderNotFound'],
      ],
      ['Warning ProviderNotFound'],
    ],
    [
      'is told for what is missing last',
      [
        [1, 'ProviderNotFound'],
        [2, 'BucketNotFound'],
        [11, 'BucketNotFound'],
      ],
      ['Warning BucketNotFound'],
    ],
    ['is told at once of one that is not new', [[10, 'ProviderNotFound']], ['Warning ProviderNotFound']],
    ['is told at once by a clock that is hours off', [[-7_200, 'ProviderNotFound']], ['Warning ProviderNotFound']],
    ['is told at once when it cannot come by itself', [[1, 'NotOwned']], ['Warning NotOwned']],
  ])('%s', async (_title, looks, want) => {
    expect(await liveThrough(...looks)).toEqual(want);
  });
});

describe('a warning of a settled pass', () => {
  const odd = { reason: 'Odd', message: 'It is odd.' };
  const readySaying = (message: string): Widget => ({
    ...widget('a'),
    status: {
      observedGeneration: 1,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Ready',
          message,
          observedGeneration: 1,
          lastTransitionTime: '2026-05-05T10:00:00Z',
        },
      ],
    },
  });

  it('stands in the message of Ready, and is told once', async () => {
    const sent: string[] = [];
    const stage = await run({
      objects: [widget('a')],
      kube: {
        apply: (given, object, options) => {
          sent.push(...((object.status as CommonStatus).conditions ?? []).map(({ message }) => message));
          return applied(given, object, options);
        },
      },
      reconcile: (passes) => settled({}, { warnings: passes === 3 ? [] : [odd] }),
    });
    for (const passes of [1, 2, 3, 4]) {
      await vi.waitUntil(() => stage.passes() === passes);
      await delay(5);
      stage.wake('n/a');
    }
    await vi.waitUntil(() => stage.passes() === 5);
    await stage.end();
    expect(sent[0]).toBe('Everything is as declared. Warning: It is odd.');
    // Once at first, and once more after it had gone.
    expect(stage.told).toEqual(['Warning Odd', 'Warning Odd']);
  });

  it('is not told again by another process', async () => {
    const before = readySaying('Everything is as declared. Warning: It is odd.');
    const stage = await run({ objects: [before], kube: {}, reconcile: () => settled({}, { warnings: [odd] }) });
    await vi.waitUntil(() => stage.passes() === 1);
    await stage.end();
    expect(stage.told).toEqual([]);
  });
});

describe('an annotation of ours that has no effect', () => {
  const annotated = (given: Readonly<Record<string, string>>): Widget => ({
    ...widget('a'),
    metadata: { ...widget('a').metadata, annotations: given },
  });

  it('is told in a Warning, once for each value', async () => {
    const odd = annotated({ [annotations.paused]: 'yes', [annotations.resyncInterval]: '5', note: 'x' });
    const stage = await run({ objects: [odd], kube: { apply: appliedTo(odd) } });
    await vi.waitUntil(() => stage.passes() === 1);
    expect(stage.told).toEqual(['Warning AnnotationInvalid', 'Warning AnnotationInvalid']);
    stage.wake('n/a');
    await vi.waitUntil(() => stage.passes() === 2);
    expect(stage.told).toHaveLength(2);
    stage.add(annotated({ [annotations.paused]: 'on', [annotations.resyncInterval]: '5' }));
    await vi.waitUntil(() => stage.passes() === 3);
    expect(stage.told).toHaveLength(3);
    await stage.end();
  });

  it('is told of a paused object too', async () => {
    const odd = annotated({ [annotations.paused]: 'true', 's3.cloud37.dev/pause': 'true' });
    const stage = await run({ objects: [odd], kube: { apply: appliedTo(odd) } });
    await vi.waitUntil(() => stage.told.length === 2);
    expect(stage.told).toEqual(['Warning AnnotationInvalid', 'Normal Paused']);
    await stage.end();
  });
});

describe('an object that comes back under its name during the last pass over the former one', () => {
  const heir: Widget = { ...widget('a'), metadata: { ...widget('a').metadata, uid: 'heir' } };

  it('has its pass after a finalizer was removed', async () => {
    const leaving = {
      ...widget('a'),
      metadata: { ...widget('a').metadata, deletionTimestamp: '2026-05-05T10:00:00Z' },
    };
    const stage = await run({
      objects: [leaving],
      kube: {
        apply: (_resource, { status }) => {
          // The watch is faster than the answer.
          if (status === undefined) {
            stage.remove(leaving);
            stage.add(heir);
          }
          return Promise.resolve({ metadata: {} } as never);
        },
      },
    });
    await vi.waitUntil(() => stage.passes() === 1);
    await stage.end();
  });

  it.each(['of which only the name lives', 'that is gone'])('has its pass after one %s', async (title) => {
    const comesBack = title.startsWith('of');
    const stage = await run({
      objects: [widget('a')],
      kube: {
        get: () => {
          if (comesBack) stage.add(heir);
          return Promise.resolve((comesBack ? heir : undefined) as never);
        },
        apply: applied,
      },
      finalize: async () => {
        stage.add(heir);
        return { result: 'done' };
      },
    });
    await vi.waitUntil(() => stage.passes() === 1);
    stage.remove(widget('a'));
    await vi.waitUntil(() => stage.passes() === 2);
    await stage.end();
  });

  it('stops what is undone for the former', async () => {
    let attempts = 0;
    const stage = await run({
      objects: [widget('a')],
      kube: { get: () => Promise.resolve(undefined), apply: applied },
      finalize: async (_object, pass) => {
        attempts += 1;
        stage.add(heir);
        await pass.record({ step: 1 });
        attempts += 1;
        return { result: 'done' };
      },
    });
    await vi.waitUntil(() => stage.passes() === 1);
    stage.remove(widget('a'));
    await vi.waitUntil(() => stage.passes() === 2);
    stage.remove({ ...heir, metadata: { ...heir.metadata, finalizers: [] } });
    stage.wake('n/a');
    await delay(20);
    await stage.end();
    expect(attempts).toBe(1);
  });
});

describe('an object that went in spite of its finalizer', () => {
  const nowhere = { get: () => Promise.resolve(undefined), apply: applied };

  it.each([
    ['the watch told it to the leader', true, true, ['a']],
    ['only a list no longer has it, as after a restore from a backup', false, true, []],
    ['another process leads', true, false, []],
  ])('is finalized, or not, when %s', async (_title, wasTold, mayWrite, want) => {
    const finalized: string[] = [];
    const { passes, remove, end } = await run({
      objects: [widget('a')],
      kube: nowhere,
      mayWrite: () => mayWrite,
      finalize: async ({ metadata }) => {
        finalized.push(metadata.name);
        return { result: 'done' };
      },
    });
    await vi.waitUntil(() => passes() === 1);
    remove(widget('a'), wasTold);
    await delay(20);
    await end();
    expect(finalized).toEqual(want);
  });

  it('is given up, and told, when what it needs is gone too', async () => {
    let attempts = 0;
    const { passes, told, remove, wake, end } = await run({
      objects: [widget('a')],
      kube: nowhere,
      finalize: async () => {
        attempts += 1;
        throw waiting('ProviderNotFound', 'Provider p does not exist.');
      },
      isBeyondHelp: ({ reason }) => reason === 'ProviderNotFound',
    });
    await vi.waitUntil(() => passes() === 1);
    remove(widget('a'));
    await vi.waitUntil(() => attempts === 1);
    await delay(5);
    wake('n/a');
    await delay(20);
    await end();
    expect(attempts).toBe(1);
    expect(told).toEqual(['Warning GivenUp']);
  });
});

/** Tracing that keeps what each span is told, by the path of its names. */
const recordSpans = () => {
  const told = new Map<string, Record<string, unknown>>();
  const within: string[] = [];
  const open = async <T>(
    name: string,
    attributes: SpanAttributes,
    body: (span: RootSpan) => Promise<T>,
  ): Promise<T> => {
    const notes: Record<string, unknown> = { ...attributes };
    told.set([...within, name].join(' > '), notes);
    within.push(name);
    const span: RootSpan = {
      traceId: 'trace',
      set: (more) => void Object.assign(notes, more),
      fail: (caught) => (notes.failed = caught instanceof Error ? caught.message : caught),
      forgive: () => (notes.forgiven = true),
      keep: () => (notes.kept = true),
    };
    return body(span).finally(() => within.pop());
  };
  const tracing: Tracing = { root: open, child: open, call: open, flush: () => Promise.resolve() };
  return { told, tracing };
};

describe('the trace of a pass', () => {
  const paint = { service: 's3', operation: 'PutPaint', write: false, endpoint: 'https://s3.example.com:9000' };

  it('has its steps, the calls below them, and the change that asked for it', async () => {
    const { told: spans, tracing } = recordSpans();
    const lines: Record<string, unknown>[] = [];
    const told = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line) as never) });
    const cause = { kind: 'Shelf', uid: 'shelf', resourceVersion: '7' };
    const answer = () => ({ status: 200, requestId: 'r1' });
    const { end } = await run({
      objects: [widget('a')],
      kube: { apply: () => Promise.resolve({ metadata: { resourceVersion: '8' } } as never) },
      reconcile: async (_passes, pass) => {
        await pass.step('paint', () => pass.call({ ...paint, bucket: 'shop', answer }, () => Promise.resolve()));
        return settled({});
      },
      more: { tracing, log: told, takeCause: () => cause },
    });
    await delay(50);
    await end();
    const root = 'reconcile Widget';
    expect(Object.fromEntries(spans)).toEqual({
      [root]: {
        ...{ 'k8s.object': 'n/a', 'k8s.uid': 'a', outcome: 'settled' },
        ...{ 'cause.kind': 'Shelf', 'cause.uid': 'shelf', 'cause.resource_version': '7' },
      },
      [`${root} > step paint`]: {},
      [`${root} > step paint > S3.PutPaint`]: {
        'rpc.system.name': 'aws-api',
        'rpc.method': 'S3/PutPaint',
        'server.address': 's3.example.com',
        'server.port': 9000,
        'aws.s3.bucket': 'shop',
        'http.response.status_code': 200,
        'aws.request_id': 'r1',
      },
    });
    const line = { traceId: 'trace', uid: 'a', cause };
    expect(lines).toContainEqual(expect.objectContaining({ ...line, event: 'stored', resourceVersion: '8' }));
    expect(lines).toContainEqual(expect.objectContaining({ ...line, event: 'condition', resourceVersion: '8' }));
  });

  it.each([
    ['a look', { ...paint, operation: 'GetPaint' }, 404, true],
    ['a removal', { ...paint, operation: 'DeletePaint', write: true }, 404, true],
    ['another write', { ...paint, write: true }, 404, undefined],
    ['a look that is denied', { ...paint, operation: 'GetPaint' }, 403, undefined],
  ] as const)('takes what is not there for no failure of %s', async (_title, call, status, forgiven) => {
    const { told: spans, tracing } = recordSpans();
    const { end } = await run({
      objects: [widget('a')],
      kube: { apply: applied, get: () => Promise.resolve(widget('a') as never) },
      reconcile: async (_passes, pass) => {
        const sent = pass.call({ ...call, answer: () => ({ status }) }, () => Promise.reject(new Error('refused')));
        await sent.catch(() => undefined);
        return settled({});
      },
      more: { tracing },
    });
    await delay(50);
    await end();
    expect(spans.get(`reconcile Widget > S3.${call.operation}`)).toMatchObject({ 'http.response.status_code': status });
    expect(spans.get(`reconcile Widget > S3.${call.operation}`)?.forgiven).toBe(forgiven);
    expect(spans.get(`reconcile Widget > S3.${call.operation}`)?.kept).toBe(call.write ? true : undefined);
  });

  it.each([
    ['a Fault', transient('TlsFailed', 'Its certificate has expired.'), 'transient', 'TlsFailed'],
    ['a mistake of our own', new TypeError('x is not a function'), 'transient', 'InternalError'],
  ])('is one of a failure after %s, and says its outcome and reason', async (_title, thrown, outcome, reason) => {
    const { told: spans, tracing } = recordSpans();
    const { end } = await run({
      objects: [widget('a')],
      kube: { apply: applied },
      reconcile: () => {
        throw thrown;
      },
      more: { tracing },
    });
    await vi.waitUntil(() => spans.get('reconcile Widget')?.failed !== undefined);
    await end();
    expect(spans.get('reconcile Widget')).toMatchObject({ outcome, reason, failed: expect.any(String) as string });
  });
});

/** A logger, and the lines that it has written. */
const recordingLog = () => {
  const lines: Record<string, unknown>[] = [];
  const formatters = { level: (level: string) => ({ level }) };
  const told = pino({ formatters }, { write: (line: string) => void lines.push(JSON.parse(line) as never) });
  return { lines, told };
};

it('says with each failed pass how many have failed in a row and when the next one is, and is loud once', async () => {
  const { lines, told } = recordingLog();
  const { end, passes } = await run({
    objects: [widget('a')],
    kube: { apply: applied },
    backoff: { baseMs: 2, capMs: 2 },
    reconcile: (attempt) => {
      if (attempt <= 3) throw transient('TlsFailed', 'Its certificate has expired.');
      return settled({});
    },
    more: { log: told },
  });
  await vi.waitUntil(() => passes() === 4);
  await end();
  const shown = lines.map(({ level, event, reason, attempt, nextTryMs, msg }) => ({
    ...{ level, event, reason, msg },
    ...(attempt === undefined ? {} : { attempt, nextTryMs }),
  }));
  const failed = { level: 'info', event: 'fault', reason: 'TlsFailed', msg: 'Its certificate has expired.' };
  const nextTryMs = expect.any(Number) as number;
  expect(shown).toEqual([
    { level: 'warn', event: 'condition', reason: 'TlsFailed', msg: 'Ready is now False: TlsFailed' },
    { ...failed, attempt: 1, nextTryMs },
    { ...failed, attempt: 2, nextTryMs },
    { ...failed, attempt: 3, nextTryMs },
    { level: 'info', event: 'condition', reason: 'Ready', msg: expect.any(String) as string },
  ]);
});

it('lets the kind say whether the steps of a pass repaired drift, and for which change it came', async () => {
  const { metadata, ...rest } = widget('a');
  const condition = { type: 'Ready', status: 'True' as const, reason: 'Ready', message: '', observedGeneration: 1 };
  const status = { conditions: [{ ...condition, lastTransitionTime: '2026-05-05T09:00:00Z' }] };
  const cause = { kind: 'Gadget', uid: 'u', resourceVersion: '7' };
  const isDrift = vi.fn(({ steps }: { readonly steps: readonly string[] }) => steps.includes('paint'));
  const tellsOf = async (step: string) => {
    const object: Widget = { ...rest, metadata, status };
    const { end, passes, told } = await run({
      objects: [object],
      kube: { apply: appliedTo(object), get: () => Promise.resolve(object as never) },
      reconcile: (pass) => (pass === 1 ? progressing({}, { reason: 'Painting', steps: [step] }) : settled({})),
      more: { isDrift, takeCause: () => cause },
    });
    await vi.waitUntil(() => passes() >= 2);
    await end();
    return told.filter((event) => event.includes('DriftRepaired'));
  };
  expect(await tellsOf('paint')).toEqual(['Normal DriftRepaired']);
  expect(await tellsOf('follow')).toEqual([]);
  expect(isDrift.mock.calls).toEqual([
    [{ reason: 'Painting', steps: ['paint'], cause }],
    [{ reason: 'Painting', steps: ['follow'], cause }],
  ]);
});

it('logs the Event of a loss as an error, and any other as news', async () => {
  const { lines, told } = recordingLog();
  const { end, passes } = await run({
    objects: [widget('a')],
    kube: { apply: applied },
    reconcile: (_attempt, pass) => {
      pass.event('Warning', 'BucketMissing', 'It is gone.');
      pass.event('Normal', 'BucketCreated', 'It is there.');
      return settled({});
    },
    more: { log: told },
  });
  await vi.waitUntil(() => passes() === 1);
  await end();
  expect(lines.map(({ level, event }) => ({ level, event }))).toEqual([
    { level: 'error', event: 'BucketMissing' },
    { level: 'info', event: 'BucketCreated' },
    { level: 'info', event: 'condition' },
  ]);
});
