import { setImmediate as immediately } from 'node:timers/promises';
import type { PassResult } from './next-attempt.ts';
import type { RuntimeMetrics } from './metrics.ts';
import type { ObjectKey } from './resource.ts';
import type { Workqueue } from './workqueue.ts';

export interface WorkersOptions {
  readonly queue: Pick<Workqueue, 'take' | 'done'>;
  readonly metrics: Pick<RuntimeMetrics, 'reconciled'>;
  readonly monotonicMs: () => number;
  /** How many passes may run at once. */
  readonly workers: number;
  /** For metrics. */
  readonly kind: string;
  /** One pass; never throws. */
  readonly passOver: (key: ObjectKey, signal: AbortSignal) => Promise<PassResult>;
}

/** How long a pass may take to end after its signal aborted, before its worker is given up. */
const graceMs = 3_000;

/**
 * Takes keys until `stop` or `abort` aborts; passes under way may end, until `abort` aborts them too. Returns whether
 * all have ended: one that does not heed its signal is given up after three seconds; it can write no more.
 */
export const runWorkers = async (options: WorkersOptions, stop: AbortSignal, abort: AbortSignal): Promise<boolean> => {
  const taking = AbortSignal.any([stop, abort]);
  const working = Promise.all(Array.from({ length: options.workers }, () => work(options, taking, abort)));
  const { promise: givenUp, resolve } = Promise.withResolvers<boolean>();
  let timer: NodeJS.Timeout | undefined;
  const giveUp = (): void => {
    timer = setTimeout(resolve, graceMs, false);
  };
  if (abort.aborted) giveUp();
  else abort.addEventListener('abort', giveUp, { once: true });
  const hasEnded = await Promise.race([working.then(() => true), givenUp]);
  abort.removeEventListener('abort', giveUp);
  clearTimeout(timer);
  return hasEnded;
};

const work = async (
  { queue, metrics, monotonicMs, kind, passOver }: WorkersOptions,
  taking: AbortSignal,
  passing: AbortSignal,
): Promise<void> => {
  for (let key = await queue.take(taking); key !== undefined; key = await queue.take(taking)) {
    const startedAt = monotonicMs();
    try {
      const result = await passOver(key, passing);
      if (result !== 'idle') metrics.reconciled(kind, result, (monotonicMs() - startedAt) / 1_000);
    } finally {
      queue.done(key);
    }
    // A pass may end without any I/O, thousands in a row in an outage: timers, the lease and probes have their turn between two.
    await immediately();
  }
};
