export { createAgents } from './agents.ts';
export type { Agents } from './agents.ts';
export type { Aspect, AspectView, BoundAspect, BucketContext, BucketWire, OwnerMark, Step, Support } from './aspect.ts';
export { tagging } from './aspects/tagging.ts';
export { versioning } from './aspects/versioning.ts';
export { bindAspect } from './bind-aspect.ts';
export { deleteBucketPolicy, putBucketPolicy, readBucketPolicy } from './bucket-policy.ts';
export type { Connection, Credentials, RetrySettings, TlsSettings } from './connection.ts';
export type { DriverDeps } from './deps.ts';
export type { Capabilities, Driver, DriverFactory, Health } from './driver.ts';
export { emptyBucketBatch } from './emptying.ts';
export type { BlockedObject, EmptiedBatch } from './emptying.ts';
export {
  answerOf,
  faultFromAnswer,
  faultFromError,
  isUnreachable,
  readMisroutedPut,
  unreachable,
  unsupported,
} from './errors.ts';
export type { FailedCall, WireAnswer } from './errors.ts';
export { createBucket, creationDateOf, observeExistence, removeBucket } from './existence.ts';
export type { BucketExistence, BucketPlace } from './existence.ts';
export { bucketFeatures, isOff, lookAtFeatures } from './features.ts';
export type { BucketFeature } from './features.ts';
export { checkS3Health, verifyKey, type KeyVerdict } from './health.ts';
export { createIamKeyIssuer, iamUserNameFor } from './iam/iam-key-issuer.ts';
export type { IamSettings } from './iam/iam-key-issuer.ts';
export type { IamPolicy, KeyIssuer, KeyPair, KeyUser, ObservedKey, ObservedUser } from './key-issuer.ts';
export { describeOwner, fetchTags, readMark, readTags, sameOwner, tagsOfMark } from './owner-mark.ts';
export type { Tags } from './owner-mark.ts';
export { probeFeatures } from './probe.ts';
export { createS3Driver, endpointIdentity } from './s3-driver.ts';
export type { DriverTraits } from './s3-driver.ts';
export { createUplink } from './uplink.ts';
export type { Target, Uplink } from './uplink.ts';
export type { S3Command, Wire } from './wire.ts';
export { createWirePool } from './wire-pool.ts';
export type { WirePool, WirePoolOptions } from './wire-pool.ts';
