import Type from 'typebox';
import { allowedNamespaces, secretKeyReference } from './references.ts';
import { group, labels } from './resources.ts';
import { instant, list, optional, rules, text, type CelRule, type Typed } from './schema.ts';

const octet = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';

const urlRules = (name: string): readonly CelRule[] => [
  {
    rule: "self.matches('^https?://[^/]')",
    message: `${name} must be a URL that begins with http:// or https:// and names a host`,
  },
  { rule: "!self.contains('@')", message: `${name} must not hold credentials; they come from Secrets` },
  { rule: "!self.contains('?') && !self.contains('#')", message: `${name} must not have a query or a fragment` },
  { rule: "!self.matches('^https?://[^/?#]*/[^?#]')", message: `${name} must not have a path` },
  {
    rule: "self.matches('^https?://([A-Za-z0-9._-]+|[[][0-9A-Fa-f:.]+[]])(:[0-9]{1,5})?/?$') || self.matches('[@?#]') || self.matches('^https?://[^/?#]*/[^?#]') || !self.matches('^https?://[^/]')",
    message: `${name} must have a host name or address and at most a port`,
  },
  {
    rule: "!self.matches('^https?://[^/?#@]*:[0-9]{5}/?$') || self.matches(':([0-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])/?$')",
    message: `${name} must have a port of 0 to 65535`,
  },
  {
    // A host that ends in a number is an address. Source: WHATWG URL, the ends-in-a-number checker.
    rule: `!self.matches('^https?://([A-Za-z0-9._-]*[.])?([0-9]+|0[xX][0-9A-Fa-f]*)[.]?(:[0-9]{1,5})?/?$') || self.matches('^https?://(${octet}[.]){3}${octet}(:[0-9]{1,5})?/?$')`,
    message: `${name} must have an address of four numbers of 0 to 255, or a name that does not end in a number`,
  },
];

const regionRule: CelRule = {
  rule: "self.matches('^[A-Za-z0-9][A-Za-z0-9._-]*$')",
  message: 'a region has letters, digits, hyphens, underscores and dots',
};

/** Name of a region as the server knows it. */
export const region = (description: string) => text(description, 64, rules(regionRule));

const url = (name: string, description: string) => text(description, 512, rules(...urlRules(name)));

/** Source: IAM User Guide, IAM ARNs; the account of AWS' own policies is `aws`. */
const boundaryRule: CelRule = {
  rule: "self == '' || self.matches('^arn:aws[a-z-]*:iam::(aws|[A-Za-z0-9]{12,20}):policy/[A-Za-z0-9+=,.@_/-]+$')",
  message:
    'permissionsBoundaryArn must be the ARN of a policy, such as arn:aws:iam::123456789012:policy/bounds, or empty',
};

const borrowerTagRule: CelRule = {
  rule: `!self.startsWith('aws:') && !self.startsWith('${group}/')`,
  message: `tag keys that begin with 'aws:' or '${group}/' cannot be set`,
};

const auth = Type.Object(
  {
    accessKeySecretRef: secretKeyReference('Where the access key id is.', 'access-key'),
    secretKeySecretRef: secretKeyReference('Where the secret access key is.', 'secret-key'),
    sessionTokenSecretRef: optional(
      secretKeyReference('Where the session token of temporary credentials is.', 'session-token'),
    ),
  },
  { description: 'Credentials of the account that manages buckets, policies and keys.' },
);

const tls = Type.Object(
  {
    insecureSkipVerify: Type.Boolean({ description: "True: do not check the server's certificate.", default: false }),
    caCertSecretRef: optional(
      secretKeyReference(
        'Where the PEM certificates are that are trusted besides the usual roots. What else stands there is left out.',
        'ca.crt',
      ),
    ),
  },
  { description: 'How the TLS connection is checked.' },
);

const retry = Type.Object(
  {
    maxAttempts: Type.Integer({
      description: 'Attempts in total for one call, the first included.',
      default: 3,
      minimum: 1,
      maximum: 20,
    }),
    backoffStrategy: Type.Enum(['exponential', 'linear'], {
      description: 'How the pause between attempts grows.',
      default: 'exponential',
    }),
  },
  { description: 'How failed calls are repeated.' },
);

/** Where an S3-compatible provider is and how to sign in. */
export const providerSpec = Type.Object(
  {
    type: Type.Enum(['wasabi', 'aws', 'minio', 'custom'], { description: 'Which driver speaks to the provider.' }),
    endpoint: url('endpoint', 'URL of the S3 API, such as https://s3.eu-central-1.wasabisys.com.'),
    region: region('Region of the provider, such as us-east-1.'),
    iamEndpoint: optional(
      url('iamEndpoint', 'URL of the IAM API. By default that of the type; custom has IAM only where this is set.'),
    ),
    iamRegion: optional(region('Region that IAM requests are signed for. By default that of the type.')),
    adminEndpoint: optional(
      url(
        'adminEndpoint',
        "URL of the server's own admin API: on minio the endpoint when left out; on custom that of Ceph RGW, which quota needs. wasabi and aws have none.",
      ),
    ),
    permissionsBoundaryArn: optional(
      text(
        'Permissions boundary of every user that an AccessKey makes: the ARN of a policy that bounds what its other policies give. Empty: users have none, and one that is there is removed. ' +
          'Left out: what users have is left as it is. Where the IAM service keeps none, no key is issued while this is set. On minio there is none.',
        2048,
        rules(boundaryRule),
      ),
    ),
    auth,
    tls: optional(tls),
    pathStyle: Type.Boolean({
      description: 'True: the bucket stands in the path of the URL. False: in its host name.',
      default: true,
    }),
    retry: optional(retry),
    requestsPerSecond: optional(
      Type.Integer({
        description:
          'Calls per second that each controller makes at most, in bursts of twice as many. By default 100 on wasabi and at ' +
          "Amazon's own endpoints, 1000 elsewhere; fewer for a while when the server asks to slow down.",
        minimum: 1,
        maximum: 10_000,
      }),
    ),
    allowedNamespaces: optional(
      allowedNamespaces(
        'Provider',
        'Such a namespace can have buckets in this account, and keys to its own and granted buckets.',
      ),
    ),
    borrowerTagKeys: optional(
      list(
        'Tag keys that AccessKeys of other namespaces may set on their users. By default none: tags of users may mean something in ' +
          'the policies of the account.',
        text('Key of a tag.', 128, rules(borrowerTagRule)),
        50,
      ),
    ),
    checkIntervalSeconds: Type.Integer({
      description: 'Seconds between two checks of the connection.',
      default: 60,
      minimum: 5,
      maximum: 86_400,
    }),
  },
  {
    description: 'Where the provider is and how to sign in.',
    ...rules(
      {
        rule: "!has(self.permissionsBoundaryArn) || self.type != 'minio'",
        message: 'permissionsBoundaryArn is for IAM services; MinIO has no permissions boundaries',
        fieldPath: '.permissionsBoundaryArn',
      },
      {
        rule: "!has(self.tls) || self.endpoint.startsWith('https://') || (has(self.iamEndpoint) && self.iamEndpoint.startsWith('https://')) || (has(self.adminEndpoint) && self.adminEndpoint.startsWith('https://')) || (!self.tls.insecureSkipVerify && !has(self.tls.caCertSecretRef))",
        message: 'tls.insecureSkipVerify and tls.caCertSecretRef need an endpoint that begins with https://',
        fieldPath: '.tls',
      },
    ),
  },
);

const accessKeyName = text('Namespace and name of the AccessKey: namespace/name.', 317);

/** How many AccessKeys replace their pairs at a time. */
export const revokedAtOnce = 5;

const revocation = Type.Object(
  {
    request: Type.String({ description: 'Value of the annotation that asks for it.', maxLength: 4096 }),
    state: Type.Enum(['Running', 'Stopped', 'Finished'], {
      description:
        'Running: the AccessKeys of current replace their pairs. Stopped: the annotation was removed; the same value goes on. ' +
        'Finished: every AccessKey has answered.',
    }),
    startedAt: instant('When it began.'),
    finishedAt: optional(instant('When all AccessKeys had answered.')),
    total: Type.Integer({ description: 'AccessKeys of this Provider.', minimum: 0 }),
    done: Type.Integer({
      description: 'Those of them that have a new pair and no earlier one, as their statuses prove.',
      minimum: 0,
    }),
    current: list(
      'AccessKeys whose turn it is.',
      Type.Object({ accessKey: accessKeyName, since: instant('Since when.') }),
      revokedAtOnce,
    ),
    held: optional(
      list(
        'AccessKeys that get no turn until something else changes, and why; the first 20.',
        Type.Object({
          accessKey: accessKeyName,
          because: Type.Enum(['Paused', 'Deleting', 'NotGranted'], {
            description:
              'Paused by its annotation; under deletion; or of a namespace that allowedNamespaces does not grant.',
          }),
        }),
        20,
      ),
    ),
    late: optional(
      list(
        'Namespaces of AccessKeys that did not answer in their turn; theirs come last.',
        text('Name of a namespace.', 63),
        100,
      ),
    ),
  },
  {
    description:
      'The revocation of all key pairs of this Provider, which the annotation s3.cloud37.dev/revoke-requested-at asks for.',
  },
);

const capability = Type.Enum(['Supported', 'Unsupported', 'Unknown']);

/** What the provider-controller found out. Conditions and observedGeneration are the runtime's. */
export const providerStatus = Type.Object({
  connected: optional(Type.Boolean({ description: 'Whether the last check reached the provider and signed in.' })),
  lastConnectTime: optional(instant('When the connection was last established.')),
  accountId: optional(
    Type.String({ description: 'Account behind the credentials, where the server tells it.', maxLength: 256 }),
  ),
  endpoint: optional(
    Type.String({ description: 'The endpoint in its normal form; equal for the same server.', maxLength: 512 }),
  ),
  keyService: optional(
    Type.String({
      description:
        'The service that issues access keys, as protocol and address: iam+https://iam.amazonaws.com. Absent where none does.',
      maxLength: 520,
    }),
  ),
  capabilities: optional(
    Type.Record(Type.String(), capability, {
      description: 'Features of the server: Supported, Unsupported or Unknown.',
      maxProperties: 64,
    }),
  ),
  serverVersion: optional(
    Type.String({ description: 'Name and version of the server, where it tells them.', maxLength: 256 }),
  ),
  credentialsVersion: optional(
    Type.String({
      description: 'Changes whenever the content of a referenced Secret changes; never shows it.',
      maxLength: 512,
    }),
  ),
  inUseBy: optional(
    Type.Object(
      {
        buckets: Type.Integer({ description: 'Buckets that refer to this Provider.', minimum: 0 }),
        accessKeys: Type.Integer({ description: 'AccessKeys that refer to this Provider.', minimum: 0 }),
        namespaces: optional(
          list('Other namespaces that do so by grant; the first 100.', text('Name of a namespace.', 63), 100),
        ),
      },
      { description: 'How many objects refer to this Provider.' },
    ),
  ),
  revocation: optional(revocation),
  orphanedUsers: optional(
    list(
      'Users at the provider that the operator of this cluster made for AccessKeys that do not exist any more; the first 20. Looked for ' +
        'once an hour. Their keys work until they are removed: see the annotation s3.cloud37.dev/confirm-orphans. Absent where users ' +
        'cannot be listed.',
      Type.Object({
        userName: text('Name of the user at the provider.', 128),
        namespace: optional(text('Namespace of the AccessKey, where the provider tells it.', 63)),
        name: optional(text('Name of the AccessKey, where the provider tells it.', 253)),
        uid: optional(text('uid of the AccessKey, where the provider tells it.', 64)),
      }),
      20,
    ),
  ),
  orphanedUserCount: optional(
    Type.Integer({
      description: 'How many such users there are; at least, where one search cannot look at all.',
      minimum: 0,
    }),
  ),
  retainedBuckets: optional(
    list(
      'Buckets at the provider that the operator of this cluster made or adopted for Buckets that do not exist any more; the first 20. ' +
        'Looked for once an hour, and when a Bucket of this Provider went.',
      Type.Object({
        bucketName: text('Name of the bucket at the provider.', 255),
        namespace: text('Namespace of the Bucket.', 63),
        name: text('Name of the Bucket.', 253),
        uid: text('uid of the Bucket.', 64),
      }),
      20,
    ),
  ),
  retainedBucketCount: optional(
    Type.Integer({
      description: 'How many such buckets there are; at least, where one search cannot look at all.',
      minimum: 0,
    }),
  ),
  grantedNamespaces: optional(
    list(
      'Other namespaces that allowedNamespaces grants now, sorted; the first 100. Those of names count whether or not they exist; * alone means all. ' +
        'Absent where it is not known: a selector is shown only if the namespace of this Provider has the label ' +
        `${labels.showGrantedNamespaces}=true and the operator may list namespaces; and nothing is with --no-cross-namespace-refs. Only informs.`,
      text('Name of a namespace, or *.', 63),
      100,
    ),
  ),
  grantedNamespaceCount: optional(
    Type.Integer({
      description: 'How many such namespaces there are. Absent with * and where it is not known.',
      minimum: 0,
    }),
  ),
  proof: optional(
    Type.String({
      description: 'Proof that the operator wrote endpoint and accountId; without it the account counts as unknown.',
      maxLength: 128,
    }),
  ),
});

/** How far a revocation of all key pairs is. */
export type Revocation = Typed<typeof revocation>;
export type ProviderSpec = Typed<typeof providerSpec>;
export type ProviderStatus = Typed<typeof providerStatus>;
