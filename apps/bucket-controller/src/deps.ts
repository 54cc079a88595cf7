import type { Bucket, ClusterIdentity, References } from '@operator/references';
import type { OwnerMark } from '@operator/s3';
import type { OwnerGone } from './claims.ts';
import type { PolicyOnBucket } from './report.ts';

/** What the reconciler of Buckets works with. */
export interface BucketDeps {
  readonly references: References;
  /** The Buckets whose spec names this bucket, in every namespace that is watched. */
  readonly sameName: (bucketName: string) => readonly Bucket[];
  /** The BucketPolicies that refer to this Bucket and are granted to. */
  readonly policiesOf: (bucket: Bucket) => Promise<readonly PolicyOnBucket[]>;
  readonly clusterId: ClusterIdentity;
  readonly ownerGone: OwnerGone;
}

/** Who the bucket of this object belongs to. */
export const markOf = ({ metadata }: Bucket, clusterId: string): OwnerMark => ({
  cluster: clusterId,
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
});
