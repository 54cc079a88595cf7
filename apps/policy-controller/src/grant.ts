import { reasons } from '@operator/api';
import { Fault, onlyFault, reworded } from '@operator/outcome';
import { keyOfReference, type ReferredBucket } from '@operator/references';
import type { PolicyDeps, PolicyWork } from './deps.ts';

/** True when one of those who lend has taken the grant back and confirmed it: the owner of the Bucket, or of its Provider. */
export const isWithdrawn = async (
  { spec, metadata }: Pick<PolicyWork['policy'], 'spec' | 'metadata'>,
  { references, bucketAt }: Pick<PolicyDeps, 'references' | 'bucketAt'>,
  signal: AbortSignal,
): Promise<boolean> => {
  if (await references.isBucketWithdrawn(spec.bucketRef, metadata.namespace, signal)) return true;
  const bucket = bucketAt(keyOfReference(spec.bucketRef, metadata.namespace));
  return (
    bucket !== undefined && references.isProviderWithdrawn(bucket.spec.providerRef, bucket.metadata.namespace, signal)
  );
};

/** The Bucket that a policy is for. @throws Fault `waiting` BucketNotFound, ReferenceNotGranted, which says what becomes of the policy */
export const followBucket = async ({ policy, memory, deps }: PolicyWork): Promise<ReferredBucket> => {
  const { bucketRef } = policy.spec;
  const bucket = await deps.references.bucketFor(bucketRef, policy.metadata.namespace).catch(onlyFault);
  if (!(bucket instanceof Fault)) return bucket;
  if (bucket.reason !== reasons.ReferenceNotGranted || memory?.bucketName === undefined) throw bucket;
  throw reworded(
    bucket,
    `${bucket.message} The policy that was applied to bucket ${memory.bucketName} stays as it is until the owner of the Bucket confirms.`,
  );
};
