export { decideOwnership, isRemadeSince } from './decide.ts';
export type { Act, AgeSight, Intent, MarkSight, Memory, Sight, OwnershipVerdict } from './decide.ts';
export { explainOwnership, isConfirmed } from './explain.ts';
export type { Asker } from './explain.ts';
export {
  accessKeyFacts,
  bucketFacts,
  bucketPolicyFacts,
  bucketReferenceFacts,
  lastingPlaceOf,
  markFacts,
  placesOf,
  provenKeyFields,
  providerFacts,
} from './facts.ts';
export type { Rememberer } from './facts.ts';
export { kinshipOf, markIn, tagsOfMark, tagsOfOwner } from './mark.ts';
export type { OwnerMark, SeenMark, SignedMark } from './mark.ts';
export { createProver } from './proof.ts';
export type { Prover } from './proof.ts';
