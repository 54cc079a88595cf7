import { reasons } from '@operator/api';
import { Fault, transient } from '@operator/outcome';

/** True for the error of what a signal ended. */
export const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

/**
 * The Fault of a call that its pass no longer waits for; undefined where the error has another cause. A wait that the pass ended tells its reason, and
 * HTTP an error of its own.
 */
export const endOfPass = (signal: AbortSignal, error: unknown): Fault | undefined => {
  if (!signal.aborted || !(isAbort(error) || error === signal.reason)) return undefined;
  return signal.reason instanceof Fault
    ? signal.reason
    : transient(reasons.Timeout, 'The pass ended before the server answered.', { cause: error });
};
