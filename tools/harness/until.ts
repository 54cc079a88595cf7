import { setTimeout as delay } from 'node:timers/promises';

export interface UntilOptions<T> {
  /** What is waited for, for the error. */
  readonly what: string;
  /** Milliseconds; 60 000: only what hangs is meant to end here. */
  readonly timeoutMs?: number;
  /** Milliseconds between looks; 50, and 200 at most, as the wait grows long: what looks takes CPU time from what is waited for. */
  readonly everyMs?: number;
  /** Shows the last look in the error. */
  readonly show?: (seen: T | undefined) => string;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/**
 * Looks again and again until `holds` says yes; returns what it then saw. A look that throws counts as "not yet".
 * @throws Error with the last look when the time is over; the signal's reason when aborted
 */
export async function until<T>(
  look: () => T | Promise<T>,
  holds: (seen: T) => boolean,
  options: UntilOptions<T>,
): Promise<T> {
  const { timeoutMs = 60_000, everyMs, show = (seen) => JSON.stringify(seen, undefined, 1), signal } = options;
  const begunAt = performance.now();
  const deadline = begunAt + timeoutMs;
  let seen: T | undefined;
  let thrown: unknown;
  do {
    signal?.throwIfAborted();
    try {
      thrown = undefined;
      seen = await look();
      if (holds(seen)) return seen;
    } catch (error) {
      thrown = error;
    }
    await delay(everyMs ?? Math.min(Math.max(50, (performance.now() - begunAt) / 20), 200));
  } while (performance.now() < deadline);
  const last = thrown instanceof Error ? thrown.message : show(seen);
  throw new Error(`not within ${timeoutMs / 1000} s: ${options.what}\nlast look: ${last}`);
}
