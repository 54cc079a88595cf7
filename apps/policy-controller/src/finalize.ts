import type { BucketPolicyStatus } from '@operator/api';
import { annotations, eventReasons, reasons } from '@operator/api';
import { waiting } from '@operator/outcome';
import { hashPolicy } from '@operator/policy';
import { explainWait, keyOfReference } from '@operator/references';
import type { Finalized, Pass } from '@operator/runtime';
import { deleteBucketPolicy, observeExistence, readBucketPolicy } from '@operator/s3';
import type { BucketPolicy, PolicyDeps } from './deps.ts';

const done: Finalized<BucketPolicyStatus> = { result: 'done' };

/**
 * Removes the document, if the bucket still has the one that we put there; another one is left alone. A bucket or a document
 * that is gone counts as removed.
 * @throws Fault `waiting` RegionMismatch, AccessDenied, and those of the Provider: a document is not forgotten because its server is away
 */
export const finalizePolicy = async (
  policy: BucketPolicy,
  deps: PolicyDeps,
  pass: Pass<BucketPolicyStatus>,
): Promise<Finalized<BucketPolicyStatus>> => {
  const { spec, metadata, status } = policy;
  const { providerRef, bucketName, appliedHash, pendingHash } = status ?? {};
  const ours = [appliedHash, pendingHash].filter((hash) => hash !== undefined);
  const isAbandoned = metadata.annotations?.[annotations.abandon] === 'true';
  if (isAbandoned || providerRef === undefined || bucketName === undefined || ours.length === 0) return done;

  // The Provider granted its use to the Bucket, not to the policy.
  const from = spec.bucketRef.namespace ?? metadata.namespace;
  const cannot = explainWait('The policy cannot be removed yet');
  const { driver, provider } = await deps.references.driverForRemoval(providerRef, from, pass.signal).catch(cannot);
  const region = status?.region ?? provider.spec.region;
  const existence = await observeExistence(driver, { bucket: bucketName, region, wasThere: true }, pass);
  if (existence.state === 'absent') return done;
  if (existence.state === 'elsewhere') return cannot(waiting(reasons.RegionMismatch, existence.message));
  if (existence.state === 'forbidden') throw waiting(reasons.AccessDenied, existence.message);
  const s3 = { wire: driver.wire(region), bucket: bucketName };
  const current = await readBucketPolicy(s3, pass);
  if (current === undefined) return done;
  const hash = hashPolicy(current);
  if (!ours.includes(hash) || isOfAnother(policy, hash, deps)) {
    pass.event('Warning', reasons.NotOwned, `Bucket ${bucketName} has another policy by now; it is left alone.`);
    return done;
  }
  await deleteBucketPolicy(s3, pass);
  pass.event('Normal', eventReasons.PolicyRemoved, `Removed the policy from bucket ${bucketName}.`);
  return done;
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
