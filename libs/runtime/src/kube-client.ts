import type { Resource, StoredObject } from './resource.ts';

/** The field manager of everything this operator applies. */
export const fieldManager = 'wasabi-s3-operator';

/** `namespace` is absent for cluster-scoped kinds. */
export interface ObjectRef {
  readonly namespace?: string;
  readonly name: string;
}

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds for the whole request with its retries; 30 000 when absent. */
  readonly timeoutMs?: number;
}

/** What to list or watch; all namespaces when `namespace` is absent. */
export interface Selection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** A piece of a list. Where an object comes twice, the later one is newer. */
export interface ListPage<T> {
  readonly items: readonly T[];
  /** What earlier pieces, or this one, had and is deleted by now. */
  readonly gone?: readonly T[];
  /** Of the whole list; the last page has it. */
  readonly resourceVersion?: string;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface WatchOptions {
  readonly resourceVersion: string;
  readonly signal: AbortSignal;
  /** Seconds after which the server ends the stream. */
  readonly timeoutSeconds: number;
  /** Called when the server has taken the watch, which may be long before anything happens. */
  readonly onOpen?: () => void;
  /** Called for every piece that arrives, whole event or not. */
  readonly onBytes?: () => void;
}

/** An object to send. `uid`, where known, keeps a recreated object from being patched. */
export interface Applied {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface JsonPatchStep {
  readonly op: 'add' | 'remove' | 'replace' | 'test';
  readonly path: string;
  readonly value?: unknown;
}

/**
 * Requests to the API server. Absence is a value; every other refusal is a KubeError. 429 is retried after its Retry-After
 * within the deadline. Writes throw Fault `transient` LeadershipLost where this process must not write.
 */
export interface KubeClient {
  /** Undefined when there is no such object. */
  get<T = StoredObject>(resource: Resource, ref: ObjectRef, options?: RequestOptions): Promise<T | undefined>;
  /**
   * False while the definition of a kind is being deleted, and once it is gone: the API server then takes no new object of the kind, and deletes those
   * that there are. True also where that may not be asked. By discovery, which needs no rights of its own; that it is refused, or that the group is
   * not known, counts after ten minutes of nothing else.
   * @throws KubeError 403 or 503 until then
   * Source: Kubernetes, apiextensions-apiserver, customresource_discovery_controller.go.
   */
  takesNew(resource: Resource, options?: RequestOptions): Promise<boolean>;
  /**
   * One consistent list, piece by piece. What has more than a page is streamed where the server can (Kubernetes 1.34 and later do
   * by default), else, and where `pageSize` is given, it comes page by page. While streaming, `timeoutMs` is for each piece.
   * @throws KubeError 410 when the list expired between two pages
   */
  list<T = StoredObject>(
    resource: Resource,
    selection: Selection,
    options?: RequestOptions & { readonly pageSize?: number },
  ): AsyncGenerator<ListPage<T>, void>;
  /** Ends when the server ends the stream. @throws KubeError 410 when `resourceVersion` is too old */
  watch<T = StoredObject>(
    resource: Resource,
    selection: Selection,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void>;
  /** @throws KubeError 409 AlreadyExists */
  create<T = StoredObject>(resource: Resource, object: Applied, options?: RequestOptions): Promise<T>;
  /** Replaces the whole object; `metadata.resourceVersion` guards it. @throws KubeError 409 Conflict */
  replace<T = StoredObject>(resource: Resource, object: Applied, options?: RequestOptions): Promise<T>;
  /**
   * Server-side apply with force, as `wasabi-s3-operator`. `metadata.uid` and `metadata.resourceVersion` are preconditions.
   * @throws KubeError 409 when one does not hold; 404 for the status of an absent object
   */
  apply<T = StoredObject>(
    resource: Resource,
    object: Applied,
    options?: RequestOptions & { readonly subresource?: 'status' },
  ): Promise<T>;
  /** An array is a JSON patch, an object a merge patch. @throws KubeError 404; 422 when a `test` step fails */
  patch<T = StoredObject>(
    resource: Resource,
    ref: ObjectRef,
    patch: readonly JsonPatchStep[] | Readonly<Record<string, unknown>>,
    options?: RequestOptions & { readonly subresource?: 'status' },
  ): Promise<T>;
  /** False when there was no such object. @throws KubeError 409 when a precondition does not hold */
  delete(
    resource: Resource,
    ref: ObjectRef,
    preconditions?: { readonly uid?: string; readonly resourceVersion?: string },
    options?: RequestOptions,
  ): Promise<boolean>;
}
