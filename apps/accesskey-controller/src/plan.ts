import type { AccessKeyStatus } from '@operator/api';
import type { ObservedUser } from '@operator/s3';

/** What is to be done about the pair in the Secret. */
export type PairPlan =
  /** It is the one to use; `strays` are other keys of our user that nobody should have. */
  | { readonly action: 'keep'; readonly strays: readonly string[] }
  /** It stands in the Secret and must still be made at the server: only where we choose pairs. */
  | { readonly action: 'finish' }
  /** A person disabled it at the server: not for us to undo. */
  | { readonly action: 'leave'; readonly accessKeyId: string }
  /** A new pair is needed; `strays` go first, so that there is room for it. */
  | { readonly action: 'issue'; readonly why: 'first' | 'secretLost' | 'keyLost'; readonly strays: readonly string[] };

/**
 * Decides by what the Secret holds, what the server has, and what the status remembers. `inSecret`: the id of the pair in the
 * Secret, undefined when there is none; `isBroken`: that pair was tried and refused.
 */
export const planPair = (
  inSecret: string | undefined,
  isBroken: boolean,
  user: ObservedUser | undefined,
  status: AccessKeyStatus | undefined,
): PairPlan => {
  const keys = user?.keys ?? [];
  const retained = new Set((status?.previousKeys ?? []).map(({ accessKeyId }) => accessKeyId));
  const straysBeside = (...kept: readonly (string | undefined)[]): readonly string[] =>
    keys.map(({ accessKeyId }) => accessKeyId).filter((id) => !kept.includes(id) && !retained.has(id));

  const held = inSecret === undefined ? undefined : keys.find(({ accessKeyId }) => accessKeyId === inSecret);
  if (held !== undefined && !isBroken) {
    return held.isActive
      ? { action: 'keep', strays: straysBeside(inSecret) }
      : { action: 'leave', accessKeyId: held.accessKeyId };
  }
  // Losing the Secret is no way to get a key that works again.
  const current = keys.find(({ accessKeyId }) => accessKeyId === status?.accessKeyId);
  if (current?.isActive === false) return { action: 'leave', accessKeyId: current.accessKeyId };
  const isIntended = inSecret !== undefined && status?.keyIntent?.accessKeyId === inSecret;
  if (held === undefined && isIntended && status.accessKeyId !== inSecret) return { action: 'finish' };

  const former = status?.accessKeyId;
  // The pair that applications have in use goes only after its successor works.
  const strays = straysBeside(former);
  if (former === undefined) return { action: 'issue', why: 'first', strays };
  const isLost = !keys.some(({ accessKeyId }) => accessKeyId === former);
  return { action: 'issue', why: isLost ? 'keyLost' : 'secretLost', strays };
};
