import { annotations, finalizerName, type BucketPolicyStatus, type BucketSpec } from '@operator/api';
import { bareMetadata, isPaused, pick, type ObjectMeta } from '@operator/runtime';
import { keyOfReference } from './references.ts';

/** True when what a BucketPolicy remembers is about this bucket, at this Provider: of another place it is no matter of the Bucket. */
export const isPolicyOn = (
  { metadata, spec }: { readonly metadata: ObjectMeta; readonly spec: Pick<BucketSpec, 'name' | 'providerRef'> },
  { bucketName, providerRef }: BucketPolicyStatus,
): boolean =>
  bucketName === spec.name &&
  providerRef !== undefined &&
  keyOfReference(providerRef, providerRef.namespace) === keyOfReference(spec.providerRef, metadata.namespace);

/** Of a BucketPolicy's metadata, on arrival, what tells whether others wait for it. */
export const trimPolicyMetadata = (metadata: ObjectMeta): ObjectMeta => ({
  ...bareMetadata(metadata, annotations.paused),
  ...pick(metadata, 'finalizers'),
});

/**
 * True when a BucketPolicy under deletion is about to take its document from the bucket, so that others let it go first. Without our
 * finalizer nobody takes anything for it any more; and a pause of a borrower must not hold up the owner of the Bucket, whose
 * namespace is `owner`. That it has a document at all is not asked here: its status proves that, or nothing does.
 */
export const isTakingLeave = (policy: { readonly metadata: ObjectMeta }, owner: string): boolean => {
  const { deletionTimestamp, finalizers, namespace } = policy.metadata;
  const isStopped = namespace !== owner && isPaused(policy);
  return deletionTimestamp !== undefined && finalizers?.includes(finalizerName) === true && !isStopped;
};

/** What of a BucketPolicy decides whether others wait for it, as text: they look again when it changes. */
export const waitFactsOf = ({ metadata }: { readonly metadata: ObjectMeta }): string =>
  JSON.stringify([metadata.deletionTimestamp ?? null, metadata.finalizers ?? [], isPaused({ metadata })]);
