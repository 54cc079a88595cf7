import { annotations, reasons } from '@operator/api';
import { Fault, reworded, waiting } from '@operator/outcome';
import { bucketArn, hashPolicy, partitionOf, isStoredByArn, type IamPolicy } from '@operator/policy';
import { keyOfReference, type Provided, type ReferredBucket } from '@operator/references';
import { keyOf } from '@operator/runtime';
import { readBucketPolicy, type BucketWire } from '@operator/s3';
import { requireNoRival } from './contenders.ts';
import type { PolicyWork } from './deps.ts';
import { findLockout, findUnsupported, renderFor, requireValid, type PolicySight } from './plan.ts';

/**
 * The document that the bucket is to have.
 * @throws Fault `terminal` PolicyInvalid; `waiting` PolicyConflict, AccessKeyNotFound, AccessKeyNotReady
 */
export const documentFor = async (bucket: ReferredBucket, work: PolicyWork): Promise<IamPolicy> => {
  const { policy, deps } = work;
  const document = requireValid(policy.spec.policy, bucket.spec.name);
  await requireNoRival(bucket, work);
  return renderFor(document, bucket.spec.name, (name) => deps.accessKeyAt(`${policy.metadata.namespace}/${name}`));
};

/** A bucket that is ours by what was seen in this pass, and the way to it. */
export interface ReachedBucket {
  readonly provided: Provided;
  readonly s3: BucketWire;
  readonly place: PolicySight['place'];
}

/**
 * Reaches the bucket, and sees whose it is with the Bucket's own Provider: a policy is put only on a bucket that is ours.
 * @throws Fault `waiting` BucketNotReady, BucketMissing, and what a look at the owner tells: AlreadyClaimed, OwnershipInDoubt and others
 */
export const reachBucket = async (bucket: ReferredBucket, { deps, pass }: PolicyWork): Promise<ReachedBucket> => {
  requireMade(bucket);
  const { providerRef, name: bucketName } = bucket.spec;
  const provided = await deps.references.driverFor(providerRef, bucket.metadata.namespace, pass.signal);
  const { driver, provider } = provided;
  requireSameServer(bucket, driver.serverIdentity);
  const region = bucket.status?.region ?? provider.spec.region;
  const { fault, isAbsent } = await deps.ownership.look({ act: 'grant', bucket, provided, region }, pass);
  if (isAbsent) throw waiting(reasons.BucketMissing, `Bucket ${bucketName} is not at ${driver.serverIdentity}.`);
  if (fault !== undefined) throw fault;
  const { namespace, name } = provider.metadata;
  return {
    provided,
    s3: { wire: driver.wire(region), bucket: bucketName },
    place: { bucketName, region, providerRef: { namespace, name } },
  };
};

/**
 * Rethrows why a bucket cannot be reached; to a policy of another namespace the reason alone, since the message may name objects that are
 * none of its business. For `promise.catch`.
 */
export const tellAcross =
  (bucket: ReferredBucket, { policy }: PolicyWork) =>
  (caught: unknown): never => {
    const isFromElsewhere = policy.metadata.namespace !== bucket.metadata.namespace;
    if (!isFromElsewhere || !(caught instanceof Fault) || caught.kind !== 'waiting') throw caught;
    throw reworded(caught, `Bucket ${keyOf(bucket)} cannot be used now: ${caught.reason}; its own conditions say why.`);
  };

/** What becomes of a policy that was applied, where the Provider of its Bucket may not be used. */
export const keptOf = ({ memory }: Pick<PolicyWork, 'memory'>): string | undefined =>
  memory?.bucketName === undefined
    ? undefined
    : `the policy that was applied to bucket ${memory.bucketName} stays as it is.`;

/** Why the document must not be sent to this server. Fault `terminal` Unsupported, PolicyInvalid. */
export const findUnfit = (
  wanted: IamPolicy,
  { provided, place }: ReachedBucket,
  { policy }: PolicyWork,
): Fault | undefined => {
  const { driver, provider } = provided;
  // A server that asks a policy about anonymous requests alone denies the operator nothing.
  const isAllowed =
    driver.unsupported.has('policyPrincipals') || policy.metadata.annotations?.[annotations.allowLockout] === 'true';
  return (
    findUnsupported(wanted, driver.unsupported) ??
    findLockout(wanted, {
      bucketArn: bucketArn(place.bucketName, partitionOf(provider.spec.region)),
      accountId: provider.status?.accountId,
      isAllowed,
    })
  );
};

/** Reads what stands there. */
export const observe = async (
  wanted: IamPolicy,
  { s3, place }: ReachedBucket,
  { policy, deps, pass }: PolicyWork,
): Promise<PolicySight> => {
  const current = await readBucketPolicy(s3, pass);
  const isStoredForm =
    current !== undefined &&
    deps.writes.learn(
      policy.metadata.uid,
      {
        sent: hashPolicy(wanted),
        found: hashPolicy(current),
        isByArn: isStoredByArn(current, wanted),
      },
      pass.now,
    );
  return { place, wanted, current, isStoredForm };
};

/** Its Provider may lead to another server by now, with another bucket of that name. @throws Fault `waiting` BucketNotReady */
const requireSameServer = (bucket: ReferredBucket, serverIdentity: string): void => {
  if (bucket.status?.endpoint === serverIdentity) return;
  throw waiting(reasons.BucketNotReady, `Bucket ${keyOf(bucket)} has not been looked at on ${serverIdentity} yet.`);
};

/** A Bucket that has not come to its bucket says why itself. @throws Fault `waiting` BucketNotReady */
const requireMade = (bucket: ReferredBucket): void => {
  const { metadata, spec, status } = bucket;
  const at = `Bucket ${keyOf(bucket)}`;
  if (metadata.deletionTimestamp !== undefined) throw waiting(reasons.BucketNotReady, `${at} is being deleted.`);
  const isMade = status?.exists === true && status.ownership !== undefined && status.bucketName === spec.name;
  if (isMade) return;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  throw waiting(
    reasons.BucketNotReady,
    `${at} is not there yet${ready === undefined ? '.' : `: ${ready.reason}: ${ready.message}`}`,
  );
};

/** The Provider of the Bucket that a policy is for, as far as it is known. */
export const providerKeyOf = (
  { spec, metadata }: PolicyWork['policy'],
  { bucketAt }: Pick<PolicyWork['deps'], 'bucketAt'>,
) => {
  const bucket = bucketAt(keyOfReference(spec.bucketRef, metadata.namespace));
  return bucket && keyOfReference(bucket.spec.providerRef, bucket.metadata.namespace);
};
