import type { BucketPolicySpec, BucketPolicyStatus } from '@operator/api';
import { isPublic, parsePolicy, renderPolicy } from '@operator/policy';
import {
  isPolicyOn,
  isTakingLeave,
  trimPolicyMetadata,
  withdrawalOf,
  type Bucket,
  type LabelsOf,
  type Ownership,
} from '@operator/references';
import { keyOf, pick, type KubeObject } from '@operator/runtime';
import type { PolicyOnBucket } from './report.ts';

/** A BucketPolicy, as far as a Bucket is concerned. */
export type TrimmedPolicy = KubeObject<
  Pick<BucketPolicySpec, 'bucketRef' | 'policy'>,
  Pick<BucketPolicyStatus, 'appliedHash' | 'pendingHash' | 'bucketName' | 'region' | 'providerRef' | 'proof'>
>;

/** Drops, on arrival, what does not concern the Bucket: there may be thousands. */
export const trimPolicy = ({ apiVersion, kind, metadata, spec, status }: TrimmedPolicy): TrimmedPolicy => ({
  apiVersion,
  kind,
  metadata: trimPolicyMetadata(metadata),
  spec: pick(spec, 'bucketRef', 'policy'),
  ...(status === undefined
    ? {}
    : { status: pick(status, 'appliedHash', 'pendingHash', 'bucketName', 'region', 'providerRef', 'proof') }),
});

/** A policy that is not well formed opens nothing: it is never applied. */
const isPublicPolicy = ({ spec }: TrimmedPolicy): boolean => {
  const parsed = parsePolicy(spec.policy, 'bucket');
  return 'document' in parsed && isPublic(renderPolicy(parsed.document, { resolvePrincipal: (name) => name }));
};

/**
 * The policies that count on a Bucket: those that it grants the reference, and those that stand at the server all the same, as
 * their status proves. Anybody may refer to any Bucket; that alone must show nothing on it, nor hold up its deletion.
 * `referring`: all that refer to it.
 */
export const policiesOn = async (
  bucket: Bucket,
  referring: readonly TrimmedPolicy[],
  { labelsOf, ownership }: { readonly labelsOf: LabelsOf; readonly ownership: Pick<Ownership, 'provenPolicy'> },
  signal: AbortSignal,
): Promise<readonly PolicyOnBucket[]> => {
  const found: PolicyOnBucket[] = [];
  for (const policy of referring) {
    const { namespace } = policy.metadata;
    const proven = await ownership.provenPolicy(policy, signal);
    const isHere = proven !== undefined && isPolicyOn(bucket, proven);
    const hashes = isHere ? [proven.appliedHash, proven.pendingHash].filter((hash) => hash !== undefined) : [];
    const state = await withdrawalOf(bucket, namespace, labelsOf);
    if (hashes.length === 0 && state !== 'granted') continue;
    const isWithdrawn = state === 'confirmed';
    // What nothing proves to be there is not waited for; nor is one that the owner has taken back for good.
    const isAwaited = hashes.length > 0 && !isWithdrawn && isTakingLeave(policy, bucket.metadata.namespace);
    found.push({ name: keyOf(policy), namespace, isPublic: isPublicPolicy(policy), hashes, isWithdrawn, isAwaited });
  }
  return found;
};
