import type { RefusedDestinations } from './destinations.ts';

/** What a driver needs of its surroundings; `main.ts` supplies the real ones. */
export interface DriverDeps {
  /** Uniform in [0, 1): spreads retries. */
  readonly random: () => number;
  /** Milliseconds on a clock that never jumps, such as `performance.now()`. */
  readonly elapsedMs: () => number;
  /** The operator's version, for the user agent. */
  readonly version: string;
  /** Deadlines in milliseconds; defaults: 5 000 to connect, 30 000 for an attempt, 90 000 for a call with all its attempts. */
  readonly deadlines?: { readonly connectMs?: number; readonly attemptMs?: number; readonly callMs?: number };
  /** Where no connection may go; `defaultRefusedDestinations` when absent. */
  readonly refusedDestinations?: RefusedDestinations;
}
