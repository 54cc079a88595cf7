import { asList } from './json.ts';
import { samePolicy } from './normalise.ts';

// Source: IAM User Guide, IAM identifiers: AIDA is the prefix of users, AROA that of roles.
const uniqueId = /^A(ID|RO)A[A-Z0-9]{12,}$/;
const arn = /^arn:[a-z0-9-]+:iam::\d{12}:(user|role)\/.+$/;

/** Calls `change` for each name under `AWS`; a copy of the policy with what it returned. */
const mapNames = (policy: unknown, change: (name: unknown) => unknown): unknown =>
  JSON.parse(JSON.stringify(policy ?? null), (key, value: unknown) =>
    key === 'AWS' ? asList(value).map(change) : value,
  );

const isUniqueId = (name: unknown): boolean => typeof name === 'string' && uniqueId.test(name);
const isIdentity = (name: unknown): boolean => isUniqueId(name) || (typeof name === 'string' && arn.test(name));

/**
 * Whether a stored policy is the one that was written, but for users or roles that are gone by now: AWS then puts their unique
 * ids in the place of their ARNs. False when no such id stands in it. Both are IAM documents, as objects; undefined is none.
 * Source: IAM User Guide, AWS JSON policy elements: Principal.
 */
export const sameButForGoneUsers = (stored: unknown, written: unknown): boolean => {
  const gone = new Set<unknown>();
  const blank = (name: unknown): unknown => {
    if (isUniqueId(name)) gone.add(name);
    return isIdentity(name) ? 'somebody' : name;
  };
  const found = mapNames(stored, blank);
  return gone.size > 0 && samePolicy(found, mapNames(written, blank));
};
