import type { Clock } from '@operator/outcome';
import { type KubeObject, type ObjectKey, keyOf } from './resource.ts';

/**
 * Objects that went although something is left to undo for them, as leaving ones. A DELETE that is under way when the finalizer comes
 * takes the object all the same, for the API server does not look at finalizers again before it deletes (source: Kubernetes apiserver,
 * registry Store.Delete); and whoever owns an object may take the finalizer off it. Only what the watch told while this process led: a
 * list may lack an object because the store is a restored backup, and what another leader has undone must not be undone again.
 */
export interface Vanished<T extends KubeObject> {
  /** `key`: as `add` returned it. */
  get(key: ObjectKey): T | undefined;
  /**
   * Keeps an object that has gone, as this process believes it; `told`: as the watch has shown it last. Returns the key under which it
   * waits for its passes; undefined when its namespace has too many.
   */
  add(object: T, told: T): ObjectKey | undefined;
  /** The object as the watch has shown it last. */
  toldOf(object: T): T | undefined;
  /** False once another object has taken the name of one that vanished. */
  isKept(object: T): boolean;
  /** Keeps what was learned of an object; false, and nothing kept, once another one has its name. */
  update(object: T): boolean;
  /** Its work is undone, or is another's by now. */
  end(object: T): void;
  /** Another object has the name. */
  replaced(key: ObjectKey): void;
}

export interface VanishedOptions {
  readonly clock: Clock;
  /** What an object has outside is of its uid alone, so that one that has its name by now does not matter. */
  readonly isBoundToUid: boolean;
  /** Called when an object is kept no more. */
  readonly ended: (uid: string) => void;
}

/** How many objects of a namespace wait at a time: whoever strips more of them loses the memory of its own. */
const mostOfNamespace = 2_000;

export const createVanished = <T extends KubeObject>({ clock, isBoundToUid, ended }: VanishedOptions): Vanished<T> => {
  const kept = new Map<ObjectKey, T>();
  /** By uid. */
  const shown = new Map<string, T>();
  const counts = new Map<string, number>();

  // No name has a number sign: nothing that lives has this key.
  const vanishedKeyOf = (object: T): ObjectKey =>
    isBoundToUid ? `${keyOf(object)}#${object.metadata.uid}` : keyOf(object);
  const isKept = (object: T): boolean => kept.get(vanishedKeyOf(object))?.metadata.uid === object.metadata.uid;
  const drop = (key: ObjectKey): void => {
    const object = kept.get(key);
    if (object === undefined) return;
    kept.delete(key);
    const { namespace, uid } = object.metadata;
    shown.delete(uid);
    const left = (counts.get(namespace) ?? 1) - 1;
    if (left > 0) counts.set(namespace, left);
    else counts.delete(namespace);
    ended(uid);
  };

  return {
    get: (key) => kept.get(key),
    add(object, told) {
      const key = vanishedKeyOf(object);
      drop(key);
      const { namespace } = object.metadata;
      const count = counts.get(namespace) ?? 0;
      if (count >= mostOfNamespace) return undefined;
      counts.set(namespace, count + 1);
      const deletionTimestamp = object.metadata.deletionTimestamp ?? clock.now().toISOString();
      const asLeaving = (one: T): T => ({ ...one, metadata: { ...one.metadata, deletionTimestamp } });
      kept.set(key, asLeaving(object));
      shown.set(object.metadata.uid, asLeaving(told));
      return key;
    },
    toldOf: ({ metadata }) => shown.get(metadata.uid),
    isKept,
    update(object) {
      const isStillKept = isKept(object);
      if (isStillKept) kept.set(vanishedKeyOf(object), object);
      return isStillKept;
    },
    end(object) {
      if (isKept(object)) drop(vanishedKeyOf(object));
    },
    replaced: drop,
  };
};
