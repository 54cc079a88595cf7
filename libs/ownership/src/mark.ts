import { ownerTagKeys } from '@operator/api';

/** Who a bucket or user belongs to: written on the server as tags with the prefix `s3.cloud37.dev/`. */
export interface OwnerMark {
  /** uid of the namespace kube-system. */
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** A mark as it is written on a bucket. */
export interface SignedMark extends OwnerMark {
  /** That the operator wrote it, for this bucket: made of `markFacts`. */
  readonly proof: string;
}

/** A mark as it was read. Whoever may write the tags of a bucket can write this; whether the proof holds is another question. */
export interface SeenMark extends OwnerMark {
  readonly proof: string | undefined;
}

/** Whose something is, as tags; without a proof, for what only administrators of the server can tag. */
export const tagsOfOwner = (mark: OwnerMark): ReadonlyMap<string, string> =>
  new Map([
    [ownerTagKeys.cluster, mark.cluster],
    [ownerTagKeys.namespace, mark.namespace],
    [ownerTagKeys.name, mark.name],
    [ownerTagKeys.uid, mark.uid],
  ]);

/** The mark of a bucket as tags. */
export const tagsOfMark = (mark: SignedMark): ReadonlyMap<string, string> =>
  new Map([...tagsOfOwner(mark), [ownerTagKeys.proof, mark.proof]]);

/** Reads the mark from tags; undefined when any part of it but the proof is missing. */
export const markIn = (tags: ReadonlyMap<string, string>): SeenMark | undefined => {
  const cluster = tags.get(ownerTagKeys.cluster);
  const namespace = tags.get(ownerTagKeys.namespace);
  const name = tags.get(ownerTagKeys.name);
  const uid = tags.get(ownerTagKeys.uid);
  return cluster === undefined || namespace === undefined || name === undefined || uid === undefined
    ? undefined
    : { cluster, namespace, name, uid, proof: tags.get(ownerTagKeys.proof) };
};

/** How a mark that was read relates to the object that looks. */
export type Kinship =
  /** It names this very object. */
  | 'own'
  /** It names an object of this namespace and name with another uid: an earlier one, or one that a backup brought back. */
  | 'namesake'
  | 'other';

/**
 * Compares a mark with the object that looks. `formerClusters`: uids of kube-system of clusters that this one has replaced;
 * what bears them counts as marked by this cluster.
 */
export const kinshipOf = (
  mark: OwnerMark,
  own: OwnerMark,
  formerClusters: ReadonlySet<string> = new Set(),
): Kinship => {
  const isOurCluster = mark.cluster === own.cluster || formerClusters.has(mark.cluster);
  if (!isOurCluster || mark.namespace !== own.namespace || mark.name !== own.name) return 'other';
  return mark.cluster === own.cluster && mark.uid === own.uid ? 'own' : 'namesake';
};
