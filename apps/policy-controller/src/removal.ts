import { eventReasons, reasons } from '@operator/api';
import { waiting, type Fault } from '@operator/outcome';
import { hashPolicy, sameButForGoneUsers } from '@operator/policy';
import { explainWait, keyOfReference, type Provided, type ReferredBucket } from '@operator/references';
import { isAbandoned, keyOf } from '@operator/runtime';
import { deleteBucketPolicy, observeExistence, readBucketPolicy, type BucketWire } from '@operator/s3';
import { othersAmong } from './contenders.ts';
import type { PolicyWork } from './deps.ts';
import { documentOf, isDocumentOf } from './document.ts';
import { isWithdrawn } from './grant.ts';
import { isHeldByOthers, type DocumentPlace } from './others.ts';

/** Where a document of ours stands, or may stand. */
interface Standing extends DocumentPlace {
  readonly region: string | undefined;
  readonly hashes: readonly string[];
}

const standingIn = ({ memory }: PolicyWork): Standing | undefined => {
  const { providerRef, bucketName, region, appliedHash, pendingHash } = memory ?? {};
  const hashes = [appliedHash, pendingHash].filter((hash) => hash !== undefined);
  return providerRef === undefined || bucketName === undefined || hashes.length === 0
    ? undefined
    : { providerRef, bucketName, region, hashes };
};

/** How a wait says that it is one of a removal. */
const cannot = explainWait('The policy cannot be removed yet');

/**
 * Removes the document, if the bucket still has the one that this very object put there, by proof; another one is left alone. A
 * bucket or a document that is gone counts as removed. `isOrdered`: who lends has said so, and the owner of the policy is not asked.
 * @throws Fault `waiting` RegionMismatch, AccessDenied, OwnershipInDoubt, and those of the Provider: a document is not forgotten
 * because its server is away
 */
export const removeDocument = async (
  work: PolicyWork,
  { isOrdered }: { readonly isOrdered: boolean },
): Promise<void> => {
  const { policy, deps, pass } = work;
  const standing = standingIn(work);
  if (standing === undefined) return;
  if (!isOrdered && (await mayBeLeft(work))) {
    const message = `The policy of bucket ${standing.bucketName} stays as it is on the server.`;
    pass.event('Warning', eventReasons.PolicyAbandoned, message);
    return;
  }
  // The Provider granted its use to the Bucket, not to the policy.
  const from = policy.spec.bucketRef.namespace ?? policy.metadata.namespace;
  const provided = await deps.references.driverForRemoval(standing.providerRef, from, pass.signal).catch(cannot);
  const s3 = await reachBucket(standing, provided, work);
  if (s3 === undefined) return;
  const leave = (why: string): void => pass.event('Warning', reasons.NotOwned, `Bucket ${standing.bucketName} ${why}`);
  if (!(await isBucketOurs(standing, provided, s3, work))) {
    leave('belongs to somebody else by now; its policy is left alone.');
    return;
  }
  const isOurs = await isDocumentOurs(standing, s3, work);
  if (isOurs === undefined) return;
  if (!isOurs) {
    leave('has another policy by now; it is left alone.');
    return;
  }
  await remove(standing, s3, work);
};

/**
 * Looks, on the word of the owner of a Bucket, for what this object may have left there, whatever its status remembers: that lies with the
 * borrower, who may have wiped it or put back an older one. Removes a document that is the one of the spec and nobody else's.
 * @returns Fault `waiting` OwnershipInDoubt where a document stands that may be this object's; undefined when surely none is
 * @throws Fault `waiting` BucketNotFound, RegionMismatch, AccessDenied, OwnershipInDoubt, and those of the Provider
 */
export const removeRemains = async (work: PolicyWork): Promise<Fault | undefined> => {
  const { policy, deps, pass } = work;
  const key = keyOfReference(policy.spec.bucketRef, policy.metadata.namespace);
  const bucket = deps.bucketAt(key);
  if (bucket === undefined) throw waiting(reasons.BucketNotFound, `Bucket ${key} does not exist any more.`);
  const { spec, metadata, status } = bucket;
  const provided = await deps.references.driverForRemoval(spec.providerRef, metadata.namespace, pass.signal);
  const { name, namespace } = provided.provider.metadata;
  const place: Standing = {
    bucketName: spec.name,
    providerRef: { name, namespace },
    region: status?.region ?? spec.region,
    hashes: [],
  };
  const s3 = await reachBucket(place, provided, work);
  if (s3 === undefined) return undefined;
  const look = { act: 'grant', bucket, provided, region: s3.wire.region } as const;
  const { verdict, fault } = await deps.ownership.look(look, pass);
  if (verdict.is === 'others') return undefined;
  if (fault !== undefined) throw fault;
  const current = await readBucketPolicy(s3, pass);
  if (current === undefined || (await isHeldByOthers(current, place, work))) return undefined;
  if (!isDocumentOf(policy, current, spec.name, deps)) return unclaimed(bucket);
  await remove(place, s3, work);
  return undefined;
};

const unclaimed = (bucket: ReferredBucket): Fault =>
  waiting(
    reasons.OwnershipInDoubt,
    `Bucket ${keyOf(bucket)} still has a policy, and nothing proves whose it is: it is not the one of this spec, and no status proves ` +
      'it. It is left alone. The owner of the Bucket can remove it at the server, or replace it with a BucketPolicy of its own.',
  );

/**
 * S3 removes whatever policy stands then. One that another BucketPolicy puts there between the look and the removal goes with it, so that
 * others of the Bucket look at once.
 */
const remove = async (
  { bucketName }: DocumentPlace,
  s3: BucketWire,
  { policy, deps, pass }: PolicyWork,
): Promise<void> => {
  await pass.step('remove', () => deleteBucketPolicy(s3, pass));
  pass.event('Normal', eventReasons.PolicyRemoved, `Removed the policy from bucket ${bucketName}.`);
  const key = keyOfReference(policy.spec.bucketRef, policy.metadata.namespace);
  for (const other of othersAmong(deps.policiesOf(key), policy)) deps.lookAgain(keyOf(other));
};

/** A borrower cannot let stand what the lender has taken back. */
const mayBeLeft = async ({ policy, deps, pass }: PolicyWork): Promise<boolean> =>
  isAbandoned(policy) && !(await isWithdrawn(policy, deps, pass.signal));

/** The bucket, in the region where it is: another may be told of the Provider by now. Undefined when it is gone. */
const reachBucket = async (
  { bucketName, region: remembered }: Standing,
  { driver, provider }: Provided,
  { pass }: PolicyWork,
): Promise<BucketWire | undefined> => {
  const region = remembered ?? provider.spec.region;
  const lookIn = (where: string) =>
    observeExistence(driver, { bucket: bucketName, region: where, wasThere: true }, pass);
  let existence = await lookIn(region);
  let found = region;
  if (existence.state === 'elsewhere') {
    found = existence.region ?? provider.spec.region;
    if (found !== region) existence = await lookIn(found);
  }
  if (existence.state === 'elsewhere') cannot(waiting(reasons.RegionMismatch, existence.message));
  if (existence.state === 'forbidden') throw waiting(reasons.AccessDenied, existence.message);
  return existence.state === 'absent' ? undefined : { wire: driver.wire(found), bucket: bucketName };
};

/**
 * Whose the bucket is, by its mark. While there is a Bucket for it, it is seen as for a right. Without one the mark must still name the
 * Bucket that this policy refers to; where no mark can speak, the proof of the document speaks alone.
 * @throws Fault `waiting` OwnershipInDoubt
 */
const isBucketOurs = async (
  standing: Standing,
  provided: Provided,
  { wire }: BucketWire,
  { policy, deps, pass }: PolicyWork,
): Promise<boolean> => {
  const key = keyOfReference(policy.spec.bucketRef, policy.metadata.namespace);
  const { bucketName, providerRef } = standing;
  const known = deps.bucketAt(key);
  const isThere =
    known?.spec.name === bucketName &&
    keyOfReference(known.spec.providerRef, known.metadata.namespace) === keyOfReference(providerRef, '');
  const bucket = isThere ? known : formerBucket(standing, policy);
  const look = { act: 'grant', bucket, provided, region: wire.region } as const;
  const { verdict, fault, sight } = await deps.ownership.look(look, pass);
  if (isThere) {
    if (verdict.is === 'doubt' && fault !== undefined) cannot(fault);
    return verdict.is === 'ours';
  }
  if (sight.mark.kind === 'none' || sight.mark.kind === 'unreadable') {
    const why = sight.mark.kind === 'none' ? 'its owner tags are missing' : 'its owner tags may not be read';
    const message = `It is in doubt whose bucket ${bucketName} is: ${why}, and Bucket ${key} is not there for it any more.`;
    cannot(waiting(reasons.OwnershipInDoubt, message));
  }
  return sight.mark.kind !== 'other';
};

/** The Bucket that had the bucket, as far as it is known: by its mark it is a namesake. */
const formerBucket = (
  { bucketName, providerRef }: Standing,
  { spec, metadata }: PolicyWork['policy'],
): ReferredBucket => ({
  apiVersion: '',
  kind: 'Bucket',
  metadata: {
    namespace: spec.bucketRef.namespace ?? metadata.namespace,
    name: spec.bucketRef.name,
    uid: '',
    resourceVersion: '',
    generation: 0,
    creationTimestamp: '',
  },
  spec: { name: bucketName, providerRef, adoptionPolicy: 'IfOwned' },
});

/** Undefined when there is no document. */
const isDocumentOurs = async (standing: Standing, s3: BucketWire, work: PolicyWork): Promise<boolean | undefined> => {
  const current = await readBucketPolicy(s3, work.pass);
  if (current === undefined) return undefined;
  if (standing.hashes.includes(hashPolicy(current))) return !(await isHeldByOthers(current, standing, work));
  // By which hash another one would know it is not to be told then.
  const isKnown = sameButForGoneUsers(current, documentOf(work.policy, standing.bucketName, work.deps));
  return isKnown && !(await isHeldByOthers(current, standing, work, { whichever: true }));
};
