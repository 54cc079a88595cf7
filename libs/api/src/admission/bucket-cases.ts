import { badObjectName, bucketWith as bucket, casesFor, many, rulesNotChecked } from './case.ts';

const { accepts, refuses } = casesFor('Bucket');

const lifecycleRule = (change: Record<string, unknown>) =>
  bucket({ lifecycle: { rules: [{ id: 'a', expiration: { days: 30 }, ...change }] } });
const corsRule = (change: Record<string, unknown>) =>
  bucket({ cors: { rules: [{ allowedOrigins: ['*'], allowedMethods: ['GET'], ...change }] } });
const notification = (change: Record<string, unknown>) =>
  bucket({
    notifications: {
      sqs: [{ arn: 'arn:aws:sqs:us-east-1:123456789012:q', events: ['s3:ObjectCreated:*'], ...change }],
    },
  });
const website = (change: Record<string, unknown>) => bucket({ website: { enabled: true, ...change } });
const logging = (change: Record<string, unknown>) => bucket({ logging: { enabled: true, ...change } });
const routing = (rule: Record<string, unknown>) =>
  website({ indexDocument: { suffix: 'index.html' }, routingRules: [rule] });
const replication = (destination: unknown, change: Record<string, unknown> = {}) =>
  bucket({ versioning: { enabled: true }, replication: { rules: [{ id: 'a', destination, ...change }] } });
const trail = (change: Record<string, unknown>) =>
  bucket({ cloudTrail: { enabled: true, trail: 'main-trail', ...change } });

const nameCases = [
  ...['abc', 'a.b.c', '1bucket', 'logs-2030', 'a'.repeat(63), 'x1.y2-z3'].map((name) =>
    accepts(`the bucket name ${name}`, bucket({ name })),
  ),
  refuses('a bucket name of two characters', bucket({ name: 'ab' }), ['spec.name', 'should be at least 3 chars long']),
  refuses(
    'a bucket name of 64 characters',
    bucket({ name: 'a'.repeat(64) }),
    ['spec.name', 'may not be more than 63'],
    rulesNotChecked,
  ),
  refuses('a bucket name with capitals', bucket({ name: 'MyBucket' }), [
    'spec.name',
    'only lower-case letters, digits, hyphens and dots',
  ]),
  refuses('a bucket name with an underscore', bucket({ name: 'my_bucket' }), [
    'spec.name',
    'only lower-case letters, digits, hyphens and dots',
  ]),
  refuses('a bucket name with a space', bucket({ name: 'my bucket' }), [
    'spec.name',
    'only lower-case letters, digits, hyphens and dots',
  ]),
  refuses('a bucket name with a slash', bucket({ name: 'my/bucket' }), [
    'spec.name',
    'only lower-case letters, digits, hyphens and dots',
  ]),
  refuses('a bucket name that begins with a hyphen', bucket({ name: '-bucket' }), [
    'spec.name',
    'begins and ends with a letter or a digit',
  ]),
  refuses('a bucket name that ends with a hyphen', bucket({ name: 'bucket-' }), [
    'spec.name',
    'begins and ends with a letter or a digit',
  ]),
  refuses('a bucket name that begins with a dot', bucket({ name: '.bucket' }), [
    'spec.name',
    'begins and ends with a letter or a digit',
  ]),
  refuses('a bucket name with two dots in a row', bucket({ name: 'my..bucket' }), [
    'spec.name',
    'the parts of a bucket name between dots',
  ]),
  refuses('a bucket name with a hyphen before a dot', bucket({ name: 'my-.bucket' }), [
    'spec.name',
    'the parts of a bucket name between dots',
  ]),
  refuses('a bucket name with a hyphen after a dot', bucket({ name: 'my.-bucket' }), [
    'spec.name',
    'the parts of a bucket name between dots',
  ]),
  refuses('a bucket name in the form of an IP address', bucket({ name: '192.168.5.4' }), [
    'spec.name',
    'must not look like an IP address',
  ]),
  refuses('a bucket name that begins with xn--', bucket({ name: 'xn--bucket' }), [
    'spec.name',
    "must not begin with 'xn--'",
  ]),
  refuses('a bucket name that begins with sthree-', bucket({ name: 'sthree-bucket' }), ['spec.name', "'sthree-'"]),
  refuses('a bucket name that ends like an alias', bucket({ name: 'bucket-s3alias' }), [
    'spec.name',
    "must not end with '-s3alias'",
  ]),
  refuses('a bucket name that ends like a directory bucket', bucket({ name: 'bucket--x-s3' }), [
    'spec.name',
    "'--x-s3'",
  ]),
  refuses('no bucket name', bucket({ name: undefined }), ['spec.name', 'Required value'], rulesNotChecked),
];

const featureCases = [
  accepts('versioning', bucket({ versioning: { enabled: true } })),
  accepts('versioning with MFA delete', bucket({ versioning: { enabled: true, mfaDelete: true } })),
  refuses('MFA delete without versioning', bucket({ versioning: { mfaDelete: true } }), [
    'spec.versioning',
    'mfaDelete needs enabled: true',
  ]),
  accepts(
    'an MFA device, by the keys that it has when none are named',
    bucket({ versioning: { enabled: true, mfaDelete: true, mfaSecretRef: { name: 'device' } } }),
  ),
  accepts(
    'an MFA device without MFA delete, to switch it off with',
    bucket({ versioning: { enabled: true, mfaSecretRef: { name: 'device', serialKey: 'arn', seedKey: 'totp' } } }),
  ),
  refuses(
    'an MFA device without a Secret',
    bucket({ versioning: { enabled: true, mfaSecretRef: { seedKey: 'seed' } } }),
    ['spec.versioning.mfaSecretRef.name', 'Required value'],
    rulesNotChecked,
  ),
  refuses(
    'an MFA device by one key',
    bucket({ versioning: { mfaSecretRef: { name: 'device', serialKey: 'mfa', seedKey: 'mfa' } } }),
    ['spec.versioning.mfaSecretRef', 'serialKey and seedKey must be two keys'],
  ),
  refuses(
    'an MFA device of another namespace',
    bucket({ versioning: { enabled: true, mfaSecretRef: { name: 'device', namespace: 'other' } } }),
    ['', 'unknown field "spec.versioning.mfaSecretRef.namespace"'],
  ),
  refuses(
    'a seed in the manifest',
    bucket({ versioning: { enabled: true, mfaSecretRef: { name: 'device', seed: 'GEZD' } } }),
    ['', 'unknown field "spec.versioning.mfaSecretRef.seed"'],
  ),
  refuses(
    'an MFA device by a key that no Secret has',
    bucket({ versioning: { enabled: true, mfaSecretRef: { name: 'device', serialKey: 'my serial' } } }),
    ['spec.versioning.mfaSecretRef.serialKey', 'must be a key of a Secret'],
  ),
  refuses(
    'MFA delete beside lifecycle rules',
    bucket({
      versioning: { enabled: true, mfaDelete: true },
      lifecycle: { rules: [{ id: 'a', expiration: { days: 1 } }] },
    }),
    [
      'spec.lifecycle',
      'versioning.mfaDelete and lifecycle rules exclude each other: set mfaDelete to false, or take the lifecycle rules out',
    ],
  ),
  refuses('an unknown key in versioning', bucket({ versioning: { enabled: true, suspended: false } }), [
    '',
    'unknown field "spec.versioning.suspended"',
  ]),

  accepts('encryption with AES256', bucket({ encryption: { enabled: true } })),
  accepts(
    'encryption with a KMS key',
    bucket({ encryption: { enabled: true, algorithm: 'aws:kms', kmsKeyId: 'my-key' } }),
  ),
  accepts(
    'encryption with a bucket key',
    bucket({ encryption: { enabled: true, algorithm: 'aws:kms', kmsKeyId: 'my-key', bucketKeyEnabled: true } }),
  ),
  refuses('a bucket key without aws:kms', bucket({ encryption: { enabled: true, bucketKeyEnabled: true } }), [
    'spec.encryption',
    'bucketKeyEnabled needs algorithm: aws:kms',
  ]),
  accepts('encryption switched off', bucket({ encryption: { enabled: false } })),
  refuses('aws:kms without a key', bucket({ encryption: { enabled: true, algorithm: 'aws:kms' } }), [
    'spec.encryption',
    'algorithm aws:kms needs kmsKeyId',
  ]),
  refuses('a key without aws:kms', bucket({ encryption: { enabled: true, kmsKeyId: 'my-key' } }), [
    'spec.encryption',
    'kmsKeyId needs algorithm: aws:kms',
  ]),
  refuses(
    'an unknown algorithm',
    bucket({ encryption: { algorithm: 'AES128' } }),
    ['spec.encryption.algorithm', 'supported values: "AES256", "aws:kms"'],
    rulesNotChecked,
  ),

  accepts(
    'public access with two flags off',
    bucket({ publicAccess: { blockPublicPolicy: false, restrictPublicBuckets: false } }),
  ),
  refuses('a mistyped flag of public access', bucket({ publicAccess: { blockPublicAcl: false } }), [
    '',
    'unknown field "spec.publicAccess.blockPublicAcl"',
  ]),

  accepts('an empty list of lifecycle rules', bucket({ lifecycle: { rules: [] } })),
  accepts('a lifecycle rule by date', lifecycleRule({ expiration: { date: '2030-01-31' } })),
  accepts('a lifecycle rule by date and midnight', lifecycleRule({ expiration: { date: '2030-01-31T00:00:00Z' } })),
  accepts(
    'a lifecycle rule with transitions only',
    lifecycleRule({ expiration: undefined, transitions: [{ days: 30, storageClass: 'STANDARD_IA' }] }),
  ),
  accepts(
    'a lifecycle rule with everything',
    lifecycleRule({
      status: 'Disabled',
      prefix: 'logs/',
      expiration: { days: 365 },
      transitions: [
        { days: 30, storageClass: 'STANDARD_IA' },
        { days: 90, storageClass: 'GLACIER' },
      ],
      noncurrentVersionExpiration: { noncurrentDays: 90, newerNoncurrentVersions: 100 },
      noncurrentVersionTransitions: [{ noncurrentDays: 0, newerNoncurrentVersions: 1, storageClass: 'GLACIER' }],
      abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
    }),
  ),
  accepts(
    'a lifecycle rule for objects with tags and of some sizes',
    lifecycleRule({ tags: { stage: 'raw', done: '' }, objectSizeGreaterThan: 0, objectSizeLessThan: 1 }),
  ),
  accepts(
    'a lifecycle rule that removes delete markers, and lets others stay',
    bucket({ lifecycle: { rules: [{ id: 'a', expiration: { expiredObjectDeleteMarker: true } }], others: 'Keep' } }),
  ),
  accepts(
    'transitions and an expiration by date',
    lifecycleRule({
      expiration: { date: '2030-01-31T00:00:00Z' },
      transitions: [{ date: '2030-01-30', storageClass: 'GLACIER' }],
    }),
  ),
  accepts(
    'a lifecycle rule that only aborts uploads',
    lifecycleRule({ expiration: undefined, abortIncompleteMultipartUpload: { daysAfterInitiation: 7 } }),
  ),
  accepts(
    'a thousand lifecycle rules',
    bucket({ lifecycle: { rules: many(1000, (index) => ({ id: `r${String(index)}`, expiration: { days: 1 } })) } }),
  ),
  refuses(
    'a lifecycle block without rules',
    bucket({ lifecycle: {} }),
    ['spec.lifecycle.rules', 'Required value'],
    rulesNotChecked,
  ),
  refuses(
    'a lifecycle rule without id',
    lifecycleRule({ id: undefined }),
    ['spec.lifecycle.rules[0].id', 'Required value'],
    rulesNotChecked,
  ),
  refuses(
    'two lifecycle rules with one id',
    bucket({
      lifecycle: {
        rules: [
          { id: 'a', expiration: { days: 1 } },
          { id: 'a', expiration: { days: 2 } },
        ],
      },
    }),
    ['spec.lifecycle.rules[1]', 'Duplicate value: {"id":"a"}'],
  ),
  refuses('a lifecycle rule without action', lifecycleRule({ expiration: undefined }), [
    'spec.lifecycle.rules[0]',
    'needs at least one action: expiration, transitions,',
  ]),
  refuses(
    'a lifecycle rule with no transition in its list',
    lifecycleRule({ expiration: undefined, transitions: [] }),
    ['spec.lifecycle.rules[0]', 'needs at least one action'],
  ),
  refuses('an expiration with days and date', lifecycleRule({ expiration: { days: 1, date: '2030-01-31' } }), [
    'spec.lifecycle.rules[0].expiration',
    'exactly one of days, date and expiredObjectDeleteMarker: true',
  ]),
  refuses('an expiration with neither', lifecycleRule({ expiration: {} }), [
    'spec.lifecycle.rules[0].expiration',
    'exactly one of days, date and expiredObjectDeleteMarker: true',
  ]),
  refuses(
    'an expiration of delete markers that is switched off',
    lifecycleRule({ expiration: { expiredObjectDeleteMarker: false } }),
    ['spec.lifecycle.rules[0].expiration', 'exactly one of days, date and expiredObjectDeleteMarker: true'],
  ),
  refuses(
    'delete markers with tags',
    lifecycleRule({ expiration: { expiredObjectDeleteMarker: true }, tags: { a: 'b' } }),
    ['spec.lifecycle.rules[0]', 'put expiredObjectDeleteMarker into a rule without tags'],
  ),
  refuses(
    'uploads with tags',
    lifecycleRule({ abortIncompleteMultipartUpload: { daysAfterInitiation: 1 }, tags: { a: 'b' } }),
    ['spec.lifecycle.rules[0]', 'put abortIncompleteMultipartUpload into a rule without tags'],
  ),
  refuses(
    'uploads of a size',
    lifecycleRule({ abortIncompleteMultipartUpload: { daysAfterInitiation: 1 }, objectSizeGreaterThan: 1 }),
    ['spec.lifecycle.rules[0]', 'put abortIncompleteMultipartUpload into a rule without tags, objectSizeGreaterThan'],
  ),
  refuses('sizes that no object has', lifecycleRule({ objectSizeGreaterThan: 5, objectSizeLessThan: 5 }), [
    'spec.lifecycle.rules[0]',
    'objectSizeLessThan must be more than objectSizeGreaterThan',
  ]),
  refuses(
    'no earlier versions that stay',
    lifecycleRule({ noncurrentVersionExpiration: { noncurrentDays: 1, newerNoncurrentVersions: 0 } }),
    [
      'spec.lifecycle.rules[0].noncurrentVersionExpiration.newerNoncurrentVersions',
      'should be greater than or equal to 1',
    ],
  ),
  refuses(
    'earlier versions that are moved after they are deleted',
    lifecycleRule({
      noncurrentVersionExpiration: { noncurrentDays: 5 },
      noncurrentVersionTransitions: [{ noncurrentDays: 5, storageClass: 'GLACIER' }],
    }),
    ['spec.lifecycle.rules[0]', 'earlier versions must be moved before they are deleted'],
  ),
  refuses(
    'a transition with neither',
    lifecycleRule({ transitions: [{ storageClass: 'GLACIER' }] }),
    ['spec.lifecycle.rules[0].transitions[0]', 'a transition needs exactly one of days and date'],
    ['spec.lifecycle.rules[0]', 'transitions count all in days or all by date; make two rules of them'],
    [
      'spec.lifecycle.rules[0]',
      'expiration and transitions of one rule count both in days or both by date; make two rules of them',
    ],
  ),
  refuses(
    'a transition by date beside an expiration by days',
    lifecycleRule({ transitions: [{ date: '2030-01-31', storageClass: 'GLACIER' }] }),
    ['spec.lifecycle.rules[0]', 'expiration and transitions of one rule count both in days or both by date'],
  ),
  refuses(
    'transitions by days and by date',
    lifecycleRule({
      expiration: undefined,
      transitions: [
        { days: 1, storageClass: 'STANDARD_IA' },
        { date: '2030-01-31', storageClass: 'GLACIER' },
      ],
    }),
    ['spec.lifecycle.rules[0]', 'transitions count all in days or all by date'],
  ),
  refuses(
    'a transition on the day of the expiration',
    lifecycleRule({
      expiration: { date: '2030-01-31' },
      transitions: [{ date: '2030-01-31T00:00:00Z', storageClass: 'GLACIER' }],
    }),
    ['spec.lifecycle.rules[0]', 'transitions date must be before expiration date'],
  ),
  refuses(
    'a mistyped word about the lifecycle rules of others',
    bucket({ lifecycle: { rules: [], others: 'remove' } }),
    ['spec.lifecycle.others', 'supported values: "Keep", "Remove"'],
    rulesNotChecked,
  ),
  refuses('an expiration after no days', lifecycleRule({ expiration: { days: 0 } }), [
    'spec.lifecycle.rules[0].expiration.days',
    'should be greater than or equal to 1',
  ]),
  refuses('an expiration at noon', lifecycleRule({ expiration: { date: '2030-01-31T12:00:00Z' } }), [
    'spec.lifecycle.rules[0].expiration.date',
    'servers accept only midnight UTC',
  ]),
  refuses('an expiration in month 13', lifecycleRule({ expiration: { date: '2030-13-01' } }), [
    'spec.lifecycle.rules[0].expiration.date',
    'date must be a day',
  ]),
  refuses('an expiration on 31 April', lifecycleRule({ expiration: { date: '2030-04-31' } }), [
    'spec.lifecycle.rules[0].expiration.date',
    'date must be a day',
  ]),
  refuses(
    'a transition after the expiration',
    lifecycleRule({ expiration: { days: 30 }, transitions: [{ days: 30, storageClass: 'GLACIER' }] }),
    ['spec.lifecycle.rules[0]', 'transitions days must be less than expiration days'],
  ),
  refuses(
    'a transition without storage class',
    lifecycleRule({ transitions: [{ days: 1 }] }),
    ['spec.lifecycle.rules[0].transitions[0].storageClass', 'Required value'],
    rulesNotChecked,
  ),
  refuses(
    'an unknown status of a rule',
    lifecycleRule({ status: 'On' }),
    ['spec.lifecycle.rules[0].status', 'supported values: "Enabled", "Disabled"'],
    rulesNotChecked,
  ),

  accepts(
    'CORS rules with and without ids',
    bucket({
      cors: {
        rules: [
          { id: 'a', allowedOrigins: ['*'], allowedMethods: ['GET'] },
          { id: 'b', allowedOrigins: ['*'], allowedMethods: ['GET'] },
          { allowedOrigins: ['*'], allowedMethods: ['PUT'] },
        ],
        others: 'Keep',
      },
    }),
  ),
  refuses(
    'two CORS rules of one id',
    bucket({ cors: { rules: many(2, () => ({ id: 'a', allowedOrigins: ['*'], allowedMethods: ['GET'] })) } }),
    ['spec.cors.rules', 'two rules have the same id'],
  ),
  refuses(
    'a mistyped word about others',
    bucket({ cors: { rules: [], others: 'keep' } }),
    ['spec.cors.others', 'supported values: "Keep", "Remove"'],
    rulesNotChecked,
  ),
  accepts('an empty list of CORS rules', bucket({ cors: { rules: [] } })),
  accepts(
    'a CORS rule with everything',
    corsRule({
      allowedOrigins: ['https://*.example.com'],
      allowedMethods: ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'],
      allowedHeaders: ['*'],
      exposedHeaders: ['ETag'],
      maxAgeSeconds: 3600,
    }),
  ),
  refuses(
    'an unknown CORS method',
    corsRule({ allowedMethods: ['PATCH'] }),
    ['spec.cors.rules[0].allowedMethods[0]', 'supported values: "GET", "PUT", "POST", "DELETE", "HEAD"'],
    rulesNotChecked,
  ),
  refuses(
    'a CORS method in lower case',
    corsRule({ allowedMethods: ['get'] }),
    ['spec.cors.rules[0].allowedMethods[0]', 'Unsupported value: "get"'],
    rulesNotChecked,
  ),
  refuses('a CORS rule without methods', corsRule({ allowedMethods: [] }), [
    'spec.cors.rules[0].allowedMethods',
    'should have at least 1 items',
  ]),
  refuses(
    'a CORS rule without origins',
    corsRule({ allowedOrigins: undefined }),
    ['spec.cors.rules[0].allowedOrigins', 'Required value'],
    rulesNotChecked,
  ),
  refuses('a CORS origin with two asterisks', corsRule({ allowedOrigins: ['https://*.*.com'] }), [
    'spec.cors.rules[0].allowedOrigins[0]',
    'an origin has at most one *',
  ]),
  refuses('a negative age', corsRule({ maxAgeSeconds: -1 }), [
    'spec.cors.rules[0].maxAgeSeconds',
    'should be greater than or equal to 0',
  ]),
  refuses(
    'more than 100 CORS rules',
    bucket({ cors: { rules: many(101, () => ({ allowedOrigins: ['*'], allowedMethods: ['GET'] })) } }),
    ['spec.cors.rules', 'must have at most 100 items'],
    rulesNotChecked,
  ),

  accepts('a bucket whose requesters pay', bucket({ requestPayment: { payer: 'Requester' } })),
  refuses(
    'an unknown payer',
    bucket({ requestPayment: { payer: 'Owner' } }),
    ['spec.requestPayment.payer', 'supported values: "BucketOwner", "Requester"'],
    rulesNotChecked,
  ),

  ...['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'].map((objectOwnership) =>
    accepts(`the ownership ${objectOwnership}`, bucket({ ownershipControls: { enabled: true, objectOwnership } })),
  ),
  accepts('no ownership controls', bucket({ ownershipControls: { enabled: false } })),
  refuses('an ownership without enabled', bucket({ ownershipControls: { objectOwnership: 'ObjectWriter' } }), [
    'spec.ownershipControls',
    'objectOwnership needs enabled: true',
  ]),
  refuses(
    'an unknown ownership',
    bucket({ ownershipControls: { enabled: true, objectOwnership: 'BucketOwner' } }),
    [
      'spec.ownershipControls.objectOwnership',
      'supported values: "BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"',
    ],
    rulesNotChecked,
  ),
  refuses(
    'an ownership in lower case',
    bucket({ ownershipControls: { enabled: true, objectOwnership: 'objectWriter' } }),
    ['spec.ownershipControls.objectOwnership', 'Unsupported value: "objectWriter"'],
    rulesNotChecked,
  ),
  refuses(
    'ownership that is enabled by a word',
    bucket({ ownershipControls: { enabled: 'yes' } }),
    ['spec.ownershipControls.enabled', 'must be of type boolean'],
    rulesNotChecked,
  ),
  refuses(
    'ownership as the S3 API writes it',
    bucket({ ownershipControls: { rules: [{ objectOwnership: 'ObjectWriter' }] } }),
    ['', 'unknown field "spec.ownershipControls.rules"'],
  ),

  accepts('an accelerated bucket', bucket({ accelerate: { enabled: true } })),
  accepts('a bucket with dots that is not accelerated', bucket({ name: 'my.photos', accelerate: { enabled: false } })),
  refuses('an accelerated bucket with dots', bucket({ name: 'my.photos', accelerate: { enabled: true } }), [
    'spec.accelerate',
    'accelerate needs a bucket name without dots',
  ]),

  accepts('logs to a Bucket of another namespace', logging({ targetBucketRef: { name: 'logs', namespace: 'audit' } })),
  accepts(
    'logs to a bucket by its name, in folders',
    logging({
      targetBucket: 'access-logs',
      targetPrefix: 'photos/',
      targetObjectKeyFormat: { partitionedPrefix: { partitionDateSource: 'EventTime' } },
    }),
  ),
  accepts(
    'logs in no folders',
    logging({ targetBucketRef: { name: 'logs' }, targetObjectKeyFormat: { simplePrefix: {} } }),
  ),
  accepts('logs that are off', bucket({ logging: {} })),
  refuses('logs to nowhere', logging({}), ['spec.logging', 'enabled: true needs targetBucketRef or targetBucket']),
  refuses('logs to two buckets', logging({ enabled: false, targetBucketRef: { name: 'a' }, targetBucket: 'bbb' }), [
    'spec.logging',
    'targetBucketRef and targetBucket exclude each other: name one of them',
  ]),
  refuses('logs to no name of a Bucket', logging({ targetBucketRef: { name: 'My_Logs' } }), [
    'spec.logging.targetBucketRef.name',
    badObjectName,
  ]),
  refuses('logs to an ARN', logging({ targetBucket: 'arn:aws:s3:::logs' }), [
    'spec.logging.targetBucket',
    'a bucket name has only lower-case letters, digits, hyphens and dots',
  ]),
  refuses(
    'logs in two formats',
    logging({
      targetBucket: 'logs',
      targetObjectKeyFormat: { simplePrefix: {}, partitionedPrefix: { partitionDateSource: 'EventTime' } },
    }),
    [
      'spec.logging.targetObjectKeyFormat',
      'targetObjectKeyFormat needs exactly one of simplePrefix and partitionedPrefix',
    ],
  ),
  refuses('logs in no format', logging({ targetBucket: 'logs', targetObjectKeyFormat: {} }), [
    'spec.logging.targetObjectKeyFormat',
    'targetObjectKeyFormat needs exactly one of simplePrefix and partitionedPrefix',
  ]),
  refuses(
    'logs in folders by another day',
    logging({
      targetBucket: 'logs',
      targetObjectKeyFormat: { partitionedPrefix: { partitionDateSource: 'RequestTime' } },
    }),
    [
      'spec.logging.targetObjectKeyFormat.partitionedPrefix.partitionDateSource',
      'supported values: "EventTime", "DeliveryTime"',
    ],
    rulesNotChecked,
  ),

  accepts(
    'a website with an error page and redirects',
    website({
      indexDocument: { suffix: 'index.html' },
      errorDocument: { key: 'errors/404.html' },
      routingRules: [
        { condition: { keyPrefixEquals: 'old/' }, redirect: { replaceKeyPrefixWith: 'new/', httpRedirectCode: 302 } },
        { condition: { httpErrorCodeReturnedEquals: 404 }, redirect: { hostName: 'www.example.com:8443' } },
        { redirect: { protocol: 'https' } },
      ],
    }),
  ),
  accepts('a website that sends all away', website({ redirectAllRequestsTo: { hostName: 'www.example.com' } })),
  accepts('a website that is off', bucket({ website: {} })),
  accepts('a website that is off for now', website({ enabled: false, indexDocument: { suffix: 'index.html' } })),
  refuses('a website without an index', website({}), [
    'spec.website',
    'enabled: true needs indexDocument or redirectAllRequestsTo',
  ]),
  refuses(
    'a website that has pages and sends all away',
    website({ indexDocument: { suffix: 'index.html' }, redirectAllRequestsTo: { hostName: 'www.example.com' } }),
    ['spec.website', 'redirectAllRequestsTo excludes indexDocument, errorDocument and routingRules'],
  ),
  refuses('an error page without an index', website({ enabled: false, errorDocument: { key: 'error.html' } }), [
    'spec.website',
    'errorDocument and routingRules need indexDocument',
  ]),
  refuses('an index with a path', website({ indexDocument: { suffix: 'pages/index.html' } }), [
    'spec.website.indexDocument.suffix',
    'suffix is a name such as index.html, without a slash',
  ]),
  refuses('a redirect to a URL', website({ redirectAllRequestsTo: { hostName: 'https://www.example.com/' } }), [
    'spec.website.redirectAllRequestsTo.hostName',
    'hostName is a host such as www.example.com, without https:// before it and without a path',
  ]),
  refuses(
    'a redirect by a protocol of no browser',
    website({ redirectAllRequestsTo: { hostName: 'www.example.com', protocol: 'ftp' } }),
    ['spec.website.redirectAllRequestsTo.protocol', 'supported values: "http", "https"'],
    rulesNotChecked,
  ),
  refuses('a redirect to nowhere', routing({ redirect: {} }), [
    'spec.website.routingRules[0].redirect',
    'a redirect needs one of hostName, httpRedirectCode, protocol, replaceKeyPrefixWith and replaceKeyWith',
  ]),
  refuses('a redirect to two keys', routing({ redirect: { replaceKeyWith: 'a', replaceKeyPrefixWith: 'b' } }), [
    'spec.website.routingRules[0].redirect',
    'replaceKeyPrefixWith and replaceKeyWith exclude each other: name one of them',
  ]),
  refuses('a condition that says nothing', routing({ condition: {}, redirect: { hostName: 'www.example.com' } }), [
    'spec.website.routingRules[0].condition',
    'a condition needs httpErrorCodeReturnedEquals or keyPrefixEquals; leave it out for all requests',
  ]),
  refuses(
    'a redirect where there is no error',
    routing({ condition: { httpErrorCodeReturnedEquals: 200 }, redirect: { hostName: 'www.example.com' } }),
    ['spec.website.routingRules[0].condition.httpErrorCodeReturnedEquals', 'should be greater than or equal to 400'],
  ),
  refuses('a redirect that is none', routing({ redirect: { httpRedirectCode: 200 } }), [
    'spec.website.routingRules[0].redirect.httpRedirectCode',
    'should be greater than or equal to 301',
  ]),
  refuses(
    'a redirect code as text',
    routing({ redirect: { httpRedirectCode: '302' } }),
    ['spec.website.routingRules[0].redirect.httpRedirectCode', 'must be of type integer'],
    rulesNotChecked,
  ),

  accepts(
    'notifications to all three',
    bucket({
      notifications: {
        lambda: [{ arn: 'arn:aws:lambda:us-east-1:123456789012:function:f', events: ['s3:ObjectCreated:Put'] }],
        sqs: [],
        sns: [
          {
            id: 'x',
            arn: 'arn:aws:sns:us-east-1:123456789012:t',
            events: ['s3:ObjectRemoved:*'],
            prefix: 'a/',
            suffix: '.jpg',
          },
        ],
      },
    }),
  ),
  accepts('a notification to a target of MinIO', notification({ arn: 'arn:minio:sqs::T1:webhook' })),
  accepts('an event without detail', notification({ events: ['s3:ReducedRedundancyLostObject'] })),
  refuses(
    'a notification without ARN',
    notification({ arn: undefined }),
    ['spec.notifications.sqs[0].arn', 'Required value'],
    rulesNotChecked,
  ),
  refuses('a notification to a URL', notification({ arn: 'https://queue' }), [
    'spec.notifications.sqs[0].arn',
    'the ARN of a queue looks like arn:aws:sqs:us-east-1:123456789012:name',
  ]),
  refuses('a notification to a topic among the queues', notification({ arn: 'arn:aws:sns:us-east-1:123456789012:t' }), [
    'spec.notifications.sqs[0].arn',
    'the ARN of a queue looks like',
  ]),
  refuses('a notification to a FIFO queue', notification({ arn: 'arn:aws:sqs:us-east-1:123456789012:q.fifo' }), [
    'spec.notifications.sqs[0].arn',
    'S3 cannot deliver events to FIFO queues and topics',
  ]),
  refuses(
    'a notification to a function by its name',
    bucket({ notifications: { lambda: [{ arn: 'resize', events: ['s3:ObjectCreated:*'] }] } }),
    ['spec.notifications.lambda[0].arn', 'the ARN of a function looks like arn:aws:lambda:'],
  ),
  refuses(
    'two notifications with one id',
    bucket({
      notifications: {
        sns: many(2, () => ({ id: 'a', arn: 'arn:aws:sns:us-east-1:123456789012:t', events: ['s3:ObjectCreated:*'] })),
      },
    }),
    ['spec.notifications', 'two notifications have the same id'],
  ),
  refuses(
    'more notifications than a bucket can have',
    bucket({
      notifications: {
        sns: many(60, () => ({ arn: 'arn:aws:sns:us-east-1:123456789012:t', events: ['s3:ObjectCreated:*'] })),
        sqs: many(41, () => ({ arn: 'arn:aws:sqs:us-east-1:123456789012:q', events: ['s3:ObjectCreated:*'] })),
      },
    }),
    ['spec.notifications', 'a bucket has at most 100 notifications in all'],
  ),
  refuses(
    'notifications that neither keep nor remove those of others',
    bucket({ notifications: { sqs: [], others: 'Ignore' } }),
    ['spec.notifications.others', 'supported values: "Keep", "Remove"'],
    rulesNotChecked,
  ),
  refuses(
    'two notifications of different lists with one id',
    bucket({
      notifications: {
        sns: [{ id: 'a', arn: 'arn:aws:sns:us-east-1:123456789012:t', events: ['s3:ObjectCreated:*'] }],
        sqs: [{ id: 'a', arn: 'arn:aws:sqs:us-east-1:123456789012:q', events: ['s3:ObjectCreated:*'] }],
      },
    }),
    ['spec.notifications', 'two notifications have the same id'],
  ),
  accepts(
    'a topic of Ceph without an account',
    bucket({ notifications: { sns: [{ arn: 'arn:aws:sns:default::t', events: ['s3:ObjectCreated:*'] }] } }),
  ),
  refuses('a notification without events', notification({ events: [] }), [
    'spec.notifications.sqs[0].events',
    'should have at least 1 items',
  ]),
  refuses('an event of another service', notification({ events: ['ObjectCreated'] }), [
    'spec.notifications.sqs[0].events[0]',
    'an event looks like s3:ObjectCreated:*',
  ]),

  accepts('tags', bucket({ tagging: { tags: { team: 'data', 'cost-centre': '' } } })),
  accepts('no tags at all', bucket({ tagging: { tags: {} } })),
  accepts(
    '45 tags',
    bucket({ tagging: { tags: Object.fromEntries(many(45, (index) => [`t${String(index)}`, 'v'])) } }),
  ),
  refuses('tagging without tags', bucket({ tagging: {} }), ['spec.tagging.tags', 'Required value'], rulesNotChecked),
  refuses(
    'more tags than a server keeps beside ours',
    bucket({ tagging: { tags: Object.fromEntries(many(46, (index) => [`t${String(index)}`, 'v'])) } }),
    ['spec.tagging.tags', 'must have at most 45 items'],
    rulesNotChecked,
  ),
  refuses('a tag key of 129 characters', bucket({ tagging: { tags: { ['k'.repeat(129)]: 'v' } } }), [
    'spec.tagging.tags',
    'a tag key has 1 to 128 characters',
  ]),
  refuses(
    'a tag value of 257 characters',
    bucket({ tagging: { tags: { k: 'v'.repeat(257) } } }),
    ['spec.tagging.tags.k', 'may not be more than 256'],
    rulesNotChecked,
  ),
  refuses('a tag key that AWS reserves', bucket({ tagging: { tags: { 'aws:x': 'v' } } }), [
    'spec.tagging.tags',
    "tag keys that begin with 'aws:' are reserved",
  ]),
  refuses('a tag key of the operator', bucket({ tagging: { tags: { 's3.cloud37.dev/uid': 'v' } } }), [
    'spec.tagging.tags',
    "are the operator's own",
  ]),
  refuses(
    'a number as tag value',
    bucket({ tagging: { tags: { k: 1 } } }),
    ['spec.tagging.tags.k', 'must be of type string'],
    rulesNotChecked,
  ),

  accepts(
    'replication to a Bucket',
    replication(
      { bucketRef: { name: 'copy', namespace: 'backup' } },
      { priority: 1, prefix: 'a/', deleteMarkers: true, existingObjects: true },
    ),
  ),
  accepts('replication to an ARN', replication({ bucketArn: 'arn:aws:s3:::copy', storageClass: 'GLACIER' })),
  accepts('an empty list of replication rules without versioning', bucket({ replication: { rules: [] } })),
  refuses(
    'replication without versioning',
    bucket({ replication: { rules: [{ id: 'a', destination: { bucketRef: { name: 'copy' } } }] } }),
    ['spec.replication', 'replication needs versioning.enabled: true'],
  ),
  refuses(
    'two replication rules with one priority',
    bucket({
      versioning: { enabled: true },
      replication: {
        rules: ['a', 'b'].map((id) => ({ id, priority: 1, destination: { bucketRef: { name: 'copy' } } })),
      },
    }),
    ['spec.replication.rules', 'two rules have the same priority'],
  ),
  refuses(
    'replication that asks what becomes of other rules',
    bucket({ versioning: { enabled: true }, replication: { rules: [], others: 'Ask' } }),
    ['spec.replication.others', 'supported values: "Keep", "Remove"'],
    rulesNotChecked,
  ),
  refuses(
    'replication with the name of a role',
    bucket({ versioning: { enabled: true }, replication: { rules: [], role: 'copies' } }),
    ['spec.replication.role', "role must be an ARN, which begins with 'arn:'"],
  ),
  refuses('replication to nowhere', replication({}), [
    'spec.replication.rules[0].destination',
    'exactly one of bucketRef and bucketArn',
  ]),
  refuses(
    'replication to two places in one rule',
    replication({ bucketRef: { name: 'copy' }, bucketArn: 'arn:aws:s3:::copy' }),
    ['spec.replication.rules[0].destination', 'exactly one of bucketRef and bucketArn'],
  ),
  refuses('replication to a name that is no ARN', replication({ bucketArn: 'copy' }), [
    'spec.replication.rules[0].destination.bucketArn',
    'bucketArn looks like arn:aws:s3:::name',
  ]),
  refuses(
    'two replication rules with one id',
    bucket({
      versioning: { enabled: true },
      replication: {
        rules: [
          { id: 'a', destination: { bucketRef: { name: 'b' } } },
          { id: 'a', destination: { bucketRef: { name: 'c' } } },
        ],
      },
    }),
    ['spec.replication.rules[1]', 'Duplicate value: {"id":"a"}'],
  ),

  accepts(
    'object lock with a default',
    bucket({
      versioning: { enabled: true },
      objectLock: { enabled: true, defaultRetention: { mode: 'COMPLIANCE', years: 1 } },
    }),
  ),
  accepts('object lock that is off', bucket({ objectLock: { enabled: false } })),
  refuses('object lock without versioning', bucket({ objectLock: { enabled: true } }), [
    'spec.objectLock',
    'objectLock needs versioning.enabled: true',
  ]),
  refuses(
    'object lock with suspended versioning',
    bucket({ versioning: { enabled: false }, objectLock: { enabled: true } }),
    ['spec.objectLock', 'objectLock needs versioning.enabled: true'],
  ),
  refuses(
    'a default retention without object lock',
    bucket({ objectLock: { defaultRetention: { mode: 'GOVERNANCE', days: 1 } } }),
    ['spec.objectLock', 'defaultRetention needs enabled: true'],
  ),
  refuses(
    'a default retention with days and years',
    bucket({
      versioning: { enabled: true },
      objectLock: { enabled: true, defaultRetention: { mode: 'GOVERNANCE', days: 1, years: 1 } },
    }),
    ['spec.objectLock.defaultRetention', 'exactly one of days and years'],
  ),
  refuses(
    'a default retention without mode',
    bucket({ versioning: { enabled: true }, objectLock: { enabled: true, defaultRetention: { days: 1 } } }),
    ['spec.objectLock.defaultRetention.mode', 'Required value'],
    rulesNotChecked,
  ),

  refuses(
    'a default retention of no days',
    bucket({
      versioning: { enabled: true },
      objectLock: { enabled: true, defaultRetention: { mode: 'GOVERNANCE', days: 0 } },
    }),
    ['spec.objectLock.defaultRetention.days', 'should be greater than or equal to 1'],
  ),
  refuses(
    'an unknown mode of retention',
    bucket({
      versioning: { enabled: true },
      objectLock: { enabled: true, defaultRetention: { mode: 'Governance', days: 1 } },
    }),
    ['spec.objectLock.defaultRetention.mode', 'supported values: "GOVERNANCE", "COMPLIANCE"'],
    rulesNotChecked,
  ),

  accepts('a quota', bucket({ quota: { maxBytes: 10_737_418_240 } })),
  accepts('no quota', bucket({ quota: { maxBytes: 0 } })),
  refuses('a negative quota', bucket({ quota: { maxBytes: -1 } }), [
    'spec.quota.maxBytes',
    'should be greater than or equal to 0',
  ]),
  refuses(
    'a quota as text',
    bucket({ quota: { maxBytes: '10Gi' } }),
    ['spec.quota.maxBytes', 'must be of type integer'],
    rulesNotChecked,
  ),
  refuses('a quota of nothing', bucket({ quota: {} }), ['spec.quota.maxBytes', 'Required value'], rulesNotChecked),
  refuses('a quota for objects', bucket({ quota: { maxBytes: 1, maxObjects: 5 } }), [
    '',
    'unknown field "spec.quota.maxObjects"',
  ]),

  accepts('a trail by name', trail({})),
  accepts(
    'a trail by ARN',
    trail({ trail: 'arn:aws:cloudtrail:eu-west-1:123456789012:trail/main-trail', events: 'WriteOnly' }),
  ),
  refuses('no trail', trail({ trail: undefined }), ['spec.cloudTrail.trail', 'Required value'], rulesNotChecked),
  refuses('a trail with a space', trail({ trail: 'main trail' }), [
    'spec.cloudTrail.trail',
    'trail must be the name of a trail',
  ]),
  refuses(
    'unknown events of a trail',
    trail({ events: 'Some' }),
    ['spec.cloudTrail.events', 'supported values: "All", "ReadOnly", "WriteOnly"'],
    rulesNotChecked,
  ),
];

/** Small features, each written wrongly as people do who come from the S3 API or from another operator. */
const shapeCases = (
  [
    ['versioning', 'Enabled', 'spec.versioning', 'must be of type object'],
    ['versioning', { enabled: 'Enabled' }, 'spec.versioning.enabled', 'must be of type boolean'],
    ['versioning', { status: 'Enabled' }, '', 'unknown field "spec.versioning.status"'],
    ['encryption', 'AES256', 'spec.encryption', 'must be of type object'],
    ['encryption', { sseAlgorithm: 'AES256' }, '', 'unknown field "spec.encryption.sseAlgorithm"'],
    ['publicAccess', false, 'spec.publicAccess', 'must be of type object'],
    ['publicAccess', 'Blocked', 'spec.publicAccess', 'must be of type object'],
    ['publicAccess', { blockPublicAcls: 'false' }, 'spec.publicAccess.blockPublicAcls', 'must be of type boolean'],
    ['publicAccess', { enabled: true }, '', 'unknown field "spec.publicAccess.enabled"'],
    ['requestPayment', 'Requester', 'spec.requestPayment', 'must be of type object'],
    ['requestPayment', { requester: true }, '', 'unknown field "spec.requestPayment.requester"'],
    [
      'requestPayment',
      { payer: 'requester' },
      'spec.requestPayment.payer',
      'supported values: "BucketOwner", "Requester"',
    ],
    ['requestPayment', { payer: 'Requester', enabled: true }, '', 'unknown field "spec.requestPayment.enabled"'],
    ['accelerate', true, 'spec.accelerate', 'must be of type object'],
    ['accelerate', 'Suspended', 'spec.accelerate', 'must be of type object'],
    ['accelerate', { enabled: 'Enabled' }, 'spec.accelerate.enabled', 'must be of type boolean'],
    ['accelerate', { enabled: true, status: 'Enabled' }, '', 'unknown field "spec.accelerate.status"'],
    ['cloudTrail', 'main-trail', 'spec.cloudTrail', 'must be of type object'],
    ['cloudTrail', { enabled: 'yes', trail: 'main-trail' }, 'spec.cloudTrail.enabled', 'must be of type boolean'],
    ['cloudTrail', { enabled: true, trailName: 'main-trail' }, '', 'unknown field "spec.cloudTrail.trailName"'],
  ] as const
).map(([feature, value, field, message]) =>
  refuses(
    `${feature} as ${JSON.stringify(value)}`,
    bucket({ [feature]: value }),
    [field, message],
    ...(field === '' ? [] : [rulesNotChecked]),
  ),
);

export const bucketCases = [
  accepts('a minimal Bucket', bucket()),
  accepts('a Bucket at a Provider elsewhere', bucket({ providerRef: { name: 'provider', namespace: 'storage' } })),
  accepts('a Bucket in a region of its own', bucket({ region: 'eu-west-1' })),
  accepts('a Bucket that is emptied and deleted', bucket({ deletionPolicy: 'Delete', forceDelete: true })),
  ...['IfOwned', 'Always', 'Never'].map((adoptionPolicy) =>
    accepts(`adoptionPolicy ${adoptionPolicy}`, bucket({ adoptionPolicy })),
  ),
  accepts('a Bucket that others may refer to', bucket({ allowedNamespaces: { names: ['apps'] } })),
  refuses('no Provider', bucket({ providerRef: undefined }), ['spec.providerRef', 'Required value'], rulesNotChecked),
  refuses(
    'a Provider without name',
    bucket({ providerRef: {} }),
    ['spec.providerRef.name', 'Required value'],
    rulesNotChecked,
  ),
  refuses('a Provider with a name that none can have', bucket({ providerRef: { name: 'My_Provider' } }), [
    'spec.providerRef.name',
    badObjectName,
  ]),
  refuses(
    'a Provider in a namespace that none can be called',
    bucket({ providerRef: { name: 'a', namespace: 'a.b' } }),
    ['spec.providerRef.namespace', 'must be the name of a namespace'],
  ),
  refuses(
    'an unknown deletionPolicy',
    bucket({ deletionPolicy: 'Orphan' }),
    ['spec.deletionPolicy', 'supported values: "Retain", "Delete"'],
    rulesNotChecked,
  ),
  refuses(
    'an unknown adoptionPolicy',
    bucket({ adoptionPolicy: 'Sometimes' }),
    ['spec.adoptionPolicy', 'supported values: "IfOwned", "Always", "Never"'],
    rulesNotChecked,
  ),
  refuses('an unknown key', bucket({ acl: 'private' }), ['', 'unknown field "spec.acl"']),
  ...nameCases,
  ...featureCases,
  ...shapeCases,
];
