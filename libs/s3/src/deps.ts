import type { RefusedDestinations } from './destinations.ts';

/**
 * Runs what only one at a time may do to a thing that many share, in this process and in all others of the cluster. `name`: of the thing,
 * such as the ARN of a trail. `held` aborts when the lock is lost.
 * @throws the signal's reason when that aborts before its turn; Fault when the lock cannot be had; what `run` throws
 */
export type Lock = <T>(name: string, signal: AbortSignal, run: (held: AbortSignal) => Promise<T>) => Promise<T>;

/** What a driver needs of its surroundings; `main.ts` supplies the real ones. */
export interface DriverDeps {
  /** Uniform in [0, 1): spreads retries. */
  readonly random: () => number;
  /** What this machine takes for the time: requests are signed with it. */
  readonly now: () => Date;
  /** Milliseconds on a clock that never jumps, such as `performance.now()`. */
  readonly elapsedMs: () => number;
  readonly lock: Lock;
  /** The operator's version, for the user agent. */
  readonly version: string;
  /** Deadlines in milliseconds; defaults: 5 000 to connect, 30 000 for an attempt, 90 000 for a call with all its attempts. */
  readonly deadlines?: { readonly connectMs?: number; readonly attemptMs?: number; readonly callMs?: number };
  /** Where no connection may go; `defaultRefusedDestinations` when absent. */
  readonly refusedDestinations?: RefusedDestinations;
}
