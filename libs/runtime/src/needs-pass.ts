import { hasFinalizer } from './finalizer.ts';
import { isSameJson } from './json-equality.ts';
import type { KubeObject } from './resource.ts';

/**
 * True unless an update only tells of what a pass itself does: a new status, and our finalizer being added. Changes of
 * annotations, labels, other finalizers and the deletion count beside a new generation.
 */
export const needsPass = (object: KubeObject, old: KubeObject, finalizer: string): boolean => {
  const relevant = ({ metadata }: KubeObject) => ({
    generation: metadata.generation,
    annotations: metadata.annotations ?? {},
    labels: metadata.labels ?? {},
    deletionTimestamp: metadata.deletionTimestamp,
    finalizers: (metadata.finalizers ?? []).filter((name) => name !== finalizer),
  });
  const hasLostOurs = hasFinalizer(old, finalizer) && !hasFinalizer(object, finalizer);
  return hasLostOurs || !isSameJson(relevant(object), relevant(old));
};
