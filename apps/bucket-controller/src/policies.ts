import type { BucketPolicySpec, BucketPolicyStatus } from '@operator/api';
import { isPublic, parsePolicy, renderPolicy } from '@operator/policy';
import { isGranted, isPolicyOn, type Bucket, type LabelsOf, type Ownership } from '@operator/references';
import { bareMetadata, keyOf, pick, type KubeObject } from '@operator/runtime';
import type { PolicyOnBucket } from './report.ts';

/** A BucketPolicy, as far as a Bucket is concerned. */
export type BucketPolicy = KubeObject<
  Pick<BucketPolicySpec, 'bucketRef' | 'policy'>,
  Pick<BucketPolicyStatus, 'appliedHash' | 'pendingHash' | 'bucketName' | 'region' | 'providerRef' | 'proof'>
>;

/** Drops, on arrival, what does not concern the Bucket: there may be thousands. */
export const trimPolicy = ({ apiVersion, kind, metadata, spec, status }: BucketPolicy): BucketPolicy => ({
  apiVersion,
  kind,
  metadata: bareMetadata(metadata),
  spec: pick(spec, 'bucketRef', 'policy'),
  ...(status === undefined
    ? {}
    : { status: pick(status, 'appliedHash', 'pendingHash', 'bucketName', 'region', 'providerRef', 'proof') }),
});

/** A policy that is not well formed opens nothing: it is never applied. */
const isPublicPolicy = ({ spec }: BucketPolicy): boolean => {
  const parsed = parsePolicy(spec.policy, 'bucket');
  return 'document' in parsed && isPublic(renderPolicy(parsed.document, { resolvePrincipal: (name) => name }));
};

/**
 * The policies that count on a Bucket: those that it grants the reference, and those that stand at the server all the same, as
 * their status proves. Anybody may refer to any Bucket; that alone must show nothing on it, nor hold up its deletion.
 * `referring`: all that refer to it.
 */
export const policiesOn = async (
  { metadata, spec }: Bucket,
  referring: readonly BucketPolicy[],
  { labelsOf, ownership }: { readonly labelsOf: LabelsOf; readonly ownership: Pick<Ownership, 'provenPolicy'> },
  signal: AbortSignal,
): Promise<readonly PolicyOnBucket[]> => {
  const found: PolicyOnBucket[] = [];
  for (const policy of referring) {
    const namespaces = { owner: metadata.namespace, from: policy.metadata.namespace };
    const proven = await ownership.provenPolicy(policy, signal);
    const isHere = proven !== undefined && isPolicyOn({ metadata, spec }, proven);
    const stands = isHere && (proven.appliedHash !== undefined || proven.pendingHash !== undefined);
    if (!stands && !(await isGranted(spec.allowedNamespaces, namespaces, labelsOf))) continue;
    const isLeaving = policy.metadata.deletionTimestamp !== undefined;
    found.push({ name: keyOf(policy), isPublic: isPublicPolicy(policy), isLeaving });
  }
  return found;
};
