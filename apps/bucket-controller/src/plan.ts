import type { BucketSpec, BucketStatus } from '@operator/api';
import { reasons } from '@operator/api';
import type { Fault } from '@operator/outcome';
import { waiting } from '@operator/outcome';
import type { OwnerMark } from '@operator/s3';

/** How far our clock and the server's may differ: the most that S3 accepts. The look before the intent saw no bucket anyway. */
const clockToleranceMs = 15 * 60_000;

/** What a bucket that exists shows of its owner. */
export interface FoundBucket {
  /** Undefined when the bucket carries no mark, or the server has no tags. */
  readonly mark: OwnerMark | undefined;
  /** When the server says that it was created; asked for only where an intent is open. */
  readonly createdAt: Date | undefined;
}

/** What to do with a bucket that exists. */
export type Ownership =
  | { readonly verdict: 'ours'; readonly ownership: 'Created' | 'Adopted' }
  | { readonly verdict: 'refused'; readonly fault: Fault };

const describe = (mark: OwnerMark): string => `${mark.namespace}/${mark.name} of cluster ${mark.cluster}`;

/** True when the mark names the same object, or one of the same name in the same cluster that a backup brought back. */
export const isSameOwner = (mark: OwnerMark, own: OwnerMark): boolean =>
  mark.cluster === own.cluster && mark.namespace === own.namespace && mark.name === own.name;

/**
 * Decides whose bucket this is. The mark speaks first; where there is none, what the status remembers of our own doing; last
 * the adoption policy. `isLiving`: whether the object that a mark of this cluster names still exists.
 */
export const decideOwnership = (
  spec: BucketSpec,
  status: BucketStatus | undefined,
  own: OwnerMark,
  found: FoundBucket,
  isLiving: (mark: OwnerMark) => boolean,
): Ownership => {
  const known = status?.bucketName === spec.name ? status.ownership : undefined;
  const madeByIntent = isMadeByIntent(spec.name, status, found.createdAt);
  if (found.mark !== undefined) {
    if (isSameOwner(found.mark, own)) {
      return { verdict: 'ours', ownership: known ?? (madeByIntent ? 'Created' : 'Adopted') };
    }
    const mayTakeOver = spec.adoptionPolicy === 'Always' && known === undefined && !isLiving(found.mark);
    if (mayTakeOver) return { verdict: 'ours', ownership: 'Adopted' };
    return {
      verdict: 'refused',
      fault: waiting(
        reasons.AlreadyClaimed,
        `Bucket ${spec.name} belongs to Bucket ${describe(found.mark)}; it is left alone.`,
      ),
    };
  }
  if (known !== undefined) return { verdict: 'ours', ownership: known };
  if (madeByIntent) return { verdict: 'ours', ownership: 'Created' };
  if (spec.adoptionPolicy === 'Always') return { verdict: 'ours', ownership: 'Adopted' };
  return {
    verdict: 'refused',
    fault: waiting(
      reasons.NotOwned,
      `Bucket ${spec.name} exists already and bears no mark of this operator; ` +
        `set adoptionPolicy: Always to adopt it. It is left alone.`,
    ),
  };
};

/**
 * True when the bucket was created after we said that we would: the name was free then, so a bucket that is not older than the
 * intent is the one that we made before a crash.
 */
export const isMadeByIntent = (
  bucketName: string,
  status: BucketStatus | undefined,
  createdAt: Date | undefined,
): boolean => {
  const intent = status?.createIntent;
  if (intent?.bucketName !== bucketName || createdAt === undefined) return false;
  return createdAt.getTime() >= Date.parse(intent.at) - clockToleranceMs;
};

/** One object that lays claim to a bucket name on a server. */
export interface Claimant {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** RFC 3339, to the second. */
  readonly creationTimestamp: string;
  /** True when it already holds the bucket at the server. */
  readonly holds: boolean;
}

/**
 * The claimant that wins a bucket: one that holds it already, else the oldest; equal ages are settled by uid, so that every
 * reader decides alike. Undefined when nobody claims.
 */
export const winnerOf = (claimants: readonly Claimant[]): Claimant | undefined =>
  [...claimants].sort(
    (a, b) =>
      Number(b.holds) - Number(a.holds) ||
      Date.parse(a.creationTimestamp) - Date.parse(b.creationTimestamp) ||
      (a.uid < b.uid ? -1 : 1),
  )[0];
