import type { BucketPolicySpec, BucketPolicyStatus } from '@operator/api';
import { isPublic, parsePolicy, renderPolicy } from '@operator/policy';
import { isGranted, type Bucket, type LabelsOf } from '@operator/references';
import { keyOf, type KubeObject } from '@operator/runtime';
import type { PolicyOnBucket } from './report.ts';

export type BucketPolicy = KubeObject<BucketPolicySpec, BucketPolicyStatus>;

/** A policy that is not well formed opens nothing: it is never applied. */
const isPublicPolicy = ({ spec }: BucketPolicy): boolean => {
  const parsed = parsePolicy(spec.policy, 'bucket');
  return 'document' in parsed && isPublic(renderPolicy(parsed.document, { resolvePrincipal: (name) => name }));
};

/**
 * The policies that count on a Bucket: those that it grants the reference, and those that stand at the server all the same.
 * Anybody may refer to any Bucket; that alone must show nothing on it. `referring`: all that refer to it.
 */
export const policiesOn = async (
  { metadata, spec }: Bucket,
  referring: readonly BucketPolicy[],
  labelsOf: LabelsOf,
): Promise<readonly PolicyOnBucket[]> => {
  const found: PolicyOnBucket[] = [];
  for (const policy of referring) {
    const namespaces = { owner: metadata.namespace, from: policy.metadata.namespace };
    const stands = policy.status?.appliedHash !== undefined || policy.status?.pendingHash !== undefined;
    if (!stands && !(await isGranted(spec.allowedNamespaces, namespaces, labelsOf))) continue;
    const isLeaving = policy.metadata.deletionTimestamp !== undefined;
    found.push({ name: keyOf(policy), isPublic: isPublicPolicy(policy), isLeaving });
  }
  return found;
};
