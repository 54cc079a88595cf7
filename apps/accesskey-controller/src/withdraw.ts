import { reasons, type AccessKeyStatus } from '@operator/api';
import { Fault, blocked, onlyFault, type Outcome } from '@operator/outcome';
import { sameByResource, withoutBuckets, type IamPolicy } from '@operator/policy';
import { isBorrowedBy, keyOfReference, providerNotReady, type GrantState } from '@operator/references';
import { ownStatus, type ObjectKey } from '@operator/runtime';
import type { ObservedUser } from '@operator/s3';
import type { AccessKey, AccessKeyDeps } from './deps.ts';
import { liveBucket, observeBuckets, withRightsKept, withRightsTaken } from './observe-buckets.ts';
import { sealKey, withPolicyHash } from './report.ts';
import { narrowedRights } from './rights.ts';
import { openRemoval, type KeyPass, type KeyWork } from './work.ts';

/**
 * What is done while the Provider cannot be used. Where it no longer grants the namespace, rights stay but for what was lost in
 * any case; they go when the owner of the Provider confirmed it. The key itself stays, and can then do nothing.
 */
export const withoutProvider = async (
  accessKey: AccessKey,
  fault: Fault,
  deps: AccessKeyDeps,
  pass: KeyPass,
): Promise<Outcome<AccessKeyStatus>> => {
  const plain = blocked(ownStatus(accessKey), fault, [providerNotReady(fault)]);
  if (fault.reason !== reasons.ReferenceNotGranted) return plain;
  const { spec, metadata, status } = accessKey;
  const grant = await deps.references.grantOfProvider(spec.providerRef, metadata.namespace, pass.signal);
  // Who was never granted anything causes no calls in the account of somebody else.
  if (grant === undefined || (grant !== 'confirmed' && status?.userName === undefined)) return plain;
  const work = await openRemoval(accessKey, deps, pass).catch(onlyFault);
  const user = work instanceof Fault ? undefined : await work.issuer.observeUser(work.user, pass);
  if (work instanceof Fault || user?.isOurs !== true) return plain;
  const policy = await narrow(work, user.policy, grant);
  const key = keyOfReference(spec.providerRef, metadata.namespace);
  const told =
    grant === 'confirmed' ? withRightsTaken(fault, 'Provider', key) : withRightsKept(fault, 'Provider', key, accessKey);
  const known = withPolicyHash(work.memory, policy);
  const sealed = await sealKey(
    accessKey,
    grant === 'confirmed' ? { ...known, grantedBuckets: [] } : known,
    deps.ownership,
    pass.signal,
  );
  return blocked(sealed, told, [providerNotReady(told)]);
};

/** @returns the policy that the user has then */
const narrow = async (
  work: KeyWork,
  standing: ObservedUser['policy'],
  grant: GrantState,
): Promise<IamPolicy | undefined> => {
  const { accessKey, provided, issuer } = work;
  const sights = grant === 'confirmed' ? [] : await observeBuckets(work, standing);
  const question = { accessKey, provider: provided.provider, standing, server: issuer };
  const policy = narrowedRights({ ...question, sights });
  if (await putNarrowed(work, standing, policy, grant === 'confirmed' ? 'Provider' : 'Bucket')) return policy;
  return standing as IamPolicy | undefined;
};

/** @returns whether anything was written */
const putNarrowed = async (
  { issuer, user, pass }: KeyWork,
  standing: ObservedUser['policy'],
  policy: IamPolicy | undefined,
  lender: 'Provider' | 'Bucket',
): Promise<boolean> => {
  if (sameByResource(standing, policy)) return false;
  await pass.step('policy', () => issuer.putPolicy(user, policy, pass));
  pass.event(
    'Warning',
    reasons.ReferenceNotGranted,
    lender === 'Provider'
      ? `Took all rights from user ${user.name}: its namespace may no longer use the Provider.`
      : `Took rights from user ${user.name}: a Bucket that gave them is gone, or may no longer be used.`,
  );
  return true;
};

/**
 * Takes what lenders withdrew and confirmed from an object that is paused: a pause is the borrower's, and must not be in the way. So do
 * rights in an account of another namespace that the spec stopped asking for, or whose bucket is gone or somebody else's: nobody else
 * would find them later. Where nothing of that can be, nothing outside is asked.
 * @throws Faults of the Provider
 */
export const takeConfirmed = async (accessKey: AccessKey, deps: AccessKeyDeps, pass: KeyPass): Promise<void> => {
  const { spec, metadata } = accessKey;
  const isProviderLost = await deps.references.isProviderWithdrawn(spec.providerRef, metadata.namespace, pass.signal);
  const asked = await askedBuckets(accessKey, deps, pass);
  const isLost = asked.some(({ standing }) => standing === 'lost');
  if (!isProviderLost && !isLost && !(await mayHaveBorrowed(accessKey, deps, pass))) return;
  const work = await openRemoval(accessKey, deps, pass);
  const user = await work.issuer.observeUser(work.user, pass);
  if (user?.isOurs !== true || user.policy === undefined) return;
  if (isProviderLost) await narrow(work, user.policy, 'confirmed');
  else await putNarrowed(work, user.policy, await withoutLost(work, user.policy, asked), 'Bucket');
};

/** A Bucket that `access` names; `lost`: its owner withdrew the grant and confirmed that. */
interface AskedBucket {
  readonly key: ObjectKey;
  readonly standing: 'kept' | 'lost';
}

const askedBuckets = async (
  { spec, metadata }: AccessKey,
  { references }: AccessKeyDeps,
  { signal }: KeyPass,
): Promise<readonly AskedBucket[]> => {
  const from = metadata.namespace;
  const asked: AskedBucket[] = [];
  for (const { bucketRef } of spec.access ?? []) {
    const isLost = await references.isBucketWithdrawn(bucketRef, from, signal);
    asked.push({ key: keyOfReference(bucketRef, from), standing: isLost ? 'lost' : 'kept' });
  }
  return asked;
};

/** Whether there may be a user in an account of somebody else: by its proven status, or because the Provider is granted. */
const mayHaveBorrowed = async (
  accessKey: AccessKey,
  { references, ownership }: AccessKeyDeps,
  { signal }: KeyPass,
): Promise<boolean> => {
  const { spec, metadata } = accessKey;
  if ((spec.providerRef.namespace ?? metadata.namespace) === metadata.namespace) return false;
  if ((await ownership.provenAccessKey(accessKey, signal)) !== undefined) return true;
  // Who was never granted anything causes no calls in the account of somebody else.
  return !((await references.providerFor(spec.providerRef, metadata.namespace).catch(onlyFault)) instanceof Fault);
};

/** In an account of somebody else the server says what was lost: the next owner of a name must not find our user there. */
const withoutLost = async (
  work: KeyWork,
  standing: ObservedUser['policy'],
  asked: readonly AskedBucket[],
): Promise<IamPolicy | undefined> => {
  const { accessKey, provided, issuer, pass } = work;
  const { provider } = provided;
  if (isBorrowedBy(accessKey, provider)) {
    const sights = await observeBuckets(work, standing);
    return narrowedRights({ accessKey, provider, sights, standing, server: issuer });
  }
  const lost: string[] = [];
  for (const { key, standing: as } of asked) {
    const bucket = as === 'lost' ? await liveBucket(pass, key) : undefined;
    if (bucket !== undefined) lost.push(bucket.spec.name);
  }
  return withoutBuckets(standing, new Set(lost));
};
