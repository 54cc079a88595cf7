import type { Logger } from 'pino';
import { parseDuration } from './config.ts';
import type { StoredObject } from './resource.ts';

/** `"true"`: nothing is written outside for this object, a deletion included, until it is taken off. */
export const pausedAnnotation = 's3.cloud37.dev/paused';
/** How often a settled object is looked at again: 30s, 10m, 1h. */
const resyncIntervalAnnotation = 's3.cloud37.dev/resync-interval';

export const isPaused = (object: StoredObject): boolean => object.metadata.annotations?.[pausedAnnotation] === 'true';

/** Milliseconds of the object's own resync interval; undefined without one, or when it is not valid, which is logged. */
export const ownResyncMs = (object: StoredObject, log: Logger): number | undefined => {
  const value = object.metadata.annotations?.[resyncIntervalAnnotation];
  if (value === undefined) return undefined;
  const ms = parseDuration(value);
  if (ms === undefined)
    log.warn({ reason: 'AnnotationInvalid' }, `${resyncIntervalAnnotation} is not a duration: ${value.slice(0, 50)}`);
  return ms;
};
