import type { Claim } from './claim.ts';
import type { Fault } from './fault.ts';

/** What a person most likely did not mean, though it is as declared. */
export interface Warning {
  /** Of the Event that tells it: stable CamelCase. */
  readonly reason: string;
  /** For people, in whole sentences. */
  readonly message: string;
}

/** The pass looked and found nothing to do. `claims` may still hold abnormal conditions, which make Ready False. */
export interface Settled<S> {
  readonly result: 'settled';
  readonly status: S;
  readonly claims: readonly Claim[];
  /** Milliseconds until the next periodic look; the runtime's resync interval when absent. */
  readonly resyncAfterMs?: number;
  /** Milliseconds until a look is due, whatever the interval: time alone asks for something then. */
  readonly dueInMs?: number;
  /** What is as declared and most likely not as meant. It stays Ready; each is told once. */
  readonly warnings?: readonly Warning[];
}

/** The pass wrote, and another look follows. Never Ready. */
export interface Progressing<S> {
  readonly result: 'progressing';
  readonly status: S;
  readonly reason: string;
  readonly message: string;
  /** Names of the steps taken, for logs, traces and the drift-loop check. */
  readonly steps: readonly string[];
  readonly claims: readonly Claim[];
  /** Milliseconds until the next look; when absent, at once the first time, and rate-limited from then on. */
  readonly retryAfterMs?: number;
}

/** The pass could not go on, yet what it learned is worth telling. A thrown Fault keeps the former status instead. */
export interface Blocked<S> {
  readonly result: 'blocked';
  readonly status: S;
  readonly fault: Fault;
  readonly claims: readonly Claim[];
  /** Milliseconds until a look is due at the latest, whatever the fault says: time alone asks for something then. */
  readonly dueInMs?: number;
}

/** How a pass ended. `S`: the kind's status without `conditions` and `observedGeneration`, which the runtime adds. */
export type Outcome<S> = Settled<S> | Progressing<S> | Blocked<S>;

export const settled = <S>(
  status: S,
  options: {
    readonly claims?: readonly Claim[];
    readonly resyncAfterMs?: number;
    readonly dueInMs?: number;
    readonly warnings?: readonly Warning[];
  } = {},
): Settled<S> => ({
  result: 'settled',
  status,
  claims: options.claims ?? [],
  ...(options.resyncAfterMs === undefined ? {} : { resyncAfterMs: options.resyncAfterMs }),
  ...(options.dueInMs === undefined ? {} : { dueInMs: options.dueInMs }),
  ...(options.warnings === undefined || options.warnings.length === 0 ? {} : { warnings: options.warnings }),
});

export const progressing = <S>(
  status: S,
  progress: {
    readonly reason: string;
    readonly message?: string;
    readonly steps: readonly string[];
    readonly claims?: readonly Claim[];
    readonly retryAfterMs?: number;
  },
): Progressing<S> => ({
  result: 'progressing',
  status,
  reason: progress.reason,
  message: progress.message ?? `Applied ${progress.steps.join(', ')}; looking again.`,
  steps: progress.steps,
  claims: progress.claims ?? [],
  ...(progress.retryAfterMs === undefined ? {} : { retryAfterMs: progress.retryAfterMs }),
});

export const blocked = <S>(
  status: S,
  fault: Fault,
  claims: readonly Claim[] = [],
  { dueInMs }: Pick<Blocked<S>, 'dueInMs'> = {},
): Blocked<S> => ({
  result: 'blocked',
  status,
  fault,
  claims,
  ...(dueInMs === undefined ? {} : { dueInMs }),
});
