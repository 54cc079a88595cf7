import { reasons } from '@operator/api';
import type { Fault } from '@operator/outcome';

/** Data or a bucket is gone: nobody can wait for morning. */
const lost: ReadonlySet<string> = new Set([reasons.BucketMissing]);
export const isLoss = (reason: string): boolean => lost.has(reason);

/** What passes by itself, so that an object that was never Ready only waits for it. */
const passing: ReadonlySet<string> = new Set([
  reasons.Throttled,
  reasons.Timeout,
  reasons.ServerError,
  reasons.Conflict,
  reasons.KeyNotUsableYet,
  reasons.InUse,
  reasons.KubernetesUnavailable,
  reasons.KubernetesRefused,
]);

/**
 * How loud the line is that tells a change of Ready. `warn`: a person is needed, or what worked no longer does. `info`: all is well, or
 * it waits for what passes by itself or is told on another object. `error`: something is lost. Pure.
 */
export const levelOfReady = (given: {
  readonly ready: { readonly status: string; readonly reason: string };
  /** Status of Ready before; undefined for a first verdict. */
  readonly before: string | undefined;
  /** What the pass ended with, where that was a fault. */
  readonly fault?: Fault | undefined;
  readonly isToldElsewhere?: ((fault: Fault) => boolean) | undefined;
}): 'info' | 'warn' | 'error' => {
  const { ready, before, fault, isToldElsewhere } = given;
  if (ready.status === 'True') return 'info';
  if (isLoss(ready.reason)) return 'error';
  if (fault !== undefined && isToldElsewhere?.(fault) === true) return 'info';
  if (before !== 'True' && passing.has(ready.reason)) return 'info';
  return 'warn';
};
