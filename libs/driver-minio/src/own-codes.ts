import type { OwnCodes } from '@operator/s3';

/** MinIO's own error codes, by the common code that means the same. Source: minio/minio, API error codes. */
export const ownCodes: OwnCodes = new Map([
  ['XMinioAdminAccessDenied', 'AccessDenied'],
  ['XMinioMalformedIAMPolicy', 'MalformedPolicy'],
  ['XMinioAdminBucketQuotaExceeded', 'QuotaExceeded'],
  // A user, a policy or their tie changed between two calls of one pass.
  ['XMinioAdminNoSuchUser', 'ConcurrentModification'],
  ['XMinioAdminNoSuchPolicy', 'ConcurrentModification'],
  ['XMinioIAMPolicyInUse', 'ConcurrentModification'],
]);
