export { composeOwnership } from './compose-ownership.ts';
export { isBorrowedBy, resolveConnection, secretNamesOf } from './connection.ts';
export type { Provider } from './connection.ts';
export { explainWait } from './deletion.ts';
export { driverDepsFor } from './driver-deps.ts';
export { createDriverPool, driverVersion } from './driver-pool.ts';
export type { DriverPool } from './driver-pool.ts';
export { askingOnce, confirmedWithdrawals, isGranted, matchesSelector, withdrawalOf } from './grants.ts';
export type { GrantState, LabelsOf } from './grants.ts';
export {
  isProviderFault,
  isProviderGone,
  isToldElsewhere,
  mayYetCome,
  providerNotReady,
  tellKept,
} from './provider-faults.ts';
export { longestCreationMs } from './ownership.ts';
export type { BucketMemory, BucketReferences, OwnerLook, Ownership } from './ownership.ts';
export { policyFailed } from './policy-event.ts';
export { isPolicyOn, isTakingLeave, trimPolicyMetadata, waitFactsOf } from './policy-place.ts';
export { createReferences, keyOfReference, namespaceLabels, namespaceResource } from './references.ts';
export type { Bucket, Provided, References } from './references.ts';
export { trimReferredBucket } from './referred-bucket.ts';
export type { ReferredBucket } from './referred-bucket.ts';
export { revokeRequestTo } from './revocation.ts';
export { bucketMatters, usable, usableVersion, wokenByBucket, wokenByProvider, wokenByRevocation } from './wake.ts';
export { commandToWithdraw, grantWithdrawn, isTold, withdrawnBorrowers } from './withdrawal.ts';
export type { Borrower } from './withdrawal.ts';
