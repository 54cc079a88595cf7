import { readFileSync } from 'node:fs';
import type { Clock } from '@operator/outcome';

// Bundled in the place of libs/runtime/src/system-clock.ts for processes whose decisions go by a clock of their own. DECISION_CLOCK: path of
// a file with the milliseconds by which it is ahead. The clock that signs requests is that of the machine.
const path = process.env.DECISION_CLOCK;
if (path === undefined) throw new Error('DECISION_CLOCK names no file');

/** @public A bundle imports it in the place of that of libs/runtime. */
export const systemClock: Clock = { now: () => new Date(Date.now() + Number(readFileSync(path, 'utf8'))) };
