import type { BucketPolicySpec, BucketPolicyStatus } from '@operator/api';
import { eventReasons, reasons } from '@operator/api';
import { onlyFault, Fault, blocked, progressing, settled, waiting } from '@operator/outcome';
import { hashPolicy, samePolicy, type IamPolicy } from '@operator/policy';
import { keyOfReference, type ReferredBucket } from '@operator/references';
import { keyOf, ownStatus, type Reconciler } from '@operator/runtime';
import { putBucketPolicy, readBucketPolicy } from '@operator/s3';
import type { BucketPolicy, PolicyDeps } from './deps.ts';
import { finalizePolicy, leaveFormerBucket } from './finalize.ts';
import { findUnsupported, renderFor, requireValid, winnerOf, type Contender } from './plan.ts';
import { claimsOfPolicyFault, reportPolicy, unheededClaims } from './report.ts';

/** Keeps one document on one bucket. */
export const policyReconciler = (deps: PolicyDeps): Reconciler<BucketPolicySpec, BucketPolicyStatus> => ({
  async reconcile(stored, pass) {
    const bucket = await deps.references.bucketFor(stored.spec.bucketRef, stored.metadata.namespace);
    const policy = await leaveFormerBucket(stored, bucket, deps, pass);
    const bucketName = bucket.spec.name;
    const wanted = await documentFor(policy, bucket, deps).catch(onlyFault);
    // Whatever the bucket has, it is not this policy.
    if (wanted instanceof Fault) return blocked({ ...ownStatus(policy), applied: false }, wanted);
    requireOwned(bucket);
    const { driver, provider } = await deps.references.driverFor(
      bucket.spec.providerRef,
      bucket.metadata.namespace,
      pass.signal,
    );

    requireSameServer(bucket, driver.serverIdentity);
    const lacking = findUnsupported(wanted, driver.unsupported);
    if (lacking !== undefined) return blocked({ ...ownStatus(policy), applied: false }, lacking);

    const region = bucket.status?.region ?? provider.spec.region;
    const s3 = { wire: driver.wire(region), bucket: bucketName };
    const current = await readBucketPolicy(s3, pass);
    const hash = hashPolicy(wanted);
    const place = {
      bucketName,
      region,
      providerRef: { namespace: provider.metadata.namespace, name: provider.metadata.name },
    };
    const former = policy.status;
    const claims = unheededClaims(wanted, driver.unsupported.get('policyPrincipals'));
    if (current !== undefined && samePolicy(current, wanted)) {
      const isSettled = former?.applied === true && former.appliedHash === hash;
      const lastSyncTime = (isSettled ? former.lastSyncTime : undefined) ?? pass.now.toISOString();
      return settled(reportPolicy({ ...place, hash, lastSyncTime }), { claims });
    }

    // Both hashes stand in the status while the server may have either document, so that a removal knows both as ours. What
    // was pending before and has arrived takes the place of what it replaced.
    const standing = [former?.appliedHash, former?.pendingHash].find(
      (known) => current !== undefined && known === hashPolicy(current),
    );
    const appliedHash = standing ?? former?.appliedHash;
    const applying: BucketPolicyStatus = {
      ...place,
      applied: false,
      pendingHash: hash,
      ...(appliedHash === undefined ? {} : { appliedHash }),
      ...(former?.lastSyncTime === undefined ? {} : { lastSyncTime: former.lastSyncTime }),
    };
    await pass.record(applying);
    await pass.step('policy', () => putBucketPolicy(s3, wanted, pass));
    pass.event('Normal', eventReasons.PolicyApplied, `Applied the policy to bucket ${bucketName}.`);
    return progressing(applying, { reason: reasons.Converging, steps: ['policy'], claims });
  },

  finalize: (policy, pass) => finalizePolicy(policy, deps, pass),

  claimsOf: claimsOfPolicyFault,

  providerOf: ({ spec, metadata }) => {
    const bucket = deps.bucketAt(keyOfReference(spec.bucketRef, metadata.namespace));
    return bucket && keyOfReference(bucket.spec.providerRef, bucket.metadata.namespace);
  },
});

const contenderOf = ({ metadata, status }: BucketPolicy): Contender => ({
  ...metadata,
  isLeaving: metadata.deletionTimestamp !== undefined,
  holds: status?.appliedHash !== undefined || status?.pendingHash !== undefined,
});

/**
 * The document that the bucket is to have.
 * @throws Fault `terminal` PolicyInvalid; `waiting` PolicyConflict, AccessKeyNotFound, AccessKeyNotReady
 */
const documentFor = async (policy: BucketPolicy, bucket: ReferredBucket, deps: PolicyDeps): Promise<IamPolicy> => {
  const document = requireValid(policy.spec.policy, bucket.spec.name);
  await requireNoRival(policy, bucket, deps);
  const accessKeyNamed = (name: string) => deps.accessKeyAt(`${policy.metadata.namespace}/${name}`);
  return renderFor(document, bucket.spec.name, accessKeyNamed);
};

/** @throws Fault `waiting` PolicyConflict, naming the policy that is applied */
const requireNoRival = async (policy: BucketPolicy, bucket: ReferredBucket, deps: PolicyDeps): Promise<void> => {
  const { uid } = policy.metadata;
  const contenders: Contender[] = [];
  for (const other of deps.policiesOf(keyOf(bucket))) {
    const contender = contenderOf(other);
    if (contender.uid === uid || contender.isLeaving || (await isGranted(other, deps))) contenders.push(contender);
  }
  const winner = winnerOf(contenders);
  if (winner === undefined || winner.uid === uid) return;
  throw waiting(
    reasons.PolicyConflict,
    `Bucket ${keyOf(bucket)} has its policy from BucketPolicy ${winner.namespace}/${winner.name}; a bucket can have one.`,
  );
};

/** Anybody may name any Bucket; who may not refer to it must not stand in the way of those who may. */
const isGranted = async ({ spec, metadata }: BucketPolicy, { references }: PolicyDeps): Promise<boolean> => {
  const found = await references.bucketFor(spec.bucketRef, metadata.namespace).catch(onlyFault);
  return !(found instanceof Fault);
};

/** Its Provider may lead to another server by now, with another bucket of that name. @throws Fault `waiting` BucketNotReady */
const requireSameServer = ({ metadata, status }: ReferredBucket, serverIdentity: string): void => {
  if (status?.endpoint === serverIdentity) return;
  throw waiting(
    reasons.BucketNotReady,
    `Bucket ${metadata.namespace}/${metadata.name} has not been looked at on ${serverIdentity} yet.`,
  );
};

/** A policy is put only on a bucket that is ours. @throws Fault `waiting` BucketNotReady */
const requireOwned = ({ metadata, spec, status }: ReferredBucket): void => {
  const at = `Bucket ${metadata.namespace}/${metadata.name}`;
  if (metadata.deletionTimestamp !== undefined) throw waiting(reasons.BucketNotReady, `${at} is being deleted.`);
  const isOwned = status?.exists === true && status.ownership !== undefined && status.bucketName === spec.name;
  if (isOwned) return;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  throw waiting(
    reasons.BucketNotReady,
    `${at} is not there yet${ready === undefined ? '.' : `: ${ready.reason}: ${ready.message}`}`,
  );
};
