import type { BucketSpec, BucketStatus } from '@operator/api';
import { annotations, conditionTypes, reasons } from '@operator/api';
import { longestMessage, type Claim, type Fault } from '@operator/outcome';
import {
  commandToWithdraw,
  grantWithdrawn,
  isProviderFault,
  providerNotReady,
  type Bucket,
} from '@operator/references';
import type { Pass } from '@operator/runtime';
import { publicAccessOf, type AspectView, type Managed } from '@operator/s3';
import type { SeenBucket } from './observe.ts';
import { FeatureFault } from './plan.ts';
import type { Remains } from './remains.ts';

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
  if (fault instanceof FeatureFault) return [];
  // The one reference of a Bucket, beside those of its features, is to its Provider.
  if (isProviderFault(fault) || fault.reason === reasons.ReferenceNotGranted) return [providerNotReady(fault)];
  if (creationReasons.has(fault.reason) && !isOurs) return claim(conditionTypes.CreationFailed);
  return [];
};

/** Tells which declared features the server lacks; nothing when it has them all. */
export const unsupportedClaims = (views: readonly AspectView[]): readonly Claim[] => {
  const messages = views.flatMap((view) => (view.verdict === 'unsupported' ? [`${view.aspect}: ${view.message}`] : []));
  if (messages.length === 0) return [];
  const message = sideBySide(messages);
  return [{ type: conditionTypes.Unsupported, status: 'True', reason: reasons.Unsupported, message }];
};

/** Joins sentences so that a condition has room for the beginning of each, which names its feature. */
const sideBySide = (sentences: readonly string[]): string => {
  const joined = sentences.join(' ');
  if (joined.length <= longestMessage) return joined;
  const share = Math.floor(longestMessage / sentences.length) - 1;
  return sentences
    .map((sentence) => (sentence.length <= share ? sentence : `${sentence.slice(0, share - 1)}…`))
    .join(' ');
};

/** One BucketPolicy that refers to a bucket. */
export interface PolicyOnBucket {
  /** `namespace/name`. */
  readonly name: string;
  readonly namespace: string;
  readonly isPublic: boolean;
  /** Of its documents that stand on the bucket, or may, as its status proves. */
  readonly hashes: readonly string[];
  /** True when the owner of the Bucket has confirmed that its grant is withdrawn. */
  readonly isWithdrawn: boolean;
  /** True while its document is being taken from the bucket for its own deletion. */
  readonly isAwaited: boolean;
}

/** Why the deletion of a Bucket waits for policies, and how its owner ends that. */
export const explainAwaited = (awaited: readonly PolicyOnBucket[], bucket: Bucket): string => {
  const names = awaited.map(({ name }) => name).join(', ');
  const foreign = [...new Set(awaited.map(({ namespace }) => namespace))].filter(
    (namespace) => namespace !== bucket.metadata.namespace,
  );
  const word =
    foreign.length === 0
      ? `annotate it with ${annotations.abandon}: "true".`
      : `remove ${foreign.join(', ')} from allowedNamespaces of this Bucket and confirm that: ${commandToWithdraw(bucket, foreign)}`;
  return `The bucket's policy is being removed first: ${names}. If that does not come to its end, ${word}`;
};

/** Whose policies stay on a bucket that stays, in words; nothing where none is known. */
export const explainKept = (policies: readonly PolicyOnBucket[]): string => {
  const names = policies.flatMap(({ name, hashes }) => (hashes.length > 0 ? [name] : []));
  return names.length === 0 ? '' : `, with the policy of BucketPolicy ${names.join(', ')}`;
};

/** What may be left of a borrower's policy, in words. */
const explainRemains = ({ namespaces, notSeen }: Remains): string => {
  const what =
    notSeen === undefined
      ? 'The bucket has a policy that no BucketPolicy proves to be its own'
      : `Whether the bucket still has a policy cannot be seen (${notSeen})`;
  return (
    `${what}, and the grant of ${namespaces.length === 1 ? 'namespace' : 'namespaces'} ${namespaces.join(', ')} was withdrawn: it may be ` +
    'from there. Remove it at the server (DeleteBucketPolicy), or replace it with a BucketPolicy of your own. If it is yours, take ' +
    `${namespaces.length === 1 ? 'that name' : 'those names'} out of the annotation ${annotations.confirmWithdrawal}.`
  );
};

/** Tells when policies of a bucket are at odds with each other or with its spec. Does not hold the Bucket's Ready back. */
export const policyConflictClaims = (
  spec: BucketSpec,
  { policies, remains, ownership }: Pick<SeenBucket, 'policies' | 'remains' | 'ownership'>,
): readonly Claim[] => {
  const conflict = (reason: string, message: string): readonly Claim[] => [
    { type: conditionTypes.PolicyConflict, status: 'True', reason, message, onlyInforms: true },
  ];
  if (remains !== undefined) return conflict(reasons.OwnershipInDoubt, explainRemains(remains));
  if (policies.length > 1) {
    const names = policies.map(({ name }) => name).sort();
    return conflict(
      reasons.PolicyConflict,
      `${String(names.length)} BucketPolicies refer to this bucket, and it can have one: ${names.join(', ')}. The one whose status.applied is true is in effect. Move the statements of the others into it, and delete them.`,
    );
  }
  const offender = blocksPublicPolicies(spec, ownership) ? policies.find(({ isPublic }) => isPublic) : undefined;
  if (offender === undefined) return [];
  return conflict(
    reasons.PublicPolicyBlocked,
    `BucketPolicy ${offender.name} is public, and publicAccess blocks public policies, as it does by default on a bucket that the operator created. To allow the policy, set blockPublicPolicy and restrictPublicBuckets to false.`,
  );
};

/** True when public policies are kept off: by the server, and where it has no block by the operator. */
const blocksPublicPolicies = (spec: BucketSpec, ownership: SeenBucket['ownership']): boolean => {
  const kept = publicAccessOf(spec, { created: ownership === 'Created' });
  return kept?.blockPublicPolicy === true || kept?.restrictPublicBuckets === true;
};

/** What a look at a bucket of ours has to say beside Ready. */
export const claimsOfSeen = (
  seen: Pick<SeenBucket, 'views' | 'policies' | 'remains' | 'withdrawn' | 'ownership'>,
  bucket: Bucket,
): readonly Claim[] => {
  const withdrawal = grantWithdrawn(bucket, seen.withdrawn);
  return [
    ...unsupportedClaims(seen.views),
    ...policyConflictClaims(bucket.spec, seen),
    ...(withdrawal === undefined ? [] : [withdrawal]),
  ];
};

/** What a look at the bucket found, as the status tells it. */
export interface BucketFacts {
  readonly region: string;
  readonly endpoint: string;
  readonly arn: string;
  readonly ownership: 'Created' | 'Adopted';
  readonly managed: Managed;
  readonly references: BucketStatus['references'];
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
  ...(Object.keys(facts.managed).length === 0 ? {} : { managed: facts.managed }),
  ...(facts.references === undefined ? {} : { references: facts.references }),
  ...(facts.lastSyncTime === undefined ? {} : { lastSyncTime: facts.lastSyncTime }),
});

/** The status while the bucket of that name is somebody else's, or may be: this object has none. */
export const reportForeign = (spec: BucketSpec): BucketStatus => ({ bucketName: spec.name, exists: false });
