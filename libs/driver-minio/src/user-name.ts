import { createHash } from 'node:crypto';
import type { KeyUser, OwnerMark } from '@operator/s3';

/** MinIO takes 3–20 characters for a user's name (its access key); `=` and `,` are refused. */
const prefix = 's3op-';
const digestLength = 15;
const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * The name of the user behind one AccessKey: 20 characters, of which 15 are 75 bits of a digest over the whole mark. So the
 * name itself says whose the user is, on a server that keeps no tags or paths for users; a re-created AccessKey has another uid
 * and never meets the user of its forerunner.
 */
export const userNameFor = (mark: OwnerMark): string => {
  // JSON keeps the parts apart, so that no two marks read the same.
  const digest = createHash('sha256')
    .update(JSON.stringify([mark.cluster, mark.namespace, mark.name, mark.uid]))
    .digest();
  const letters = Array.from(digest.subarray(0, digestLength), (byte) => alphabet[byte & 31] ?? '');
  return prefix + letters.join('');
};

/** True when a user may be one of ours, of whatever cluster. */
export const isUserName = (name: string): boolean =>
  name.startsWith(prefix) && name.length === prefix.length + digestLength;

const nameLimit = 32;
const descriptionLimit = 256;

/** How people find a key's owner in MinIO's own tools: the service account's name, `^[A-Za-z][A-Za-z0-9_-]*`, at most 32 characters. */
export const serviceAccountName = (mark: OwnerMark): string =>
  `k8s-${mark.namespace}-${mark.name}`.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, nameLimit);

/** The same, unabridged as far as MinIO's 256 characters go, with the ids that tell clusters and forerunners apart. */
export const serviceAccountDescription = ({ mark, displayName }: Pick<KeyUser, 'mark' | 'displayName'>): string =>
  `AccessKey ${mark.namespace}/${mark.name} (uid ${mark.uid}, cluster ${mark.cluster})${displayName === undefined ? '' : `: ${displayName}`}`.slice(
    0,
    descriptionLimit,
  );

/** The mark in a description; undefined when there is none, or it was cut. */
export const markInDescription = (description: string): OwnerMark | undefined => {
  const found = /^AccessKey ([^/ ]+)\/(\S+) \(uid ([^, ]+), cluster ([^) ]+)\)/.exec(description);
  const [, namespace, name, uid, cluster] = found ?? [];
  if (cluster === undefined || namespace === undefined || name === undefined || uid === undefined) return undefined;
  return { cluster, namespace, name, uid };
};
