import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type Backoff, backoffMs, jittered, pauseMsAfter } from './backoff.ts';
import type { KubeClient, Selection, WatchEvent } from './kube-client.ts';
import { type KubeError, eventTooLarge, isKubeError } from './kube-error.ts';
import { type ObjectKey, type Resource, type StoredObject, keyOf } from './resource.ts';

export interface ReflectorOptions<T> {
  readonly kube: Pick<KubeClient, 'list' | 'watch'>;
  readonly resource: Resource;
  readonly selection: Selection;
  readonly log: Logger;
  readonly random: () => number;
  /** Applied to every object as it arrives, before the next page is asked for. */
  readonly trim: (object: T) => T;
  /** The whole truth of this selection. `resourceVersion`: of the list. */
  readonly onReplace: (objects: readonly T[], resourceVersion: string) => void;
  readonly onEvent: (event: Exclude<WatchEvent<T>, { type: 'BOOKMARK' }>) => void;
  /** Reconnects a watch on which nothing arrived for so long. The server sends a bookmark about once a minute. */
  readonly silentAfterMs?: number;
  /** Seconds after which a watch is renewed, varied by a third. */
  readonly watchSeconds?: number;
  /** How it is tried again after a refusal (403); absent: as after any failure. */
  readonly refusals?: Backoff | undefined;
  /** Called with false when the server refuses the list or the watch (403), with true when it takes the watch; the same may come again. */
  readonly onAccess?: (isAllowed: boolean) => void;
}

/** The cap is how late the end of an outage may be noticed; a process has a handful of watches, so asking is cheap. */
const failures: Backoff = { baseMs: 200, capMs: 10_000 };
/** A kind that is not installed, or is being initialised, is asked for often: it comes with an install. */
const absences: Backoff = { baseMs: 500, capMs: 3_000 };

/**
 * Lists and then watches until `signal` aborts, and survives what happens in between: a watch resumes from the last
 * resourceVersion that it saw; 410, a second silence and an event without end start over with a list; everything else is tried again with back-off.
 */
export const reflect = async <T extends StoredObject>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<void> => {
  const { log, random, resource } = options;
  const silentAfterMs = options.silentAfterMs ?? 90_000;
  const watchSeconds = options.watchSeconds ?? 360;
  let resourceVersion: string | undefined;
  let failed = 0;
  let expired = 0;
  let silences = 0;
  let told: string | undefined;

  const pauseAfter = async (caught: unknown): Promise<void> => {
    if (signal.aborted) return;
    if (isKubeError(caught, 403)) options.onAccess?.(false);
    failed += 1;
    const isAbsent = isAbsence(caught);
    const reason = isAbsent ? 'absent' : isKubeError(caught) ? `${caught.status} ${caught.reason}` : String(caught);
    if (reason !== told) {
      told = reason;
      if (isAbsent)
        log.warn({ event: 'watch', reason: 'KindAbsent' }, `${resource.plural} are not served yet; trying again`);
      else
        log.warn(
          { event: 'watch', reason: 'WatchFailed', err: caught },
          `cannot watch ${resource.plural}; trying again`,
        );
    }
    const refusals = isKubeError(caught, 403) ? options.refusals : undefined;
    const pauseMs = pauseMsAfter(caught, refusals ?? (isAbsent ? absences : failures), failed, random);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  };

  // The first event may be a minute away, and what is told as not served is served by now.
  const tellOpen = (): void => {
    if (told !== undefined) log.info({ event: 'watch' }, `watching ${resource.plural} again`);
    told = undefined;
    options.onAccess?.(true);
  };

  while (!signal.aborted) {
    try {
      if (resourceVersion === undefined) {
        resourceVersion = await relist(options, signal);
        log.debug({ event: 'list', resourceVersion }, `listed ${resource.plural}`);
      }
      const silence = new AbortController();
      const timer = setTimeout(() => silence.abort(), silentAfterMs);
      const startedFrom: string = resourceVersion;
      try {
        const events = options.kube.watch<T>(resource, options.selection, {
          resourceVersion,
          signal: AbortSignal.any([signal, silence.signal]),
          timeoutSeconds: Math.round(jittered(watchSeconds, 1 / 3, random)),
          onOpen: tellOpen,
          onBytes: () => void timer.refresh(),
        });
        for await (const event of events) {
          if (event.type === 'BOOKMARK') {
            resourceVersion = event.resourceVersion;
          } else {
            resourceVersion = event.object.metadata.resourceVersion;
            options.onEvent({ type: event.type, object: options.trim(event.object) });
          }
          failed = 0;
          expired = 0;
          silences = 0;
        }
      } catch (caught) {
        if (!silence.signal.aborted) throw caught;
        log.info({ event: 'watch', reason: 'Silent' }, `the watch of ${resource.plural} was silent; reconnecting`);
        silences += 1;
      } finally {
        clearTimeout(timer);
      }
      // A store restored from a backup counts from an older number, and tells nothing until it has come to ours.
      if (silences === 2) {
        resourceVersion = undefined;
        silences = 0;
        continue;
      }
      // A stream that ends at once without telling anything must not become a storm.
      if (resourceVersion === startedFrom && !silence.signal.aborted) {
        await sleep(backoffMs({ baseMs: 200, capMs: 1_000 }, 2, random), undefined, { signal }).catch(() => undefined);
      }
    } catch (caught) {
      if (isKubeError(caught, 410)) {
        log.info({ event: 'watch', reason: 'Expired' }, `the watch of ${resource.plural} is too old; listing again`);
        resourceVersion = undefined;
        expired += 1;
        // The server answers again, so that what failed before counts no longer; only one 410 after the other does.
        if (expired === 1) failed = 0;
        else await pauseAfter(caught);
        continue;
      }
      // A kind that went away, or an initialising store, may come back with other content.
      if (isAbsence(caught) || (isKubeError(caught) && caught.reason === eventTooLarge)) resourceVersion = undefined;
      await pauseAfter(caught);
    }
  }
};

/** Lists everything; in one piece when the list expires between two pages. */
const relist = async <T extends StoredObject>(options: ReflectorOptions<T>, signal: AbortSignal): Promise<string> => {
  try {
    return await listOnce(options, signal, undefined);
  } catch (caught) {
    if (!isKubeError(caught, 410)) throw caught;
    return await listOnce(options, signal, Infinity);
  }
};

const listOnce = async <T extends StoredObject>(
  { kube, resource, selection, trim, onReplace }: ReflectorOptions<T>,
  signal: AbortSignal,
  pageSize: number | undefined,
): Promise<string> => {
  const objects = new Map<ObjectKey, T>();
  let resourceVersion = '';
  for await (const page of kube.list<T>(resource, selection, {
    signal,
    timeoutMs: 60_000,
    ...(pageSize === undefined ? {} : { pageSize }),
  })) {
    for (const object of page.items) objects.set(keyOf(object), trim(object));
    for (const object of page.gone ?? []) objects.delete(keyOf(object));
    resourceVersion = page.resourceVersion ?? resourceVersion;
  }
  onReplace([...objects.values()], resourceVersion);
  return resourceVersion;
};

/** The kind is not served (404), or its storage is still being set up (429). */
const isAbsence = (caught: unknown): caught is KubeError =>
  isKubeError(caught, 404) || (isKubeError(caught, 429) && caught.message.includes('storage is (re)initializing'));
