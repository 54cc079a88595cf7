export type { Condition } from './condition.ts';
export { summarise } from './summarise.ts';
export type { SummaryContext, Verdict } from './summarise.ts';
