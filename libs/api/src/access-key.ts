import Type from 'typebox';
import { identityPolicyDocument } from './policy-document.ts';
import { objectName, reference, secretKeyDotsRule, secretKeyRule } from './references.ts';
import { bucketKeyPrefix, group, presetsOfOneBucket, secretKeyNames, secretPresets } from './resources.ts';
import { instant, list, optional, rules, stringMap, text, type Typed } from './schema.ts';
import { mostUserTags, tags } from './tags.ts';

const days = (description: string, value: number, minimum: number) =>
  Type.Integer({ description, default: value, minimum, maximum: 3650 });

const rotate = Type.Object(
  {
    enabled: Type.Boolean({ description: 'True: replace the key pair from time to time.', default: false }),
    intervalDays: days('Days between rotations.', 90, 1),
    previousKeysRetentionDays: days('Days that the previous key pair stays valid.', 7, 0),
  },
  {
    description: 'Replacement of the key pair.',
    ...rules({
      rule: 'self.previousKeysRetentionDays < self.intervalDays',
      message: 'previousKeysRetentionDays must be less than intervalDays; a server keeps two key pairs at most',
    }),
  },
);

const access = Type.Object(
  {
    bucketRef: reference('Bucket', 'The Bucket that the rights are for.'),
    level: Type.Enum(['ReadOnly', 'WriteOnly', 'ReadWrite', 'Admin'], {
      description:
        'What the key may do in the bucket. ReadOnly: list the bucket; read objects, their versions and tags. WriteOnly: write ' +
        'objects and their tags, also in parts; neither list, read nor delete. ReadWrite: both, and delete objects, but not ' +
        'their versions. Admin: s3:*, also the settings, the policy and the deletion of the bucket. docs/access-levels.md lists the actions.',
    }),
    prefix: optional(
      text(
        'Only objects whose key begins so.',
        512,
        rules({
          rule: "!self.contains('*') && !self.contains('?') && !self.contains('$')",
          message: 'prefix is plain text: *, ? and $ have a meaning in policies',
        }),
      ),
    ),
  },
  {
    description: 'Rights in one bucket.',
    ...rules({
      rule: "!has(self.prefix) || self.level != 'Admin'",
      message: 'level Admin is for the whole bucket: leave prefix out',
    }),
  },
);

const ownPrefix = (what: string) => ({
  rule: `self.all(key, !key.startsWith('${group}/'))`,
  message: `${what} that begin with '${group}/' are the operator's own`,
});

/** Source: Kubernetes, labels and annotations: syntax of their keys. */
const qualifiedNames = (what: string) => ({
  rule: `self.all(key, size(key) < 318 && key.matches('^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))`,
  message: `the keys of ${what} are names of at most 63 letters, digits, '-', '_' and '.', with a DNS name and '/' before them or not`,
});

const labelValues = {
  rule: "self.all(key, self[key].matches('^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$'))",
  message: "values of labels are letters, digits, '-', '_' and '.', with a letter or digit at both ends",
};

const mostAccess = 50;

const celList = (names: readonly string[]): string => `[${names.map((name) => `'${name}'`).join(', ')}]`;

/** CEL: whether a key of the Secret is one of its own, before `secretKeys`. */
const isOwnKey = (key: string): string =>
  `(${key} in ${celList(secretKeyNames)} || ${key}.startsWith('${bucketKeyPrefix}'))`;

/**
 * A template in which each `$(` names one of `names`, or has another `$` before it. One expression: the API server bounds what a rule costs when
 * the CRD is made, and again with each object.
 */
const templatePattern = (names: string): string => `^([^$]|[$]+[^$(]|[$][$]+[(]|[$][(](${names})[)])*[$]*$`;
const anyName = '[-._a-zA-Z0-9]+';
const knownName = [...secretKeyNames.map((name) => name.replaceAll('.', '[.]')), `${bucketKeyPrefix}${anyName}`].join(
  '|',
);

/** In longer templates the controller alone looks at the names: twenty of them would cost the API server too much. */
const longestChecked = 4_096;

const secretTemplate = Type.Object(
  {
    presets: optional(
      Type.Array(Type.Enum(secretPresets, { description: 'One shape.' }), {
        description:
          'Further keys of the Secret, in the shape that an app expects. AwsCredentials: files for ~/.aws. Rclone: rclone.conf. ' +
          'RookObjectBucketClaim: the names of Rook, also in a ConfigMap with the name of the Secret. CosiBucketInfo: BucketInfo. Loki: the Secret of a LokiStack. ' +
          'Thanos: objstore.yml. Velero: cloud. CloudNativePG: the names of its documentation. Harbor: the names of its chart. docs/clients.md has each.',
        maxItems: secretPresets.length,
        'x-kubernetes-list-type': 'set',
      }),
    ),
    data: optional(
      Type.Record(Type.String(), Type.String({ description: 'The template.', maxLength: 16_384 }), {
        description:
          'Further keys of the Secret, each with its template: $(access-key-id) stands for the value of that key of the Secret, by its own name, before secretKeys; $$( is a plain $(.',
        maxProperties: 20,
        ...rules(
          {
            rule: "self.all(key, size(key) <= 253 && key.matches('^[-._a-zA-Z0-9]+$') && key != '.' && !key.startsWith('..'))",
            message: 'must be keys of a Secret: at most 253 letters, digits, hyphens, underscores and dots',
          },
          {
            rule: `self.all(key, !${isOwnKey('key')})`,
            message: 'the Secret has a key of this name already; choose another one',
          },
          {
            rule: `self.all(key, size(self[key]) > ${longestChecked} ? self[key].matches('${templatePattern(anyName)}') : self[key].matches('${templatePattern(knownName)}'))`,
            message: `a template has a "$(" that does not name a value. The values are ${secretKeyNames.join(', ')}, and ${bucketKeyPrefix}<name of the Bucket>; write "$$(" for a plain "$("`,
          },
        ),
      }),
    ),
  },
  { description: 'Further keys of the Secret, made of the same values.' },
);

/** A key pair and where it is kept. */
export const accessKeySpec = Type.Object(
  {
    providerRef: reference(
      'Provider',
      'The Provider that issues the key. Cannot be changed once a user or key was created.',
    ),
    displayName: optional(
      text(
        "Name for people. It shows at the provider: as the user's tag s3.cloud37.dev/display-name where users have tags, in the " +
          'description of the key on MinIO.',
        128,
      ),
    ),
    policy: optional(identityPolicyDocument),
    access: optional(
      list('Rights in buckets, the ordinary way to ask for them; joined with policy.', access, mostAccess),
    ),
    tags: optional(tags('Tags of the user behind the key.', mostUserTags)),
    rotate: optional(rotate),
    secretName: optional(objectName('Name of the Secret that gets the key pair; <name>-credentials when left out.')),
    secretLabels: optional(
      stringMap('Labels of the Secret.', 50, 63, rules(ownPrefix('labels'), qualifiedNames('labels'), labelValues)),
    ),
    secretAnnotations: optional(
      stringMap('Annotations of the Secret.', 50, 4096, rules(ownPrefix('annotations'), qualifiedNames('annotations'))),
    ),
    secretKeys: optional(
      Type.Record(Type.String(), text('The key it gets.', 253, rules(secretKeyRule, secretKeyDotsRule)), {
        description: `Other names for the keys of the Secret: from one of ${secretKeyNames.join(', ')}, ${bucketKeyPrefix}<name of the Bucket> to the name it gets.`,
        maxProperties: secretKeyNames.length + mostAccess,
        ...rules(
          {
            rule: `self.all(key, ${isOwnKey('key')})`,
            message: `only these keys can be renamed: ${secretKeyNames.join(', ')}, ${bucketKeyPrefix}<name of the Bucket>`,
          },
          {
            rule: 'self.all(a, self.all(b, a == b || self[a] != self[b]))',
            message: 'two keys cannot get the same name',
          },
          {
            rule: `self.all(key, !${isOwnKey('self[key]')} || self[key] in self)`,
            message: 'the new name is the name of another key; rename that one too',
          },
        ),
      }),
    ),
    secretTemplate: optional(secretTemplate),
    rollout: optional(
      list(
        'Who is restarted after the pair in the Secret changed: workloads in the namespace of this object. A previous key stays until they have finished, at most a day longer than ' +
          'previousKeysRetentionDays.',
        Type.Object(
          {
            kind: Type.Enum(['Deployment', 'StatefulSet', 'DaemonSet'], { description: 'Kind of the workload.' }),
            name: objectName('Its name.'),
          },
          { description: 'One workload.' },
        ),
        20,
      ),
    ),
  },
  {
    description: 'The key pair, its rights and where it is kept.',
    ...rules(
      {
        rule: `!has(self.secretTemplate) || !has(self.secretTemplate.presets) || !self.secretTemplate.presets.exists(preset, preset in ${celList(presetsOfOneBucket)}) || (has(self.access) && size(self.access) > 0)`,
        message: `the presets ${presetsOfOneBucket.join(', ')} are for one bucket; name it in access`,
        fieldPath: '.secretTemplate',
      },
      {
        rule: '!has(self.secretTemplate) || !has(self.secretTemplate.data) || !has(self.secretKeys) || self.secretTemplate.data.all(key, self.secretKeys.all(renamed, self.secretKeys[renamed] != key))',
        message: 'secretKeys gives another key the name of one of secretTemplate.data; choose another one',
        fieldPath: '.secretTemplate',
      },
    ),
  },
);

const keyId = (description: string) => Type.String({ description, maxLength: 256 });

const request = (description: string) => Type.String({ description, maxLength: 4096 });

/** What the accesskey-controller did; never a secret. Conditions and observedGeneration are the runtime's. */
export const accessKeyStatus = Type.Object({
  accessKeyId: optional(keyId('Id of the current key pair.')),
  created: optional(Type.Boolean({ description: 'Whether the key pair exists at the provider.' })),
  userName: optional(
    Type.String({ description: 'User at the provider that has the key pair; ours alone.', maxLength: 256 }),
  ),
  userArn: optional(
    Type.String({ description: 'How a bucket policy names the user; what accessKeyRef stands for.', maxLength: 2048 }),
  ),
  secretName: optional(Type.String({ description: 'Secret that has the key pair.', maxLength: 253 })),
  policyHash: optional(
    Type.String({ description: 'Hash of the policy that was applied to the user.', maxLength: 128 }),
  ),
  pairGeneration: optional(
    Type.Integer({
      description: 'Grows by one with each key pair that the Secret gets; tells that a rotation has finished.',
      minimum: 1,
      format: 'int64',
    }),
  ),
  answeredRotateRequest: optional(request('Value of rotate-requested-at that was answered last.')),
  answeredRevokeRequest: optional(request('Value of revoke-requested-at that was answered last.')),
  answeredProviderRevokeRequest: optional(
    request('Value of revoke-requested-at on the Provider that was answered last.'),
  ),
  lastRotateTime: optional(instant('When the current key pair was issued.')),
  nextRotateTime: optional(instant('When the next rotation is due; absent without rotate.enabled.')),
  keyIntent: optional(
    Type.Object(
      {
        at: instant('When it was decided.'),
        userName: Type.String({ description: 'User that gets the key pair.', maxLength: 256 }),
        accessKeyId: optional(keyId('Id of the key pair: where we choose it, and once it is in the Secret.')),
        requests: optional(
          Type.Object(
            {
              rotate: optional(request('Value of rotate-requested-at.')),
              revoke: optional(request('Value of revoke-requested-at.')),
              providerRevoke: optional(request('Value of revoke-requested-at on the Provider.')),
            },
            { description: 'Requests that the key pair answers.' },
          ),
        ),
      },
      {
        description:
          'Set before a key pair is made; tells after a crash what may be a stray. Stays while the server may hide one, and until no key is shown that a revocation removes.',
      },
    ),
  ),
  grantedBuckets: optional(
    list(
      'Buckets that the key has rights in, each as namespace/name of its Bucket object.',
      Type.String({ description: 'Namespace and name of one Bucket.', maxLength: 317 }),
      50,
    ),
  ),
  proof: optional(
    Type.String({
      description:
        'Proof that the operator wrote userName, grantedBuckets and answeredProviderRevokeRequest; without it they do not count.',
      maxLength: 128,
    }),
  ),
  rollouts: optional(
    list(
      'How far the restarts of spec.rollout are.',
      Type.Object(
        {
          kind: Type.Enum(['Deployment', 'StatefulSet', 'DaemonSet'], { description: 'Kind of the workload.' }),
          name: Type.String({ description: 'Its name.', maxLength: 253 }),
          pairGeneration: optional(
            Type.Integer({
              description: 'The pair that its Pods were last restarted for; absent where they were not.',
              minimum: 1,
              format: 'int64',
            }),
          ),
          finished: Type.Boolean({ description: 'Whether all its Pods have the pair of the Secret.' }),
        },
        { description: 'One workload.' },
      ),
      20,
    ),
  ),
  previousKeys: optional(
    list(
      'Earlier key pairs that are still valid, or that the server still shows after their removal.',
      Type.Object(
        { accessKeyId: keyId('Id of the key pair.'), expiresAt: instant('When it is removed.') },
        { description: 'One earlier key pair.' },
      ),
      100,
    ),
  ),
  foreignKeys: optional(
    list(
      'Keys of the user that the operator did not make. They stay, unless all keys are revoked.',
      keyId('Id of one.'),
      100,
    ),
  ),
});

export type AccessKeySpec = Typed<typeof accessKeySpec>;
export type AccessKeyStatus = Typed<typeof accessKeyStatus>;
export type AccessEntry = NonNullable<AccessKeySpec['access']>[number];
export type AccessLevel = AccessEntry['level'];
