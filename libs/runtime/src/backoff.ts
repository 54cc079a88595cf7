import { isKubeError } from './kube-error.ts';

export interface Backoff {
  /** Milliseconds of the first delay's upper bound; doubles with every attempt. */
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * The delay after the `attempt`th failure in a row (from 1): exponential, with full jitter above half the base, so that a
 * failure never repeats at once. `random`: in [0, 1).
 */
export const backoffMs = ({ baseMs, capMs }: Backoff, attempt: number, random: () => number): number => {
  const bound = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 40));
  const least = Math.min(bound, baseMs / 2);
  return least + random() * (bound - least);
};

/** The delay after the `attempt`th failure in a row, which was `caught`: no shorter than the API server asks for. */
export const pauseMsAfter = (caught: unknown, backoff: Backoff, attempt: number, random: () => number): number =>
  Math.max(backoffMs(backoff, attempt, random), isKubeError(caught) ? (caught.retryAfterMs ?? 0) : 0);

/** `ms` plus or minus up to `share` of it. */
export const jittered = (ms: number, share: number, random: () => number): number =>
  ms * (1 + share * (2 * random() - 1));
