/** API group of the four kinds. */
export const group = 's3.cloud37.dev';
export const version = 'v1alpha1';
/** The one finalizer that the controllers set and remove. */
export const finalizerName = 's3.cloud37.dev/cleanup';

/** Where each kind lives in the Kubernetes API. */
export const providerResource = { group, version, kind: 'Provider', plural: 'providers' } as const;
export const bucketResource = { group, version, kind: 'Bucket', plural: 'buckets' } as const;
export const bucketPolicyResource = { group, version, kind: 'BucketPolicy', plural: 'bucketpolicies' } as const;
export const accessKeyResource = { group, version, kind: 'AccessKey', plural: 'accesskeys' } as const;

/** Annotations a person may set on an object. */
export const annotations = {
  /** `"true"`: leave the object alone, also its deletion. */
  paused: 's3.cloud37.dev/paused',
  /** Any new value asks for a pass now. */
  reconcileRequestedAt: 's3.cloud37.dev/reconcile-requested-at',
  /** Go duration such as `30m`; replaces the controller's resync interval, and does not grow. */
  resyncInterval: 's3.cloud37.dev/resync-interval',
  /** AccessKey: any new value asks for a rotation. */
  rotateRequestedAt: 's3.cloud37.dev/rotate-requested-at',
  /** AccessKey: the value of `rotate-requested-at`; where the server has no room, that rotation takes the place of the oldest previous pair. */
  force: 's3.cloud37.dev/force',
  /**
   * AccessKey: any new value asks for a new pair, after which every earlier one is removed at once. Provider: the same for all its
   * AccessKeys, a few at a time; taking it off stops that.
   */
  revokeRequestedAt: 's3.cloud37.dev/revoke-requested-at',
  /** `"true"` on an object under deletion: let go without the external work. */
  abandon: 's3.cloud37.dev/abandon',
  /**
   * Provider: `status.endpoint` as it would become, or the address in `status.keyService`; says that a changed address leads to the
   * same server or service. Or `status.accountId`, for credentials of which the server does not tell it. Commas between.
   */
  sameServer: 's3.cloud37.dev/same-server',
  /**
   * Provider: Buckets to which its owner says that their buckets belong, each as `namespace/name/bucket`; settles what is in doubt.
   * Commas between.
   */
  confirmOwner: 's3.cloud37.dev/confirm-owner',
  /**
   * Provider or Bucket: namespaces that `allowedNamespaces` no longer names and whose existing rights and policies are to be
   * removed. Commas between.
   */
  confirmWithdrawal: 's3.cloud37.dev/confirm-withdrawal',
  /**
   * Provider: users of `status.orphanedUsers` that are to be removed with their keys, each as the uid of its AccessKey or its own name. Commas
   * between.
   */
  confirmOrphans: 's3.cloud37.dev/confirm-orphans',
  /** BucketPolicy: `"true"` applies a document also where it denies the operator what it needs on the bucket. */
  allowLockout: 's3.cloud37.dev/allow-lockout',
  /** Ours, on the Secret of an AccessKey: under which keys the pair stands, the id's first. */
  pairKeys: 's3.cloud37.dev/pair-keys',
  /** Ours, on templates of Pods, with the uid of an AccessKey after it: the `pairGeneration` that they are made for. */
  pairPrefix: 's3.cloud37.dev/pair-',
  /** Ours, on the Secret of an AccessKey: `"true"` where a ConfigMap of the same name belongs to it. */
  configMap: 's3.cloud37.dev/config-map',
} as const;

/** Labels a person may set. */
export const labels = {
  /** Namespace: `"true"` lets the Providers in it show in their status which namespaces their selectors grant. */
  showGrantedNamespaces: 's3.cloud37.dev/show-granted-namespaces',
} as const;

/** Tag keys of the owner mark on buckets and users that we create. Users' own tags may not begin with the group's name. */
export const ownerTagKeys = {
  /** uid of the namespace kube-system. */
  cluster: 's3.cloud37.dev/cluster',
  namespace: 's3.cloud37.dev/namespace',
  name: 's3.cloud37.dev/name',
  uid: 's3.cloud37.dev/uid',
  /** That the operator wrote the others: an HMAC by its proof key. On buckets alone. */
  proof: 's3.cloud37.dev/proof',
} as const;

/** Keys of the Secret that an AccessKey writes, before `secretKeys` renames them. */
export const secretKeyNames = [
  'access-key-id',
  'secret-access-key',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_ENDPOINT_URL_S3',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'endpoint',
  'endpoint-host',
  'region',
  'bucket',
  'force-path-style',
  'ca.crt',
] as const;
export type SecretKeyName = (typeof secretKeyNames)[number];

/** So begin the keys with the names of the single buckets. */
export const bucketKeyPrefix = 'bucket-';
/**
 * The key of the Secret with the name at the server of one Bucket of `access`. `own`: the namespace of the AccessKey. No name of an object has
 * an underscore, so what is added to `access` never takes the key of another Bucket.
 */
export const secretKeyOfBucket = (
  { namespace, name }: { readonly namespace: string; readonly name: string },
  own: string,
): string => `${bucketKeyPrefix}${namespace === own ? '' : `${namespace}_`}${name}`;

/** What `secretTemplate.presets` may name. */
export const secretPresets = [
  'AwsCredentials',
  'Rclone',
  'RookObjectBucketClaim',
  'CosiBucketInfo',
  'Loki',
  'Thanos',
  'Velero',
  'CloudNativePG',
  'Harbor',
] as const;
export type SecretPreset = (typeof secretPresets)[number];
/** Those that name a bucket: `access` must name exactly one. */
export const presetsOfOneBucket = [
  'RookObjectBucketClaim',
  'CosiBucketInfo',
  'Loki',
  'Thanos',
] as const satisfies readonly SecretPreset[];
