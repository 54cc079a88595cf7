import type { Condition } from '@operator/conditions';

/** Where a kind lives in the Kubernetes API. */
export interface Resource {
  /** API group; empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower-case plural, the path segment. */
  readonly plural: string;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** The part of ObjectMeta that the informers keep; managedFields are dropped on arrival. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  /** RFC 3339. */
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

/** What every stored status has, beside the kind's own fields. */
export interface CommonStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
}

/** A namespaced custom resource as the API server stores it. */
export interface KubeObject<Spec = unknown, Status = unknown> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
  readonly status?: Status & CommonStatus;
}

/** Any object of any kind, as far as the runtime must know it; `namespace` is absent on cluster-scoped kinds. */
export interface StoredObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Omit<ObjectMeta, 'namespace' | 'generation'> & {
    readonly namespace?: string;
    readonly generation?: number;
  };
}

/** `namespace/name`; the bare name for a cluster-scoped object. */
export type ObjectKey = string;

export const keyOf = (object: {
  readonly metadata: { readonly namespace?: string; readonly name: string };
}): ObjectKey =>
  object.metadata.namespace === undefined
    ? object.metadata.name
    : `${object.metadata.namespace}/${object.metadata.name}`;

/** From a key to what names the object at the API server. */
export const refOf = (key: ObjectKey): { readonly namespace?: string; readonly name: string } => {
  const at = key.indexOf('/');
  return at < 0 ? { name: key } : { namespace: key.slice(0, at), name: key.slice(at + 1) };
};

/** `v1` or `group/version`. */
export const apiVersionOf = (resource: Resource): string =>
  resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;

/** The kind's own part of a stored status: without `conditions` and `observedGeneration`, which the runtime adds. */
export const ownStatus = <Status>(object: { readonly status?: Status & CommonStatus }): Status => {
  const own = Object.entries(object.status ?? {}).filter(
    ([key]) => key !== 'observedGeneration' && key !== 'conditions',
  );
  return Object.fromEntries(own) as Status;
};
