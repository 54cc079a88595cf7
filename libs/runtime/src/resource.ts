/** Where a kind lives in the Kubernetes API. */
export interface Resource {
  /** API group; empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower-case plural, the path segment. */
  readonly plural: string;
}

/** One condition as stored in a status. Source: Kubernetes API conventions, Condition. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
  /** RFC 3339; moves only when `status` does. */
  readonly lastTransitionTime: string;
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

/** `namespace/name`. */
export type ObjectKey = string;

export const keyOf = (object: { readonly metadata: { readonly namespace: string; readonly name: string } }): ObjectKey =>
  `${object.metadata.namespace}/${object.metadata.name}`;
