import type { AccessKeySpec, AccessKeyStatus } from '@operator/api';
import type { ClusterIdentity, References } from '@operator/references';
import type { KubeClient, KubeObject } from '@operator/runtime';
import type { KeyPair, OwnerMark } from '@operator/s3';

export type AccessKey = KubeObject<AccessKeySpec, AccessKeyStatus>;

/** What the reconciler of AccessKeys works with. */
export interface AccessKeyDeps {
  readonly kube: KubeClient;
  readonly references: References;
  readonly clusterId: ClusterIdentity;
  /** Makes a pair of random characters, for servers that let us choose it. */
  readonly newPair: () => KeyPair;
}

/** Who the user behind this object belongs to. */
export const markOf = ({ metadata }: AccessKey, cluster: string): OwnerMark => ({
  cluster,
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
});
