import type { Scenario } from '../scenario.ts';

/** In the order in which they run; those of the crowd come last and next to each other. */
export const scenarios: readonly Scenario[] = [];
