import type { Clock } from '@operator/outcome';

/** What decisions go by: what is due, and what is old. Clients sign by a clock of their own. */
// eslint-disable-next-line no-restricted-syntax -- part of the composition that every main.ts calls
export const systemClock: Clock = { now: () => new Date() };
