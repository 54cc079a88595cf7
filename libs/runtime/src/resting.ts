import { createHash } from 'node:crypto';
import { annotations } from '@operator/api';
import { isPaused, ownResyncMs } from './annotations.ts';
import { jittered } from './backoff.ts';
import type { ControllerDeps } from './controller-deps.ts';
import { hasFinalizer } from './finalizer.ts';
import { resyncJitter } from './next-attempt.ts';
import { type CommonStatus, type KubeObject, type ObjectKey, keyOf } from './resource.ts';
import { readyOf } from './status.ts';

/**
 * How long an object goes without a look while nothing asks for one. It is looked at again after as long as it has rested, within the
 * bounds of `resyncIntervalMs` and `maxResyncIntervalMs`: so the pauses double. Whoever has rested for the longest pause is looked at
 * when the clock passes a moment of its own, which follows from its uid: a fleet that was made or started all at once spreads over
 * the whole interval, and is spread there after a restart too.
 *
 * Since when an object rests is in its conditions, as far as they changed, and in memory. Nothing is written for it.
 */
export interface Resting {
  /** The object, what it depends on or what it has at the server is not as it was. */
  stirred(key: ObjectKey): void;
  /**
   * Milliseconds until the first look of a process that has just begun to work: 0 unless the stored object says that the last one found
   * nothing to do and nothing was asked for since.
   */
  firstLookMs(object: KubeObject): number;
  /**
   * Milliseconds until the next look, jitter included. `object`: with the status that a look stores which found nothing to do; `askedMs`:
   * what that look asks for itself, in place of the interval.
   */
  nextLookMs(object: KubeObject, askedMs: number | undefined): number;
  /** The object is gone. */
  forget(key: ObjectKey): void;
}

type RestingDeps = Pick<
  ControllerDeps<never, never>,
  'clock' | 'random' | 'finalizer' | 'resyncIntervalMs' | 'maxResyncIntervalMs' | 'spreadsFirstLooks'
>;

export const createResting = (deps: RestingDeps): Resting => {
  const { clock, random, finalizer, resyncIntervalMs: shortestMs, maxResyncIntervalMs: longestMs } = deps;
  const isGrowing = longestMs > shortestMs;
  const stirredAt = new Map<ObjectKey, number>();
  const nowMs = (): number => clock.now().getTime();

  const restedMs = (object: KubeObject): number =>
    nowMs() - Math.max(lastTransitionMs(object), stirredAt.get(keyOf(object)) ?? -Infinity);

  return {
    stirred: (key) => void stirredAt.set(key, nowMs()),
    firstLookMs(object) {
      if (deps.spreadsFirstLooks !== true || !isGrowing || ownResyncMs(object) !== undefined) return 0;
      const isAsked = !wasLeftAtRest(object, finalizer) || wasRequestedSince(object, nowMs() - shortestMs);
      return isAsked ? 0 : untilMomentMs(object.metadata.uid, nowMs(), shortestMs);
    },
    nextLookMs(object, askedMs) {
      const ownMs = ownResyncMs(object);
      if (askedMs !== undefined) return jittered(Math.min(askedMs, ownMs ?? Infinity), resyncJitter, random);
      if (ownMs !== undefined || !isGrowing || !isReady(object))
        return jittered(ownMs ?? shortestMs, resyncJitter, random);
      const rested = restedMs(object);
      if (rested < longestMs) return Math.min(longestMs, jittered(Math.max(rested, shortestMs), resyncJitter, random));
      const leftMs = untilMomentMs(object.metadata.uid, nowMs(), longestMs);
      // A look that came a little before its moment is not made twice.
      return leftMs < longestMs * resyncJitter ? leftMs + longestMs : leftMs;
    },
    forget: (key) => void stirredAt.delete(key),
  };
};

const isReady = (object: KubeObject): boolean => readyOf(object)?.status === 'True';

/** What somebody may have changed while no process watched is seen in the object itself. */
const wasLeftAtRest = (object: KubeObject, finalizer: string): boolean =>
  isReady(object) &&
  object.status?.observedGeneration === object.metadata.generation &&
  object.metadata.deletionTimestamp === undefined &&
  hasFinalizer(object, finalizer) &&
  !isPaused(object);

/** True when the annotation is a time after that. Of another text nobody knows when it was written. */
const wasRequestedSince = ({ metadata }: KubeObject, sinceMs: number): boolean =>
  Date.parse(metadata.annotations?.[annotations.reconcileRequestedAt] ?? '') >= sinceMs;

const lastTransitionMs = ({
  metadata,
  status,
}: {
  readonly metadata: KubeObject['metadata'];
  readonly status?: CommonStatus;
}): number =>
  Math.max(
    ...[
      metadata.creationTimestamp,
      ...(status?.conditions ?? []).map(({ lastTransitionTime }) => lastTransitionTime),
    ].map((instant) => Date.parse(instant)),
  );

/** Milliseconds until the clock passes the moment that an object has in every interval. */
const untilMomentMs = (uid: string, nowMs: number, intervalMs: number): number => {
  const share = createHash('sha256').update(uid).digest().readUInt32BE(0) / 2 ** 32;
  const pastMs = (nowMs - share * intervalMs) % intervalMs;
  return (intervalMs - pastMs) % intervalMs;
};
