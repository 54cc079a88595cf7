import { reasons } from '@operator/api';
import type { Logger } from 'pino';
import type { Backoff } from './backoff.ts';
import type { KubeClient } from './kube-client.ts';
import { reflect } from './reflector.ts';
import { compareResourceVersions } from './resource-version.ts';
import { type ObjectKey, type Resource, type StoredObject, keyOf } from './resource.ts';
import { createStringSharing } from './string-sharing.ts';
import { dropNoise } from './trim.ts';

export interface InformerOptions<T> {
  /** `watched` (the default): the namespaces of `--watch-namespaces`; `all`: every namespace that a reference may lead to. */
  readonly scope?: 'watched' | 'all';
  /**
   * Names a second informer of a resource, beside the one that has none: of objects that this process does not look after, say. The
   * selector of `--watch-selector` is that of the controller's own informer alone.
   */
  readonly view?: string;
  /**
   * Trims an object on arrival to what is needed; managedFields and the last-applied annotation are dropped before. Not for the kind of
   * the controller itself, whose objects are compared with what is live.
   */
  readonly trim?: (object: T) => T;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface InformerEvents<T> {
  readonly onAdd?: (object: T) => void;
  readonly onUpdate?: (object: T, old: T) => void;
  /**
   * `wasTold`: the watch said so, or has shown a later object of the name; false where a list, which may be of a restored store, only lets
   * it be inferred.
   */
  readonly onDelete?: (object: T, wasTold: boolean) => void;
}

/** A watch with a cache. Objects in it are shared: never change one. */
export interface Informer<T extends StoredObject = StoredObject> {
  readonly resource: Resource;
  get(key: ObjectKey): T | undefined;
  list(): Iterable<T>;
  /**
   * Adds an index and returns its look-up; to be called before the informer starts. `valuesOf`: pure, the values under which an object is found.
   */
  index(name: string, valuesOf: (object: T) => readonly string[]): (value: string) => readonly T[];
  on(events: InformerEvents<T>): void;
  /**
   * Puts what the API server answered into the cache, to a write of our own or to a live read, unless the cache knows a newer one, or
   * nothing of that name. Another object of the name takes the place of the former.
   */
  remember(object: T): void;
  /** Drops what a list made beside the watch does not have, unless it is newer than the list. `namespace`: undefined for all. */
  retain(listed: Listed): void;
  /** True once the first list is complete, for every namespace watched. */
  hasSynced(): boolean;
}

/** What a list has. */
export interface Listed {
  readonly uids: ReadonlySet<string>;
  readonly resourceVersion: string;
  readonly namespace: string | undefined;
}

interface Index<T> {
  readonly valuesOf: (object: T) => readonly string[];
  /** One alone without a map of its own: most values of most indexes have one. */
  readonly found: Map<string, T | Map<ObjectKey, T>>;
}

export interface StartedInformer<T extends StoredObject> extends Informer<T> {
  /** Called after each complete list. */
  onSynced(then: () => void): void;
  /** Called when the server refuses to list or watch (403), and when it lets a watch begin. */
  onAccess(then: (isAllowed: boolean) => void): void;
  /** Runs until the signal aborts; to be called once. */
  start(source: InformerSource, signal: AbortSignal): Promise<void>;
}

export interface InformerSource {
  readonly kube: Pick<KubeClient, 'list' | 'watch'>;
  readonly log: Logger;
  readonly random: () => number;
  /** Empty: all namespaces. */
  readonly namespaces: readonly string[];
  /** What `scope: 'all'` means; empty or absent: all namespaces. */
  readonly reach?: readonly string[];
  /** Added to the informer's own label selector. */
  readonly labelSelector?: string | undefined;
  readonly silentAfterMs?: number;
  /** How a list or a watch is tried again that was refused (403); absent: as after any failure. */
  readonly refusals?: Backoff;
}

/** An informer that is not running yet. */
export const createInformer = <T extends StoredObject>(
  resource: Resource,
  options: InformerOptions<T> = {},
): StartedInformer<T> => {
  const objects = new Map<ObjectKey, T>();
  const indexes = new Map<string, Index<T>>();
  const listeners: InformerEvents<T>[] = [];
  const unlisted = new Set<string>(['']);
  const synced: (() => void)[] = [];
  const accessed: ((isAllowed: boolean) => void)[] = [];
  const shareStrings = createStringSharing();
  let log: Logger | undefined;

  /** As the cache keeps it; changes the object that is given. */
  const kept = (object: T): T => {
    dropNoise(object);
    return shareStrings(options.trim === undefined ? object : options.trim(object));
  };

  /** `isLater`: than the one that the cache has. */
  const put = (object: T, isLater: boolean): void => {
    const key = keyOf(object);
    const old = objects.get(key);
    if (old !== undefined) unindex(key, old);
    objects.set(key, object);
    for (const index of indexes.values()) {
      for (const value of valuesOf(index, object)) enter(index.found, value, object);
    }
    if (old?.metadata.uid === object.metadata.uid) {
      tell((listener) => listener.onUpdate?.(object, old));
      return;
    }
    // Another uid under the same name is another object: the old one went, whether or not the watch said so.
    if (old !== undefined) {
      tell((listener) => listener.onDelete?.(old, isLater));
    }
    tell((listener) => listener.onAdd?.(object));
  };

  /** A listener's bug is logged, and costs neither the cache nor the other listeners anything. */
  const tell = (to: (listener: InformerEvents<T>) => void): void => {
    for (const listener of listeners) {
      try {
        to(listener);
      } catch (caught) {
        log?.error({ err: caught, reason: reasons.InternalError }, `a listener to ${resource.plural} failed`);
      }
    }
  };

  const valuesOf = (index: Index<T>, object: T): readonly string[] => {
    try {
      return index.valuesOf(object);
    } catch (caught) {
      log?.error({ err: caught, reason: reasons.InternalError }, `an index of ${resource.plural} failed`);
      return [];
    }
  };

  const unindex = (key: ObjectKey, object: T): void => {
    for (const index of indexes.values()) {
      for (const value of valuesOf(index, object)) leave(index.found, value, key);
    }
  };

  const drop = (key: ObjectKey, wasTold: boolean): void => {
    const old = objects.get(key);
    if (old === undefined) return;
    unindex(key, old);
    objects.delete(key);
    tell((listener) => listener.onDelete?.(old, wasTold));
  };

  /** Takes an object unless the cache has it, or a newer one, already. */
  const take = (object: T): void => {
    const known = objects.get(keyOf(object));
    if (
      known === undefined ||
      compareResourceVersions(known.metadata.resourceVersion, object.metadata.resourceVersion) < 0
    )
      put(object, true);
  };

  const replace = (listed: readonly T[], namespace: string | undefined, hasGoneBack: boolean): void => {
    const keys = new Set<ObjectKey>();
    for (const object of listed) {
      keys.add(keyOf(object));
      if (hasGoneBack) put(object, false);
      else take(object);
    }
    dropWhere(namespace, (object) => !keys.has(keyOf(object)));
  };

  const dropWhere = (namespace: string | undefined, isGone: (object: T) => boolean): void => {
    for (const [key, object] of objects) {
      const isMeant = namespace === undefined || object.metadata.namespace === namespace;
      if (isMeant && isGone(object)) drop(key, false);
    }
  };

  return {
    resource,
    get: (key) => objects.get(key),
    list: () => objects.values(),
    index(name, valuesOf) {
      if (log !== undefined) throw new Error(`index ${name} of ${resource.plural} comes too late: the informer runs`);
      const found: Index<T>['found'] = new Map();
      indexes.set(name, { valuesOf, found });
      return (value) => at(found, value);
    },
    on(events) {
      listeners.push(events);
    },
    remember(object) {
      if (objects.has(keyOf(object))) take(kept(object));
    },
    retain({ uids, resourceVersion, namespace }) {
      dropWhere(
        namespace,
        ({ metadata }) =>
          !uids.has(metadata.uid) && compareResourceVersions(metadata.resourceVersion, resourceVersion) <= 0,
      );
    },
    hasSynced: () => unlisted.size === 0,
    onSynced(then) {
      synced.push(then);
    },
    onAccess(then) {
      accessed.push(then);
    },

    async start(source, signal) {
      log = source.log;
      const scope = options.scope === 'all' ? (source.reach ?? []) : source.namespaces;
      const namespaces = scope.length === 0 ? [undefined] : scope;
      const labelSelector = [options.labelSelector, source.labelSelector]
        .filter((part) => part !== undefined)
        .join(',');
      unlisted.clear();
      for (const namespace of namespaces) unlisted.add(namespace ?? '');
      await Promise.all(
        namespaces.map((namespace) => {
          let last = '0';
          return reflect<T>(
            {
              kube: source.kube,
              resource,
              log: source.log,
              random: source.random,
              selection: {
                ...(namespace === undefined ? {} : { namespace }),
                ...(labelSelector === '' ? {} : { labelSelector }),
                ...(options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector }),
              },
              ...(source.silentAfterMs === undefined ? {} : { silentAfterMs: source.silentAfterMs }),
              refusals: source.refusals,
              trim: kept,
              onAccess(isAllowed) {
                for (const then of accessed) then(isAllowed);
              },
              onReplace(listed, resourceVersion) {
                // A cluster restored from a backup counts from an older number: then only the list is right.
                replace(listed, namespace, compareResourceVersions(resourceVersion, last) < 0);
                last = resourceVersion;
                unlisted.delete(namespace ?? '');
                if (unlisted.size === 0) for (const then of synced) then();
              },
              onEvent({ type, object }) {
                last = object.metadata.resourceVersion;
                if (type !== 'DELETED') take(object);
                else if (objects.get(keyOf(object))?.metadata.uid === object.metadata.uid) drop(keyOf(object), true);
              },
            },
            signal,
          );
        }),
      );
    },
  };
};

/** Puts an object under a value of an index, in place of the former one of its key. */
const enter = <T extends StoredObject>(found: Index<T>['found'], value: string, object: T): void => {
  const key = keyOf(object);
  const known = found.get(value);
  if (known instanceof Map) known.set(key, object);
  else if (known === undefined || keyOf(known) === key) found.set(value, object);
  else found.set(value, new Map([known, object].map((one) => [keyOf(one), one])));
};

const leave = <T extends StoredObject>(found: Index<T>['found'], value: string, key: ObjectKey): void => {
  const known = found.get(value);
  if (known === undefined) return;
  if (known instanceof Map) known.delete(key);
  if (known instanceof Map ? known.size === 0 : keyOf(known) === key) found.delete(value);
};

const at = <T>(found: Index<T>['found'], value: string): readonly T[] => {
  const known = found.get(value);
  if (known === undefined) return [];
  return known instanceof Map ? [...known.values()] : [known];
};
