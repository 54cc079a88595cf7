import type { Borrower, Bucket, LabelsOf, Ownership, References } from '@operator/references';
import type { InputSource } from './inputs.ts';
import type { BucketPass, PolicyOnBucket } from './report.ts';

/** What the reconciler of Buckets works with. */
export interface BucketDeps {
  readonly references: References;
  readonly ownership: Ownership;
  /** Counts a bucket that was gone from the server, and not by us. */
  readonly vanished: () => void;
  /** The Buckets whose spec names this bucket, in every namespace that is watched. */
  readonly sameName: (bucketName: string) => readonly Bucket[];
  /** The BucketPolicies that refer to this Bucket and are granted to. */
  readonly policiesOf: (bucket: Bucket, labelsOf: LabelsOf, signal: AbortSignal) => Promise<readonly PolicyOnBucket[]>;
  /** Who has something by the grant of this Bucket, in other namespaces. */
  readonly borrowersOf: (bucket: Bucket, signal: AbortSignal) => Promise<readonly Borrower[]>;
  readonly labelsOf: LabelsOf;
  /** What the spec names outside the bucket. */
  readonly inputs: Pick<InputSource, 'inputsOf' | 'bucketsAt'>;
}

/** One pass over one Bucket. */
export interface BucketWork {
  readonly bucket: Bucket;
  readonly deps: BucketDeps;
  readonly pass: BucketPass;
}
