import Type, { type TSchema } from 'typebox';
import { lifecycle } from './bucket-lifecycle.ts';
import { bucketName } from './bucket-name.ts';
import { reference, secretKey, secretName } from './references.ts';
import { keyedList, list, optional, rules, text, type Typed } from './schema.ts';
import { mostBucketTags, tags } from './tags.ts';

const unmanaged = 'Left as it is on the server when left out.';

const mfaDevice = Type.Object(
  {
    name: secretName,
    serialKey: secretKey('Key in the Secret that holds the serial number of the device, or its ARN.', 'serial'),
    seedKey: secretKey(
      'Key in the Secret that holds the seed of its codes: the text in base32 that the device was set up with.',
      'seed',
    ),
  },
  {
    description:
      'An MFA device (TOTP) whose codes switch mfaDelete. Its user is the one whose credentials the Provider has. One code is good for one write, so that of several Buckets with one device one is written every 30 seconds. The Secret is read also when the Bucket is deleted.',
    ...rules({ rule: 'self.serialKey != self.seedKey', message: 'serialKey and seedKey must be two keys' }),
  },
);

export const versioning = Type.Object(
  {
    enabled: Type.Boolean({ description: 'True: keep every version. False: suspend versioning.', default: false }),
    mfaDelete: Type.Boolean({
      description:
        'True: deleting a version for good, or suspending versioning, needs a code of an MFA device. Switching it needs one too: set mfaSecretRef, or switch it manually.',
      default: false,
    }),
    mfaSecretRef: optional(mfaDevice),
  },
  {
    description: `Versions of objects. ${unmanaged}`,
    ...rules({ rule: '!self.mfaDelete || self.enabled', message: 'mfaDelete needs enabled: true' }),
  },
);

export const encryption = Type.Object(
  {
    enabled: Type.Boolean({
      description: 'True: the server encrypts new objects. False: no default encryption.',
      default: false,
    }),
    algorithm: Type.Enum(['AES256', 'aws:kms'], { description: 'How objects are encrypted.', default: 'AES256' }),
    kmsKeyId: optional(text('Id, name or ARN of the key, for aws:kms.', 2048)),
    bucketKeyEnabled: optional(
      Type.Boolean({
        description:
          'True: one data key for the bucket in place of one for each object, for fewer calls to the key service. Only for aws:kms.',
        default: false,
      }),
    ),
  },
  {
    description: `Default encryption of new objects. ${unmanaged}`,
    ...rules(
      { rule: "self.algorithm != 'aws:kms' || has(self.kmsKeyId)", message: 'algorithm aws:kms needs kmsKeyId' },
      { rule: "!has(self.kmsKeyId) || self.algorithm == 'aws:kms'", message: 'kmsKeyId needs algorithm: aws:kms' },
      {
        rule: "!has(self.bucketKeyEnabled) || !self.bucketKeyEnabled || self.algorithm == 'aws:kms'",
        message: 'bucketKeyEnabled needs algorithm: aws:kms',
      },
    ),
  },
);

export const publicAccess = Type.Object(
  {
    blockPublicAcls: Type.Boolean({ description: 'Refuse ACLs that make something public.', default: true }),
    blockPublicPolicy: Type.Boolean({
      description: 'Refuse bucket policies that make something public.',
      default: true,
    }),
    ignorePublicAcls: Type.Boolean({ description: 'Give public ACLs no effect.', default: true }),
    restrictPublicBuckets: Type.Boolean({
      description: 'Keep everybody but the owner out of a bucket whose policy is public.',
      default: true,
    }),
  },
  {
    description:
      'Public access block. When left out, all four are kept true on a bucket that the operator created, where the server has them, and an adopted bucket keeps what it has. Where the server has none, the operator refuses a public BucketPolicy unless blockPublicPolicy and restrictPublicBuckets are false.',
  },
);

const corsRule = Type.Object(
  {
    id: optional(text('Name of the rule, unique in the bucket; derived from its content when left out.', 255)),
    allowedOrigins: list(
      'Origins that may ask, such as https://example.com; one * in each stands for any text.',
      text(
        'One origin.',
        512,
        rules({ rule: "self.indexOf('*') == self.lastIndexOf('*')", message: 'an origin has at most one *' }),
      ),
      100,
      { minItems: 1 },
    ),
    allowedMethods: list(
      'HTTP methods that are allowed.',
      Type.Enum(['GET', 'PUT', 'POST', 'DELETE', 'HEAD'], { description: 'One method.' }),
      5,
      { minItems: 1 },
    ),
    allowedHeaders: optional(
      list(
        'Request headers that are allowed; one * in each stands for any text.',
        text(
          'One header.',
          256,
          rules({ rule: "self.indexOf('*') == self.lastIndexOf('*')", message: 'a header has at most one *' }),
        ),
        100,
      ),
    ),
    exposedHeaders: optional(list('Response headers that a browser may read.', text('One header.', 256), 100)),
    maxAgeSeconds: optional(
      Type.Integer({ description: 'Seconds a browser may keep the answer.', minimum: 0, maximum: 2_147_483_647 }),
    ),
  },
  { description: 'One CORS rule.' },
);

export const cors = Type.Object(
  {
    rules: list('The rules, in order: the first that matches counts. An empty list removes them.', corsRule, 100, {
      ...rules({
        rule: 'self.all(one, !has(one.id) || self.exists_one(other, has(other.id) && other.id == one.id))',
        message: 'two rules have the same id',
      }),
    }),
    others: Type.Enum(['Keep', 'Remove'], {
      description:
        'What happens to rules that somebody else put there. Keep: they stay, after those of the spec. Remove: they go.',
      default: 'Remove',
    }),
  },
  { description: `Which web pages of other origins may use the bucket. ${unmanaged}` },
);

export const requestPayment = Type.Object(
  {
    payer: Type.Enum(['BucketOwner', 'Requester'], {
      description:
        'BucketOwner: the owner of the bucket. Requester: whoever asks; anonymous requests are refused then.',
      default: 'BucketOwner',
    }),
  },
  { description: `Who pays for requests and downloads. ${unmanaged}` },
);

export const ownershipControls = Type.Object(
  {
    enabled: Type.Boolean({
      description:
        'True: the bucket has the rule objectOwnership. False: it has none, which means that ACLs count, as with ObjectWriter. Leave ownershipControls out to keep what the server gives a new bucket.',
      default: false,
    }),
    objectOwnership: Type.Enum(['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'], {
      description:
        'BucketOwnerEnforced: all objects belong to the owner of the bucket, and ACLs have no effect. BucketOwnerPreferred: objects written with the ACL bucket-owner-full-control do. ObjectWriter: an object belongs to who wrote it.',
      default: 'BucketOwnerEnforced',
    }),
  },
  {
    description: `Whose the objects are that others write, and whether ACLs count. ${unmanaged}`,
    ...rules({
      rule: "self.enabled || self.objectOwnership == 'BucketOwnerEnforced'",
      message: 'objectOwnership needs enabled: true',
    }),
  },
);

export const accelerate = Type.Object(
  {
    enabled: Type.Boolean({
      description: 'True: clients may use the endpoint s3-accelerate, which costs extra. False: suspended.',
      default: false,
    }),
  },
  { description: `Faster transfers over long distances (Amazon S3 Transfer Acceleration). ${unmanaged}` },
);

export const logging = Type.Object(
  {
    enabled: Type.Boolean({
      description: 'True: the server writes logs of the requests to this bucket into another one. False: it does not.',
      default: false,
    }),
    targetBucketRef: optional(
      reference('Bucket', 'The Bucket that gets the logs; on the same server, in the same account and region.'),
    ),
    targetBucket: optional(
      bucketName(
        'Name of a bucket that gets the logs and that no Bucket object stands for. Only for Buckets of the namespace of their Provider.',
      ),
    ),
    targetPrefix: Type.String({
      description: 'What the keys of the logs begin with, such as photos/.',
      maxLength: 512,
      default: '',
    }),
    targetObjectKeyFormat: optional(
      Type.Object(
        {
          simplePrefix: optional(
            Type.Object({}, { description: 'The time follows the prefix, which is the default.' }),
          ),
          partitionedPrefix: optional(
            Type.Object(
              {
                partitionDateSource: Type.Enum(['EventTime', 'DeliveryTime'], {
                  description:
                    'EventTime: the day of the requests. DeliveryTime: the day on which the log was written.',
                }),
              },
              { description: 'Folders by account, region, bucket and day follow the prefix.' },
            ),
          ),
        },
        {
          description: 'What the keys of the logs have after the prefix. simplePrefix when left out.',
          ...rules({
            rule: 'has(self.simplePrefix) != has(self.partitionedPrefix)',
            message: 'targetObjectKeyFormat needs exactly one of simplePrefix and partitionedPrefix',
          }),
        },
      ),
    ),
  },
  {
    description: `Access logs. The policy of the bucket that gets them must let the server write there. ${unmanaged}`,
    ...rules(
      {
        rule: '!self.enabled || has(self.targetBucketRef) || has(self.targetBucket)',
        message: 'enabled: true needs targetBucketRef or targetBucket',
      },
      {
        rule: '!has(self.targetBucketRef) || !has(self.targetBucket)',
        message: 'targetBucketRef and targetBucket exclude each other: name one of them',
      },
    ),
  },
);

const protocol = (description: string) => optional(Type.Enum(['http', 'https'], { description }));
const hostName = (description: string) =>
  text(
    description,
    253,
    rules({
      rule: "self.matches('^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?(:[0-9]{1,5})?$')",
      message: 'hostName is a host such as www.example.com, without https:// before it and without a path',
    }),
  );

const routingRule = Type.Object(
  {
    condition: optional(
      Type.Object(
        {
          httpErrorCodeReturnedEquals: optional(
            Type.Integer({
              description: 'Only where the answer would be this HTTP error, such as 404.',
              minimum: 400,
              maximum: 599,
            }),
          ),
          keyPrefixEquals: optional(text('Only for keys that begin so.', 1024)),
        },
        {
          description: 'When the rule applies; always when left out. Where both are set, both must hold.',
          ...rules({
            rule: 'has(self.httpErrorCodeReturnedEquals) || has(self.keyPrefixEquals)',
            message: 'a condition needs httpErrorCodeReturnedEquals or keyPrefixEquals; leave it out for all requests',
          }),
        },
      ),
    ),
    redirect: Type.Object(
      {
        hostName: optional(hostName('Host to go to; that of the request when left out.')),
        httpRedirectCode: optional(
          Type.Integer({
            description: 'HTTP status of the redirect, such as 302; chosen by the server when left out.',
            minimum: 301,
            maximum: 399,
          }),
        ),
        protocol: protocol('Protocol to go on with; that of the request when left out.'),
        replaceKeyPrefixWith: optional(text('What takes the place of keyPrefixEquals in the key.', 1024)),
        replaceKeyWith: optional(text('The key to go to.', 1024)),
      },
      {
        description: 'Where the request is sent.',
        ...rules(
          {
            rule: 'has(self.hostName) || has(self.httpRedirectCode) || has(self.protocol) || has(self.replaceKeyPrefixWith) || has(self.replaceKeyWith)',
            message:
              'a redirect needs one of hostName, httpRedirectCode, protocol, replaceKeyPrefixWith and replaceKeyWith',
          },
          {
            rule: '!has(self.replaceKeyPrefixWith) || !has(self.replaceKeyWith)',
            message: 'replaceKeyPrefixWith and replaceKeyWith exclude each other: name one of them',
          },
        ),
      },
    ),
  },
  { description: 'One rule.' },
);

export const website = Type.Object(
  {
    enabled: Type.Boolean({
      description: 'True: the bucket answers as a website at the website endpoint of the server. False: it does not.',
      default: false,
    }),
    indexDocument: optional(
      Type.Object(
        {
          suffix: text(
            'Name of the page, such as index.html.',
            1024,
            rules({ rule: "!self.contains('/')", message: 'suffix is a name such as index.html, without a slash' }),
          ),
        },
        { description: 'The page of a directory.' },
      ),
    ),
    errorDocument: optional(
      Type.Object(
        { key: text('Key of the page, such as error.html.', 1024) },
        { description: "The page of an error; the server's own when left out." },
      ),
    ),
    routingRules: optional(list('Redirects, in order: the first that applies counts.', routingRule, 50)),
    redirectAllRequestsTo: optional(
      Type.Object(
        {
          hostName: hostName('Host to go to.'),
          protocol: protocol('Protocol to go on with; that of the request when left out.'),
        },
        { description: 'Sends every request to another host, in place of pages.' },
      ),
    ),
  },
  {
    description: `Static web pages. ${unmanaged}`,
    ...rules(
      {
        rule: '!self.enabled || has(self.indexDocument) || has(self.redirectAllRequestsTo)',
        message: 'enabled: true needs indexDocument or redirectAllRequestsTo',
      },
      {
        rule: '!has(self.redirectAllRequestsTo) || !(has(self.indexDocument) || has(self.errorDocument) || has(self.routingRules))',
        message:
          'redirectAllRequestsTo excludes indexDocument, errorDocument and routingRules: a bucket has pages, or sends every request elsewhere',
      },
      {
        rule: 'has(self.indexDocument) || !(has(self.errorDocument) || has(self.routingRules))',
        message: 'errorDocument and routingRules need indexDocument',
      },
    ),
  },
);

const notification = (what: string, arn: { readonly matches: string; readonly message: string }) =>
  Type.Object(
    {
      id: optional(
        text('Name of the notification, unique in the bucket; derived from its content when left out.', 255),
      ),
      arn: text(
        `ARN of the ${what}.`,
        2048,
        rules(
          { rule: `self.matches('${arn.matches}')`, message: arn.message },
          { rule: "!self.endsWith('.fifo')", message: 'S3 cannot deliver events to FIFO queues and topics' },
        ),
      ),
      events: list(
        'Events that are told, such as s3:ObjectCreated:*.',
        text(
          'One event.',
          128,
          rules({
            rule: "self.matches('^s3:[A-Za-z]+(:[A-Za-z*]+)?$')",
            message: 'an event looks like s3:ObjectCreated:* or s3:ObjectRemoved:Delete',
          }),
        ),
        50,
        { minItems: 1 },
      ),
      prefix: optional(text('Only objects whose key begins so.', 1024)),
      suffix: optional(text('Only objects whose key ends so.', 1024)),
    },
    { description: `Tells one ${what} about events.` },
  );

const notificationsTo = (what: string, arn: { readonly matches: string; readonly message: string }) =>
  optional(
    list(
      `One entry for each ${what}. Unmanaged when left out; an empty list removes them.`,
      notification(what, arn),
      100,
    ),
  );

/* In CEL: how many entries a list has, and their ids. */
const sizeOf = (list: string): string => `(has(self.${list}) ? self.${list}.size() : 0)`;
const idsOf = (list: string): string =>
  `(has(self.${list}) ? self.${list}.filter(one, has(one.id)).map(one, one.id) : [])`;
const sum = (of: (list: string) => string): string => ['lambda', 'sqs', 'sns'].map(of).join(' + ');

export const notifications = Type.Object(
  {
    lambda: notificationsTo('Lambda function', {
      matches: '^arn:[^:]+:lambda:[^:]+:[^:]+:function:.+$',
      message: 'the ARN of a function looks like arn:aws:lambda:us-east-1:123456789012:function:name',
    }),
    sqs: notificationsTo('queue: an SQS queue, or a target of MinIO', {
      matches: '^arn:[^:]+:sqs:[^:]*:[^:]+:.+$',
      message:
        'the ARN of a queue looks like arn:aws:sqs:us-east-1:123456789012:name, that of a target of MinIO like arn:minio:sqs::ID:webhook',
    }),
    sns: notificationsTo('SNS topic', {
      matches: '^arn:[^:]+:sns:[^:]*:[^:]*:.+$',
      message: 'the ARN of a topic looks like arn:aws:sns:us-east-1:123456789012:name',
    }),
    others: Type.Enum(['Keep', 'Remove'], {
      description:
        'What happens to notifications that somebody else put there, in the lists that are declared. Keep: they stay. Remove: they go.',
      default: 'Keep',
    }),
  },
  {
    description: `Who is told about events in the bucket. ${unmanaged}`,
    ...rules(
      { rule: `${sum(sizeOf)} <= 100`, message: 'a bucket has at most 100 notifications in all' },
      {
        rule: `[${sum(idsOf)}].all(ids, ids.all(id, ids.exists_one(other, other == id)))`,
        message: 'two notifications have the same id',
      },
    ),
  },
);

export const tagging = Type.Object(
  { tags: tags('Tags by key. An empty map removes the ones set earlier; tags set by others stay.', mostBucketTags) },
  { description: `Tags of the bucket. ${unmanaged}` },
);

const replicationRule = Type.Object(
  {
    id: text('Name of the rule, unique in the bucket.', 255),
    status: Type.Enum(['Enabled', 'Disabled'], { description: 'Whether the rule is in force.', default: 'Enabled' }),
    priority: optional(
      Type.Integer({
        description:
          'Which rule wins where several match: the highest. When left out, the earlier rule has the higher priority.',
        minimum: 0,
        maximum: 2_147_483_647,
      }),
    ),
    prefix: optional(
      Type.String({ description: 'Only objects whose key begins so; all when left out.', maxLength: 1024 }),
    ),
    destination: Type.Object(
      {
        bucketRef: optional(reference('Bucket', 'The Bucket that gets the copies.')),
        bucketArn: optional(
          text(
            'ARN of a bucket that no Bucket object stands for. On AWS alone.',
            256,
            rules({
              rule: "self.matches('^arn:[a-z0-9-]+:s3:::[a-z0-9][a-z0-9.-]+$')",
              message: 'bucketArn looks like arn:aws:s3:::name',
            }),
          ),
        ),
        storageClass: optional(text('Storage class of the copies; that of the source when left out.', 128)),
      },
      {
        description: 'Where the copies go.',
        ...rules({
          rule: 'has(self.bucketRef) != has(self.bucketArn)',
          message: 'a destination needs exactly one of bucketRef and bucketArn',
        }),
      },
    ),
    deleteMarkers: Type.Boolean({ description: 'True: delete markers are copied too.', default: false }),
    existingObjects: Type.Boolean({
      description: 'True: objects that were there before the rule are copied too.',
      default: false,
    }),
  },
  { description: 'One replication rule.' },
);

export const replication = Type.Object(
  {
    role: optional(
      text(
        'ARN of the IAM role that copies. Needed on AWS, only for Buckets of the namespace of the Provider; without effect elsewhere.',
        2048,
        rules({ rule: "self.startsWith('arn:')", message: "role must be an ARN, which begins with 'arn:'" }),
      ),
    ),
    rules: keyedList('The rules; an empty list removes all from the bucket.', replicationRule, 'id', 100, {
      ...rules({
        rule: 'self.all(one, !has(one.priority) || self.exists_one(other, has(other.priority) && other.priority == one.priority))',
        message: 'two rules have the same priority',
      }),
    }),
    others: Type.Enum(['Keep', 'Remove'], {
      description: 'What happens to rules that somebody else put there. Keep: they stay. Remove: they go.',
      default: 'Remove',
    }),
  },
  { description: `Copies objects to other buckets. ${unmanaged}` },
);

export const objectLock = Type.Object(
  {
    enabled: Type.Boolean({
      description:
        'True: objects can be locked against deletion. Some servers give it to a new bucket only. It cannot be switched off, and a locked object keeps its bucket from being deleted.',
      default: false,
    }),
    defaultRetention: optional(
      Type.Object(
        {
          mode: Type.Enum(['GOVERNANCE', 'COMPLIANCE'], {
            description: 'GOVERNANCE: privileged users may unlock. COMPLIANCE: nobody can.',
          }),
          days: optional(
            Type.Integer({ description: 'Days that a new object stays locked.', minimum: 1, maximum: 36_500 }),
          ),
          years: optional(
            Type.Integer({ description: 'Years that a new object stays locked.', minimum: 1, maximum: 100 }),
          ),
        },
        {
          description: 'Lock that every new object gets. Left out: none.',
          ...rules({
            rule: 'has(self.days) != has(self.years)',
            message: 'a defaultRetention needs exactly one of days and years',
          }),
        },
      ),
    ),
  },
  {
    description: `Locks objects against deletion. ${unmanaged}`,
    ...rules(
      { rule: '!has(self.defaultRetention) || self.enabled', message: 'defaultRetention needs enabled: true' },
      {
        rule: '!oldSelf.enabled || self.enabled',
        message: 'object lock cannot be switched off on a bucket; leave objectLock out to stop managing it',
      },
    ),
  },
);

export const quota = Type.Object(
  {
    maxBytes: Type.Integer({
      description: 'Bytes that the bucket may hold; 0 removes the quota.',
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      format: 'int64',
    }),
  },
  { description: `How much the bucket may hold. ${unmanaged}` },
);

export const cloudTrail = Type.Object(
  {
    enabled: Type.Boolean({
      description: "True: the trail records reads and writes of the bucket's objects.",
      default: false,
    }),
    trail: text(
      'Name or ARN of a trail that exists; one whose home is another region than that of the bucket by its ARN.',
      256,
      rules({
        rule: "self.matches('^(arn:[a-z0-9-]+:cloudtrail:[a-z0-9-]+:[0-9]{12}:trail/)?[A-Za-z0-9][A-Za-z0-9._-]{1,126}[A-Za-z0-9]$')",
        message: 'trail must be the name of a trail (3 to 128 letters, digits, dots, hyphens, underscores) or its ARN',
      }),
    ),
    events: Type.Enum(['All', 'ReadOnly', 'WriteOnly'], { description: 'Which events are recorded.', default: 'All' }),
  },
  { description: `Data events of the bucket in AWS CloudTrail. ${unmanaged}` },
);

const inOrder = {
  tagging,
  versioning,
  objectLock,
  publicAccess,
  encryption,
  ownershipControls,
  requestPayment,
  accelerate,
  logging,
  website,
  cors,
  lifecycle,
  notifications,
  replication,
  quota,
  cloudTrail,
} as const satisfies Readonly<Record<string, TSchema>>;

/** A field of a Bucket's spec that names a feature of the bucket. */
export type BucketFeature = keyof typeof inOrder;

/**
 * The features of a bucket, in the order in which they are applied. The owner tags are among the tags, and stand before all else. Object
 * lock and replication need versioning; a bucket is closed to the public before anything else opens it, and encrypted before anything
 * copies it. One that depends on no other stands at the end of the single settings, after `encryption`.
 */
export const bucketFeatures = Object.keys(inOrder) as readonly BucketFeature[];

/** True when the declaration asks for the feature to be off or empty. A server that lacks the feature fulfils that wish. */
const asksForNothing: { readonly [F in BucketFeature]: (declared: Typed<(typeof inOrder)[F]>) => boolean } = {
  tagging: ({ tags }) => Object.keys(tags).length === 0,
  versioning: ({ enabled }) => !enabled,
  objectLock: ({ enabled }) => !enabled,
  publicAccess: (flags) => !Object.values(flags).includes(true),
  encryption: ({ enabled }) => !enabled,
  ownershipControls: ({ enabled }) => !enabled,
  requestPayment: ({ payer }) => payer === 'BucketOwner',
  accelerate: ({ enabled }) => !enabled,
  logging: ({ enabled }) => !enabled,
  website: ({ enabled }) => !enabled,
  cors: ({ rules }) => rules.length === 0,
  lifecycle: ({ rules }) => rules.length === 0,
  notifications: ({ lambda = [], sqs = [], sns = [] }) => lambda.length + sqs.length + sns.length === 0,
  replication: ({ rules }) => rules.length === 0,
  quota: ({ maxBytes }) => maxBytes === 0,
  cloudTrail: ({ enabled }) => !enabled,
};

/** True when the spec does not declare the feature, or declares it as off or empty. */
export const isFeatureOff = (
  feature: BucketFeature,
  spec: Readonly<Partial<Record<BucketFeature, unknown>>>,
): boolean => {
  const declared = spec[feature];
  const asks = asksForNothing[feature] as (declared: unknown) => boolean;
  return declared === undefined || asks(declared);
};
