import type { ObjectReference } from '@operator/api';
import { keyOfReference } from '@operator/references';
import type { AccessKey } from './deps.ts';

/**
 * Through which Providers this process has seen, or made, the users of living AccessKeys. The API server lets `providerRef` change
 * while the status names no user; whoever empties the status first must not strand the user that way.
 */
export interface UserPlaces {
  /** The object has a user through the Provider that its spec names now, or will have in a moment. */
  saw(accessKey: AccessKey): void;
  /** Providers through which it has a user, and which its spec does not name any more. */
  formerOf(accessKey: AccessKey): readonly ObjectReference[];
  /** Nothing of it is left there. */
  left(accessKey: AccessKey, place: ObjectReference): void;
  /** The object is gone, and so is what it had. */
  forget(uid: string): void;
}

export const createUserPlaces = (): UserPlaces => {
  const places = new Map<string, readonly ObjectReference[]>();
  const othersThan = ({ metadata }: AccessKey, place: ObjectReference): readonly ObjectReference[] => {
    const key = keyOfReference(place, metadata.namespace);
    return (places.get(metadata.uid) ?? []).filter((other) => keyOfReference(other, metadata.namespace) !== key);
  };
  return {
    saw: (accessKey) => {
      const { spec, metadata } = accessKey;
      places.set(metadata.uid, [...othersThan(accessKey, spec.providerRef), spec.providerRef]);
    },
    formerOf: (accessKey) => othersThan(accessKey, accessKey.spec.providerRef),
    left: (accessKey, place) => void places.set(accessKey.metadata.uid, othersThan(accessKey, place)),
    forget: (uid) => void places.delete(uid),
  };
};
