import { bucketResource } from '@operator/api';
import type { OwnerMark } from '@operator/ownership';
import { isKubeError, type KubeClient } from '@operator/runtime';
import type { ClusterIdentity } from './cluster.ts';
import type { Bucket } from './references.ts';

/** Tells whether the Bucket that a mark names is surely gone. */
export type OwnerGone = (mark: OwnerMark, signal: AbortSignal) => Promise<boolean>;

/**
 * Asks the API server, for the cache may hold only a part of the cluster. What lies in another cluster, or may not be read,
 * counts as living. `formerClusters`: clusters that this one has replaced; what is not here any more is gone.
 */
export const ownerGone =
  (kube: KubeClient, clusterId: ClusterIdentity, formerClusters: ReadonlySet<string>): OwnerGone =>
  async ({ cluster, namespace, name, uid }, signal) => {
    const isOfThisCluster = cluster === (await clusterId(signal));
    if (!isOfThisCluster && !formerClusters.has(cluster)) return false;
    try {
      const found = await kube.get<Bucket>(bucketResource, { namespace, name }, { signal });
      // Another uid is another object; of a former cluster every object of the name may be its successor.
      return isOfThisCluster ? found?.metadata.uid !== uid : found === undefined;
    } catch (caught) {
      if (isKubeError(caught, 403)) return false;
      throw caught;
    }
  };
