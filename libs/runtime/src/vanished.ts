import type { Clock } from '@operator/outcome';
import { type KubeObject, type ObjectKey, keyOf } from './resource.ts';

/**
 * Objects that went with our finalizer on them, as leaving ones: a DELETE that is under way when the finalizer comes takes the
 * object all the same, for the API server does not look at finalizers again before it deletes. Source: Kubernetes apiserver,
 * registry Store.Delete. Only what the watch told while this process led: a list may lack an object because the store is a
 * restored backup, and what another leader has undone must not be undone again.
 */
export interface Vanished<T extends KubeObject> {
  get(key: ObjectKey): T | undefined;
  /** Keeps an object that has gone. */
  add(object: T): void;
  /** False once another object has taken the name of one that vanished. */
  isKept(object: T): boolean;
  /** Keeps what was learned of an object; false, and nothing kept, once another one has its name. */
  update(object: T): boolean;
  /** Its work is undone, or is another's by now. */
  end(object: T): void;
  /** Another object has the name. */
  replaced(key: ObjectKey): void;
}

export const createVanished = <T extends KubeObject>(clock: Clock): Vanished<T> => {
  const kept = new Map<ObjectKey, T>();
  const isKept = (object: T): boolean => kept.get(keyOf(object))?.metadata.uid === object.metadata.uid;
  return {
    get: (key) => kept.get(key),
    add(object) {
      const deletionTimestamp = clock.now().toISOString();
      kept.set(keyOf(object), { ...object, metadata: { ...object.metadata, deletionTimestamp } });
    },
    isKept,
    update(object) {
      const isStillKept = isKept(object);
      if (isStillKept) kept.set(keyOf(object), object);
      return isStillKept;
    },
    end(object) {
      if (isKept(object)) kept.delete(keyOf(object));
    },
    replaced: (key) => void kept.delete(key),
  };
};
