import { Fault } from '@operator/outcome';
import { jittered } from './backoff.ts';
import { isKubeError } from './kube-error.ts';
import { isLeadershipLost } from './leadership-lost.ts';
import { isQuiet } from './pass-fault.ts';
import type { ObjectKey } from './resource.ts';
import type { Workqueue } from './workqueue.ts';

/** How a pass ended, as the metric `result` says it. */
export type PassResult =
  | 'settled'
  | 'progressing'
  | 'transient'
  | 'waiting'
  | 'terminal'
  | 'conflict'
  | 'finalized'
  | 'paused'
  | 'idle'
  | 'aborted';

/** How a pass ended. */
export type Ended =
  /** There is no such object, or nothing to do. */
  | { readonly how: 'idle' }
  | { readonly how: 'paused' }
  /** `resyncMs`: until the next periodic look, before jitter. */
  | { readonly how: 'settled'; readonly resyncMs: number }
  | { readonly how: 'progressing'; readonly delayMs: number }
  | { readonly how: 'blocked'; readonly fault: Fault; readonly resyncMs: number }
  | { readonly how: 'finalized' }
  /** The object is gone, and its external work stays. */
  | { readonly how: 'given-up' }
  /** The process stops, or its term is over. */
  | { readonly how: 'aborted' }
  /** Nothing of it can be told in the status. */
  | { readonly how: 'failed'; readonly caught: unknown };

const defaultWaitMs = 60_000;
const resyncJitter = 0.1;

/**
 * From how a pass ended to the next attempt in the queue, and to the result that metrics count. The one place that decides it.
 * Source: controller-runtime, reconcileHandler. `random`: in [0, 1).
 */
export const scheduleNext = (
  queue: Pick<Workqueue, 'add' | 'addAfter' | 'forget' | 'retry'>,
  key: ObjectKey,
  ended: Ended,
  random: () => number,
): PassResult => {
  switch (ended.how) {
    case 'aborted':
      queue.add(key);
      return 'aborted';
    case 'failed':
      return retryAfterFailure(queue, key, ended.caught);
    case 'blocked':
      return waitFor(queue, key, ended, random);
    case 'settled':
      queue.forget(key);
      queue.addAfter(key, jittered(ended.resyncMs, resyncJitter, random));
      return 'settled';
    case 'progressing':
      queue.forget(key);
      queue.addAfter(key, ended.delayMs);
      return 'progressing';
    case 'idle':
    case 'paused':
    case 'finalized':
      // Not `remove`: what else the queue knows of the key may be of another object, which has come meanwhile.
      queue.forget(key);
      return ended.how;
    case 'given-up':
      queue.forget(key);
      return 'terminal';
  }
};

const waitFor = (
  queue: Pick<Workqueue, 'addAfter' | 'forget' | 'retry'>,
  key: ObjectKey,
  { fault, resyncMs }: { readonly fault: Fault; readonly resyncMs: number },
  random: () => number,
): PassResult => {
  if (fault.kind === 'transient') {
    queue.retry(key, fault.retryAfterMs);
    return 'transient';
  }
  const delayMs = fault.kind === 'waiting' ? (fault.retryAfterMs ?? defaultWaitMs) : resyncMs;
  queue.forget(key);
  queue.addAfter(key, jittered(delayMs, resyncJitter, random));
  return fault.kind;
};

const retryAfterFailure = (queue: Pick<Workqueue, 'retry'>, key: ObjectKey, caught: unknown): PassResult => {
  queue.retry(key, isKubeError(caught) || caught instanceof Fault ? caught.retryAfterMs : undefined);
  // The lease has run out, and the timer that ends this term has not fired yet: it must have room to.
  if (isLeadershipLost(caught)) return 'aborted';
  return isQuiet(caught) || isKubeError(caught, 404) ? 'conflict' : 'transient';
};
