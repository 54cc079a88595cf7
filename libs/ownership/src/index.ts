export { decideOwnership } from './decide.ts';
export type { Act, AgeSight, Intent, MarkSight, Memory, Sight, Verdict } from './decide.ts';
export { explainOwnership, isConfirmed } from './explain.ts';
export type { Asker } from './explain.ts';
export { accessKeyFacts, bucketFacts, bucketPolicyFacts, placesOf, providerFacts } from './facts.ts';
export { kinshipOf, markIn, tagsOfMark } from './mark.ts';
export type { OwnerMark } from './mark.ts';
export { createProver } from './proof.ts';
export type { Prover } from './proof.ts';
