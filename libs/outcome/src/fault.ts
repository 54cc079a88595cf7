/** How a fault is met: try again, wait for something else to change, or wait for a new spec. */
export type FaultKind = 'transient' | 'waiting' | 'terminal';

export interface FaultOptions {
  /** Milliseconds until the next attempt when nothing wakes the object earlier. Only for `transient` and `waiting`. */
  readonly retryAfterMs?: number;
  /** What caused it; its message never reaches a condition. */
  readonly cause?: unknown;
}

/**
 * An expected failure with a stable reason. Whatever else is thrown counts as a bug.
 *
 * `reason`: CamelCase, a constant of the api library or a provider's error class. `message`: for people, without secrets.
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly kind: FaultKind;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;

  constructor(kind: FaultKind, reason: string, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Trying again may help; the workqueue backs off. */
export const transient = (reason: string, message: string, options?: FaultOptions): Fault =>
  new Fault('transient', reason, message, options);

/** Something else must change first: a watch event wakes the object, else `retryAfterMs`. */
export const waiting = (reason: string, message: string, options?: FaultOptions): Fault =>
  new Fault('waiting', reason, message, options);

/** Only a new generation can help. */
export const terminal = (reason: string, message: string, options?: FaultOptions): Fault =>
  new Fault('terminal', reason, message, options);

/** The same fault in other words. */
export const reworded = ({ kind, reason, retryAfterMs, cause }: Fault, message: string): Fault =>
  new Fault(kind, reason, message, { cause, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });

/**
 * Reads a caught value as a Fault. What is not one becomes `transient` InternalError with the value as its cause, so that
 * the runtime can log the stack while the condition stays free of it.
 */
export const asFault = (caught: unknown): Fault =>
  caught instanceof Fault
    ? caught
    : // eslint-disable-next-line no-restricted-syntax -- this library imports nothing; the spec of api's constants compares
      transient('InternalError', 'An unexpected error occurred; the log of the controller has its stack.', {
        cause: caught,
      });

/** Turns an expected failure into a value; a bug stays thrown. For `promise.catch`. */
export const onlyFault = (caught: unknown): Fault => {
  if (caught instanceof Fault) return caught;
  throw caught;
};
