import { bucketResource, reasons } from '@operator/api';
import { Fault, waiting } from '@operator/outcome';
import type { Bucket, ClusterIdentity, Provider, References } from '@operator/references';
import { isKubeError, type KubeClient } from '@operator/runtime';
import type { OwnerMark } from '@operator/s3';
import { holds, winnerOf, type Claimant } from './plan.ts';

/** True when both Providers reach the same buckets: the same server, and no two accounts known to differ. */
const reachSameBuckets = (a: Provider, b: Provider): boolean => {
  const [left, right] = [a.status, b.status];
  if (left?.endpoint === undefined || left.endpoint !== right?.endpoint) return false;
  return left.accountId === undefined || right.accountId === undefined || left.accountId === right.accountId;
};

/**
 * Looks whether another object has the better claim to this bucket. Only what this process watches is seen; the mark at the
 * server settles the rest. `sameName`: the Buckets whose spec names the same bucket.
 * @returns Fault `waiting` AlreadyClaimed, naming the winner; undefined when the claim is good
 */
export const betterClaim = async (
  bucket: Bucket,
  provider: Provider,
  sameName: readonly Bucket[],
  references: References,
): Promise<Fault | undefined> => {
  const endpoint = provider.status?.endpoint ?? '';
  // The object itself counts even when the cache has lost it: one that vanished is finalized all the same.
  const claimants: Claimant[] = [{ ...bucket.metadata, holds: holds(bucket, endpoint) }];
  for (const other of sameName) {
    if (other.metadata.uid === bucket.metadata.uid) continue;
    const isHeld = holds(other, endpoint);
    if (await isRivalOf(other, isHeld, provider, references)) claimants.push({ ...other.metadata, holds: isHeld });
  }
  const winner = winnerOf(claimants);
  if (winner === undefined || winner.uid === bucket.metadata.uid) return undefined;
  return waiting(
    reasons.AlreadyClaimed,
    `Bucket ${bucket.spec.name} on this server is claimed by Bucket ${winner.namespace}/${winner.name}.`,
  );
};

const isRivalOf = async (
  other: Bucket,
  isHeld: boolean,
  provider: Provider,
  references: References,
): Promise<boolean> => {
  // One that is leaving and holds nothing will never write.
  if (other.metadata.deletionTimestamp !== undefined && !isHeld) return false;
  try {
    return reachSameBuckets(await references.providerFor(other.spec.providerRef, other.metadata.namespace), provider);
  } catch (caught) {
    // Without a granted Provider it cannot reach any server; what it held before, its mark still says.
    if (caught instanceof Fault && caught.kind === 'waiting') return false;
    throw caught;
  }
};

/** Tells whether the object that a mark names is surely gone. */
export type OwnerGone = (mark: OwnerMark, signal: AbortSignal) => Promise<boolean>;

/**
 * Asks the API server, for the cache may hold only a part of the cluster. What lies in another cluster, or may not be read,
 * counts as living.
 */
export const ownerGone =
  (kube: KubeClient, clusterId: ClusterIdentity): OwnerGone =>
  async ({ cluster, namespace, name, uid }, signal) => {
    if (cluster !== (await clusterId(signal))) return false;
    try {
      const found = await kube.get<Bucket>(bucketResource, { namespace, name }, { signal });
      return found?.metadata.uid !== uid;
    } catch (caught) {
      if (isKubeError(caught, 403)) return false;
      throw caught;
    }
  };
