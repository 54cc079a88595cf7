import type { Controller } from './controller-deps.ts';
import { hasFinalizer } from './finalizer.ts';
import { isSameJson } from './json-equality.ts';
import { type CommonStatus, type KubeObject, ownStatus } from './resource.ts';
import { commonStatus } from './status.ts';

/**
 * What this process knows of the objects it looks after beyond what they say of themselves. Whoever owns an object may take our finalizer
 * off it and empty its status; neither undoes what it has outside, nor may it hide that from this process. All of it is by uid, and
 * forgotten when the object is gone.
 */
export interface Custody<Spec, Status> {
  /** Another process may have written statuses since the last term: what this one wrote last counts no more. */
  begin(): void;
  /** The watch has shown an object as it is now. */
  saw(object: KubeObject<Spec, Status>, old: KubeObject<Spec, Status>): void;
  /** True while something may be left to undo for an object that is being deleted. */
  isHeld(object: KubeObject<Spec, Status>): boolean;
  /** The same for one that is gone. */
  isLost(object: KubeObject<Spec, Status>): boolean;
  /** Everything is undone: our finalizer goes, by this process. */
  letGo(uid: string): void;
  /** True while nothing but that finalizer is left. */
  isLetGo(uid: string): boolean;
  /** That does not hold any more: the object is finalized again, as it is now. */
  resume(uid: string): void;
  /**
   * A status was stored, or proved to be stored already. `from`: the kind's own status that it came from. One that came from what
   * somebody else wrote is believed only where it is `certain`: by a look that found nothing to do.
   */
  learn(uid: string, from: Status, status: Status & CommonStatus, isCertain: boolean): void;
  /** Whether a status was stored is not known. */
  doubt(uid: string): void;
  /** The object with the status that this process believes, whatever somebody else wrote into it since. */
  restored(object: KubeObject<Spec, Status>): KubeObject<Spec, Status>;
  /** The object is gone. */
  forget(uid: string): void;
}

export const createCustody = <Spec, Status>({
  finalizer,
  leavesNothing = false,
  keepsWhenStripped = false,
}: Pick<Controller<Spec, Status>, 'finalizer' | 'leavesNothing' | 'keepsWhenStripped'>): Custody<Spec, Status> => {
  /** Those that somebody else took our finalizer off. */
  const stripped = new Set<string>();
  const released = new Set<string>();
  /** Of each only the kind's own part counts. As long as it is that of the object itself, it is the same one in memory. */
  const believed = new Map<string, Status & CommonStatus>();

  /** The status that is believed, where it is another than that of the object. */
  const otherThan = (object: KubeObject<Spec, Status>): Status | undefined => {
    const known = believed.get(object.metadata.uid);
    if (known === undefined || known === object.status) return undefined;
    const own = ownStatus({ status: known });
    return isSameJson(own, ownStatus(object)) ? undefined : own;
  };

  const restored = (object: KubeObject<Spec, Status>): KubeObject<Spec, Status> => {
    const own = otherThan(object);
    return own === undefined ? object : { ...object, status: { ...own, ...commonStatus(object) } };
  };

  const isHeld = (object: KubeObject<Spec, Status>): boolean => {
    const { uid } = object.metadata;
    if (released.has(uid)) return false;
    if (hasFinalizer(object, finalizer)) return true;
    return !leavesNothing && !keepsWhenStripped && (stripped.has(uid) || hasMemory(restored(object)));
  };

  return {
    begin: () => believed.clear(),
    saw(object, old) {
      const { uid } = object.metadata;
      if (hasFinalizer(object, finalizer)) stripped.delete(uid);
      else if (hasFinalizer(old, finalizer) && !released.has(uid)) stripped.add(uid);
      const { status } = object;
      if (status !== undefined && believed.has(uid) && otherThan(object) === undefined) believed.set(uid, status);
    },
    isHeld,
    isLost: (object) =>
      !leavesNothing &&
      isHeld(object) &&
      // Who deletes an object without a finalizer is not held up: one that has ours until the end was not stripped of it.
      !(keepsWhenStripped && object.metadata.deletionTimestamp !== undefined),
    letGo(uid) {
      stripped.delete(uid);
      released.add(uid);
    },
    isLetGo: (uid) => released.has(uid),
    resume: (uid) => void released.delete(uid),
    learn(uid, from, status, isCertain) {
      const known = believed.get(uid);
      if (known === undefined || isCertain || isSameJson(ownStatus({ status: known }), from)) believed.set(uid, status);
    },
    doubt: (uid) => void believed.delete(uid),
    restored,
    forget(uid) {
      stripped.delete(uid);
      released.delete(uid);
      believed.delete(uid);
    },
  };
};

/** A status that says more than that nothing was looked at yet: a pass has written it, of this process or of another. */
export const hasMemory = (object: KubeObject): boolean =>
  Object.keys(ownStatus<object>({ status: object.status ?? {} })).length > 0;
