export { accessKeySpec, accessKeyStatus } from './access-key.ts';
export type { AccessEntry, AccessKeySpec, AccessKeyStatus, AccessLevel } from './access-key.ts';
export { bucketPolicySpec, bucketPolicyStatus } from './bucket-policy.ts';
export type { BucketPolicySpec, BucketPolicyStatus } from './bucket-policy.ts';
export { bucketSpec, bucketStatus } from './bucket.ts';
export type { BucketSpec, BucketStatus } from './bucket.ts';
export { conditionTypes, eventReasons, positiveConditionTypes, reasons } from './conditions.ts';
export type { ConditionType, EventReason, Reason } from './conditions.ts';
export type {
  ConditionScalar,
  IdentityPolicyDocument,
  PolicyCondition,
  PolicyDocument,
  PolicyStatement,
  Principal,
} from './policy-document.ts';
export { providerSpec, providerStatus } from './provider.ts';
export type { Capability, ProviderSpec, ProviderStatus } from './provider.ts';
export type { AllowedNamespaces, LabelSelector, ObjectReference, SecretKeyReference } from './references.ts';
export {
  accessKeyResource,
  annotations,
  bucketPolicyResource,
  bucketResource,
  fieldManager,
  finalizerName,
  group,
  ownerTagKeys,
  providerResource,
  secretKeyNames,
  version,
} from './resources.ts';
export type { SecretKeyName } from './resources.ts';
export { isInThisVersion } from './schema.ts';
export type { Immutable } from './schema.ts';
