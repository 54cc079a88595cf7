import type { AccessKeySpec, AccessKeyStatus, BucketPolicySpec, BucketPolicyStatus } from '@operator/api';
import type { ReferredBucket, References } from '@operator/references';
import type { KubeObject, ObjectKey } from '@operator/runtime';

export type BucketPolicy = KubeObject<BucketPolicySpec, BucketPolicyStatus>;
/** An AccessKey, trimmed to what a principal needs. */
export type AccessKeyUser = KubeObject<Pick<AccessKeySpec, 'providerRef'>, Pick<AccessKeyStatus, 'userArn'>>;
/** Finds an AccessKey by its name in the namespace of the policy. */
export type AccessKeyNamed = (name: string) => AccessKeyUser | undefined;

/** What the reconciler of BucketPolicies works with. */
export interface PolicyDeps {
  readonly references: References;
  /** A Bucket by `namespace/name`, granted or not: for what was applied already. */
  readonly bucketAt: (key: ObjectKey) => ReferredBucket | undefined;
  /** The BucketPolicies that refer to this Bucket. */
  readonly policiesOf: (bucketKey: ObjectKey) => readonly BucketPolicy[];
  readonly accessKeyAt: (key: ObjectKey) => AccessKeyUser | undefined;
}
