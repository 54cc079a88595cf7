import { Fault, onlyFault } from '@operator/outcome';
import { hashPolicy } from '@operator/policy';
import { confirmedWithdrawals, withdrawalOf } from '@operator/references';
import { readBucketPolicy, type BucketWire } from '@operator/s3';
import type { BucketWork } from './deps.ts';
import type { PolicyOnBucket } from './report.ts';

/** What a borrower whose grant was withdrawn may have left on a bucket. */
export interface Remains {
  /** The namespaces of whose withdrawal the owner has said that it is meant. */
  readonly namespaces: readonly string[];
  /** Why the bucket could not be looked at; undefined when a document was seen. */
  readonly notSeen: string | undefined;
}

/**
 * Once the owner of a Bucket has confirmed a withdrawal, looks whether a document stands on the bucket that no BucketPolicy which may
 * be there proves to be its own. The status of a borrower's lies with the borrower, and the object may be gone: so the server is
 * asked. One call, and none while no withdrawal is confirmed.
 */
export const findRemains = async (
  { bucket, deps, pass }: BucketWork,
  s3: BucketWire,
  policies: readonly PolicyOnBucket[],
): Promise<Remains | undefined> => {
  const namespaces: string[] = [];
  for (const namespace of confirmedWithdrawals(bucket)) {
    if ((await withdrawalOf(bucket, namespace, deps.labelsOf)) === 'confirmed') namespaces.push(namespace);
  }
  if (namespaces.length === 0) return undefined;
  const current = await readBucketPolicy(s3, pass).catch(onlyFault);
  if (current instanceof Fault) {
    if (current.kind === 'transient') throw current;
    return { namespaces, notSeen: current.message };
  }
  if (current === undefined) return undefined;
  const hash = hashPolicy(current);
  const isClaimed = policies.some(({ hashes, isWithdrawn }) => !isWithdrawn && hashes.includes(hash));
  return isClaimed ? undefined : { namespaces, notSeen: undefined };
};
