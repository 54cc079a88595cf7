import { ofSoftware } from '../software.ts';

/** How an IAM service that is not Amazon's differs from it. */
export interface IamSoftware {
  /** Keys that one user may hold at once. */
  readonly maxKeysPerUser: number;
  /**
   * Actions that it refuses in the policy of a user, though Amazon has them. What they allow there follows from the others, or
   * cannot be allowed.
   */
  readonly lacksActions: ReadonlySet<string>;
}

/** For reports of a bucket. */
const reportActions = ['s3:PutInventoryConfiguration', 's3:PutAnalyticsConfiguration'];
/** What hardly any server but Amazon's knows. */
const rareActions = new Set([...reportActions, 's3:PutBucketOwnershipControls']);

/** Amazon's own, and whatever is not known. Source: IAM and AWS STS quotas. */
const amazon: IamSoftware = { maxKeysPerUser: 2, lacksActions: new Set() };

/** By what the `Server` header begins with. Tried: Ceph 20.2, SeaweedFS 4.48. */
const known: ReadonlyMap<string, IamSoftware> = new Map([
  // Other releases may not know `s3:PutBucketOwnershipControls`.
  [
    'Ceph Object Gateway (tentacle)',
    {
      maxKeysPerUser: Number.POSITIVE_INFINITY,
      lacksActions: new Set(reportActions),
    },
  ],
  ['Ceph Object Gateway', { maxKeysPerUser: Number.POSITIVE_INFINITY, lacksActions: rareActions }],
  [
    'SeaweedFS',
    {
      maxKeysPerUser: Number.POSITIVE_INFINITY,
      // The parts of an upload are listed by who may write the object; the uploads of a bucket by its administrators alone.
      lacksActions: new Set(['s3:ListBucketMultipartUploads', 's3:ListMultipartUploadParts']),
    },
  ],
]);

/**
 * `server`: the `Server` header of its answers; empty while there was none. `allActions`: what does not say what it is, as behind a proxy, knows
 * each action of S3.
 */
export const iamSoftwareOf = (server: string, allActions: boolean): IamSoftware =>
  ofSoftware(known, server) ?? (allActions ? amazon : { ...amazon, lacksActions: rareActions });
