import { hasFinalizer } from './finalizer.ts';
import { isSameJson } from './json-equality.ts';
import type { KubeObject } from './resource.ts';
import { wantedPart } from './wanted-part.ts';

/**
 * True unless an update only tells of what a pass itself does: a new status, and our finalizer being added. Changes of
 * annotations, labels, other finalizers and the deletion count beside a new generation.
 */
export const needsPass = (object: KubeObject, old: KubeObject, finalizer: string): boolean => {
  const relevant = (one: KubeObject) => ({
    ...wantedPart(one),
    finalizers: (one.metadata.finalizers ?? []).filter((name) => name !== finalizer),
  });
  const hasLostOurs = hasFinalizer(old, finalizer) && !hasFinalizer(object, finalizer);
  return hasLostOurs || !isSameJson(relevant(object), relevant(old));
};
