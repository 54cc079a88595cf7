import type { Clock } from '@operator/outcome';
import type { Logger } from 'pino';
import type { RuntimeConfig } from './config.ts';
import type { EventRecorder } from './events.ts';
import type { Informer, InformerOptions } from './informer.ts';
import type { KubeClient, ObjectRef } from './kube-client.ts';
import type { Metrics } from './metrics.ts';
import type { Reconciler } from './reconciler.ts';
import type { ObjectKey, Resource, StoredObject } from './resource.ts';

/** What an app composes its controller from. */
export interface ControllerTools {
  readonly kube: KubeClient;
  readonly config: RuntimeConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Aborts when the process stops. */
  readonly signal: AbortSignal;
  readonly events: EventRecorder;
  /** The informer of a resource: one for each resource, made on the first call, started after `build`. */
  informer<T extends StoredObject>(resource: Resource, options?: InformerOptions<T>): Informer<T>;
  /**
   * Watches one object by name, so that RBAC can name it. `onChange` gets the object as it is, at first and after every
   * change; undefined when it is absent. Returns the way to stop.
   */
  watchOne<T extends StoredObject>(
    resource: Resource,
    ref: ObjectRef,
    onChange: (object: T | undefined) => void,
  ): () => void;
  /** Enqueues the keys that `keysFor` names whenever an object of the informer comes, changes (`old` is given) or goes. */
  mapEvents<T extends StoredObject>(
    informer: Informer<T>,
    keysFor: (object: T, old: T | undefined) => Iterable<ObjectKey>,
  ): void;
  /** Enqueues one object of the controller's own kind, at once or in `afterMs`. */
  enqueue(key: ObjectKey, afterMs?: number): void;
}

/** One kind's controller, as `build` returns it. */
export interface Controller<Spec, Status> {
  readonly resource: Resource;
  readonly reconciler: Reconciler<Spec, Status>;
  /** Such as `s3.cloud37.dev/finalizer`. */
  readonly finalizer: string;
  /** Condition types that are good when True, such as `AuthValid`. */
  readonly positiveConditions?: readonly string[];
  /** Reasons of claims which, on a settled object, only a new spec can help; `Unsupported` when absent. */
  readonly stallingReasons?: readonly string[];
}

export interface ControllerOptions<Spec, Status> {
  /** Such as `bucket-controller`: the lease's name, the logs' `controller`, the Events' source. */
  readonly name: string;
  /** Without the interpreter and the script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  build(tools: ControllerTools): Controller<Spec, Status> | Promise<Controller<Spec, Status>>;
}

/**
 * Runs one controller until SIGTERM or SIGINT and returns the exit status: 0 after a graceful stop, 1 after a failure, 2 for
 * a wrong configuration.
 */
export const runController = async <Spec, Status>(options: ControllerOptions<Spec, Status>): Promise<number> => {
  await Promise.resolve(options);
  throw new Error('not built yet');
};
