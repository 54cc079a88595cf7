import type { BucketPolicyStatus } from '@operator/api';
import { hashPolicy, samePolicy } from '@operator/policy';
import { keyOfReference, withdrawalOf } from '@operator/references';
import { othersAmong } from './contenders.ts';
import type { BucketPolicy, RivalPolicy, PolicyWork } from './deps.ts';
import { documentOf, type StoredDocument } from './document.ts';

/** Where a document is: the bucket, and the Provider through which it was put there. */
export type DocumentPlace = Required<Pick<BucketPolicyStatus, 'bucketName' | 'providerRef'>>;

/**
 * True when another BucketPolicy that stays has the document at this place, as its status proves, so that it is not this one's to
 * remove. The caches may answer yes; no is said by a live list alone. `whichever`: any document of another one at this place counts.
 */
export const isHeldByOthers = async (
  current: StoredDocument,
  place: DocumentPlace,
  work: PolicyWork,
  { whichever }: { readonly whichever: boolean } = { whichever: false },
): Promise<boolean> => {
  const { policy, deps, pass } = work;
  const known = othersAmong(deps.policiesAt(place.bucketName), policy);
  const hash = whichever ? undefined : hashPolicy(current);
  if (await isHeldAmong(known, hash, place, work)) return true;
  const live = othersAmong(await deps.livePolicies(pass.signal), policy);
  return (await isHeldAmong(live, hash, place, work)) || (await isMeantAmong(live, current, place, work));
};

/** `hash`: of the document; undefined for any. */
const isHeldAmong = async (
  others: readonly RivalPolicy[],
  hash: string | undefined,
  place: DocumentPlace,
  work: PolicyWork,
): Promise<boolean> => {
  for (const other of others) {
    if (other.status?.bucketName !== place.bucketName || !(await isStaying(other, work))) continue;
    const proven = await work.deps.ownership.provenPolicy(other, work.pass.signal);
    if (proven === undefined || !isSamePlace(proven, place)) continue;
    const hashes = [proven.appliedHash, proven.pendingHash].filter((held) => held !== undefined);
    if (hash === undefined ? hashes.length > 0 : hashes.includes(hash)) return true;
  }
  return false;
};

/** A status may be lost: one that is granted the same Bucket, and whose spec says just this, will say that it has it. */
const isMeantAmong = async (
  others: readonly BucketPolicy[],
  current: StoredDocument,
  place: DocumentPlace,
  work: PolicyWork,
): Promise<boolean> => {
  const bucketKey = keyOfReference(work.policy.spec.bucketRef, work.policy.metadata.namespace);
  const bucket = work.deps.bucketAt(bucketKey);
  if (bucket === undefined) return false;
  for (const other of others) {
    const { spec, metadata } = other;
    if (keyOfReference(spec.bucketRef, metadata.namespace) !== bucketKey || !(await isStaying(other, work))) continue;
    if ((await withdrawalOf(bucket, metadata.namespace, work.deps.labelsOf)) !== 'granted') continue;
    if (samePolicy(current, documentOf(other, place.bucketName, work.deps))) return true;
  }
  return false;
};

/** One that leaves, or whose grant was taken back for good, is to lose its document too. */
const isStaying = async (other: RivalPolicy, { deps }: PolicyWork): Promise<boolean> => {
  const { spec, metadata } = other;
  if (metadata.deletionTimestamp !== undefined) return false;
  const bucket = deps.bucketAt(keyOfReference(spec.bucketRef, metadata.namespace));
  return bucket === undefined || (await withdrawalOf(bucket, metadata.namespace, deps.labelsOf)) !== 'confirmed';
};

const isSamePlace = ({ bucketName, providerRef }: BucketPolicyStatus, place: DocumentPlace): boolean =>
  bucketName === place.bucketName &&
  providerRef?.name === place.providerRef.name &&
  providerRef.namespace === place.providerRef.namespace;
