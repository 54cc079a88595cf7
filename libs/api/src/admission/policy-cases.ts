import {
  accessKeyWith as accessKey,
  badObjectName,
  bucketPolicyWith as bucketPolicy,
  casesFor,
  many,
  rulesNotChecked,
  statementWith,
} from './case.ts';

const { accepts, refuses } = casesFor('BucketPolicy');
const forKeys = casesFor('AccessKey');

const statement = (change: Record<string, unknown> = {}) =>
  bucketPolicy({ policy: { statement: [statementWith(change)] } });
const capitals =
  'IAM names with capitals are not accepted: write version, statement, sid, effect, principal, action, resource and condition in lower case';
const pasted = {
  Version: '2012-10-17',
  Statement: [{ Sid: 'a', Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' }],
};

export const bucketPolicyCases = [
  accepts('a minimal BucketPolicy', bucketPolicy()),
  accepts(
    'a principal as an object',
    statement({ principal: { AWS: ['arn:aws:iam::123456789012:root', '210987654321'] } }),
  ),
  accepts('a principal by AccessKey', statement({ principal: { accessKeyRef: { name: 'app' } } })),
  accepts(
    'actions and resources as lists',
    statement({
      action: ['s3:GetObject', 's3:PutObject'],
      resource: ['arn:aws:s3:::${bucket}', 'arn:aws:s3:::${bucket}/*'],
    }),
  ),
  accepts(
    'the opposite forms',
    statement({
      effect: 'Deny',
      principal: undefined,
      notPrincipal: { AWS: '123456789012' },
      action: undefined,
      notAction: 's3:GetObject',
      resource: undefined,
      notResource: 'arn:aws:s3:::${bucket}/a',
    }),
  ),
  accepts(
    'a condition',
    statement({ condition: { IpAddress: { 'aws:SourceIp': ['10.0.0.0/8'] }, Bool: { 'aws:SecureTransport': true } } }),
  ),
  accepts(
    'the older version of the language',
    bucketPolicy({ policy: { version: '2008-10-17', statement: [statementWith()] } }),
  ),
  accepts('a sid', statement({ sid: 'ReadForAll' })),
  accepts('a Bucket elsewhere', bucketPolicy({ bucketRef: { name: 'b', namespace: 'storage' } })),
  refuses('a pasted IAM document', bucketPolicy({ policy: pasted }), ['spec.policy', capitals]),
  refuses('a pasted IAM document without version', bucketPolicy({ policy: { Statement: pasted.Statement } }), [
    'spec.policy',
    capitals,
  ]),
  refuses('a pasted version', bucketPolicy({ policy: { Version: '2012-10-17', statement: [statementWith()] } }), [
    'spec.policy',
    capitals,
  ]),
  refuses('a pasted id', bucketPolicy({ policy: { Id: 'x', statement: [statementWith()] } }), [
    'spec.policy',
    'Id is not accepted: leave it out',
  ]),
  refuses('a pasted statement', bucketPolicy({ policy: { statement: pasted.Statement } }), [
    'spec.policy.statement[0]',
    capitals,
  ]),
  refuses('a pasted sid', statement({ Sid: 'a' }), ['spec.policy.statement[0]', capitals]),
  refuses(
    'an unknown version',
    bucketPolicy({ policy: { version: '2020-01-01', statement: [statementWith()] } }),
    ['spec.policy.version', 'supported values: "2012-10-17", "2008-10-17"'],
    rulesNotChecked,
  ),
  refuses(
    'an effect in lower case',
    statement({ effect: 'allow' }),
    ['spec.policy.statement[0].effect', 'Unsupported value: "allow": supported values: "Allow", "Deny"'],
    rulesNotChecked,
  ),
  refuses('no effect', statement({ effect: undefined }), [
    'spec.policy.statement[0]',
    'a statement needs effect: Allow or Deny',
  ]),
  refuses('no statement', bucketPolicy({ policy: {} }), [
    'spec.policy',
    'a policy needs statement, a list, in lower case',
  ]),
  refuses('an empty list of statements', bucketPolicy({ policy: { statement: [] } }), [
    'spec.policy.statement',
    'should have at least 1 items',
  ]),
  refuses(
    'a statement that is no list',
    bucketPolicy({ policy: { statement: {} } }),
    ['spec.policy.statement', 'must be of type array'],
    rulesNotChecked,
  ),
  refuses(
    'one statement as an object, which IAM would take',
    bucketPolicy({ policy: { statement: statementWith() } }),
    ['spec.policy.statement', 'must be of type array'],
    rulesNotChecked,
  ),
  ...(['principal', 'action', 'resource'] as const).flatMap((key) => {
    const opposite = `not${key.charAt(0).toUpperCase()}${key.slice(1)}`;
    const complaint = ['spec.policy.statement[0]', `a statement needs exactly one of ${key} and ${opposite}`] as const;
    return [
      refuses(`no ${key}`, statement({ [key]: undefined }), complaint),
      refuses(`${key} and ${opposite}`, statement({ [opposite]: statementWith()[key] }), complaint),
      refuses(`${key} that is null`, statement({ [key]: null }), complaint),
      refuses(`a pasted ${key} beside our own`, statement({ [`${key.charAt(0).toUpperCase()}${key.slice(1)}`]: '*' }), [
        'spec.policy.statement[0]',
        capitals,
      ]),
    ];
  }),
  refuses(
    'a second statement that says nothing',
    bucketPolicy({ policy: { statement: [statementWith(), {}] } }),
    ...[
      'a statement needs effect: Allow or Deny',
      'a statement needs exactly one of principal and notPrincipal',
      'a statement needs exactly one of action and notAction',
      'a statement needs exactly one of resource and notResource',
    ].map((message) => ['spec.policy.statement[1]', message] as const),
  ),
  refuses(
    'an operator of a condition that is no object',
    statement({ condition: { StringEquals: 'x' } }),
    ['spec.policy.statement[0].condition.StringEquals', 'must be of type object'],
    rulesNotChecked,
  ),
  refuses(
    'a condition that is no object',
    statement({ condition: 'true' }),
    ['spec.policy.statement[0].condition', 'must be of type object'],
    rulesNotChecked,
  ),
  refuses(
    'too many statements',
    bucketPolicy({ policy: { statement: many(101, () => statementWith()) } }),
    ['spec.policy.statement', 'must have at most 100 items'],
    rulesNotChecked,
  ),
  refuses('an unknown key in a statement', statement({ actions: 's3:GetObject' }), [
    '',
    'unknown field "spec.policy.statement[0].actions"',
  ]),
  refuses('an unknown key in the policy', bucketPolicy({ policy: { statement: [statementWith()], statements: [] } }), [
    '',
    'unknown field "spec.policy.statements"',
  ]),
  refuses(
    'a policy as text',
    bucketPolicy({ policy: JSON.stringify(pasted) }),
    ['spec.policy', 'must be of type object'],
    rulesNotChecked,
  ),
  refuses('no policy', bucketPolicy({ policy: undefined }), ['spec.policy', 'Required value'], rulesNotChecked),
  refuses('no Bucket', bucketPolicy({ bucketRef: undefined }), ['spec.bucketRef', 'Required value'], rulesNotChecked),
];

const key = forKeys;
const identity = { effect: 'Allow', action: 's3:*', resource: '*' };
const rename = (secretKeys: Record<string, string>) => accessKey({ secretKeys });

export const accessKeyCases = [
  key.accepts('a minimal AccessKey', accessKey()),
  key.accepts(
    'an AccessKey with everything set',
    accessKey({
      displayName: 'Reports',
      policy: { statement: [{ sid: 'All', ...identity }] },
      access: [
        { bucketRef: { name: 'a' }, level: 'ReadOnly' },
        { bucketRef: { name: 'b', namespace: 'storage' }, level: 'ReadWrite', prefix: 'reports/' },
      ],
      tags: { team: 'data' },
      rotate: { enabled: true, intervalDays: 30, previousKeysRetentionDays: 3 },
      secretName: 'reports-s3',
      secretLabels: { app: 'reports' },
      secretAnnotations: { 'example.com/a': 'b' },
      secretKeys: { 'access-key-id': 'AWS_KEY', 'ca.crt': 'ca.pem' },
    }),
  ),
  ...['ReadOnly', 'WriteOnly', 'ReadWrite', 'Admin'].map((level) =>
    key.accepts(`level ${level}`, accessKey({ access: [{ bucketRef: { name: 'a' }, level }] })),
  ),
  key.accepts(
    'no retention of the previous pair',
    accessKey({ rotate: { enabled: true, previousKeysRetentionDays: 0 } }),
  ),
  key.accepts('a rotate block that asks for nothing', accessKey({ rotate: {} })),
  key.refuses(
    'no Provider',
    accessKey({ providerRef: undefined }),
    ['spec.providerRef', 'Required value'],
    rulesNotChecked,
  ),
  key.refuses(
    'an unknown level',
    accessKey({ access: [{ bucketRef: { name: 'a' }, level: 'Read' }] }),
    ['spec.access[0].level', 'supported values: "ReadOnly", "WriteOnly", "ReadWrite", "Admin"'],
    rulesNotChecked,
  ),
  key.refuses(
    'access without level',
    accessKey({ access: [{ bucketRef: { name: 'a' } }] }),
    ['spec.access[0].level', 'Required value'],
    rulesNotChecked,
  ),
  key.refuses(
    'access without bucket',
    accessKey({ access: [{ level: 'Admin' }] }),
    ['spec.access[0].bucketRef', 'Required value'],
    rulesNotChecked,
  ),
  key.refuses(
    'a prefix with a wildcard',
    accessKey({ access: [{ bucketRef: { name: 'a' }, level: 'ReadOnly', prefix: 'a/*' }] }),
    ['spec.access[0].prefix', 'prefix is plain text'],
  ),
  key.refuses(
    'Admin of a prefix',
    accessKey({ access: [{ bucketRef: { name: 'a' }, level: 'Admin', prefix: 'a/' }] }),
    ['spec.access[0]', 'level Admin is for the whole bucket'],
  ),
  key.refuses(
    'a principal in the policy of a user',
    accessKey({ policy: { statement: [{ ...identity, principal: '*' }] } }),
    ['', 'unknown field "spec.policy.statement[0].principal"'],
  ),
  key.refuses('a pasted IAM document', accessKey({ policy: pasted }), ['spec.policy', capitals]),
  key.refuses('a pasted statement', accessKey({ policy: { statement: pasted.Statement } }), [
    'spec.policy.statement[0]',
    capitals,
  ]),
  key.accepts(
    'the opposite forms in the policy of a user',
    accessKey({ policy: { statement: [{ effect: 'Deny', notAction: 's3:*', notResource: 'arn:aws:s3:::a' }] } }),
  ),
  key.refuses(
    'a statement of a user without action',
    accessKey({ policy: { statement: [{ effect: 'Allow', resource: '*' }] } }),
    ['spec.policy.statement[0]', 'a statement needs exactly one of action and notAction'],
  ),
  key.refuses(
    'a statement of a user with two kinds of resource',
    accessKey({ policy: { statement: [{ ...identity, notResource: '*' }] } }),
    ['spec.policy.statement[0]', 'a statement needs exactly one of resource and notResource'],
  ),
  key.refuses(
    'retention as long as the interval',
    accessKey({ rotate: { enabled: true, intervalDays: 7, previousKeysRetentionDays: 7 } }),
    ['spec.rotate', 'previousKeysRetentionDays must be less than intervalDays'],
  ),
  key.refuses('an interval below the default retention', accessKey({ rotate: { enabled: true, intervalDays: 5 } }), [
    'spec.rotate',
    'previousKeysRetentionDays must be less than intervalDays',
  ]),
  key.refuses(
    'a rotation every zero days',
    accessKey({ rotate: { intervalDays: 0 } }),
    ['spec.rotate.intervalDays', 'should be greater than or equal to 1'],
    ['spec.rotate', 'previousKeysRetentionDays must be less'],
  ),
  key.refuses('a negative retention', accessKey({ rotate: { previousKeysRetentionDays: -1 } }), [
    'spec.rotate.previousKeysRetentionDays',
    'should be greater than or equal to 0',
  ]),
  key.refuses('a Secret with a name that none can have', accessKey({ secretName: 'My_Secret' }), [
    'spec.secretName',
    badObjectName,
  ]),
  key.refuses('a label of the operator', accessKey({ secretLabels: { 's3.cloud37.dev/a': 'b' } }), [
    'spec.secretLabels',
    "labels that begin with 's3.cloud37.dev/' are the operator's own",
  ]),
  key.accepts(
    'a label and an annotation with a prefix',
    accessKey({
      secretLabels: { 'example.com/a-b_c.d': '' },
      secretAnnotations: { 'a.example.com/a': 'any text: ü' },
    }),
  ),
  key.refuses('a label with a key that no label can have', accessKey({ secretLabels: { 'bad key!': 'a' } }), [
    'spec.secretLabels',
    'the keys of labels are names of at most 63',
  ]),
  key.refuses('a label with a value that no label can have', accessKey({ secretLabels: { a: 'b c' } }), [
    'spec.secretLabels',
    'values of labels are letters',
  ]),
  key.refuses('an annotation with a key that none can have', accessKey({ secretAnnotations: { '/a': 'b' } }), [
    'spec.secretAnnotations',
    'the keys of annotations are names of at most 63',
  ]),
  key.refuses('a Secret key of dots', accessKey({ secretKeys: { endpoint: '..' } }), [
    'spec.secretKeys[endpoint]',
    "a key of a Secret cannot be '.' or begin with '..'",
  ]),
  key.refuses('an annotation of the operator', accessKey({ secretAnnotations: { 's3.cloud37.dev/a': 'b' } }), [
    'spec.secretAnnotations',
    "annotations that begin with 's3.cloud37.dev/' are the operator's own",
  ]),
  key.refuses('a new name for an unknown key', rename({ password: 'x' }), [
    'spec.secretKeys',
    'only these keys can be renamed: access-key-id, secret-access-key',
  ]),
  key.refuses('a new name that no Secret can have', rename({ region: 'a b' }), [
    'spec.secretKeys[region]',
    'must be a key of a Secret',
  ]),
  key.refuses('one new name for two keys', rename({ region: 'x', bucket: 'x' }), [
    'spec.secretKeys',
    'two keys cannot get the same name',
  ]),
  key.refuses('a new name that another key has', rename({ region: 'endpoint' }), [
    'spec.secretKeys',
    'is the name of another key',
  ]),
  key.accepts(
    'new names for the names of buckets',
    rename({ 'bucket-photos': 'PHOTOS', 'bucket-platform_x.y': 'THEIRS' }),
  ),
  key.refuses('a new name that the name of a bucket could have', rename({ region: 'bucket-photos' }), [
    'spec.secretKeys',
    'is the name of another key',
  ]),
  key.accepts(
    'presets and templates',
    accessKey({
      access: [{ bucketRef: { name: 'a' }, level: 'ReadOnly' }],
      secretKeys: { 'ca.crt': 'ca.pem' },
      secretTemplate: {
        presets: [
          'AwsCredentials',
          'Rclone',
          'RookObjectBucketClaim',
          'CosiBucketInfo',
          'Loki',
          'Thanos',
          'Velero',
          'CloudNativePG',
          'Harbor',
        ],
        data: {
          'app.conf': 'a\n$(endpoint)/$(bucket-a) $(ca.crt)$(bucket-platform_a.b) $$(x) $$$(x) $ $$ ${x} {{ x }} $',
          empty: '',
          long: '$(ca.crt)'.repeat(1_820),
        },
      },
    }),
  ),
  key.accepts('a template without anything', accessKey({ secretTemplate: {} })),
  key.accepts('presets without a bucket', accessKey({ secretTemplate: { presets: ['Velero', 'AwsCredentials'] } })),
  key.refuses(
    'an unknown preset',
    accessKey({ secretTemplate: { presets: ['Mimir'] } }),
    ['spec.secretTemplate.presets[0]', 'Unsupported value'],
    rulesNotChecked,
  ),
  key.refuses('a preset twice', accessKey({ secretTemplate: { presets: ['Velero', 'Velero'] } }), [
    'spec.secretTemplate.presets[1]',
    'Duplicate value',
  ]),
  key.refuses('a preset of a bucket without access', accessKey({ secretTemplate: { presets: ['Thanos'] } }), [
    'spec.secretTemplate',
    'are for one bucket; name it in access',
  ]),
  ...[
    '$(bukcet)',
    'a $(',
    '$()',
    '$( endpoint )',
    'a\n $(bucket-',
    '$(caxcrt)',
    '$(__proto__)',
    '$(bucket-a b)',
    `$(endpoint) $(no)${'x'.repeat(4_000)}`,
    `$(ca.crt)${'x'.repeat(16_000)}$(`,
  ].map((template) =>
    key.refuses(
      `the template ${JSON.stringify(template.slice(0, 20))}`,
      accessKey({ secretTemplate: { data: { a: template } } }),
      ['spec.secretTemplate.data', 'a template has a "$(" that does not name a value. The values are access-key-id,'],
    ),
  ),
  key.accepts(
    'twenty templates as long as they may be',
    accessKey({
      secretTemplate: {
        data: Object.fromEntries(
          Array.from({ length: 20 }, (_, index) => [`key-${index}`, '$(bucket-x) '.repeat(1_365)]),
        ),
      },
    }),
  ),
  key.accepts(
    'twenty templates whose names are all looked at',
    accessKey({
      secretTemplate: {
        data: Object.fromEntries(
          Array.from({ length: 20 }, (_, index) => [`key-${index}`, '$(bucket-x) '.repeat(341)]),
        ),
      },
    }),
  ),
  key.refuses(
    'a template of more than 16 KiB',
    accessKey({ secretTemplate: { data: { a: 'x'.repeat(16_385) } } }),
    ['spec.secretTemplate.data.a', 'may not be more than 16384'],
    rulesNotChecked,
  ),
  key.refuses(
    'more than 20 templates',
    accessKey({
      secretTemplate: { data: Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`k${index}`, ''])) },
    }),
    ['spec.secretTemplate.data', 'must have at most 20 items'],
    rulesNotChecked,
  ),
  ...['a b', '..', 'x'.repeat(254)].map((name) =>
    key.refuses(`a template for the key ${name.slice(0, 8)}`, accessKey({ secretTemplate: { data: { [name]: '' } } }), [
      'spec.secretTemplate.data',
      'must be keys of a Secret: at most 253',
    ]),
  ),
  ...['endpoint', 'bucket-photos'].map((name) =>
    key.refuses(`a template for the own key ${name}`, accessKey({ secretTemplate: { data: { [name]: '' } } }), [
      'spec.secretTemplate.data',
      'the Secret has a key of this name already',
    ]),
  ),
  key.refuses(
    'a template for the new name of a key',
    accessKey({ secretKeys: { endpoint: 'url' }, secretTemplate: { data: { url: '' } } }),
    ['spec.secretTemplate', 'secretKeys gives another key the name of one of secretTemplate.data'],
  ),
  key.accepts(
    'rollouts',
    accessKey({
      rollout: [
        { kind: 'Deployment', name: 'web' },
        { kind: 'StatefulSet', name: 'db.a' },
        { kind: 'DaemonSet', name: 'agent' },
      ],
    }),
  ),
  key.refuses(
    'a rollout of a kind that has none',
    accessKey({ rollout: [{ kind: 'Job', name: 'a' }] }),
    ['spec.rollout[0].kind', 'Unsupported value: "Job"'],
    rulesNotChecked,
  ),
  key.refuses('a rollout in another namespace', accessKey({ rollout: [{ kind: 'Deployment', name: 'other/web' }] }), [
    'spec.rollout[0].name',
    badObjectName,
  ]),
  key.refuses('a tag key that AWS reserves', accessKey({ tags: { 'aws:a': 'b' } }), [
    'spec.tags',
    "tag keys that begin with 'aws:' are reserved",
  ]),
  key.refuses('an unknown key', accessKey({ secret: 'x' }), ['', 'unknown field "spec.secret"']),
  key.refuses(
    'a display name of 129 characters',
    accessKey({ displayName: 'a'.repeat(129) }),
    ['spec.displayName', 'may not be more than 128'],
    rulesNotChecked,
  ),
  {
    ...key.refuses('a name too long for the default name of the Secret', accessKey(), ['', 'set spec.secretName']),
    name: 'a'.repeat(242),
  },
  {
    ...key.accepts('a long name beside a name for the Secret', accessKey({ secretName: 'short' })),
    name: 'a'.repeat(242),
  },
];
