import { bucketVariable } from './parse.ts';
import { matches } from './wildcard.ts';

/** What an action is about: the bucket itself, objects in it, or the whole account, which `*` alone stands for. */
export type ActionLevel = 'bucket' | 'object' | 'account';

/** One action of S3. */
export interface S3Action {
  /** As Amazon writes it, such as `s3:GetObject`. */
  readonly name: string;
  readonly level: ActionLevel;
  /** Whether it changes or removes something: objects, settings, or who may do what. */
  readonly writes: boolean;
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

// Source: AWS Service Authorization Reference, Actions, resources, and condition keys for Amazon S3, as of November 2026, without those
// of access points, jobs and Storage Lens. Those that MinIO alone has stand last in their list.
const names: Readonly<Record<ActionLevel, Readonly<Record<'reads' | 'writes', readonly string[]>>>> = {
  object: {
    reads: words(`
      GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging GetObjectTorrent
      GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes GetObjectVersionForReplication GetObjectVersionTagging
      GetObjectVersionTorrent ListMultipartUploadParts`),
    writes: words(`
      AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectTagging DeleteObjectVersion DeleteObjectVersionTagging
      InitiateReplication ObjectOwnerOverrideToBucketOwner PutObject PutObjectAcl PutObjectLegalHold PutObjectRetention PutObjectTagging
      PutObjectVersionAcl PutObjectVersionTagging ReplicateDelete ReplicateObject ReplicateTags RestoreObject UpdateObjectEncryption
      PutObjectFanOut`),
  },
  bucket: {
    reads: words(`
      GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAbac GetBucketAcl GetBucketCORS GetBucketLocation GetBucketLogging
      GetBucketMetadataTableConfiguration GetBucketNotification GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy
      GetBucketPolicyStatus GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite
      GetEncryptionConfiguration GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration
      GetMetricsConfiguration GetReplicationConfiguration ListBucket ListBucketMultipartUploads ListBucketVersions
      ListenBucketNotification ListenNotification`),
    writes: words(`
      CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket DeleteBucketMetadataTableConfiguration DeleteBucketPolicy
      DeleteBucketWebsite PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAbac PutBucketAcl PutBucketCORS PutBucketLogging
      PutBucketNotification PutBucketObjectLockConfiguration PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock
      PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration
      PutIntelligentTieringConfiguration PutInventoryConfiguration PutLifecycleConfiguration PutMetricsConfiguration
      PutReplicationConfiguration ForceDeleteBucket ResetBucketReplicationState`),
  },
  account: {
    reads: words('GetAccountPublicAccessBlock ListAccessPoints ListAllMyBuckets ListJobs'),
    writes: words('PutAccountPublicAccessBlock'),
  },
};

/** The actions of S3 that have a level. A newer one may be missing, so what is not here is not wrong. */
export const s3Actions: readonly S3Action[] = Object.entries(names).flatMap(([level, { reads, writes }]) => [
  ...reads.map((name) => ({ name: `s3:${name}`, level: level as ActionLevel, writes: false })),
  ...writes.map((name) => ({ name: `s3:${name}`, level: level as ActionLevel, writes: true })),
]);

/** Calls of the S3 API that people take for actions, and the actions that allow them. */
const calls: ReadonlyMap<string, string> = new Map(
  Object.entries({
    CompleteMultipartUpload: 'PutObject',
    CopyObject: 'PutObject',
    CreateMultipartUpload: 'PutObject',
    DeleteObjects: 'DeleteObject',
    GetBucketEncryption: 'GetEncryptionConfiguration',
    GetBucketLifecycleConfiguration: 'GetLifecycleConfiguration',
    GetBucketReplication: 'GetReplicationConfiguration',
    GetObjectLockConfiguration: 'GetBucketObjectLockConfiguration',
    HeadBucket: 'ListBucket',
    HeadObject: 'GetObject',
    ListBuckets: 'ListAllMyBuckets',
    ListMultipartUploads: 'ListBucketMultipartUploads',
    ListObjectVersions: 'ListBucketVersions',
    ListObjects: 'ListBucket',
    ListObjectsV2: 'ListBucket',
    ListParts: 'ListMultipartUploadParts',
    PutBucketEncryption: 'PutEncryptionConfiguration',
    PutBucketLifecycleConfiguration: 'PutLifecycleConfiguration',
    PutBucketReplication: 'PutReplicationConfiguration',
    PutObjectLockConfiguration: 'PutBucketObjectLockConfiguration',
    UploadPart: 'PutObject',
  }).map(([call, action]) => [`s3:${call}`.toLowerCase(), `s3:${action}`]),
);

/** The action that allows the call of this name; undefined where it is none. Case plays no part. */
export const actionOfCall = (name: string): string | undefined => calls.get(name.toLowerCase());

/** The actions that a name with or without wildcards stands for; case plays no part, as on AWS. None for what the table lacks. */
export const actionsMatching = (pattern: string): readonly S3Action[] => {
  const lower = pattern.toLowerCase();
  return s3Actions.filter(({ name }) => matches(lower, name.toLowerCase()));
};

/**
 * The levels that a resource may be of: its wildcards stand for a slash too, and a variable for anything. All, where nothing is known of
 * it: another service, an access point.
 */
export const levelsOf = (resource: string): readonly ActionLevel[] => {
  const name = /^arn:[^:]*:s3:::(.*)$/s.exec(resource)?.[1]?.replaceAll(bucketVariable, 'bucket');
  if (name === undefined || name === '*') return ['bucket', 'object', 'account'];
  if (name.includes('/')) return ['object'];
  return /[*?]|\$\{/.test(name) ? ['bucket', 'object'] : ['bucket'];
};
