import type { BucketPolicyStatus, BucketSpec } from '@operator/api';
import type { ObjectMeta } from '@operator/runtime';
import { keyOfReference } from './references.ts';

/** True when what a BucketPolicy remembers is about this bucket, at this Provider: of another place it is no matter of the Bucket. */
export const isPolicyOn = (
  { metadata, spec }: { readonly metadata: ObjectMeta; readonly spec: Pick<BucketSpec, 'name' | 'providerRef'> },
  { bucketName, providerRef }: BucketPolicyStatus,
): boolean =>
  bucketName === spec.name &&
  providerRef !== undefined &&
  keyOfReference(providerRef, providerRef.namespace) === keyOfReference(spec.providerRef, metadata.namespace);
