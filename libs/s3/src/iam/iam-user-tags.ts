import { createHash } from 'node:crypto';
import { group, ownerTagKeys } from '@operator/api';
import type { KeyUser } from '../key-issuer.ts';
import type { Tags } from '../owner-mark.ts';

const displayNameKey = `${group}/display-name`;
const managedKey = `${group}/tag-keys`;

// Source: IAM API, Tag: letters, digits, spaces and _ . : / = + - @
const legal = (value: string): string => value.replace(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, '_').slice(0, 256);

// 46 tags of five characters fit in one value; a mistaken match would need an equal 30-bit hash.
const shortHash = (key: string): string => createHash('sha256').update(key).digest('base64url').slice(0, 5);

/**
 * All tags that a user of ours has: its own, the mark (the cluster stands in the path), the display name, and the hashes of
 * its own tags' keys, by which a later pass knows which tags were ours to remove.
 */
export const wantedUserTags = ({ mark, displayName, tags }: KeyUser): Tags =>
  new Map([
    ...tags,
    [ownerTagKeys.namespace, mark.namespace],
    [ownerTagKeys.name, mark.name],
    [ownerTagKeys.uid, mark.uid],
    // IAM takes 50 tags, and an AccessKey may have 46: with all of them the display name finds no room.
    ...(displayName === undefined || tags.size > 45 ? [] : [[displayNameKey, legal(displayName)] as const]),
    ...(tags.size === 0 ? [] : [[managedKey, [...tags.keys()].map(shortHash).sort().join('')] as const]),
  ]);

/** What to change at the server; tags of others stay. */
export interface TagChanges {
  readonly set: Tags;
  readonly remove: readonly string[];
}

/** Pure: the changes that make the found tags the wanted ones; empty on both sides when nothing differs. */
export const planUserTags = (want: Tags, have: Tags): TagChanges => {
  const ours = new Set((have.get(managedKey) ?? '').match(/.{5}/g) ?? []);
  const own = [displayNameKey, managedKey];
  return {
    set: new Map([...want].filter(([key, value]) => have.get(key) !== value)),
    remove: [...have.keys()].filter((key) => !want.has(key) && (own.includes(key) || ours.has(shortHash(key)))),
  };
};
