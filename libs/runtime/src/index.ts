export type { Condition } from '@operator/conditions';
export { ConfigError, readConfig, seesNamespace } from './config.ts';
export type { Repair } from './controller-deps.ts';
export type { ControllerTools } from './controller-tools.ts';
export type { Informer, InformerEvents, InformerOptions } from './informer.ts';
export { fieldManager } from './kube-client.ts';
export type { KubeClient, ObjectRef, RequestOptions, WatchEvent } from './kube-client.ts';
export { loadKubeconfig } from './credential-source.ts';
export { openKubeConnection } from './kube-connection.ts';
export type { KubeConnection } from './kube-connection.ts';
export { KubeError, isKubeError } from './kube-error.ts';
export { createKubeClient } from './kube-requests.ts';
export { createLiveList, type LiveList } from './live-list.ts';
export type { IssuedKey, Metrics } from './metrics.ts';
export type { Finalized, Pass, Reconciler } from './reconciler.ts';
export { isAbandoned, isPaused } from './annotations.ts';
export { keyOf, ownStatus } from './resource.ts';
export type {
  CommonStatus,
  KubeObject,
  ObjectKey,
  ObjectMeta,
  OwnerReference,
  Resource,
  StoredObject,
} from './resource.ts';
export { runController } from './run-controller.ts';
export type { View, ViewOptions, ViewState } from './watch-all.ts';
export { bareMetadata, pick, readyIn } from './trim.ts';
