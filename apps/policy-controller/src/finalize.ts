import type { BucketPolicyStatus } from '@operator/api';
import { annotations, eventReasons, reasons } from '@operator/api';
import { waiting } from '@operator/outcome';
import { hashPolicy, parsePolicy, renderPolicy, sameButForGoneUsers, type IamPolicy } from '@operator/policy';
import { explainWait, keyOfReference, type ReferredBucket } from '@operator/references';
import type { Finalized, Pass } from '@operator/runtime';
import { deleteBucketPolicy, observeExistence, readBucketPolicy } from '@operator/s3';
import type { BucketPolicy, PolicyDeps } from './deps.ts';

/**
 * Removes the document, if the bucket still has the one that we put there; another one is left alone. A bucket or a document
 * that is gone counts as removed.
 * @throws Fault `waiting` RegionMismatch, AccessDenied, and those of the Provider: a document is not forgotten because its
 * server is away
 */
export const finalizePolicy = async (
  policy: BucketPolicy,
  deps: PolicyDeps,
  pass: Pass<BucketPolicyStatus>,
): Promise<Finalized<BucketPolicyStatus>> => {
  await removeDocument(policy, deps, pass);
  return { result: 'done' };
};

/**
 * Its Bucket may be another one by now, made anew under its name for another bucket: then the document goes from where it was.
 * @returns the policy, without what was said of the former bucket
 * @throws as `finalizePolicy`
 */
export const leaveFormerBucket = async (
  policy: BucketPolicy,
  bucket: ReferredBucket,
  deps: PolicyDeps,
  pass: Pass<BucketPolicyStatus>,
): Promise<BucketPolicy> => {
  const { bucketName, providerRef } = policy.status ?? {};
  if (bucketName === undefined || providerRef === undefined) return policy;
  const { spec, metadata } = bucket;
  const isSameServer =
    keyOfReference(providerRef, metadata.namespace) === keyOfReference(spec.providerRef, metadata.namespace);
  if (isSameServer && bucketName === spec.name) return policy;
  await removeDocument(policy, deps, pass);
  const status: BucketPolicyStatus = { applied: false };
  await pass.record(status);
  return { ...policy, status };
};

const removeDocument = async (
  policy: BucketPolicy,
  deps: PolicyDeps,
  pass: Pass<BucketPolicyStatus>,
): Promise<void> => {
  const { spec, metadata, status } = policy;
  const { providerRef, bucketName, appliedHash, pendingHash } = status ?? {};
  const ours = [appliedHash, pendingHash].filter((hash) => hash !== undefined);
  if (providerRef === undefined || bucketName === undefined || ours.length === 0) return;
  if (metadata.annotations?.[annotations.abandon] === 'true') {
    pass.event(
      'Warning',
      eventReasons.PolicyAbandoned,
      `The policy of bucket ${bucketName} stays as it is on the server.`,
    );
    return;
  }

  // The Provider granted its use to the Bucket, not to the policy.
  const from = spec.bucketRef.namespace ?? metadata.namespace;
  const cannot = explainWait('The policy cannot be removed yet');
  const { driver, provider } = await deps.references.driverForRemoval(providerRef, from, pass.signal).catch(cannot);
  const region = status?.region ?? provider.spec.region;
  const existence = await observeExistence(driver, { bucket: bucketName, region, wasThere: true }, pass);
  if (existence.state === 'absent') return;
  if (existence.state === 'elsewhere') cannot(waiting(reasons.RegionMismatch, existence.message));
  if (existence.state === 'forbidden') throw waiting(reasons.AccessDenied, existence.message);
  const s3 = { wire: driver.wire(region), bucket: bucketName };
  const current = await readBucketPolicy(s3, pass);
  if (current === undefined) return;
  const hash = hashPolicy(current);
  const isOurs = ours.includes(hash) || sameButForGoneUsers(current, documentOf(policy, bucketName));
  if (!isOurs || isOfAnother(policy, hash, deps)) {
    pass.event('Warning', reasons.NotOwned, `Bucket ${bucketName} has another policy by now; it is left alone.`);
    return;
  }
  await pass.step('remove', () => deleteBucketPolicy(s3, pass));
  pass.event('Normal', eventReasons.PolicyRemoved, `Removed the policy from bucket ${bucketName}.`);
};

/** The document of the spec, with anybody for the users behind AccessKeys, which may be gone; undefined when it is not well formed. */
const documentOf = ({ spec }: BucketPolicy, bucket: string): IamPolicy | undefined => {
  const parsed = parsePolicy(spec.policy, 'bucket', { bucket });
  const resolvePrincipal = () => 'arn:aws:iam::000000000000:user/anybody';
  return 'document' in parsed ? renderPolicy(parsed.document, { bucket, resolvePrincipal }) : undefined;
};

/** True when another policy, which stays, has applied the same document. */
const isOfAnother = ({ spec, metadata }: BucketPolicy, hash: string, { policiesOf }: PolicyDeps): boolean =>
  policiesOf(keyOfReference(spec.bucketRef, metadata.namespace)).some(
    (other) =>
      other.metadata.uid !== metadata.uid &&
      other.metadata.deletionTimestamp === undefined &&
      other.status?.applied === true &&
      other.status.appliedHash === hash,
  );
