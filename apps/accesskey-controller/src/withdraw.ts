import { reasons, type AccessKeyStatus } from '@operator/api';
import { Fault, blocked, onlyFault, type Outcome } from '@operator/outcome';
import { sameByResource, withoutBuckets, type IamPolicy } from '@operator/policy';
import { keyOfReference, providerNotReady, type GrantState } from '@operator/references';
import { ownStatus } from '@operator/runtime';
import type { ObservedUser } from '@operator/s3';
import type { AccessKey, AccessKeyDeps } from './deps.ts';
import { liveBucket, observeBuckets, withRightsKept, withRightsTaken } from './observe-buckets.ts';
import { withPolicyHash } from './report.ts';
import { narrowedRights } from './rights.ts';
import { openRemoval, type KeyPass, type Work } from './work.ts';

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
  return blocked(grant === 'confirmed' ? { ...known, grantedBuckets: [] } : known, told, [providerNotReady(told)]);
};

/** @returns the policy that the user has then */
const narrow = async (
  work: Work,
  standing: ObservedUser['policy'],
  grant: GrantState,
): Promise<IamPolicy | undefined> => {
  const { accessKey, provided, issuer } = work;
  const sights = grant === 'confirmed' ? [] : await observeBuckets(work, standing);
  const question = { accessKey, provider: provided.provider, standing, maxPolicyBytes: issuer.maxPolicyBytes };
  const policy = narrowedRights({ ...question, sights });
  if (await putNarrowed(work, standing, policy, grant === 'confirmed' ? 'Provider' : 'Bucket')) return policy;
  return standing as IamPolicy | undefined;
};

/** @returns whether anything was written */
const putNarrowed = async (
  { issuer, user, pass }: Work,
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
 * Takes what lenders withdrew and confirmed from an object that is paused: a pause is the borrower's, and must not be in the way.
 * Without such a word nothing outside is asked.
 * @throws Faults of the Provider
 */
export const takeConfirmed = async (accessKey: AccessKey, deps: AccessKeyDeps, pass: KeyPass): Promise<void> => {
  const { spec, metadata } = accessKey;
  const { references } = deps;
  const from = metadata.namespace;
  const isProviderLost = await references.isProviderWithdrawn(spec.providerRef, from, pass.signal);
  const lost: string[] = [];
  for (const { bucketRef } of spec.access ?? []) {
    if (!(await references.isBucketWithdrawn(bucketRef, from, pass.signal))) continue;
    const bucket = await liveBucket(pass, keyOfReference(bucketRef, from));
    if (bucket !== undefined) lost.push(bucket.spec.name);
  }
  if (!isProviderLost && lost.length === 0) return;
  const work = await openRemoval(accessKey, deps, pass);
  const user = await work.issuer.observeUser(work.user, pass);
  if (user?.isOurs !== true || user.policy === undefined) return;
  if (isProviderLost) await narrow(work, user.policy, 'confirmed');
  else await putNarrowed(work, user.policy, withoutBuckets(user.policy, new Set(lost)), 'Bucket');
};
