import {
  CreateBucketCommand,
  GetBucketAccelerateConfigurationCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLoggingCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketReplicationCommand,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetBucketWebsiteCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  PutBucketAccelerateConfigurationCommand,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketLoggingCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketReplicationCommand,
  PutBucketRequestPaymentCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutBucketWebsiteCommand,
  PutPublicAccessBlockCommand,
  type LifecycleRule,
  type NotificationConfiguration,
  type S3Client,
  type TargetObjectKeyFormat,
} from '@aws-sdk/client-s3';
import { IAMClient, ListUsersCommand } from '@aws-sdk/client-iam';
import type { BucketFeature } from '@operator/api';
import type { Part } from '@operator/s3';
import { allowLogs } from '@operator/testing/declarations';
import type { RawAnswer } from './bench.ts';
import { failureOf, type Target } from './target.ts';

/** One plain call about one bucket. It PUTs and GETs and never sends a DELETE: on some servers that removes the bucket. */
interface RawCall {
  readonly name: string;
  readonly put: (client: S3Client, bucket: string) => Promise<unknown>;
  readonly isThere: (client: S3Client, bucket: string) => Promise<boolean>;
  /** A change behind the operator's back, where `put` may be what a declaration asks for; the same call when absent. */
  readonly drift?: (client: S3Client, bucket: string) => Promise<unknown>;
}

const origin = 'https://conformance.example';
const day = { Days: 3650 };
const role = 'arn:aws:iam::123456789012:role/conformance';

const versioning = (client: S3Client, Bucket: string, Status: 'Enabled' | 'Suspended') =>
  client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
const closed = (client: S3Client, Bucket: string, isClosed: boolean) =>
  client.send(
    new PutPublicAccessBlockCommand({
      Bucket,
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: isClosed,
        BlockPublicPolicy: isClosed,
        IgnorePublicAcls: isClosed,
        RestrictPublicBuckets: isClosed,
      },
    }),
  );
const encryption = (client: S3Client, Bucket: string, SSEAlgorithm: 'AES256' | 'aws:kms', isKeyOfBucket = false) =>
  client.send(
    new PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [
          {
            ApplyServerSideEncryptionByDefault: {
              SSEAlgorithm,
              ...(SSEAlgorithm === 'aws:kms' ? { KMSMasterKeyID: 'conformance' } : {}),
            },
            ...(isKeyOfBucket ? { BucketKeyEnabled: true } : {}),
          },
        ],
      },
    }),
  );
const encryptionRule = async (client: S3Client, Bucket: string) =>
  (await client.send(new GetBucketEncryptionCommand({ Bucket }))).ServerSideEncryptionConfiguration?.Rules?.[0];
const payer = (client: S3Client, Bucket: string, Payer: 'Requester' | 'BucketOwner') =>
  client.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration: { Payer } }));
const acceleration = (client: S3Client, Bucket: string, Status: 'Enabled' | 'Suspended') =>
  client.send(new PutBucketAccelerateConfigurationCommand({ Bucket, AccelerateConfiguration: { Status } }));
const tags = async (client: S3Client, Bucket: string): Promise<Map<string, string>> => {
  try {
    const { TagSet = [] } = await client.send(new GetBucketTaggingCommand({ Bucket }));
    return new Map(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]));
  } catch (error) {
    if (failureOf(error).startsWith('NoSuchTagSet')) return new Map();
    throw error;
  }
};
const tag = async (client: S3Client, Bucket: string, change: (tags: Map<string, string>) => void) => {
  const all = await tags(client, Bucket);
  change(all);
  const TagSet = [...all].map(([Key, Value]) => ({ Key, Value }));
  await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
};

/** A lifecycle rule with something of its own. */
const rule = (what: string, more: Partial<LifecycleRule>, isKept: (found: LifecycleRule) => boolean): RawCall => ({
  name: `PutBucketLifecycleConfiguration with ${what}`,
  put: (client, Bucket) =>
    client.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: {
          Rules: [
            { ID: 'conformance', Status: 'Enabled', Filter: { Prefix: 'conformance/' }, Expiration: day, ...more },
          ],
        },
      }),
    ),
  isThere: async (client, Bucket) => {
    const { Rules = [] } = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    return Rules.some(isKept);
  },
});

const notification = (
  name: string,
  configuration: NotificationConfiguration,
  count: (found: NotificationConfiguration) => number | undefined,
): RawCall => ({
  name,
  put: (client, Bucket) =>
    client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: configuration })),
  isThere: async (client, Bucket) =>
    (count(await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }))) ?? 0) > 0,
});
const Events = ['s3:ObjectCreated:*' as const];
/** Logs into a bucket of its own, whose name begins with that of the other, and whose policy lets the server write where it has policies. */
const logs = (what: string, format: TargetObjectKeyFormat | undefined): RawCall => ({
  name: `PutBucketLogging${what}`,
  async put(client, Bucket) {
    const target = `${Bucket}-logs`;
    await client.send(new CreateBucketCommand({ Bucket: target }));
    await allowLogs(client, target).catch(() => undefined);
    const to = { TargetBucket: target, TargetPrefix: 'conformance/', TargetObjectKeyFormat: format };
    await client.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: { LoggingEnabled: to } }));
  },
  async isThere(client, Bucket) {
    const { LoggingEnabled: found } = await client.send(new GetBucketLoggingCommand({ Bucket }));
    const { PartitionedPrefix } = found?.TargetObjectKeyFormat ?? {};
    return (
      found?.TargetPrefix === 'conformance/' &&
      PartitionedPrefix?.PartitionDateSource === format?.PartitionedPrefix?.PartitionDateSource
    );
  },
  drift: (client, Bucket) => client.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: {} })),
});

const queues = notification(
  'PutBucketNotificationConfiguration with a queue',
  { QueueConfigurations: [{ QueueArn: 'arn:aws:sqs:us-east-1:123456789012:conformance', Events }] },
  ({ QueueConfigurations }) => QueueConfigurations?.length,
);

/**
 * How a plain client tries what the operator did not do. A feature without an entry has no call of the S3 API: it is an admin API's
 * or another service's.
 */
export const rawCalls: Readonly<Partial<Record<BucketFeature | Part, RawCall>>> = {
  tagging: {
    name: 'PutBucketTagging',
    put: (client, Bucket) => tag(client, Bucket, (all) => all.set('conformance', 'tried')),
    isThere: async (client, Bucket) => (await tags(client, Bucket)).has('conformance'),
    drift: (client, Bucket) =>
      tag(client, Bucket, (all) => {
        for (const key of all.keys()) if (!key.startsWith('s3.cloud37.dev/')) all.set(key, 'changed');
      }),
  },
  versioning: {
    name: 'PutBucketVersioning',
    put: (client, Bucket) => versioning(client, Bucket, 'Enabled'),
    isThere: async (client, Bucket) =>
      (await client.send(new GetBucketVersioningCommand({ Bucket }))).Status === 'Enabled',
    drift: (client, Bucket) => versioning(client, Bucket, 'Suspended'),
  },
  mfaDelete: {
    name: 'PutBucketVersioning with MFADelete',
    put: (client, Bucket) =>
      client.send(
        new PutBucketVersioningCommand({
          Bucket,
          VersioningConfiguration: { Status: 'Enabled', MFADelete: 'Enabled' },
        }),
      ),
    isThere: async (client, Bucket) =>
      (await client.send(new GetBucketVersioningCommand({ Bucket }))).MFADelete === 'Enabled',
  },
  publicAccess: {
    name: 'PutPublicAccessBlock',
    put: (client, Bucket) => closed(client, Bucket, true),
    isThere: async (client, Bucket) =>
      (await client.send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration
        ?.BlockPublicPolicy === true,
    drift: (client, Bucket) => closed(client, Bucket, false),
  },
  encryption: {
    name: 'PutBucketEncryption AES256',
    put: (client, Bucket) => encryption(client, Bucket, 'AES256'),
    isThere: async (client, Bucket) =>
      (await encryptionRule(client, Bucket))?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm === 'AES256',
    drift: (client, Bucket) => encryption(client, Bucket, 'aws:kms'),
  },
  kmsEncryption: {
    name: 'PutBucketEncryption aws:kms',
    put: (client, Bucket) => encryption(client, Bucket, 'aws:kms'),
    isThere: async (client, Bucket) =>
      (await encryptionRule(client, Bucket))?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm === 'aws:kms',
  },
  bucketKey: {
    name: 'PutBucketEncryption with BucketKeyEnabled',
    put: (client, Bucket) => encryption(client, Bucket, 'aws:kms', true),
    isThere: async (client, Bucket) => (await encryptionRule(client, Bucket))?.BucketKeyEnabled === true,
  },
  cors: {
    name: 'PutBucketCors',
    put: (client, Bucket) =>
      client.send(
        new PutBucketCorsCommand({
          Bucket,
          CORSConfiguration: { CORSRules: [{ AllowedOrigins: [origin], AllowedMethods: ['GET'] }] },
        }),
      ),
    isThere: async (client, Bucket) =>
      (await client.send(new GetBucketCorsCommand({ Bucket }))).CORSRules?.[0]?.AllowedOrigins?.[0] === origin,
  },
  requestPayment: {
    name: 'PutBucketRequestPayment',
    put: (client, Bucket) => payer(client, Bucket, 'Requester'),
    isThere: async (client, Bucket) =>
      (await client.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer === 'Requester',
    drift: (client, Bucket) => payer(client, Bucket, 'BucketOwner'),
  },
  lifecycle: {
    name: 'PutBucketLifecycleConfiguration',
    put: (client, Bucket) =>
      client.send(
        new PutBucketLifecycleConfigurationCommand({
          Bucket,
          LifecycleConfiguration: {
            Rules: [{ ID: 'conformance', Status: 'Enabled', Filter: { Prefix: 'conformance/' }, Expiration: day }],
          },
        }),
      ),
    isThere: async (client, Bucket) =>
      (await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).Rules?.[0]?.ID === 'conformance',
  },
  lifecycleTransitions: rule('a transition', { Transitions: [{ Days: 60, StorageClass: 'GLACIER' }] }, (found) =>
    Boolean(found.Transitions?.length),
  ),
  lifecycleAbort: rule(
    'AbortIncompleteMultipartUpload',
    { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
    ({ AbortIncompleteMultipartUpload: found }) => found?.DaysAfterInitiation === 7,
  ),
  lifecycleTags: rule(
    'a tag',
    { Filter: { And: { Prefix: 'conformance/', Tags: [{ Key: 'stage', Value: 'raw' }] } } },
    ({ Filter }) => Filter?.And?.Tags?.[0]?.Value === 'raw',
  ),
  lifecycleSizes: rule(
    'sizes',
    { Filter: { And: { Prefix: 'conformance/', ObjectSizeGreaterThan: 1024 } } },
    ({ Filter }) => (Filter?.And ?? Filter)?.ObjectSizeGreaterThan === 1024,
  ),
  lifecyclePrefix: rule('a prefix', {}, ({ Filter }) => (Filter?.And ?? Filter)?.Prefix === 'conformance/'),
  lifecycleNewerVersions: rule(
    'NewerNoncurrentVersions',
    { NoncurrentVersionExpiration: { NoncurrentDays: 30, NewerNoncurrentVersions: 2 } },
    ({ NoncurrentVersionExpiration: found }) => found?.NewerNoncurrentVersions === 2,
  ),
  notifications: {
    ...queues,
    // An entry of somebody else would rightly stay.
    drift: (client, Bucket) =>
      client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: {} })),
  },
  snsNotifications: notification(
    'PutBucketNotificationConfiguration with a topic',
    { TopicConfigurations: [{ TopicArn: 'arn:aws:sns:us-east-1:123456789012:conformance', Events }] },
    ({ TopicConfigurations }) => TopicConfigurations?.length,
  ),
  lambdaNotifications: notification(
    'PutBucketNotificationConfiguration with a function',
    {
      LambdaFunctionConfigurations: [
        { LambdaFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:conformance', Events },
      ],
    },
    ({ LambdaFunctionConfigurations }) => LambdaFunctionConfigurations?.length,
  ),
  replication: {
    name: 'PutBucketReplication',
    // Into a bucket of its own, whose name begins with that of the other.
    put: async (client, Bucket) => {
      await client.send(new CreateBucketCommand({ Bucket: `${Bucket}-copies` }));
      for (const name of [Bucket, `${Bucket}-copies`]) await versioning(client, name, 'Enabled');
      await client.send(
        new PutBucketReplicationCommand({
          Bucket,
          ReplicationConfiguration: {
            Role: role,
            Rules: [
              {
                ID: 'conformance',
                Status: 'Enabled',
                Priority: 1,
                Filter: { Prefix: '' },
                DeleteMarkerReplication: { Status: 'Disabled' },
                Destination: { Bucket: `arn:aws:s3:::${Bucket}-copies` },
              },
            ],
          },
        }),
      );
    },
    isThere: async (client, Bucket) =>
      (await client.send(new GetBucketReplicationCommand({ Bucket }))).ReplicationConfiguration?.Rules?.[0]?.ID ===
      'conformance',
    async drift(client, Bucket) {
      const { ReplicationConfiguration: found } = await client.send(new GetBucketReplicationCommand({ Bucket }));
      const Rules = (found?.Rules ?? []).map((one) => ({ ...one, Status: 'Disabled' as const }));
      const ReplicationConfiguration = { Role: found?.Role, Rules };
      await client.send(new PutBucketReplicationCommand({ Bucket, ReplicationConfiguration }));
    },
  },
  objectLock: {
    name: 'CreateBucket with ObjectLockEnabledForBucket',
    // Most servers take it at that moment alone: a bucket of its own, whose name begins with that of the other.
    put: (client, Bucket) =>
      client.send(new CreateBucketCommand({ Bucket: `${Bucket}-lock`, ObjectLockEnabledForBucket: true })),
    isThere: async (client, Bucket) =>
      (await client.send(new GetObjectLockConfigurationCommand({ Bucket: `${Bucket}-lock` }))).ObjectLockConfiguration
        ?.ObjectLockEnabled === 'Enabled',
  },
  ...({
    ownershipControls: {
      name: 'PutBucketOwnershipControls',
      put: (client, Bucket) =>
        client.send(
          new PutBucketOwnershipControlsCommand({
            Bucket,
            OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] },
          }),
        ),
      isThere: async (client, Bucket) =>
        (await client.send(new GetBucketOwnershipControlsCommand({ Bucket }))).OwnershipControls?.Rules?.[0]
          ?.ObjectOwnership === 'ObjectWriter',
    },
    logging: logs('', undefined),
    loggingPartitionedPrefix: logs(' with PartitionedPrefix', {
      PartitionedPrefix: { PartitionDateSource: 'EventTime' },
    }),
    website: {
      name: 'PutBucketWebsite',
      put: (client, Bucket) =>
        client.send(
          new PutBucketWebsiteCommand({
            Bucket,
            WebsiteConfiguration: { IndexDocument: { Suffix: 'conformance.html' } },
          }),
        ),
      isThere: async (client, Bucket) =>
        (await client.send(new GetBucketWebsiteCommand({ Bucket }))).IndexDocument?.Suffix === 'conformance.html',
    },
    accelerate: {
      name: 'PutBucketAccelerateConfiguration',
      put: (client, Bucket) => acceleration(client, Bucket, 'Enabled'),
      isThere: async (client, Bucket) =>
        (await client.send(new GetBucketAccelerateConfigurationCommand({ Bucket }))).Status === 'Enabled',
      drift: (client, Bucket) => acceleration(client, Bucket, 'Suspended'),
    },
  } satisfies Readonly<Record<string, RawCall>>),
};

/** Tries a feature on a bucket that nobody needs. */
export const tryRaw = async (client: S3Client, bucket: string, feature: BucketFeature | Part): Promise<RawAnswer> => {
  const call = rawCalls[feature];
  if (call === undefined) return { raw: 'none', words: 'The S3 API has no call for it.' };
  const { name } = call;
  try {
    await call.put(client, bucket);
  } catch (error) {
    return { raw: 'refused', words: `${name}: ${failureOf(error)}.` };
  }
  try {
    if (await call.isThere(client, bucket)) return { raw: 'works', words: `${name}: 200, and the server shows it.` };
    return { raw: 'ignored', words: `${name}: 200, and the server does not show it.` };
  } catch (error) {
    return { raw: 'ignored', words: `${name}: 200, and reading it back answers ${failureOf(error)}.` };
  }
};

/** Whether the server speaks the AWS IAM protocol, where the operator makes no use of it. */
export const tryIam = async (target: Target): Promise<RawAnswer> => {
  const { accessKey: accessKeyId, secretKey: secretAccessKey, region } = target;
  const endpoint = target.iamEndpoint ?? target.endpoint;
  const client = new IAMClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  try {
    const { Users } = await client.send(new ListUsersCommand({}));
    return Users === undefined
      ? { raw: 'refused', words: 'ListUsers: 200 without a list of users.' }
      : { raw: 'works', words: 'ListUsers: 200 with a list of users.' };
  } catch (error) {
    return { raw: 'refused', words: `ListUsers: ${failureOf(error)}.` };
  } finally {
    client.destroy();
  }
};
