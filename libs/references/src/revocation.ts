import { annotations } from '@operator/api';
import type { ObjectKey } from '@operator/runtime';
import type { Provider } from './connection.ts';

/**
 * The value by which the owner of the Provider asks for new key pairs, where it is this AccessKey's turn; undefined otherwise. The annotation
 * has the say, so that removing it stops at once; the status says whose turn it is. `isFirst`: the AccessKey has no pair yet, so the one
 * that it gets is new enough.
 */
export const revokeRequestTo = (
  { metadata, status }: Pick<Provider, 'metadata' | 'status'>,
  { key, isFirst }: { readonly key: ObjectKey; readonly isFirst: boolean },
): string | undefined => {
  const request = metadata.annotations?.[annotations.revokeRequestedAt];
  const { revocation } = status ?? {};
  const isTurn = revocation?.request === request && turnsIn(revocation).has(key);
  return isFirst || isTurn ? request : undefined;
};

/** The AccessKeys whose turn it is. */
export const turnsIn = (revocation: NonNullable<Provider['status']>['revocation']): ReadonlySet<ObjectKey> =>
  new Set(revocation?.current.map(({ accessKey }) => accessKey));
