export { mergePolicies, policyFromAccess } from './access.ts';
export type { BucketAccess } from './access.ts';
export { bucketArn, partitionOf } from './arn.ts';
export {
  allowedWithin,
  bucketInArn,
  heldTo,
  notYetIn,
  sameByResource,
  statementsAbout,
  withoutBuckets,
} from './buckets.ts';
export { sameButForGoneUsers } from './gone-users.ts';
export { findLockouts } from './lockout.ts';
export type { Lockout, LockoutOptions } from './lockout.ts';
export { hashPolicy, normalisePolicy, samePolicy } from './normalise.ts';
export type { CanonicalPolicy, CanonicalStatement } from './normalise.ts';
export { parsePolicy } from './parse.ts';
export type { ParseOptions, ParsedPolicy, PolicyKind } from './parse.ts';
export { describeProblems } from './problem.ts';
export type { Problem } from './problem.ts';
export { isPublic } from './public.ts';
export { accessKeyRefs, renderPolicy } from './render.ts';
export type { IamPolicy, IamPrincipal, IamStatement, RenderOptions } from './render.ts';
export { sameButForNames } from './renamed-principals.ts';
