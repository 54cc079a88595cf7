import type { DriverDeps } from './deps.ts';

const failuresToOpen = 5;
const firstOpenMs = 1_000;
const longestOpenMs = 30_000;

/** How one call that the circuit let through ended: an answer (whatever it says), no answer, or neither (cancelled). */
export type Contact = 'answered' | 'silent' | 'unknown';

/**
 * Keeps calls from an endpoint that is down. Five silences in a row open it for a jittered time that grows to 30 s; then
 * one trial goes through, and its end closes the circuit or opens it for longer.
 */
export interface Circuit {
  /** Milliseconds to stay away; 0 when the call may go. A call that goes must end in `report`. `isProbe`: goes in any case. */
  enter(isProbe: boolean): number;
  report(contact: Contact): void;
}

export const createCircuit = ({ random, elapsedMs }: Pick<DriverDeps, 'random' | 'elapsedMs'>): Circuit => {
  let silences = 0;
  let openUntilMs: number | undefined;
  let timesOpened = 0;
  let trialRuns = false;

  return {
    enter(isProbe) {
      if (openUntilMs === undefined || isProbe) return 0;
      const leftMs = openUntilMs - elapsedMs();
      if (leftMs > 0) return leftMs;
      if (trialRuns) return firstOpenMs;
      trialRuns = true;
      return 0;
    },
    report(contact) {
      trialRuns = false;
      if (contact === 'answered') {
        silences = 0;
        timesOpened = 0;
        openUntilMs = undefined;
      } else if (contact === 'silent') {
        silences += 1;
        // Calls that were under way when it opened say nothing new.
        if (silences < failuresToOpen || (openUntilMs !== undefined && openUntilMs > elapsedMs())) return;
        const fullMs = Math.min(longestOpenMs, firstOpenMs * 2 ** timesOpened);
        timesOpened += 1;
        openUntilMs = elapsedMs() + fullMs * (0.5 + random() / 2);
      }
    },
  };
};
