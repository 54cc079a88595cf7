import { setTimeout as sleep } from 'node:timers/promises';
import { type Backoff, pauseMsAfter } from './backoff.ts';
import type { Informer, InformerSource } from './informer.ts';
import type { KubeClient } from './kube-client.ts';
import type { StoredObject } from './resource.ts';

export interface CatchUpOptions<T extends StoredObject> extends Omit<InformerSource, 'kube'> {
  readonly kube: Pick<KubeClient, 'list'>;
  readonly informer: Informer<T>;
}

const failures: Backoff = { baseMs: 200, capMs: 10_000 };

/**
 * Brings the cache up to what the former leader wrote last: a watch may lag behind, and passes on an older status would
 * repeat its work, or do anew for an object what was undone when it went. Tries until it is done; false when `signal` aborted before.
 */
export const catchUp = async <T extends StoredObject>(
  options: CatchUpOptions<T>,
  signal: AbortSignal,
): Promise<boolean> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await listAnew(options, signal);
      return true;
    } catch (caught) {
      if (signal.aborted) return false;
      if (attempt === 1)
        options.log.warn({ event: 'lease', err: caught }, 'cannot catch up with the former leader; trying again');
      const pauseMs = pauseMsAfter(caught, failures, attempt, options.random);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
};

const listAnew = async <T extends StoredObject>(
  { kube, informer, namespaces, labelSelector }: CatchUpOptions<T>,
  signal: AbortSignal,
): Promise<void> => {
  const selector = labelSelector === undefined ? {} : { labelSelector };
  for (const namespace of namespaces.length === 0 ? [undefined] : namespaces) {
    const selection = { ...selector, ...(namespace === undefined ? {} : { namespace }) };
    const uids = new Set<string>();
    let listedAt = '';
    for await (const { items, gone, resourceVersion } of kube.list<T>(informer.resource, selection, { signal })) {
      listedAt = resourceVersion ?? listedAt;
      for (const object of items) {
        uids.add(object.metadata.uid);
        informer.remember(object);
      }
      for (const object of gone ?? []) uids.delete(object.metadata.uid);
    }
    informer.retain({ uids, resourceVersion: listedAt, namespace });
  }
};
