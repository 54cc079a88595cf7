import { reasons } from '@operator/api';
import { Fault, waiting } from '@operator/outcome';
import type { Bucket, Provider, References } from '@operator/references';
import { winnerOf, type Claimant } from './plan.ts';

/** True when both Providers reach the same buckets: the same server, and no two accounts known to differ. */
const reachSameBuckets = (a: Provider, b: Provider): boolean => {
  const [left, right] = [a.status, b.status];
  if (left?.endpoint === undefined || left.endpoint !== right?.endpoint) return false;
  return left.accountId === undefined || right.accountId === undefined || left.accountId === right.accountId;
};

const holds = (bucket: Bucket): boolean =>
  bucket.status?.bucketName === bucket.spec.name && bucket.status.ownership !== undefined;

/**
 * Makes sure that no other object has the better claim to this bucket. Only what this process watches is seen; the mark at
 * the server settles the rest. `sameName`: the Buckets whose spec names the same bucket.
 * @throws Fault `waiting` AlreadyClaimed, naming the winner
 */
export const requireClaim = async (
  bucket: Bucket,
  provider: Provider,
  sameName: readonly Bucket[],
  references: References,
): Promise<void> => {
  const claimants: Claimant[] = [];
  for (const other of sameName) {
    const isRival = other.metadata.uid === bucket.metadata.uid || (await isRivalOf(other, provider, references));
    if (isRival) claimants.push({ ...other.metadata, holds: holds(other) });
  }
  const winner = winnerOf(claimants);
  if (winner === undefined || winner.uid === bucket.metadata.uid) return;
  throw waiting(
    reasons.AlreadyClaimed,
    `Bucket ${bucket.spec.name} on this server is claimed by Bucket ${winner.namespace}/${winner.name}.`,
  );
};

const isRivalOf = async (other: Bucket, provider: Provider, references: References): Promise<boolean> => {
  // One that is leaving and holds nothing will never write.
  if (other.metadata.deletionTimestamp !== undefined && !holds(other)) return false;
  try {
    return reachSameBuckets(await references.providerFor(other.spec.providerRef, other.metadata.namespace), provider);
  } catch (caught) {
    // Without a granted Provider it cannot reach any server; what it held before, its mark still says.
    if (caught instanceof Fault && caught.kind === 'waiting') return false;
    throw caught;
  }
};
