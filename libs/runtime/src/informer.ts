import type { ObjectKey, Resource, StoredObject } from './resource.ts';

export interface InformerOptions<T> {
  /** `watched` (the default): the namespaces of `--watch-namespaces`; `all`: every namespace, also for cluster-scoped kinds. */
  readonly scope?: 'watched' | 'all';
  /** Trims an object on arrival to what is needed; managedFields and the last-applied annotation are dropped before. */
  readonly trim?: (object: T) => T;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface InformerEvents<T> {
  readonly onAdd?: (object: T) => void;
  readonly onUpdate?: (object: T, old: T) => void;
  readonly onDelete?: (object: T) => void;
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
  /** Puts the API server's answer to a write of our own into the cache, unless the cache knows a newer one. */
  remember(object: T): void;
  /** True once the first list is complete, for every namespace watched. */
  hasSynced(): boolean;
}
