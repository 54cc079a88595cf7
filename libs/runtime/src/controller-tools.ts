import type { Clock } from '@operator/outcome';
import type { Logger } from 'pino';
import type { RuntimeConfig } from './config.ts';
import type { EventRecorder } from './events.ts';
import {
  type Informer,
  type InformerOptions,
  type InformerSource,
  type StartedInformer,
  createInformer,
} from './informer.ts';
import type { LeaseLock } from './lease-lock.ts';
import type { KubeClient, ObjectRef } from './kube-client.ts';
import type { LiveList } from './live-list.ts';
import type { Metrics } from './metrics.ts';
import type { ObjectKey, Resource, StoredObject } from './resource.ts';
import type { Wakes } from './wakes.ts';
import { type View, type ViewOptions, watchAll } from './watch-all.ts';
import { watchOne } from './watch-one.ts';

/** What an app composes its controller from. */
export interface ControllerTools {
  readonly kube: KubeClient;
  readonly config: RuntimeConfig;
  /** The namespace of the operator's own Secret. */
  readonly operatorNamespace: string;
  /** One at a time may do something to what many processes share. Its Leases are in the operator's own namespace. */
  readonly lock: LeaseLock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Aborts when the process stops. */
  readonly signal: AbortSignal;
  readonly events: EventRecorder;
  /** The informer of a resource: one for each resource and view, made on the first call, started after `build`. */
  informer<T extends StoredObject>(resource: Resource, options?: InformerOptions<T>): Informer<T>;
  /**
   * Watches one object by name, so that RBAC can name it. `onChange` gets its metadata as they are, at first and after every
   * change; undefined when it is absent. The rest is dropped on arrival: what a Secret holds does not stay in memory.
   * Returns the way to stop.
   */
  watchOne(resource: Resource, ref: ObjectRef, onChange: (object: StoredObject | undefined) => void): () => void;
  /** Watches all objects of a resource, of every namespace, from now on. Unlike an informer it keeps nothing waiting, also where it is refused. */
  watchAll<T extends StoredObject>(resource: Resource, options: ViewOptions<T>): View<T>;
  readonly listLive: LiveList;
  readonly mapEvents: Wakes['mapEvents'];
  /** Enqueues one object of the controller's own kind, at once or in `afterMs`. */
  enqueue(key: ObjectKey, afterMs?: number): void;
}

/** The watches of one process. */
export interface Watches {
  readonly informer: ControllerTools['informer'];
  readonly watchOne: ControllerTools['watchOne'];
  readonly watchAll: ControllerTools['watchAll'];
  /** True once the first list of each is complete. */
  readonly hasSynced: () => boolean;
  /** Starts every informer; `ownSelector` is added to that of `own`. Resolves when all have ended. */
  start(own: object, ownSelector: string | undefined): Promise<unknown>;
  /** Ends them. */
  end(): void;
}

export const createWatches = (source: InformerSource): Watches => {
  /** They outlive the first signal, so that the last passes see what happens. */
  const watching = new AbortController();
  const informers = new Map<string, StartedInformer<StoredObject>>();
  return {
    informer: <T extends StoredObject>(resource: Resource, given?: InformerOptions<T>) => {
      const id = [`${resource.group}/${resource.plural}`, given?.view].filter((part) => part !== undefined).join(' ');
      const known = informers.get(id);
      if (known !== undefined && given !== undefined) throw new Error(`the informer of ${id} is made already`);
      const informer = known ?? createInformer<T>(resource, given);
      informers.set(id, informer);
      return informer as unknown as StartedInformer<T>;
    },
    watchOne: (resource, ref, onChange) => watchOne(source, resource, ref, onChange, watching.signal),
    watchAll: (resource, options) => watchAll(source, resource, options, watching.signal),
    hasSynced: () => [...informers.values()].every((informer) => informer.hasSynced()),
    start: (own, ownSelector) =>
      Promise.all(
        [...informers.values()].map((informer) => {
          const labelSelector = Object.is(informer, own) ? ownSelector : undefined;
          return informer.start({ ...source, labelSelector }, watching.signal);
        }),
      ),
    end: () => watching.abort(),
  };
};
