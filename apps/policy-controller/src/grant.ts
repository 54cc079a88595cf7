import { reasons } from '@operator/api';
import { Fault, onlyFault, reworded } from '@operator/outcome';
import { keyOfReference, type GrantState, type ReferredBucket } from '@operator/references';
import type { PolicyDeps, Work } from './deps.ts';

/**
 * How a policy stands with those who lend: the owner of its Bucket, and of the Provider of that Bucket. Undefined when there is no
 * such Bucket. A confirmed withdrawal by either is one.
 */
export const grantOf = async (
  { spec, metadata }: Pick<Work['policy'], 'spec' | 'metadata'>,
  { references, bucketAt }: Pick<PolicyDeps, 'references' | 'bucketAt'>,
  signal: AbortSignal,
): Promise<GrantState | undefined> => {
  const state = await references.grantOfBucket(spec.bucketRef, metadata.namespace, signal);
  if (state === undefined || state === 'confirmed') return state;
  const bucket = bucketAt(keyOfReference(spec.bucketRef, metadata.namespace));
  const lent = bucket && (await references.grantOfProvider(bucket.spec.providerRef, bucket.metadata.namespace, signal));
  return lent === 'confirmed' ? 'confirmed' : state;
};

/** The Bucket that a policy is for. @throws Fault `waiting` BucketNotFound, ReferenceNotGranted, which says what becomes of the policy */
export const followBucket = async ({ policy, memory, deps }: Work): Promise<ReferredBucket> => {
  const { bucketRef } = policy.spec;
  const bucket = await deps.references.bucketFor(bucketRef, policy.metadata.namespace).catch(onlyFault);
  if (!(bucket instanceof Fault)) return bucket;
  if (bucket.reason !== reasons.ReferenceNotGranted || memory?.bucketName === undefined) throw bucket;
  throw reworded(
    bucket,
    `${bucket.message} The policy that was applied to bucket ${memory.bucketName} stays as it is until the owner of the Bucket confirms.`,
  );
};
