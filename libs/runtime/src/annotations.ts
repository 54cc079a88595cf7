import { annotations, parseDuration } from '@operator/api';
import type { StoredObject } from './resource.ts';

/** True while a person has paused the object: nothing is written outside for it, a deletion included. */
export const isPaused = ({ metadata }: Pick<StoredObject, 'metadata'>): boolean =>
  metadata.annotations?.[annotations.paused] === 'true';

/** True when a person lets an object under deletion go without the external work. */
export const isAbandoned = ({ metadata }: Pick<StoredObject, 'metadata'>): boolean =>
  metadata.annotations?.[annotations.abandon] === 'true';

/** Milliseconds of the object's own resync interval; undefined without one, or when it is not valid, which an Event tells. */
export const ownResyncMs = (object: StoredObject): number | undefined => {
  const value = object.metadata.annotations?.[annotations.resyncInterval];
  return value === undefined ? undefined : parseDuration(value);
};
