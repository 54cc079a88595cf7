export { mergePolicies, policyFromAccess } from './access.ts';
export { bucketArn, partitionOf } from './arn.ts';
export {
  allowedWithin,
  bucketInArn,
  denied,
  heldTo,
  notYetIn,
  ownerActions,
  sameByResource,
  sendingActions,
  statementsAbout,
  withoutBuckets,
} from './buckets.ts';
export { sameButForGoneUsers } from './gone-users.ts';
export { findLockouts } from './lockout.ts';
export type { LockoutOptions } from './lockout.ts';
export { explainRefusal, findMismatches } from './mismatches.ts';
export { hashPolicy, samePolicy } from './normalise.ts';
export { parsePolicy } from './parse.ts';
export { withoutGains } from './narrow.ts';
export { describeProblems } from './problem.ts';
export { findPublicWrites, isPublic } from './public.ts';
export { accessKeyRefs, renderPolicy } from './render.ts';
export type { IamPolicy, IamStatement } from './render.ts';
export { explainWide, findWideGrants } from './wide.ts';
export { isStoredByArn } from './renamed-principals.ts';
