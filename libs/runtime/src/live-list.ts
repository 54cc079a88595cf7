import type { KubeClient, RequestOptions } from './kube-client.ts';
import type { Resource, StoredObject } from './resource.ts';

/** How many objects one answer has: a list of all namespaces is read piece by piece. */
const pageSize = 500;

/**
 * Lists every object that a reference may come from, which no late watch can hide anything from. `take`: what is kept of each, for there may be
 * many thousands; undefined drops it. For what must not be done while anybody is there. @throws KubeError
 */
export type LiveList = <T extends StoredObject>(
  resource: Resource,
  take: (object: T) => T | undefined,
  options: RequestOptions,
) => Promise<readonly T[]>;

/** `reach`: the namespaces that are listed; empty: all. */
export const createLiveList =
  (kube: Pick<KubeClient, 'list'>, reach: readonly string[]): LiveList =>
  async <T extends StoredObject>(
    resource: Resource,
    take: (object: T) => T | undefined,
    options: RequestOptions,
  ): Promise<readonly T[]> => {
    const kept: T[] = [];
    for (const selection of reach.length === 0 ? [{}] : reach.map((namespace) => ({ namespace }))) {
      for await (const { items } of kube.list<T>(resource, selection, { ...options, pageSize }))
        kept.push(...items.map(take).filter((one) => one !== undefined));
    }
    return kept;
  };
