import type { BucketPolicyStatus } from '@operator/api';
import { annotations, eventReasons, reasons } from '@operator/api';
import { waiting } from '@operator/outcome';
import { hashPolicy, parsePolicy, renderPolicy, sameButForGoneUsers, type IamPolicy } from '@operator/policy';
import { explainWait, keyOfReference, type Provided } from '@operator/references';
import { deleteBucketPolicy, observeExistence, readBucketPolicy, type BucketWire } from '@operator/s3';
import { othersWithDocument } from './contenders.ts';
import type { BucketPolicy, Work } from './deps.ts';
import { isWithdrawn } from './grant.ts';

/** Where a document of ours stands, or may stand. */
interface Standing {
  readonly bucketName: string;
  readonly providerRef: NonNullable<BucketPolicyStatus['providerRef']>;
  readonly region: string | undefined;
  readonly hashes: readonly string[];
}

const standingIn = ({ memory }: Work): Standing | undefined => {
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
export const removeDocument = async (work: Work, { isOrdered }: { readonly isOrdered: boolean }): Promise<void> => {
  const { policy, deps, pass } = work;
  const standing = standingIn(work);
  if (standing === undefined) return;
  if (!isOrdered && (await isAbandoned(work))) {
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
  await pass.step('remove', () => deleteBucketPolicy(s3, pass));
  pass.event('Normal', eventReasons.PolicyRemoved, `Removed the policy from bucket ${standing.bucketName}.`);
};

/** A borrower cannot let stand what the lender has taken back. */
const isAbandoned = async ({ policy, deps, pass }: Work): Promise<boolean> =>
  policy.metadata.annotations?.[annotations.abandon] === 'true' && !(await isWithdrawn(policy, deps, pass.signal));

/** The bucket, in the region where it is: another may be told of the Provider by now. Undefined when it is gone. */
const reachBucket = async (
  { bucketName, region: remembered }: Standing,
  { driver, provider }: Provided,
  { pass }: Work,
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
 * While there is a Bucket for it, whose the bucket is is seen as for a right; without one the proof of the document speaks alone.
 * @throws Fault `waiting` OwnershipInDoubt
 */
const isBucketOurs = async (
  { bucketName, providerRef }: Standing,
  provided: Provided,
  { wire }: BucketWire,
  { policy, deps, pass }: Work,
): Promise<boolean> => {
  const key = keyOfReference(policy.spec.bucketRef, policy.metadata.namespace);
  const bucket = deps.bucketAt(key);
  if (bucket?.spec.name !== bucketName) return true;
  const isThere =
    keyOfReference(bucket.spec.providerRef, bucket.metadata.namespace) ===
    keyOfReference(providerRef, bucket.metadata.namespace);
  if (!isThere) return true;
  const { verdict, fault } = await deps.ownership.look({ act: 'grant', bucket, provided, region: wire.region }, pass);
  if (verdict.is === 'doubt' && fault !== undefined) cannot(fault);
  return verdict.is === 'ours';
};

/** Undefined when there is no document. */
const isDocumentOurs = async (standing: Standing, s3: BucketWire, work: Work): Promise<boolean | undefined> => {
  const current = await readBucketPolicy(s3, work.pass);
  if (current === undefined) return undefined;
  const hash = hashPolicy(current);
  const others = await othersWithDocument(work, standing);
  if (standing.hashes.includes(hash)) return !others.some(({ appliedHash }) => appliedHash === hash);
  return others.length === 0 && sameButForGoneUsers(current, documentOf(work.policy, standing.bucketName));
};

/** The document of the spec, with anybody for the users behind AccessKeys, which may be gone; undefined when it is not well formed. */
const documentOf = ({ spec }: BucketPolicy, bucket: string): IamPolicy | undefined => {
  const parsed = parsePolicy(spec.policy, 'bucket', { bucket });
  const resolvePrincipal = () => 'arn:aws:iam::000000000000:user/anybody';
  return 'document' in parsed ? renderPolicy(parsed.document, { bucket, resolvePrincipal }) : undefined;
};
