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
  /** `inMs`: until the next periodic look. */
  | { readonly how: 'settled'; readonly inMs: number }
  | { readonly how: 'progressing'; readonly delayMs: number }
  /** `resyncMs`: until the next periodic look, before jitter. `withinMs`: a look is due at the latest then, whatever the fault says. */
  | { readonly how: 'blocked'; readonly fault: Fault; readonly resyncMs: number; readonly withinMs?: number }
  | { readonly how: 'finalized' }
  /** The object is gone, and its external work stays. */
  | { readonly how: 'given-up' }
  /** The process stops, or its term is over. */
  | { readonly how: 'aborted' }
  /** Nothing of it can be told in the status. */
  | { readonly how: 'failed'; readonly caught: unknown };

/** What comes after a pass. */
export interface NextAttempt {
  readonly result: PassResult;
  /** Milliseconds until then, unless something wakes the object earlier; undefined where only an event does. */
  readonly inMs?: number;
}

const defaultWaitMs = 60_000;
/** By this share a pause is longer or shorter. */
export const resyncJitter = 0.1;

/**
 * From how a pass ended to the next attempt in the queue, and to the result that metrics count. The one place that decides it.
 * Source: controller-runtime, reconcileHandler. `random`: in [0, 1).
 */
export const scheduleNext = (
  queue: Pick<Workqueue, 'add' | 'addAfter' | 'forget' | 'retry'>,
  key: ObjectKey,
  ended: Ended,
  random: () => number,
): NextAttempt => {
  switch (ended.how) {
    case 'aborted':
      queue.add(key);
      return { result: 'aborted' };
    case 'failed':
      return retryAfterFailure(queue, key, ended.caught);
    case 'blocked':
      return waitFor(queue, key, ended, random);
    case 'settled':
      queue.forget(key);
      queue.addAfter(key, ended.inMs);
      return { result: 'settled' };
    case 'progressing':
      queue.forget(key);
      queue.addAfter(key, ended.delayMs);
      return { result: 'progressing' };
    case 'idle':
    case 'paused':
    case 'finalized':
      // Not `remove`: what else the queue knows of the key may be of another object, which has come meanwhile.
      queue.forget(key);
      return { result: ended.how };
    case 'given-up':
      queue.forget(key);
      return { result: 'terminal' };
  }
};

const waitFor = (
  queue: Pick<Workqueue, 'addAfter' | 'forget' | 'retry'>,
  key: ObjectKey,
  { fault, resyncMs, withinMs = Infinity }: Extract<Ended, { how: 'blocked' }>,
  random: () => number,
): NextAttempt => {
  if (fault.kind === 'transient') return { result: 'transient', inMs: queue.retry(key, fault.retryAfterMs) };
  const delayMs = fault.kind === 'waiting' ? (fault.retryAfterMs ?? defaultWaitMs) : resyncMs;
  const inMs = Math.min(jittered(delayMs, resyncJitter, random), withinMs);
  queue.forget(key);
  queue.addAfter(key, inMs);
  return { result: fault.kind, inMs };
};

const retryAfterFailure = (queue: Pick<Workqueue, 'retry'>, key: ObjectKey, caught: unknown): NextAttempt => {
  const inMs = queue.retry(key, isKubeError(caught) || caught instanceof Fault ? caught.retryAfterMs : undefined);
  // The lease has run out, and the timer that ends this term has not fired yet: it must have room to.
  if (isLeadershipLost(caught)) return { result: 'aborted', inMs };
  return { result: isQuiet(caught) || isKubeError(caught, 404) ? 'conflict' : 'transient', inMs };
};
