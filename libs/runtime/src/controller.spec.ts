import { setTimeout as delay } from 'node:timers/promises';
import { settled } from '@operator/outcome';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createController, leadershipLost } from './controller.ts';
import type { Informer } from './informer.ts';
import type { KubeClient } from './kube-client.ts';
import { createMetrics } from './metrics.ts';
import { type KubeObject, keyOf } from './resource.ts';
import { createTracing } from './tracing.ts';
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

/** A controller over fixed objects, whose passes do no I/O at all. `reconcile`: told the number of passes so far. */
const run = async (objects: readonly Widget[], apply: KubeClient['apply'], reconcile: (passes: number) => void) => {
  const known = new Map(objects.map((object) => [keyOf(object), object]));
  const queue = createWorkqueue({ monotonicMs, random });
  let passes = 0;
  const controller = createController<object, object>({
    resource,
    finalizer,
    reconciler: {
      async reconcile() {
        reconcile((passes += 1));
        return settled({});
      },
      finalize: async () => ({ result: 'done' }),
      claimsOf: () => [],
      providerOf: () => undefined,
    },
    informer: {
      get: (key: string) => known.get(key),
      list: () => known.values(),
      on: () => undefined,
      remember: () => undefined,
    } as unknown as Informer<Widget>,
    kube: { apply } as unknown as KubeClient,
    queue,
    mayWrite: () => false,
    log,
    clock: { now: () => new Date('2026-05-05T10:00:00Z') },
    monotonicMs,
    random,
    metrics: createMetrics('test'),
    events: { record: () => undefined },
    tracing: await createTracing('test', {}),
    workers: 10,
    resyncIntervalMs: 600_000,
  });
  const stop = new AbortController();
  const running = controller.run(stop.signal, new AbortController().signal);
  for (const key of known.keys()) queue.add(key);
  return async () => {
    stop.abort();
    await running;
    return passes;
  };
};

it('leaves room for the timer that ends its term once the lease has run out', async () => {
  let isOver = false;
  const end = await run(
    [widget('a')],
    () => (isOver ? Promise.resolve({ metadata: {} } as never) : Promise.reject(leadershipLost())),
    (passes) => {
      isOver = passes > 1_000; // without room this test would never end
    },
  );
  await delay(100);
  expect(await end()).toBeLessThan(5);
});

it('lets the event loop turn between passes that do no I/O', async () => {
  let turn = 0;
  const begun = new Map<number, number>();
  const end = await run(
    Array.from({ length: 300 }, (_, index) => widget(`w${index}`)),
    () => Promise.resolve({ metadata: {} } as never),
    () => {
      begun.set(turn, (begun.get(turn) ?? 0) + 1);
      setImmediate(() => (turn += 1));
    },
  );
  await delay(200);
  expect(await end()).toBe(300);
  // With ten workers.
  expect(Math.max(...begun.values())).toBeLessThanOrEqual(20);
});
