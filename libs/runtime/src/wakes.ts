import type { Informer } from './informer.ts';
import type { ObjectKey, StoredObject } from './resource.ts';

/** The change of another object that asked for a pass. Whoever wrote that version tells it in a log line with its trace id. */
export interface Cause {
  readonly kind: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Keys that are woken by changes of other objects, and what woke them last. In memory only: nothing is written for it. */
export interface Wakes {
  /**
   * Enqueues the keys that `keysFor` names whenever an object of the informer comes (`old` is undefined), changes, or goes
   * (`old` is the object itself).
   */
  readonly mapEvents: <T extends StoredObject>(
    informer: Pick<Informer<T>, 'on' | 'hasSynced' | 'resource'>,
    keysFor: (object: T, old: T | undefined) => Iterable<ObjectKey>,
  ) => void;
  /** The last cause since the last call for this key; undefined where the pass has another, such as the object's own change. */
  readonly take: (key: ObjectKey) => Cause | undefined;
}

export const createWakes = (enqueue: (key: ObjectKey) => void): Wakes => {
  const causes = new Map<ObjectKey, Cause>();
  return {
    mapEvents(informer, keysFor) {
      const { kind } = informer.resource;
      const wake = ({ metadata }: StoredObject, keys: Iterable<ObjectKey>): void => {
        // What is listed at the start has not changed, and no pass has been made without it.
        if (!informer.hasSynced()) return;
        let cause: Cause | undefined;
        for (const key of keys) {
          cause ??= { kind, uid: metadata.uid, resourceVersion: metadata.resourceVersion };
          causes.set(key, cause);
          enqueue(key);
        }
      };
      informer.on({
        onAdd: (object) => wake(object, keysFor(object, undefined)),
        onUpdate: (object, old) => wake(object, keysFor(object, old)),
        onDelete: (object) => wake(object, keysFor(object, object)),
      });
    },
    take(key) {
      const cause = causes.get(key);
      causes.delete(key);
      return cause;
    },
  };
};
