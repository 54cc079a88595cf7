import { renameSync, writeFileSync } from 'node:fs';

/** A clock for the decisions of controllers that `bundleWithDecisionClock` has bundled. */
export interface DecisionClock {
  /** For the environment of each such controller. */
  readonly env: Readonly<Record<string, string>>;
  /** Puts it forward; processes that run see it at once, but are not woken by it. */
  advance(ms: number): void;
}

/** `path`: of a file that it makes. */
export const createDecisionClock = (path: string): DecisionClock => {
  let aheadMs = 0;
  const write = (): void => {
    // In one step: somebody reads it at this moment.
    writeFileSync(`${path}.new`, String(aheadMs));
    renameSync(`${path}.new`, path);
  };
  write();
  return {
    env: { DECISION_CLOCK: path },
    advance(ms) {
      aheadMs += ms;
      write();
    },
  };
};
