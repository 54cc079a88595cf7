import { type Outcome, settled } from '@operator/outcome';
import { type Logger, pino } from 'pino';
import { vi } from 'vitest';
import type { ControllerDeps } from '../src/controller-deps.ts';
import { createController } from '../src/controller.ts';
import { type StartedInformer, createInformer } from '../src/informer.ts';
import { type RuntimeMetrics, createMetrics } from '../src/metrics.ts';
import { createOutage } from '../src/outage.ts';
import type { Finalized, Pass } from '../src/reconciler.ts';
import { untraced } from '../src/tracing.ts';
import { type Workqueue, createWorkqueue } from '../src/workqueue.ts';
import { type MemoryApi, type Stored, createMemoryApi } from './memory-api.ts';

export const resource = { group: 'runtime.test', version: 'v1', kind: 'Widget', plural: 'widgets' };
export const finalizer = 'runtime.test/finalizer';
export type WidgetPass = Pass<Record<string, unknown>>;

/** What the controller on the stage does; nothing, and settles, when absent. */
export interface Widgets {
  readonly reconcile?: (
    object: Stored,
    pass: WidgetPass,
  ) => Promise<Outcome<Record<string, unknown>>> | Outcome<Record<string, unknown>>;
  readonly finalize?: (object: Stored, pass: WidgetPass) => Promise<Finalized<Record<string, unknown>>>;
  /** What else the kind says of itself, or what the controller works with in place of the usual. */
  readonly kind?: Partial<ControllerDeps<Record<string, unknown>, Record<string, unknown>>>;
}

/** A controller with its real informer and queue, before an API server in memory. */
export interface Stage {
  readonly api: MemoryApi;
  readonly informer: StartedInformer<Stored>;
  readonly metrics: RuntimeMetrics;
  readonly queue: Workqueue;
  /** Events told, as `uid reason`. */
  readonly events: string[];
  /** Log lines of the level info and above. */
  readonly lines: { readonly level: string; readonly event?: string; readonly msg: string }[];
  readonly log: Logger;
  readonly random: () => number;
  startInformer(): Promise<void>;
  startController(widgets: Widgets): Promise<void>;
  /** As a change of another object does. */
  wake(key: string): void;
  end(): Promise<void>;
}

const monotonicMs = () => performance.now();
const random = () => 0.5;

export const createStage = (): Stage => {
  const api = createMemoryApi(resource);
  const informer = createInformer<Stored>(resource);
  const metrics = createMetrics('test');
  const queue = createWorkqueue({ monotonicMs, random, backoff: { baseMs: 5, capMs: 20 } });
  const events: string[] = [];
  const lines: Stage['lines'] = [];
  const formatters = { level: (level: string) => ({ level }) };
  const log = pino({ formatters }, { write: (line: string) => void lines.push(JSON.parse(line) as Stage['lines'][0]) });
  const end = new AbortController();
  const running: Promise<unknown>[] = [];
  let wake: (key: string) => void = () => undefined;
  const outage = createOutage(log, monotonicMs);
  api.onAnswer = (code) => outage.answered(code);
  return {
    ...{ api, informer, metrics, queue, events, lines, log, random },
    async startInformer() {
      running.push(informer.start({ kube: api.kube, log, random, namespaces: [] }, end.signal));
      await vi.waitUntil(() => informer.hasSynced());
    },
    async startController({ reconcile, finalize, kind }) {
      const controller = createController<Record<string, unknown>, Record<string, unknown>>({
        resource,
        finalizer,
        reconciler: {
          reconcile: async (object, pass) => (reconcile ?? (() => settled({})))(object, pass),
          finalize: finalize ?? (async () => ({ result: 'done' })),
          claimsOf: () => [],
          providerOf: () => undefined,
        },
        ...{ informer, kube: api.kube, queue, log, metrics, outage, monotonicMs, random },
        mayWrite: () => true,
        clock: { now: () => new Date('2026-05-05T10:00:00Z') },
        events: { record: ({ metadata }, _type, reason) => void events.push(`${metadata.uid} ${reason}`) },
        tracing: untraced,
        workers: 4,
        resyncIntervalMs: 600_000,
        maxResyncIntervalMs: 600_000,
        ...kind,
      });
      wake = controller.wake;
      running.push(controller.run(end.signal, new AbortController().signal));
    },
    wake: (key) => wake(key),
    async end() {
      end.abort();
      await Promise.all(running);
      queue.close();
    },
  };
};
