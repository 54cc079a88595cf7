import type { BucketSpec, BucketStatus } from '@operator/api';
import { conditionTypes, reasons } from '@operator/api';
import type { Claim, Fault } from '@operator/outcome';
import { grantWithdrawn, isProviderFault, providerNotReady, type Bucket } from '@operator/references';
import type { Pass } from '@operator/runtime';
import type { AspectView } from '@operator/s3';
import type { SeenBucket } from './observe.ts';

export type BucketPass = Pass<BucketStatus>;

const creationReasons: ReadonlySet<string> = new Set([
  reasons.AlreadyClaimed,
  reasons.NotOwned,
  reasons.OwnershipInDoubt,
  reasons.NameTaken,
  reasons.RegionMismatch,
  reasons.AccessDenied,
  reasons.RequestRefused,
  reasons.LimitExceeded,
  reasons.SpecInvalid,
]);

/** The condition that a fault stands for on a Bucket; `isOurs`: whether it has had its bucket. */
export const claimsOfBucketFault = (fault: Fault, isOurs: boolean): readonly Claim[] => {
  const claim = (type: string): readonly Claim[] => [
    { type, status: 'True', reason: fault.reason, message: fault.message },
  ];
  // The one reference of a Bucket is to its Provider.
  if (isProviderFault(fault) || fault.reason === reasons.ReferenceNotGranted) return [providerNotReady(fault)];
  if (creationReasons.has(fault.reason) && !isOurs) return claim(conditionTypes.CreationFailed);
  return [];
};

/** Tells which declared features the server lacks; nothing when it has them all. */
export const unsupportedClaims = (views: readonly AspectView[]): readonly Claim[] => {
  const messages = views.flatMap((view) => (view.verdict === 'unsupported' ? [`${view.aspect}: ${view.message}`] : []));
  if (messages.length === 0) return [];
  return [
    { type: conditionTypes.Unsupported, status: 'True', reason: reasons.Unsupported, message: messages.join(' ') },
  ];
};

/** One BucketPolicy that refers to a bucket. */
export interface PolicyOnBucket {
  readonly name: string;
  readonly isPublic: boolean;
  /** True while it is under deletion. */
  readonly isLeaving: boolean;
}

/** Tells when policies of a bucket are at odds with each other or with its spec. Does not hold the Bucket's Ready back. */
export const policyConflictClaims = (spec: BucketSpec, policies: readonly PolicyOnBucket[]): readonly Claim[] => {
  const conflict = (reason: string, message: string): readonly Claim[] => [
    { type: conditionTypes.PolicyConflict, status: 'True', reason, message, onlyInforms: true },
  ];
  if (policies.length > 1) {
    const names = policies.map(({ name }) => name).sort();
    return conflict(
      reasons.PolicyConflict,
      `${String(names.length)} BucketPolicies refer to this bucket, and it can have one: ${names.join(', ')}. In effect is the one whose status says applied.`,
    );
  }
  const blocked = spec.publicAccess?.blockPublicPolicy === true;
  const offender = blocked ? policies.find(({ isPublic }) => isPublic) : undefined;
  if (offender === undefined) return [];
  return conflict(
    reasons.PublicPolicyBlocked,
    `BucketPolicy ${offender.name} is public, and publicAccess.blockPublicPolicy is true.`,
  );
};

/** What a look at a bucket of ours has to say beside Ready. */
export const claimsOfSeen = (
  { views, policies, withdrawn }: Pick<SeenBucket, 'views' | 'policies' | 'withdrawn'>,
  bucket: Bucket,
): readonly Claim[] => {
  const withdrawal = grantWithdrawn(bucket, withdrawn);
  return [
    ...unsupportedClaims(views),
    ...policyConflictClaims(bucket.spec, policies),
    ...(withdrawal === undefined ? [] : [withdrawal]),
  ];
};

/** What a look at the bucket found, as the status tells it. */
export interface BucketFacts {
  readonly region: string;
  readonly endpoint: string;
  readonly arn: string;
  readonly ownership: 'Created' | 'Adopted';
  readonly managedTagKeys: readonly string[];
  /** By the server's clock; undefined where it tells no time. */
  readonly ownedSince: string | undefined;
  readonly lastSyncTime?: string | undefined;
}

/** The status of a bucket that is ours. */
export const reportBucket = (spec: BucketSpec, facts: BucketFacts): BucketStatus => ({
  bucketName: spec.name,
  arn: facts.arn,
  exists: true,
  region: facts.region,
  endpoint: facts.endpoint,
  ownership: facts.ownership,
  ...(facts.ownedSince === undefined ? {} : { ownedSince: facts.ownedSince }),
  ...(facts.managedTagKeys.length === 0 ? {} : { managedTagKeys: facts.managedTagKeys }),
  ...(facts.lastSyncTime === undefined ? {} : { lastSyncTime: facts.lastSyncTime }),
});

/** The status while the bucket of that name is somebody else's, or may be: this object has none. */
export const reportForeign = (spec: BucketSpec): BucketStatus => ({ bucketName: spec.name, exists: false });
