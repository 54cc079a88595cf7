import type { BucketSpec, BucketStatus } from '@operator/api';
import { group, reasons } from '@operator/api';
import type { Fault } from '@operator/outcome';
import { waiting } from '@operator/outcome';
import type { Bucket } from '@operator/references';
import type { OwnerMark } from '@operator/s3';

/** How far our clock and the server's may differ: the most that S3 accepts. The look before the intent saw no bucket anyway. */
const clockToleranceMs = 15 * 60_000;

/** From the instant of a pass until the server has surely made, or refused, what that pass asks for: four calls at 90 s each. */
const longestCreationMs = 6 * 60_000;

/** What a bucket that exists shows of its owner. */
export interface FoundBucket {
  /** Undefined when the bucket carries no mark, or the server has no tags. */
  readonly mark: OwnerMark | undefined;
  /** When the server says that it was created; asked for only where the mark is missing and the date decides. */
  readonly createdAt: Date | undefined;
  /** True when the object that a mark of somebody else names is surely gone. */
  readonly isOwnerGone: boolean;
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
 * Decides whose bucket this is. The mark speaks first; where there is none, what the status remembers of our own doing on this
 * very server; last the adoption policy. `serverIdentity`: of the server that has the bucket found.
 */
export const decideOwnership = (
  spec: BucketSpec,
  status: BucketStatus | undefined,
  own: OwnerMark,
  found: FoundBucket,
  serverIdentity: string,
): Ownership => {
  const isMade = isMadeByIntent(spec.name, status, found.createdAt, serverIdentity);
  if (found.mark !== undefined) {
    if (isSameOwner(found.mark, own)) {
      const known = status?.bucketName === spec.name ? status.ownership : undefined;
      const isTakenOver = found.mark.uid !== own.uid;
      // Only after a creation of ours does a bucket bear our mark while the intent is open.
      const isIntended = !isTakenOver && intentAt(spec.name, status, serverIdentity) !== undefined;
      if (known !== undefined || isMade || isIntended) return { verdict: 'ours', ownership: known ?? 'Created' };
      if (!isTakenOver || spec.adoptionPolicy !== 'Never') return { verdict: 'ours', ownership: 'Adopted' };
      return refuse(
        reasons.NotOwned,
        `Bucket ${spec.name} was made for an earlier Bucket of this name, and adoptionPolicy is Never. It is left alone.`,
      );
    }
    if (spec.adoptionPolicy === 'Always' && found.isOwnerGone) return { verdict: 'ours', ownership: 'Adopted' };
    return refuse(
      reasons.AlreadyClaimed,
      `Bucket ${spec.name} belongs to Bucket ${describe(found.mark)}; it is left alone. ` +
        `If that object is gone for good, remove the bucket's tags that begin with ${group}/.`,
    );
  }
  const known = remembered(spec.name, status, serverIdentity)?.ownership;
  const isDoubtful = known !== undefined && isReplaced(status, found.createdAt);
  if (known !== undefined && !isDoubtful) return { verdict: 'ours', ownership: known };
  if (isMade) return { verdict: 'ours', ownership: 'Created' };
  if (spec.adoptionPolicy === 'Always') return { verdict: 'ours', ownership: 'Adopted' };
  if (isDoubtful) {
    return refuse(
      reasons.NotOwned,
      `Bucket ${spec.name} has lost our mark, and its creation date is later than our last look: somebody made it anew, or ` +
        `replaced its tags. Set adoptionPolicy: Always to take it (back). It is left alone.`,
    );
  }
  return refuse(
    reasons.NotOwned,
    `Bucket ${spec.name} exists already and bears no mark of this operator; ` +
      `set adoptionPolicy: Always to adopt it. It is left alone.`,
  );
};

const refuse = (reason: string, message: string): Ownership => ({
  verdict: 'refused',
  fault: waiting(reason, message),
});

/** What the status says of this bucket on this server. A Provider may lead to another server by now, with another bucket. */
const remembered = (
  bucketName: string,
  status: BucketStatus | undefined,
  serverIdentity: string,
): BucketStatus | undefined =>
  status?.bucketName === bucketName && status.endpoint === serverIdentity ? status : undefined;

/** When we said that we would make this bucket on this server; undefined when no such intent is open. */
const intentAt = (bucketName: string, status: BucketStatus | undefined, serverIdentity: string): number | undefined => {
  const intent = remembered(bucketName, status, serverIdentity)?.createIntent;
  return intent?.bucketName === bucketName ? Date.parse(intent.at) : undefined;
};

/**
 * True when the bucket was created about when we said that we would: the name was free then, so a bucket that is neither
 * older than the intent nor younger than the call that followed it is the one that we made before a crash.
 */
export const isMadeByIntent = (
  bucketName: string,
  status: BucketStatus | undefined,
  createdAt: Date | undefined,
  serverIdentity: string,
): boolean => {
  const intendedAtMs = intentAt(bucketName, status, serverIdentity);
  if (intendedAtMs === undefined || createdAt === undefined) return false;
  const laterMs = createdAt.getTime() - intendedAtMs;
  return laterMs >= -clockToleranceMs && laterMs <= clockToleranceMs + longestCreationMs;
};

/**
 * True when the bucket was created after ours was last found as it should be: somebody removed ours and made another. AWS also
 * moves the date when the bucket's settings change, which errs on the safe side. Source: Amazon S3 API, Bucket.
 */
export const isReplaced = (status: BucketStatus | undefined, createdAt: Date | undefined): boolean =>
  status?.lastSyncTime !== undefined &&
  createdAt !== undefined &&
  createdAt.getTime() > Date.parse(status.lastSyncTime) + clockToleranceMs;

/** True when the status claims this bucket on the server of that identity. */
export const holds = ({ spec, status }: Pick<Bucket, 'spec' | 'status'>, serverIdentity: string): boolean =>
  remembered(spec.name, status, serverIdentity)?.ownership !== undefined;

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
