import { group } from '@operator/api';
import type { RenderedPolicy, OwnerMark } from '@operator/s3';

/**
 * On MinIO a key whose parent has any policy may make further keys for its parent, and so outlive its own removal, unless that
 * is denied by name. (Removing its siblings cannot be denied; they would be missed and made again.)
 */
const guard = {
  Sid: 'KeysAreIssuedByTheOperator',
  Effect: 'Deny',
  Action: ['admin:CreateServiceAccount', 'admin:UpdateServiceAccount'],
} as const;

/** The longest ID that `idFor` makes: ids of Kubernetes have 36 characters, namespaces at most 63, names at most 253. */
const longestIdBytes = 15 + 36 + 1 + 63 + 1 + 253 + 1 + 36;

/** The server takes documents of at most 20 480 bytes, in which our mark (`,"ID":"…"`) and the guard (`,{…}`) must have room. */
export const maxPolicyBytes = 20_480 - (longestIdBytes + 8) - (JSON.stringify(guard).length + 1);

const asList = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? (value as unknown[]) : value === undefined ? [] : [value];

const isGuard = (statement: unknown): boolean => {
  if (typeof statement !== 'object' || statement === null) return false;
  const { Sid, Effect, Action } = statement as Readonly<Record<string, unknown>>;
  const actions = new Set(asList(Action));
  return Sid === guard.Sid && Effect === guard.Effect && guard.Action.every((action) => actions.has(action));
};

const idPrefix = `${group}/`;

const idFor = ({ cluster, namespace, name, uid }: OwnerMark): string =>
  `${idPrefix}${cluster}/${namespace}/${name}/${uid}`;

/** The mark in a stored canned policy; undefined when there is none. */
export const markInPolicy = ({ ID }: RenderedPolicy): OwnerMark | undefined => {
  if (typeof ID !== 'string' || !ID.startsWith(idPrefix)) return undefined;
  const [cluster, namespace, name, uid, ...more] = ID.slice(idPrefix.length).split('/');
  if (cluster === undefined || namespace === undefined || name === undefined || uid === undefined) return undefined;
  return more.length > 0 ? undefined : { cluster, namespace, name, uid };
};

/** The canned policy that we store for a user: its rights, the guard, and the owner's mark as the document's ID, which MinIO keeps. */
export const userPolicy = (policy: RenderedPolicy, mark: OwnerMark): RenderedPolicy => ({
  ...policy,
  ID: idFor(mark),
  Statement: [...asList(policy.Statement), guard],
});

/** What `readUserPolicy` finds. */
export interface StoredPolicy {
  /** `unknown`: somebody replaced the document, so that mark or guard are gone. */
  readonly owner: 'us' | 'other' | 'unknown';
  /** Without the mark and the guard. */
  readonly policy: RenderedPolicy;
}

/** Takes a stored canned policy apart again. */
export const readUserPolicy = ({ ID, ...stored }: RenderedPolicy, mark: OwnerMark): StoredPolicy => {
  const statements = asList(stored.Statement);
  const policy = { ...stored, Statement: statements.filter((statement) => !isGuard(statement)) };
  if (typeof ID === 'string' && ID.startsWith(idPrefix) && ID !== idFor(mark)) return { owner: 'other', policy };
  return { owner: ID === idFor(mark) && statements.some(isGuard) ? 'us' : 'unknown', policy };
};
