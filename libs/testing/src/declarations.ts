import {
  CreateBucketCommand,
  GetBucketAccelerateConfigurationCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketLoggingCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketReplicationCommand,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetBucketWebsiteCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  type LifecycleRule,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { BucketFeature, BucketSpec } from '@operator/api';
import { readQuota } from './admin-view.ts';
import {
  addForeignSelector,
  endRecording,
  hasForeignSelector,
  makeTrail,
  readTrail,
  removeForeignSelector,
} from './trail-view.ts';
import type { Part } from '@operator/s3';

/** A client that is not the operator's: it tells what really stands at the server. */
export type Independent = Pick<S3Client, 'send' | 'config'>;

/** One entry that somebody else put into a list that the operator shares. */
interface ForeignEntry {
  readonly put: (client: Independent, bucket: string) => Promise<void>;
  readonly isThere: (client: Independent, bucket: string) => Promise<boolean>;
  /** Takes it away; absent where it goes with the bucket. */
  readonly remove?: (client: Independent) => Promise<void>;
  /** True when it stays beside a declaration as it stands in the table. */
  readonly stays: boolean;
  /** The declaration under which it stays; absent where it does beside any in the table. */
  readonly keeping?: object;
  /** The declaration under which it goes; absent where it does beside any in the table, or never. */
  readonly removing?: object;
}

/** One bucket feature as every battery tries it. `full`, `other`, `none`: as they stand in a manifest, defaults filled in. */
interface Declaration<F extends BucketFeature = BucketFeature> {
  readonly feature: F;
  readonly full: NonNullable<BucketSpec[F]>;
  readonly other: NonNullable<BucketSpec[F]>;
  /** Asks for nothing: off, or empty. */
  readonly none: NonNullable<BucketSpec[F]>;
  /** Parts that `other` needs beside the feature itself. */
  readonly otherNeeds?: readonly Part[];
  /** Declarations that need one part each, and what of them converges where a server lacks that. */
  readonly partly?: readonly {
    readonly needs: Part;
    readonly declared: NonNullable<BucketSpec[F]>;
    readonly rest: NonNullable<BucketSpec[F]>;
  }[];
  /** What must be declared beside it; it replaces the declarations of the features that it names. */
  readonly beside?: Partial<BucketSpec>;
  /** True for what a bucket has for ever, and on most servers from its creation: `none` follows neither `full` nor `other`. */
  readonly isForEver?: true;
  /** True where it names another Bucket, which must be there. */
  readonly isOfTwo?: boolean;
  /** What an independent client finds, in the form of `shows`. */
  readonly seen: (client: Independent, bucket: string) => Promise<unknown>;
  /** What it finds once the declaration is fulfilled. */
  readonly shows: (declared: NonNullable<BucketSpec[F]>) => unknown;
  /** What a server may show in place of nothing: its own default, in the form of `shows`. */
  readonly byDefault?: unknown;
  /** A change behind the operator's back of what is declared in full, where it stands apart from the bucket. */
  readonly drift?: (client: Independent, bucket: string) => Promise<void>;
  readonly foreign?: ForeignEntry;
}

/** A declaration whose feature is no longer known to the type system. */
export type AnyDeclaration = Omit<Declaration, 'shows'> & { readonly shows: (declared: object) => unknown };

const declare = <F extends BucketFeature>(declaration: Declaration<F>): AnyDeclaration =>
  declaration as unknown as AnyDeclaration;

/** Undefined where the server answers with that code. */
const orAbsent = async <T>(answer: Promise<T>, code: string): Promise<T | undefined> => {
  try {
    return await answer;
  } catch (error) {
    if ((error as { readonly name?: unknown }).name === code) return undefined;
    throw error;
  }
};

const tagsOf = async (client: Independent, Bucket: string): Promise<ReadonlyMap<string, string>> => {
  const answer = await orAbsent(client.send(new GetBucketTaggingCommand({ Bucket })), 'NoSuchTagSet');
  return new Map((answer?.TagSet ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
};

const sortedMap = (entries: readonly (readonly [string, string])[]): Readonly<Record<string, string>> =>
  Object.fromEntries([...entries].sort(([one], [other]) => (one < other ? -1 : 1)));

const ownTag = 's3.cloud37.dev/';
const foreignTag = 'foreign';

const rulesOf = async (client: Independent, Bucket: string) =>
  (await orAbsent(client.send(new GetBucketCorsCommand({ Bucket })), 'NoSuchCORSConfiguration'))?.CORSRules ?? [];

const foreignRule = { ID: 'theirs', AllowedOrigins: ['https://theirs.example'], AllowedMethods: ['DELETE'] };
const isForeignRule = ({ AllowedOrigins }: { readonly AllowedOrigins?: readonly string[] | undefined }): boolean =>
  AllowedOrigins?.[0] === foreignRule.AllowedOrigins[0];

const corsRules = [
  {
    id: 'read',
    allowedOrigins: ['https://app.example', 'https://*.app.example'],
    allowedMethods: ['GET', 'HEAD'],
    allowedHeaders: ['*'],
    exposedHeaders: ['etag'],
    maxAgeSeconds: 600,
  },
  { allowedOrigins: ['https://upload.example'], allowedMethods: ['PUT'] },
] as const;

const lifecycleOf = async (client: Independent, Bucket: string): Promise<readonly LifecycleRule[]> =>
  (await orAbsent(client.send(new GetBucketLifecycleConfigurationCommand({ Bucket })), 'NoSuchLifecycleConfiguration'))
    ?.Rules ?? [];

const foreignLifecycle: LifecycleRule = {
  ID: 'theirs',
  Status: 'Enabled',
  Filter: { And: { Prefix: 'theirs/', Tags: [{ Key: 'kind', Value: 'old' }] } },
  Expiration: { Days: 3650 },
};

/** The values of a rule in one order, in whatever form a server says them. */
// eslint-disable-next-line @typescript-eslint/no-deprecated -- some servers answer with a prefix there
const lifecycleSeen = ({ ID, Status, Prefix, Filter, ...actions }: LifecycleRule): unknown => [
  ID,
  Status,
  Filter?.And?.Prefix ?? Filter?.Prefix ?? Prefix ?? '',
  sortedMap((Filter?.And?.Tags ?? (Filter?.Tag ? [Filter.Tag] : [])).map(({ Key = '', Value = '' }) => [Key, Value])),
  Filter?.And?.ObjectSizeGreaterThan ?? Filter?.ObjectSizeGreaterThan,
  Filter?.And?.ObjectSizeLessThan ?? Filter?.ObjectSizeLessThan,
  actions.Expiration?.Days,
  actions.Expiration?.Date?.toISOString().slice(0, 10),
  actions.Expiration?.ExpiredObjectDeleteMarker === true,
  (actions.Transitions ?? []).map(({ Days, StorageClass }) => [Days, StorageClass]),
  actions.NoncurrentVersionExpiration?.NoncurrentDays,
  actions.NoncurrentVersionExpiration?.NewerNoncurrentVersions,
  actions.AbortIncompleteMultipartUpload?.DaysAfterInitiation,
];

const lifecycleShown = (rule: DeclaredLifecycle['rules'][number]): unknown => [
  rule.id,
  rule.status,
  rule.prefix ?? '',
  sortedMap(Object.entries(rule.tags ?? {})),
  rule.objectSizeGreaterThan,
  rule.objectSizeLessThan,
  rule.expiration?.days,
  rule.expiration?.date,
  rule.expiration?.expiredObjectDeleteMarker === true,
  (rule.transitions ?? []).map(({ days, storageClass }) => [days, storageClass]),
  rule.noncurrentVersionExpiration?.noncurrentDays,
  rule.noncurrentVersionExpiration?.newerNoncurrentVersions,
  rule.abortIncompleteMultipartUpload?.daysAfterInitiation,
];

type DeclaredLifecycle = NonNullable<BucketSpec['lifecycle']>;

const lifecycleRules: DeclaredLifecycle['rules'] = [
  {
    id: 'logs',
    status: 'Enabled',
    prefix: 'logs/',
    expiration: { days: 400 },
    noncurrentVersionExpiration: { noncurrentDays: 30 },
  },
  { id: 'all', status: 'Disabled', expiration: { date: '2099-12-31' } },
  { id: 'raw', status: 'Enabled', prefix: 'raw/', tags: { stage: 'raw', empty: '' }, expiration: { days: 500 } },
];

const declaresLifecycle = (...rules: DeclaredLifecycle['rules']): DeclaredLifecycle => ({ rules, others: 'Remove' });
const plainRule = { id: 'plain', status: 'Enabled', prefix: 'plain/', expiration: { days: 400 } } as const;
const wholeRule = { id: 'whole', status: 'Disabled', expiration: { days: 400 } } as const;
const partRule = { id: 'part', status: 'Enabled', prefix: 'part/', expiration: { days: 500 } } as const;

/** A rule that would reach too far without the part is not there; of another all else is. */
const lifecyclePartly = [
  {
    needs: 'lifecycleTransitions',
    declared: declaresLifecycle(plainRule, { ...partRule, transitions: [{ days: 60, storageClass: 'GLACIER' }] }),
    rest: declaresLifecycle(plainRule, partRule),
  },
  {
    needs: 'lifecycleAbort',
    declared: declaresLifecycle(
      plainRule,
      { ...partRule, abortIncompleteMultipartUpload: { daysAfterInitiation: 7 } },
      { id: 'alone', status: 'Enabled', abortIncompleteMultipartUpload: { daysAfterInitiation: 9 } },
    ),
    rest: declaresLifecycle(plainRule, partRule),
  },
  {
    needs: 'lifecycleTags',
    declared: declaresLifecycle(plainRule, { ...partRule, tags: { stage: 'raw' } }),
    rest: declaresLifecycle(plainRule),
  },
  {
    needs: 'lifecycleSizes',
    declared: declaresLifecycle(plainRule, { ...partRule, objectSizeGreaterThan: 1024, objectSizeLessThan: 2048 }),
    rest: declaresLifecycle(plainRule),
  },
  {
    needs: 'lifecycleNewerVersions',
    declared: declaresLifecycle(plainRule, {
      ...partRule,
      noncurrentVersionExpiration: { noncurrentDays: 30, newerNoncurrentVersions: 2 },
    }),
    rest: declaresLifecycle(plainRule, partRule),
  },
  { needs: 'lifecyclePrefix', declared: declaresLifecycle(wholeRule, partRule), rest: declaresLifecycle(wholeRule) },
] as const;

/** The key that the declarations name; a server with a key service may have it. */
export const kmsKeyId = '0a1b2c3d-0000-4000-8000-00000000000e';

type DeclaredWebsite = NonNullable<BucketSpec['website']>;

const pages: DeclaredWebsite = {
  enabled: true,
  indexDocument: { suffix: 'index.html' },
  errorDocument: { key: 'errors/404.html' },
  routingRules: [
    { condition: { keyPrefixEquals: 'old/' }, redirect: { replaceKeyPrefixWith: 'new/', httpRedirectCode: 302 } },
    {
      condition: { httpErrorCodeReturnedEquals: 404, keyPrefixEquals: 'a & b/' },
      redirect: { hostName: 'www.example.com', protocol: 'https', replaceKeyWith: 'gone.html' },
    },
  ],
};

/** Gets access logs. */
const logsBucket = 'access-logs';

/** Lets the server write access logs into a bucket, in words that moto understands too: it knows no list of principals or resources. */
export const allowLogs = async (client: Independent, Bucket: string): Promise<void> => {
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'logging.s3.amazonaws.com' },
    Action: ['s3:PutObject'],
    Resource: `arn:aws:s3:::${Bucket}/*`,
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
};

/** Records data events of buckets, after `prepareSurroundings`. */
export const trailName = 'data-events';

/**
 * Makes what features name outside their bucket, of those that the server has; again and again with the same end. `lacks`: those that it does
 * not have. @returns the buckets
 */
export const prepareSurroundings = async (
  client: Independent,
  lacks: readonly (BucketFeature | Part)[],
): Promise<readonly string[]> => {
  if (lacks.includes('logging')) return [];
  await client.send(new CreateBucketCommand({ Bucket: logsBucket })).catch((error: unknown) => {
    if ((error as { readonly name?: unknown }).name !== 'BucketAlreadyOwnedByYou') throw error;
  });
  await allowLogs(client, logsBucket);
  if (!lacks.includes('cloudTrail')) await makeTrail(client, trailName, logsBucket);
  return [logsBucket];
};

/** What a server has for features that name something outside the bucket. */
export interface Surroundings {
  /** Where notifications may go, and the list that it belongs to. */
  readonly events: { readonly list: 'sqs' | 'sns'; readonly arn: string };
  /** Where copies may go. */
  readonly copies: Replication['rules'][number]['destination'];
  /** ARN of the role that copies, where the server asks for one that is there; one that nobody looks for when absent. */
  readonly copiesAs?: string;
  /** The bucket that gets access logs, and the Bucket that stands for it, where one does; that of `prepareSurroundings` when absent. */
  readonly logs?: { readonly bucket: string; readonly ref?: string };
  /** The trail that records data events, by its name or ARN; that of `prepareSurroundings` when absent. */
  readonly trail?: string;
}

type Replication = NonNullable<BucketSpec['replication']>;

const replicating = ({ copies: destination, copiesAs }: Surroundings) => {
  // What is needed on AWS has no effect elsewhere.
  const none: Replication = { role: copiesAs ?? 'arn:aws:iam::123456789012:role/copies', rules: [], others: 'Remove' };
  const rule = (id: string, status: 'Enabled' | 'Disabled', priority: number) =>
    ({ id, status, priority, destination, deleteMarkers: false, existingObjects: false }) as const;
  return {
    none,
    full: { ...none, rules: [rule('all', 'Enabled', 1)] } satisfies Replication,
    other: { ...none, rules: [rule('first', 'Enabled', 7), rule('all', 'Disabled', 2)] } satisfies Replication,
  };
};

const replicationOf = async (client: Independent, Bucket: string): Promise<readonly unknown[]> => {
  const answer = client.send(new GetBucketReplicationCommand({ Bucket }));
  const found = await orAbsent(answer, 'ReplicationConfigurationNotFoundError');
  return (found?.ReplicationConfiguration?.Rules ?? [])
    .map(({ ID, Status, Priority }) => [ID, Status, Priority])
    .sort();
};

type Logging = NonNullable<BucketSpec['logging']>;

const loggingTo = ({ logs: { bucket, ref } = { bucket: logsBucket } }: Surroundings) => {
  const target = ref === undefined ? { targetBucket: bucket } : { targetBucketRef: { name: ref } };
  const days: Logging = { enabled: true, ...target, targetPrefix: 'days/' };
  const byDay = { partitionedPrefix: { partitionDateSource: 'EventTime' } } as const;
  return {
    full: { enabled: true, ...target, targetPrefix: 'full/' } satisfies Logging,
    other: {
      enabled: true,
      ...target,
      targetPrefix: '',
      targetObjectKeyFormat: { simplePrefix: {} },
    } satisfies Logging,
    none: { enabled: false, targetPrefix: '' } satisfies Logging,
    partly: [
      { needs: 'loggingPartitionedPrefix', declared: { ...days, targetObjectKeyFormat: byDay }, rest: days },
    ] as const,
    isOfTwo: ref !== undefined,
    shows: ({ enabled, targetPrefix, targetObjectKeyFormat }: Logging) =>
      enabled
        ? [bucket, targetPrefix, targetObjectKeyFormat?.partitionedPrefix?.partitionDateSource]
        : [undefined, undefined, undefined],
  };
};

type CloudTrail = NonNullable<BucketSpec['cloudTrail']>;

const recordingOn = ({ trail = trailName }: Surroundings) => ({
  full: { enabled: true, trail, events: 'All' } satisfies CloudTrail,
  other: { enabled: true, trail, events: 'WriteOnly' } satisfies CloudTrail,
  none: { enabled: false, trail, events: 'All' } satisfies CloudTrail,
  seen: (client: Independent, bucket: string) => readTrail(client, trail, bucket),
  drift: (client: Independent, bucket: string) => endRecording(client, trail, bucket),
  foreign: {
    stays: true,
    put: (client: Independent) => addForeignSelector(client, trail),
    isThere: (client: Independent) => hasForeignSelector(client, trail),
    remove: (client: Independent) => removeForeignSelector(client, trail),
  },
});

const copiesByArn = { bucketArn: 'arn:aws:s3:::copies' } as const;
const topicOfAmazon = { list: 'sns', arn: 'arn:aws:sns:us-east-1:123456789012:events' } as const;
const queueOfAmazon = { list: 'sqs', arn: 'arn:aws:sqs:us-east-1:123456789012:events' } as const;
const lambdaArn = 'arn:aws:lambda:us-east-1:123456789012:function:events';

type Notifications = NonNullable<BucketSpec['notifications']>;

const notifying = ({ events: { list, arn } }: Surroundings) => {
  const none: Notifications = { lambda: [], sqs: [], sns: [], others: 'Keep' };
  const full: Notifications = {
    ...none,
    [list]: [
      { id: 'created', arn, events: ['s3:ObjectCreated:*'], prefix: 'in/', suffix: '.jpg' },
      { arn, events: ['s3:ObjectRemoved:DeleteMarkerCreated', 's3:ObjectRemoved:Delete'] },
    ],
  };
  const second = list === 'sns' ? queueOfAmazon : topicOfAmazon;
  const events = ['s3:ObjectCreated:Put'];
  return {
    none,
    full,
    other: { ...none, [list]: [{ arn, events, prefix: 'other/' }] } satisfies Notifications,
    partly: [
      { needs: 'lambdaNotifications', declared: { ...full, lambda: [{ arn: lambdaArn, events }] }, rest: full },
      {
        needs: `${second.list}Notifications`,
        declared: { ...full, [second.list]: [{ arn: second.arn, events }] },
        rest: full,
      },
    ] as const,
  };
};

/** As a server shows one, and as a manifest has it. */
const notificationShown = (arn: string | undefined, events: readonly string[] = [], prefix = '', suffix = '') =>
  JSON.stringify([arn, [...events].sort(), prefix, suffix]);

const foreignNotification = 'theirs';
const notificationsOf = async (client: Independent, Bucket: string) => {
  const found = await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
  const all = [
    ...(found.LambdaFunctionConfigurations ?? []).map((one) => ({ ...one, arn: one.LambdaFunctionArn })),
    ...(found.QueueConfigurations ?? []).map((one) => ({ ...one, arn: one.QueueArn })),
    ...(found.TopicConfigurations ?? []).map((one) => ({ ...one, arn: one.TopicArn })),
  ];
  return { found, all };
};

/**
 * Every feature that the operator manages. Adding one here is all it takes to have it tried: by the conformance suite on each
 * server, by the properties of histories, when controllers are killed, at rest, and in the changes of a soak.
 */
export const declarationsWith = (at: Surroundings): readonly AnyDeclaration[] => [
  declare<'tagging'>({
    feature: 'tagging',
    full: { tags: { team: 'storage', tier: 'one' } },
    other: { tags: { team: 'compute', stage: 'x y/z' } },
    none: { tags: {} },
    seen: async (client, bucket) =>
      sortedMap([...(await tagsOf(client, bucket))].filter(([key]) => !key.startsWith(ownTag) && key !== foreignTag)),
    shows: ({ tags }) => sortedMap(Object.entries(tags)),
    foreign: {
      stays: true,
      async put(client, Bucket) {
        const tags = new Map([...(await tagsOf(client, Bucket)), [foreignTag, 'kept']]);
        const TagSet = [...tags].map(([Key, Value]) => ({ Key, Value }));
        await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
      },
      isThere: async (client, bucket) => (await tagsOf(client, bucket)).has(foreignTag),
    },
  }),
  declare<'versioning'>({
    feature: 'versioning',
    full: { enabled: true, mfaDelete: false },
    other: { enabled: false, mfaDelete: false },
    none: { enabled: false, mfaDelete: false },
    seen: async (client, Bucket) =>
      (await client.send(new GetBucketVersioningCommand({ Bucket }))).Status === 'Enabled' ? 'on' : 'off',
    shows: ({ enabled }) => (enabled ? 'on' : 'off'),
  }),
  declare<'objectLock'>({
    feature: 'objectLock',
    full: { enabled: true, defaultRetention: { mode: 'GOVERNANCE', days: 1 } },
    other: { enabled: true },
    none: { enabled: false },
    beside: { versioning: { enabled: true, mfaDelete: false } },
    isForEver: true,
    async seen(client, Bucket) {
      const answer = await orAbsent(
        client.send(new GetObjectLockConfigurationCommand({ Bucket })),
        'ObjectLockConfigurationNotFoundError',
      );
      const { Mode, Days } = answer?.ObjectLockConfiguration?.Rule?.DefaultRetention ?? {};
      return [answer?.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled', Mode, Days];
    },
    shows: ({ enabled, defaultRetention: { mode, days } = {} }) => [enabled, mode, days],
  }),
  declare<'publicAccess'>({
    feature: 'publicAccess',
    full: { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
    other: { blockPublicAcls: true, blockPublicPolicy: false, ignorePublicAcls: true, restrictPublicBuckets: false },
    none: { blockPublicAcls: false, blockPublicPolicy: false, ignorePublicAcls: false, restrictPublicBuckets: false },
    async seen(client, Bucket) {
      const read = client.send(new GetPublicAccessBlockCommand({ Bucket }));
      // A server that has none fulfils all off.
      const answer = await orAbsent(orAbsent(read, 'NoSuchPublicAccessBlockConfiguration'), 'NotImplemented');
      const found = answer?.PublicAccessBlockConfiguration ?? {};
      const { BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets } = found;
      return [BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets].map(Boolean);
    },
    shows: ({ blockPublicAcls, blockPublicPolicy, ignorePublicAcls, restrictPublicBuckets }) => [
      blockPublicAcls,
      blockPublicPolicy,
      ignorePublicAcls,
      restrictPublicBuckets,
    ],
  }),
  declare<'encryption'>({
    feature: 'encryption',
    full: { enabled: true, algorithm: 'AES256', bucketKeyEnabled: false },
    other: { enabled: true, algorithm: 'aws:kms', kmsKeyId, bucketKeyEnabled: true },
    none: { enabled: false, algorithm: 'AES256', bucketKeyEnabled: false },
    otherNeeds: ['kmsEncryption', 'bucketKey'],
    async seen(client, Bucket) {
      const answer = await orAbsent(
        client.send(new GetBucketEncryptionCommand({ Bucket })),
        'ServerSideEncryptionConfigurationNotFoundError',
      );
      const rule = answer?.ServerSideEncryptionConfiguration?.Rules?.[0];
      const { SSEAlgorithm, KMSMasterKeyID } = rule?.ApplyServerSideEncryptionByDefault ?? {};
      if (SSEAlgorithm === undefined) return 'off';
      return SSEAlgorithm === 'aws:kms'
        ? [SSEAlgorithm, KMSMasterKeyID, rule?.BucketKeyEnabled ?? false]
        : SSEAlgorithm;
    },
    shows: ({ enabled, algorithm, kmsKeyId: key, bucketKeyEnabled }) =>
      !enabled ? 'off' : algorithm === 'aws:kms' ? [algorithm, key, bucketKeyEnabled ?? false] : algorithm,
  }),
  declare<'cors'>({
    feature: 'cors',
    full: { rules: corsRules, others: 'Remove' },
    other: { rules: [{ allowedOrigins: ['*'], allowedMethods: ['GET'] }], others: 'Remove' },
    none: { rules: [], others: 'Remove' },
    seen: async (client, bucket) =>
      (await rulesOf(client, bucket))
        .filter((rule) => !isForeignRule(rule))
        .map(({ AllowedOrigins, AllowedMethods, AllowedHeaders, ExposeHeaders, MaxAgeSeconds }) => [
          [...(AllowedOrigins ?? [])].sort(),
          [...(AllowedMethods ?? [])].sort(),
          [...(AllowedHeaders ?? [])].sort(),
          [...(ExposeHeaders ?? [])].sort(),
          MaxAgeSeconds ?? 0,
        ]),
    shows: ({ rules }) =>
      rules.map(({ allowedOrigins, allowedMethods, allowedHeaders = [], exposedHeaders = [], maxAgeSeconds }) => [
        [...allowedOrigins].sort(),
        [...allowedMethods].sort(),
        [...allowedHeaders].sort(),
        [...exposedHeaders].sort(),
        maxAgeSeconds ?? 0,
      ]),
    foreign: {
      stays: false,
      keeping: { rules: corsRules, others: 'Keep' },
      async put(client, Bucket) {
        const CORSRules = [...(await rulesOf(client, Bucket)), foreignRule];
        await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
      },
      isThere: async (client, bucket) => (await rulesOf(client, bucket)).some(isForeignRule),
    },
  }),
  declare<'lifecycle'>({
    feature: 'lifecycle',
    full: { rules: lifecycleRules, others: 'Remove' },
    other: {
      rules: [
        { id: 'all', status: 'Enabled', expiration: { expiredObjectDeleteMarker: true } },
        { id: 'logs', status: 'Disabled', prefix: 'logs/', expiration: { days: 401 } },
      ],
      others: 'Remove',
    },
    none: { rules: [], others: 'Remove' },
    partly: lifecyclePartly,
    seen: async (client, bucket) =>
      (await lifecycleOf(client, bucket))
        .filter(({ ID }) => ID !== foreignLifecycle.ID)
        .map(lifecycleSeen)
        .sort(),
    shows: ({ rules }) => rules.map(lifecycleShown).sort(),
    foreign: {
      stays: false,
      keeping: { rules: lifecycleRules, others: 'Keep' },
      async put(client, Bucket) {
        const Rules = [...(await lifecycleOf(client, Bucket)), foreignLifecycle];
        await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
      },
      isThere: async (client, bucket) =>
        (await lifecycleOf(client, bucket)).some(({ ID }) => ID === foreignLifecycle.ID),
    },
  }),
  declare<'ownershipControls'>({
    feature: 'ownershipControls',
    full: { enabled: true, objectOwnership: 'BucketOwnerPreferred' },
    other: { enabled: true, objectOwnership: 'BucketOwnerEnforced' },
    none: { enabled: false, objectOwnership: 'BucketOwnerEnforced' },
    async seen(client, Bucket) {
      const answer = await orAbsent(
        client.send(new GetBucketOwnershipControlsCommand({ Bucket })),
        'OwnershipControlsNotFoundError',
      );
      return answer?.OwnershipControls?.Rules?.[0]?.ObjectOwnership ?? 'none';
    },
    shows: ({ enabled, objectOwnership }) => (enabled ? objectOwnership : 'none'),
    // SeaweedFS, also of a bucket that never had any.
    byDefault: 'BucketOwnerEnforced',
  }),
  declare<'requestPayment'>({
    feature: 'requestPayment',
    full: { payer: 'Requester' },
    other: { payer: 'BucketOwner' },
    none: { payer: 'BucketOwner' },
    seen: async (client, Bucket) => (await client.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer,
    shows: ({ payer }) => payer,
  }),
  declare<'accelerate'>({
    feature: 'accelerate',
    full: { enabled: true },
    other: { enabled: false },
    none: { enabled: false },
    seen: async (client, Bucket) =>
      (await client.send(new GetBucketAccelerateConfigurationCommand({ Bucket }))).Status === 'Enabled' ? 'on' : 'off',
    shows: ({ enabled }) => (enabled ? 'on' : 'off'),
  }),
  declare<'logging'>({
    feature: 'logging',
    ...loggingTo(at),
    async seen(client, Bucket) {
      const { LoggingEnabled: found } = await client.send(new GetBucketLoggingCommand({ Bucket }));
      const { PartitionedPrefix } = found?.TargetObjectKeyFormat ?? {};
      return [found?.TargetBucket, found?.TargetPrefix, PartitionedPrefix?.PartitionDateSource];
    },
  }),
  declare<'website'>({
    feature: 'website',
    full: pages,
    other: { enabled: true, redirectAllRequestsTo: { hostName: 'www.example.com' } },
    none: { enabled: false },
    async seen(client, Bucket) {
      const answer = await orAbsent(client.send(new GetBucketWebsiteCommand({ Bucket })), 'NoSuchWebsiteConfiguration');
      return [
        answer?.IndexDocument?.Suffix,
        answer?.ErrorDocument?.Key,
        (answer?.RoutingRules ?? []).map(({ Condition, Redirect }) => [
          Condition?.HttpErrorCodeReturnedEquals,
          Condition?.KeyPrefixEquals,
          Redirect?.HostName,
          Redirect?.HttpRedirectCode,
          Redirect?.Protocol,
          Redirect?.ReplaceKeyPrefixWith,
          Redirect?.ReplaceKeyWith,
        ]),
        answer?.RedirectAllRequestsTo?.HostName,
      ];
    },
    shows: ({ indexDocument, errorDocument, routingRules = [], redirectAllRequestsTo }) => [
      indexDocument?.suffix,
      errorDocument?.key,
      routingRules.map(({ condition, redirect }) => [
        condition?.httpErrorCodeReturnedEquals?.toString(),
        condition?.keyPrefixEquals,
        redirect.hostName,
        redirect.httpRedirectCode?.toString(),
        redirect.protocol,
        redirect.replaceKeyPrefixWith,
        redirect.replaceKeyWith,
      ]),
      redirectAllRequestsTo?.hostName,
    ],
  }),
  declare<'replication'>({
    feature: 'replication',
    ...replicating(at),
    beside: { versioning: { enabled: true, mfaDelete: false } },
    isOfTwo: at.copies.bucketRef !== undefined,
    seen: replicationOf,
    shows: ({ rules }) => rules.map(({ id, status, priority }) => [id, status, priority]).sort(),
  }),
  declare<'quota'>({
    feature: 'quota',
    full: { maxBytes: 10_000_001 },
    other: { maxBytes: 20_000_000 },
    none: { maxBytes: 0 },
    seen: readQuota,
    shows: ({ maxBytes }) => maxBytes,
  }),
  declare<'cloudTrail'>({
    feature: 'cloudTrail',
    ...recordingOn(at),
    shows: ({ enabled, events }) => (enabled ? [events] : []),
  }),
  declare<'notifications'>({
    feature: 'notifications',
    ...notifying(at),
    seen: async (client, bucket) =>
      (await notificationsOf(client, bucket)).all
        .filter(({ Id }) => Id !== foreignNotification)
        .map(({ arn, Events, Filter }) => {
          const rules = new Map(Filter?.Key?.FilterRules?.map(({ Name = '', Value }) => [Name.toLowerCase(), Value]));
          return notificationShown(arn, Events, rules.get('prefix'), rules.get('suffix'));
        })
        .sort(),
    shows: ({ lambda = [], sqs = [], sns = [] }) =>
      [...lambda, ...sqs, ...sns]
        .map(({ arn, events, prefix, suffix }) => notificationShown(arn, events, prefix, suffix))
        .sort(),
    foreign: {
      stays: true,
      removing: { ...notifying(at).full, others: 'Remove' },
      async put(client, Bucket) {
        const { found } = await notificationsOf(client, Bucket);
        const { list, arn } = at.events;
        const theirs = {
          Id: foreignNotification,
          Events: ['s3:ObjectCreated:Copy' as const],
          Filter: { Key: { FilterRules: [{ Name: 'prefix' as const, Value: 'theirs/' }] } },
        };
        const { TopicConfigurations = [], QueueConfigurations = [], LambdaFunctionConfigurations } = found;
        const NotificationConfiguration = {
          LambdaFunctionConfigurations,
          TopicConfigurations: [...TopicConfigurations, ...(list === 'sns' ? [{ ...theirs, TopicArn: arn }] : [])],
          QueueConfigurations: [...QueueConfigurations, ...(list === 'sqs' ? [{ ...theirs, QueueArn: arn }] : [])],
        };
        await client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
      },
      isThere: async (client, bucket) =>
        (await notificationsOf(client, bucket)).all.some(({ Id }) => Id === foreignNotification),
    },
  }),
];

/** The servers of the test runs. */
export type KnownServer = 'minio' | 'moto' | 'versitygw' | 'seaweedfs' | 'ceph';

/** What each of them lacks, features and parts, as they are started for tests. */
export const lackedBy: Readonly<Record<KnownServer, readonly (BucketFeature | Part)[]>> = {
  // Without a key service it encrypts nothing, and without a tier it moves nothing.
  minio: [
    'mfaDelete',
    'laterObjectLock',
    'publicAccess',
    'ownershipControls',
    'cors',
    'encryption',
    'requestPayment',
    'accelerate',
    'logging',
    'website',
    'lifecycleTransitions',
    'lifecycleAbort',
    'lambdaNotifications',
    'snsNotifications',
    'cloudTrail',
  ],
  // It answers a read with the list of the bucket. Of a lifecycle rule it drops sizes, and how many versions stay.
  moto: [
    'mfaDelete',
    'requestPayment',
    'quota',
    'lifecycleSizes',
    'lifecycleNewerVersions',
    'loggingPartitionedPrefix',
  ],
  versitygw: [
    'mfaDelete',
    'replication',
    'publicAccess',
    'encryption',
    'lifecycle',
    'requestPayment',
    'accelerate',
    'logging',
    'notifications',
    'quota',
    'cloudTrail',
  ],
  seaweedfs: [
    'mfaDelete',
    'replication',
    'publicAccess',
    'requestPayment',
    'accelerate',
    'logging',
    'website',
    'notifications',
    'quota',
    'lifecycleTransitions',
    'cloudTrail',
  ],
  ceph: ['replication', 'ownershipControls', 'accelerate', 'cloudTrail', 'lambdaNotifications', 'sqsNotifications'],
};

/** What each of them has around its buckets. moto takes any topic, and what lacks notifications needs none. */
export const surroundings: Readonly<Record<KnownServer, Surroundings>> = {
  minio: { events: { list: 'sqs', arn: 'arn:minio:sqs::EVENTS:webhook' }, copies: { bucketRef: { name: 'copies' } } },
  moto: { events: topicOfAmazon, copies: copiesByArn },
  versitygw: { events: topicOfAmazon, copies: copiesByArn },
  seaweedfs: { events: topicOfAmazon, copies: copiesByArn },
  ceph: { events: { list: 'sns', arn: 'arn:aws:sns:default:RGW00000000000000001:events' }, copies: copiesByArn },
};

/** The declarations of what a server has, for a Bucket by itself: those that name another Bucket are left out. */
export const declarationsOn = (server: KnownServer): readonly AnyDeclaration[] =>
  declarationsWith(surroundings[server]).filter(
    ({ feature, isOfTwo }) => !lackedBy[server].includes(feature) && isOfTwo !== true,
  );

/** The part of a manifest that declares every feature that a server has. */
export const declaredOn = (server: KnownServer, which: 'full' | 'other' | 'none' = 'full'): Partial<BucketSpec> =>
  withBeside(
    declarationsOn(server).map((declaration) => {
      const canOther = (declaration.otherNeeds ?? []).every((part) => !lackedBy[server].includes(part));
      return [declaration, which === 'other' && !canOther ? declaration.full : declaration[which]];
    }),
  );

/** The part of a manifest with these declarations, and what those that ask for something need beside them. */
export const withBeside = (chosen: readonly (readonly [AnyDeclaration, object])[]): Partial<BucketSpec> =>
  Object.assign(
    Object.fromEntries(chosen.map(([{ feature }, declared]) => [feature, declared])),
    ...chosen.map(([{ none, beside }, declared]) => (declared === none ? {} : beside)),
  ) as Partial<BucketSpec>;

/** What every server has, in full, and gives to a bucket at any time. */
export const declaredEverywhere = (): Partial<BucketSpec> =>
  Object.fromEntries(
    declarationsWith(surroundings.moto)
      .filter(
        ({ feature, isForEver }) => !isForEver && !Object.values(lackedBy).some((lacked) => lacked.includes(feature)),
      )
      .map(({ feature, full }) => [feature, full]),
  );

/** The merge patch that puts `next` in the place of `former`: what it leaves out goes. Source: RFC 7386. */
export const replacement = (former: object, next: object): Readonly<Record<string, unknown>> => {
  const isMap = (value: unknown): value is object =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const before = new Map<string, unknown>(Object.entries(former));
  const after = new Map<string, unknown>(Object.entries(next));
  return Object.fromEntries(
    [...new Set([...before.keys(), ...after.keys()])].map((key) => {
      const [old, now] = [before.get(key), after.get(key)];
      if (now === undefined) return [key, null];
      return [key, isMap(old) && isMap(now) ? replacement(old, now) : now];
    }),
  );
};

/** In what a bucket differs from what a spec declares, as an independent client sees it. Empty: in nothing. */
export const differencesFrom = async (
  spec: Partial<BucketSpec>,
  client: Independent,
  bucket: string,
  at: Surroundings = surroundings.moto,
): Promise<readonly string[]> => {
  const differences: string[] = [];
  for (const { feature, seen, shows, none, byDefault } of declarationsWith(at)) {
    const declared = spec[feature];
    if (declared === undefined) continue;
    const have = JSON.stringify(await seen(client, bucket));
    const want = JSON.stringify(shows(declared));
    const isDefault =
      byDefault !== undefined && want === JSON.stringify(shows(none)) && have === JSON.stringify(byDefault);
    if (have !== want && !isDefault) differences.push(`${feature} is ${have}, not ${want}`);
  }
  return differences;
};
