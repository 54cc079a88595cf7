import { transient } from '@operator/outcome';
import { reasons } from '@operator/api';
import type { KubeClient } from '@operator/runtime';
import { namespaceResource } from './references.ts';

/** Gives the cluster's identity, the uid of the namespace kube-system, and remembers it. */
export type ClusterIdentity = (signal: AbortSignal) => Promise<string>;

/** Reads the cluster's identity on first use. @throws Fault `transient` when the namespace cannot be read */
export const clusterIdentity = (kube: KubeClient): ClusterIdentity => {
  let known: string | undefined;
  return async (signal) => {
    if (known !== undefined) return known;
    const namespace = await kube.get<{ metadata: { uid: string } }>(
      namespaceResource,
      { name: 'kube-system' },
      { signal },
    );
    if (namespace === undefined) throw transient(reasons.InternalError, 'The namespace kube-system does not exist.');
    known = namespace.metadata.uid;
    return known;
  };
};
