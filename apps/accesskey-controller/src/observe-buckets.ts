import { annotations, bucketResource, finalizerName, reasons, type ObjectReference } from '@operator/api';
import { Fault, onlyFault, waiting } from '@operator/outcome';
import { explainOwnership } from '@operator/ownership';
import { statementsAbout } from '@operator/policy';
import {
  isGranted,
  keyOfReference,
  namespaceLabels,
  trimReferredBucket,
  type OwnerLook,
  type ReferredBucket,
} from '@operator/references';
import { keyOf, pick, type ObjectKey } from '@operator/runtime';
import { observeExistence, type ObservedUser } from '@operator/s3';
import type { AccessKey } from './deps.ts';
import type { KeyPass, KeyWork } from './work.ts';

/**
 * How the rights in a Bucket that `access` names stand. `given`: they may be given, for the bucket was seen to be the Bucket's in
 * this pass. `kept`: nothing is given and nothing is taken. `lost`: it is certain that they must go.
 */
export type Standing = 'given' | 'kept' | 'lost';

export interface BucketSight {
  readonly key: ObjectKey;
  readonly standing: Standing;
  /** Undefined where it is not known, or must not be told. Of one that is `kept`: nobody knows its bucket any more. */
  readonly bucket: ReferredBucket | undefined;
  /** Why no rights are given. */
  readonly fault: Fault | undefined;
}

type Policy = ObservedUser['policy'];

/** Looks at each Bucket that `access` names, once. `policy`: what the user has at the server. */
export const observeBuckets = async (work: KeyWork, policy: Policy): Promise<readonly BucketSight[]> => {
  const { spec, metadata } = work.accessKey;
  const refs = new Map(
    (spec.access ?? []).map(({ bucketRef }) => [keyOfReference(bucketRef, metadata.namespace), bucketRef]),
  );
  const sights: BucketSight[] = [];
  for (const [key, ref] of refs) sights.push(await observeBucket(work, key, ref, policy));
  return sights;
};

/** The cache says when to look; what is taken away was seen to be so. */
const observeBucket = async (
  work: KeyWork,
  key: ObjectKey,
  ref: ObjectReference,
  policy: Policy,
): Promise<BucketSight> => {
  const { accessKey, deps, pass } = work;
  const from = accessKey.metadata.namespace;
  const found = await deps.references.bucketFor(ref, from).catch(onlyFault);
  if (found instanceof Fault) {
    return (await deps.references.isBucketWithdrawn(ref, from, pass.signal))
      ? { key, standing: 'lost', bucket: undefined, fault: withRightsTaken(found, 'Bucket', key) }
      : observeUnreferable(work, key, found, policy);
  }
  const live = found.metadata.deletionTimestamp === undefined ? found : await liveBucket(work.pass, key);
  if (live === undefined || isLetGo(live))
    return observeGone(work, key, waiting(reasons.BucketNotFound, `Bucket ${key} is gone.`));
  const sight = await lookAt(work, live, policy);
  if (sight.standing !== 'given' || live.metadata.deletionTimestamp === undefined) return sight;
  const fault = waiting(reasons.BucketNotReady, `Bucket ${key} is being deleted; no new rights are given in it.`);
  return { ...sight, standing: 'kept', fault };
};

/** A Bucket that is not there, or must not be referred to, by what the cache says. */
const observeUnreferable = async (
  work: KeyWork,
  key: ObjectKey,
  fault: Fault,
  policy: Policy,
): Promise<BucketSight> => {
  const lost: BucketSight = { key, standing: 'lost', bucket: undefined, fault };
  if (policy === undefined) return lost;
  const bucket = await liveBucket(work.pass, key);
  if (bucket === undefined || isLetGo(bucket)) return observeGone(work, key, fault);
  // Who has no rights in it is not even told whether it exists.
  if (!hasRightsIn(bucket, policy)) return lost;
  const sight = await lookAt(work, bucket, policy);
  if (sight.standing === 'lost') return sight;
  const isForeign = bucket.metadata.namespace !== work.accessKey.metadata.namespace;
  return {
    ...sight,
    standing: 'kept',
    fault: isForeign ? withRightsKept(fault, 'Bucket', key, work.accessKey) : fault,
  };
};

/** Who deletes the definition of Buckets says nothing about any of them, see decision 29: what a Bucket gave does not end with it then. */
const observeGone = async ({ deps, pass }: KeyWork, key: ObjectKey, fault: Fault): Promise<BucketSight> => {
  const isMeant = await deps.kube.takesNew(bucketResource, { signal: pass.signal });
  return { key, standing: isMeant ? 'lost' : 'kept', bucket: undefined, fault };
};

const hasRightsIn = ({ spec }: ReferredBucket, policy: Policy): boolean =>
  statementsAbout(policy, new Set([spec.name])).length > 0;

/** The Bucket as the API server has it now. */
export const liveBucket = (pass: KeyPass, key: ObjectKey): Promise<ReferredBucket | undefined> =>
  pass.live<ReferredBucket>(bucketResource, key);

/** True when the bucket-controller is done with an object that others keep from going: what has its name next may be anybody's. */
const isLetGo = ({ metadata }: ReferredBucket): boolean =>
  metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(finalizerName) !== true;

/** Whose the bucket is by the server's word, read with the AccessKey's own Provider. */
const lookAt = async (work: KeyWork, found: ReferredBucket, policy: Policy): Promise<BucketSight> => {
  const { accessKey, deps, provided, pass } = work;
  const bucket = trimReferredBucket(found);
  const key = keyOf(bucket);
  const region = regionOf(bucket, provided);
  const from = accessKey.metadata.namespace;
  const look = await deps.ownership.look({ act: 'grant', bucket, provided, region, from }, pass).catch(onlyFault);
  // What hinders the look is no finding.
  if (look instanceof Fault) return { key, standing: 'kept', bucket, fault: look };
  if (look.isAbsent) return { key, standing: 'lost', bucket, fault: whyNotThere(bucket, work) };
  switch (look.verdict.is) {
    case 'ours': {
      const fault = (await otherAccount(work, bucket)) ?? (await whyNotNew(work, bucket, policy));
      return { key, standing: fault === undefined ? 'given' : 'kept', bucket, fault };
    }
    case 'others': {
      const doubt = await findOnlyRetagged(work, bucket, look);
      if (doubt !== undefined) return { key, standing: 'kept', bucket, fault: doubt };
      return { key, standing: 'lost', bucket, fault: notItsOwn(bucket) };
    }
    case 'doubt': {
      const isLost =
        (await isUnclaimed(work, bucket, look, policy)) || (await isAbsent(work, { bucket, region }, look));
      if (isLost) return { key, standing: 'lost', bucket, fault: whyNotThere(bucket, work) };
      const fault = isToldHere(bucket, work) ? look.fault : whyNotThere(bucket, work);
      return { key, standing: 'kept', bucket, fault };
    }
  }
};

const regionOf = ({ status, spec }: ReferredBucket, { provider }: KeyWork['provided']): string =>
  status?.region ?? spec.region ?? provider.spec.region;

/** A server without marks says nothing of a Bucket that was made anew; that it never had its bucket, the Bucket itself says. */
const isUnclaimed = async (
  work: KeyWork,
  bucket: ReferredBucket,
  { sight }: OwnerLook,
  policy: Policy,
): Promise<boolean> => {
  if (sight.mark.kind !== 'notKept' || bucket.status?.ownership !== undefined || !hasRightsIn(bucket, policy))
    return false;
  const live = await liveBucket(work.pass, keyOf(bucket));
  return live?.status?.ownership === undefined;
};

/**
 * Whoever may write tags may name another owner there, without a proof. The Bucket's memory speaks against that; but it is proved
 * for the Bucket's own Provider, and this look may have been made with another one.
 */
const findOnlyRetagged = async (
  { deps, pass }: KeyWork,
  bucket: ReferredBucket,
  { sight: { mark } }: OwnerLook,
): Promise<Fault | undefined> => {
  const { spec, metadata, status } = bucket;
  if (mark.kind !== 'other' || mark.isSigned) return undefined;
  if (status?.ownership === undefined || status.bucketName !== spec.name) return undefined;
  const home = await deps.references.providerFor(spec.providerRef, metadata.namespace).catch(onlyFault);
  if (home instanceof Fault || !(await deps.ownership.remembersAt(bucket, home, pass.signal))) return undefined;
  const asker = { bucket: spec.name, ...pick(metadata, 'namespace', 'name'), provider: home.metadata };
  return explainOwnership({ is: 'doubt', rule: 'markUnverified' }, 'grant', asker);
};

/** MinIO answers for a bucket that does not exist as for one without tags. */
const isAbsent = async (
  { provided, pass }: KeyWork,
  { bucket, region }: { readonly bucket: ReferredBucket; readonly region: string },
  { sight, tags }: OwnerLook,
): Promise<boolean> => {
  if (sight.mark.kind !== 'none' || tags?.size !== 0) return false;
  const place = { bucket: bucket.spec.name, region, wasThere: true };
  const found = await observeExistence(provided.driver, place, pass).catch(onlyFault);
  return !(found instanceof Fault) && found.state === 'absent';
};

/** The first rights in a bucket are given on the word of the API server itself: a late cache may show a Bucket that is gone. */
const whyNotNew = async (work: KeyWork, bucket: ReferredBucket, policy: Policy): Promise<Fault | undefined> => {
  if (hasRightsIn(bucket, policy)) return undefined;
  const { accessKey, deps } = work;
  const live = await liveBucket(work.pass, keyOf(bucket));
  const namespaces = { owner: bucket.metadata.namespace, from: accessKey.metadata.namespace };
  const isLiving =
    live?.metadata.uid === bucket.metadata.uid &&
    live.metadata.deletionTimestamp === undefined &&
    (await isGranted(live.spec.allowedNamespaces, namespaces, namespaceLabels(deps.kube)));
  return isLiving
    ? undefined
    : waiting(
        reasons.BucketNotReady,
        `Bucket ${keyOf(bucket)} has changed or is being deleted; no new rights are given in it.`,
      );
};

/** True when the Bucket says that it has its bucket on this server, so that the doubt is what there is to tell. */
const isToldHere = ({ spec, status }: ReferredBucket, { provided }: KeyWork): boolean =>
  status?.ownership !== undefined &&
  status.bucketName === spec.name &&
  status.endpoint === provided.driver.serverIdentity;

const whyNotThere = (bucket: ReferredBucket, { provided }: KeyWork): Fault => {
  const { ownership, endpoint } = bucket.status ?? {};
  const isElsewhere = ownership !== undefined && endpoint !== undefined && endpoint !== provided.driver.serverIdentity;
  return isElsewhere
    ? waiting(reasons.SpecInvalid, `Bucket ${keyOf(bucket)} is on another server than this AccessKey.`)
    : waiting(reasons.BucketNotReady, `Bucket ${keyOf(bucket)} is not there yet.`);
};

/** Whose it is instead is told on the Bucket, to whom it concerns. */
const notItsOwn = (bucket: ReferredBucket): Fault =>
  waiting(
    reasons.BucketNotReady,
    `The bucket ${bucket.spec.name} belongs to somebody else than Bucket ${keyOf(bucket)}, whose own condition says more; ` +
      'no rights are given in it.',
  );

/** On a server of many accounts the key of one cannot reach what another one owns. */
const otherAccount = async (
  { provided: { provider }, deps, pass }: KeyWork,
  bucket: ReferredBucket,
): Promise<Fault | undefined> => {
  const { spec, metadata } = bucket;
  if (keyOfReference(spec.providerRef, metadata.namespace) === keyOf(provider)) return undefined;
  const other = await deps.references.providerFor(spec.providerRef, metadata.namespace).catch(onlyFault);
  if (other instanceof Fault) return undefined;
  const own = await deps.ownership.provenAccountOf(provider, pass.signal);
  const its = await deps.ownership.provenAccountOf(other, pass.signal);
  if (own === undefined || its === undefined || own === its) return undefined;
  return waiting(reasons.SpecInvalid, `Bucket ${keyOf(bucket)} is in another account than this AccessKey.`);
};

/** The refusal of a reference whose grant was withdrawn, for one who has rights by it. `kind`, `key`: what is lent. */
export const withRightsKept = (
  fault: Fault,
  kind: 'Bucket' | 'Provider',
  key: ObjectKey,
  { metadata }: AccessKey,
): Fault =>
  waiting(
    reasons.ReferenceNotGranted,
    `${kind} ${key} no longer grants namespace ${metadata.namespace}. Nothing new is given; existing rights stay until its ` +
      `owner confirms that with the annotation ${annotations.confirmWithdrawal}, or grants the namespace again.`,
    fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs },
  );

/** The same where the owner confirmed it. */
export const withRightsTaken = (fault: Fault, kind: 'Bucket' | 'Provider', key: ObjectKey): Fault =>
  waiting(
    reasons.ReferenceNotGranted,
    `${kind} ${key} no longer grants this namespace, and its owner confirmed that: the rights by it were removed. They come back with ` +
      'the grant.',
    fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs },
  );
