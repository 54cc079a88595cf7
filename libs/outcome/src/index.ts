export type { CallAnswer, CallContext, Clock, ExternalCall } from './call-context.ts';
export { longestMessage } from './claim.ts';
export type { Claim } from './claim.ts';
export { Fault, asFault, onlyFault, reworded, terminal, transient, waiting } from './fault.ts';
export type { FaultKind } from './fault.ts';
export { listFirst } from './list-first.ts';
export { blocked, progressing, settled } from './outcome.ts';
export type { Blocked, Outcome, Settled, Warning } from './outcome.ts';
export { Redacted, redact } from './redacted.ts';
