import type { AccessKeySpec, AccessKeyStatus, BucketPolicySpec, BucketPolicyStatus } from '@operator/api';
import type { LabelsOf, Ownership, ReferredBucket, References } from '@operator/references';
import type { KubeObject, ObjectKey, Pass } from '@operator/runtime';
import type { WriteMemory } from './write-memory.ts';

export type BucketPolicy = KubeObject<BucketPolicySpec, BucketPolicyStatus>;
/** A BucketPolicy, trimmed to what its rivals must know. */
export type RivalPolicy = KubeObject<Pick<BucketPolicySpec, 'bucketRef'>, BucketPolicyStatus>;
/** An AccessKey, trimmed to what a principal needs. */
export type PrincipalKey = KubeObject<Pick<AccessKeySpec, 'providerRef'>, Pick<AccessKeyStatus, 'userArn'>>;
/** Finds an AccessKey by its name in the namespace of the policy. */
export type AccessKeyNamed = (name: string) => PrincipalKey | undefined;

/** What the reconciler of BucketPolicies works with. */
export interface PolicyDeps {
  readonly references: References;
  readonly ownership: Pick<Ownership, 'look' | 'sealPolicy' | 'provenPolicy'>;
  /** A Bucket by `namespace/name`, granted or not: for what was applied already. */
  readonly bucketAt: (key: ObjectKey) => ReferredBucket | undefined;
  /** The BucketPolicies that refer to this Bucket, in all namespaces and of all labels, whichever this process looks after. */
  readonly policiesOf: (bucketKey: ObjectKey) => readonly RivalPolicy[];
  /** The BucketPolicies that say that their document is on a bucket of this name, whichever Bucket they refer to. */
  readonly policiesAt: (bucketName: string) => readonly RivalPolicy[];
  /** All BucketPolicies of the cluster, past every cache: for what is destroyed because nobody else has it. @throws KubeError */
  readonly livePolicies: (signal: AbortSignal) => Promise<readonly BucketPolicy[]>;
  /** Has another BucketPolicy looked at at once. */
  readonly lookAgain: (key: ObjectKey) => void;
  readonly accessKeyAt: (key: ObjectKey) => PrincipalKey | undefined;
  readonly labelsOf: LabelsOf;
  readonly writes: WriteMemory;
}

/** One pass over one BucketPolicy. */
export interface PolicyWork {
  readonly policy: BucketPolicy;
  /** What its status remembers, with proof: it lies in the namespace of its owner, who may write it. */
  readonly memory: BucketPolicyStatus | undefined;
  readonly deps: PolicyDeps;
  readonly pass: Pass<BucketPolicyStatus>;
}
