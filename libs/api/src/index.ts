export { accessKeySpec } from './access-key.ts';
export type { AccessKeySpec, AccessKeyStatus, AccessLevel } from './access-key.ts';
export { commandToAnnotate, findAnnotationProblems } from './annotations.ts';
export type { BucketPolicySpec, BucketPolicyStatus } from './bucket-policy.ts';
export { bucketSpec } from './bucket.ts';
export { bucketFeatures, isFeatureOff } from './bucket-features.ts';
export type { BucketFeature } from './bucket-features.ts';
export type { BucketSpec, BucketStatus } from './bucket.ts';
export { conditionTypes, eventReasons, positiveConditionTypes, reasons } from './conditions.ts';
export type { Reason } from './conditions.ts';
export { parseDuration } from './duration.ts';
export { entriesIn } from './entries.ts';
export type { IdentityPolicyDocument, PolicyDocument, PolicyStatement, Principal } from './policy-document.ts';
export { providerSpec, revokedAtOnce } from './provider.ts';
export type { ProviderSpec, ProviderStatus, Revocation } from './provider.ts';
export type { AllowedNamespaces, LabelSelector, ObjectReference, SecretKeyReference } from './references.ts';
export {
  accessKeyResource,
  annotations,
  bucketPolicyResource,
  bucketResource,
  finalizerName,
  group,
  labels,
  ownerTagKeys,
  providerResource,
  secretKeyOfBucket,
  secretPresets,
} from './resources.ts';
export type { SecretKeyName, SecretPreset } from './resources.ts';
export { isInThisVersion } from './schema.ts';
