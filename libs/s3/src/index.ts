export type {
  Aspect,
  AspectView,
  BucketContext,
  BucketInput,
  BucketWire,
  EndedReferences,
  Input,
  Inputs,
  Managed,
  OwnerMark,
  Part,
  Reference,
  Step,
  Support,
  UnsupportedFeatures,
} from './aspect.ts';
export { cors } from './aspects/cors.ts';
export { encryption } from './aspects/encryption.ts';
export { lifecycle } from './aspects/lifecycle.ts';
export { objectLock } from './aspects/object-lock.ts';
export { ownershipControls } from './aspects/ownership-controls.ts';
export { publicAccess, publicAccessOf, publicAccessWithoutAcls, readPolicyBlock } from './aspects/public-access.ts';
export { accelerate } from './aspects/accelerate.ts';
export { logging } from './aspects/logging.ts';
export {
  desiredReplication,
  holdsReplication,
  isSameReplication,
  mergeReplication,
  ownsReplication,
  readReplication,
  removedOthers,
  replicationRefersTo,
  referenceOfRule,
  writeReplication,
} from './aspects/replication-rules.ts';
export type { FoundReplication, ReplicationWant } from './aspects/replication-rules.ts';
export { replicationByRole } from './aspects/replication.ts';
export { website } from './aspects/website.ts';
export { notifications } from './aspects/notifications.ts';
export { requestPayment } from './aspects/request-payment.ts';
export { tagging } from './aspects/tagging.ts';
export { versioning } from './aspects/versioning.ts';
export { versioningWithMfa } from './aspects/versioning-with-mfa.ts';
export { bindAspect } from './bind-aspect.ts';
export { deleteBucketPolicy, putBucketPolicy, readBucketPolicy } from './bucket-policy.ts';
export type { Connection, Credentials } from './connection.ts';
export { createCreationTags } from './creation-tags.ts';
export type { DriverDeps, Lock } from './deps.ts';
export { parseDestinations } from './destinations.ts';
export type { RefusedDestinations } from './destinations.ts';
export type { Driver, DriverFactory, Health } from './driver.ts';
export { findContent } from './contents.ts';
export { emptyBucketBatch } from './emptying.ts';
export { mayHaveEnded } from './ended-references.ts';
export type { OwnCodes } from './error-classes.ts';
export { createBucket, lookUpCreation, observeExistence, removeBucket } from './existence.ts';
export { faultOfQuota, quotaRules, type QuotaWant } from './aspects/quota.ts';
export { birthOf, endReferences, lackAtBirth, lookAtFeatures, referencesOf, retireFeatures } from './features.ts';
export { checkS3Health, createUnknownKeyCheck, verifyKey } from './health.ts';
export { ofSoftware } from './software.ts';
export { createIamKeyIssuer } from './iam/iam-key-issuer.ts';
export { findMarkedBuckets } from './marked-buckets.ts';
export type { MarkedBucket } from './marked-buckets.ts';
export { mostUsersLookedAt, policyBytes } from './key-issuer.ts';
export type {
  Attachment,
  RenderedPolicy,
  KeyIssuer,
  KeyPair,
  KeyUser,
  MarkedUser,
  ObservedKey,
  ObservedUser,
} from './key-issuer.ts';
export { readOwner } from './owner-mark.ts';
export type { SeenOwner, Tags } from './owner-mark.ts';
export { readHold } from './object-hold.ts';
export type { ObjectHold } from './object-hold.ts';
export { probeFeatures } from './probe.ts';
export { createTokenBucket } from './rate.ts';
export { createS3Driver, endpointIdentity } from './s3-driver.ts';
export { createSignedApi } from './signed-api.ts';
export type { SignedCall } from './signed-api.ts';
export type { Uplink } from './uplink.ts';
export { answerOf } from './wire-answer.ts';
export { faultFromAnswer, faultFromError, readMisroutedPut, withoutServersWords } from './wire-fault.ts';
export type { Wire } from './wire.ts';
export { createWirePool } from './wire-pool.ts';
