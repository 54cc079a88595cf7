import type { AccessKeySpec, AccessKeyStatus, BucketSpec, BucketStatus, ProviderStatus } from '@operator/api';
import { listFirst } from '@operator/outcome';
import {
  isGranted,
  keyOfReference,
  type Borrower,
  type LabelsOf,
  type Ownership,
  type Provider,
} from '@operator/references';
import type { provenKeyFields } from '@operator/ownership';
import { keyOf, type KubeObject, type ObjectKey } from '@operator/runtime';

/** A Bucket or AccessKey, trimmed to what its Provider must know. */
export type BucketUser = KubeObject<
  Pick<BucketSpec, 'providerRef' | 'name' | 'allowedNamespaces' | 'replication'>,
  Pick<
    BucketStatus,
    'bucketName' | 'exists' | 'ownership' | 'createIntent' | 'region' | 'endpoint' | 'ownedSince' | 'proof'
  >
>;
export type AccessKeyUser = KubeObject<
  Pick<AccessKeySpec, 'providerRef'>,
  Pick<AccessKeyStatus, (typeof provenKeyFields)[number]>
>;

/** Who refers to one Provider. */
export interface ProviderUsers {
  readonly buckets: readonly BucketUser[];
  readonly accessKeys: readonly AccessKeyUser[];
  /** Buckets of other Providers whose replication names one of `buckets`. None when absent. */
  readonly sources?: readonly BucketUser[];
}

/** `namespace/name` of the Buckets that the replication of a Bucket names. */
export const destinationsOf = ({ spec, metadata }: BucketUser): readonly ObjectKey[] =>
  (spec.replication?.rules ?? []).flatMap(({ destination: { bucketRef } }) =>
    bucketRef === undefined ? [] : [keyOfReference(bucketRef, metadata.namespace)],
  );

const hasBucket = ({ status }: BucketUser): boolean =>
  status?.ownership !== undefined || status?.createIntent !== undefined;

const hasUser = ({ status }: AccessKeyUser): boolean => status?.userName !== undefined;

/** What tells whether an object that is not granted has something at the server all the same. */
export type HolderProofs = Pick<Ownership, 'remembersAt' | 'provenAccessKey'>;

/** Says whether the Provider grants a namespace now. One is asked about once, however many users it has. */
export const createGrants = (
  { metadata: { namespace: owner }, spec: { allowedNamespaces } }: Provider,
  labelsOf: LabelsOf,
): ((namespace: string) => Promise<boolean>) => {
  const grants = new Map<string, Promise<boolean>>();
  return (from) => {
    const known = grants.get(from) ?? isGranted(allowedNamespaces, { owner, from }, labelsOf);
    grants.set(from, known);
    return known;
  };
};

/**
 * The users that count: those that are granted, and those that have something at the server all the same, as their statuses prove.
 * Anybody may refer to any Provider and write into the status of the own object; that alone must not hold a Provider.
 */
export const grantedUsers = async (
  provider: Provider,
  users: ProviderUsers,
  { labelsOf, ownership }: { readonly labelsOf: LabelsOf; readonly ownership: HolderProofs },
  signal: AbortSignal,
): Promise<ProviderUsers> => {
  const grants = createGrants(provider, labelsOf);
  const granted = ({ metadata }: BucketUser | AccessKeyUser): Promise<boolean> => grants(metadata.namespace);
  const buckets: BucketUser[] = [];
  for (const bucket of users.buckets) {
    if ((await granted(bucket)) || (hasBucket(bucket) && (await ownership.remembersAt(bucket, provider, signal))))
      buckets.push(bucket);
  }
  const accessKeys: AccessKeyUser[] = [];
  for (const key of users.accessKeys) {
    if ((await granted(key)) || (hasUser(key) && (await ownership.provenAccessKey(key, signal)) !== undefined))
      accessKeys.push(key);
  }
  const lent = new Map(buckets.map((bucket) => [keyOf(bucket), bucket]));
  const mayCopyTo = async (source: BucketUser, destination: ObjectKey): Promise<boolean> => {
    const bucket = lent.get(destination);
    const namespaces = { owner: bucket?.metadata.namespace ?? '', from: source.metadata.namespace };
    return bucket !== undefined && isGranted(bucket.spec.allowedNamespaces, namespaces, labelsOf);
  };
  const sources: BucketUser[] = [];
  for (const source of users.sources ?? []) {
    const grantsToCopy = await Promise.all(destinationsOf(source).map((one) => mayCopyTo(source, one)));
    if (grantsToCopy.includes(true)) sources.push(source);
  }
  return { buckets, accessKeys, ...(sources.length === 0 ? {} : { sources }) };
};

export const countOf = ({ buckets, accessKeys, sources = [] }: ProviderUsers): number =>
  buckets.length + accessKeys.length + sources.length;

/** How many namespaces a status names. */
const namespacesAtMost = 100;

/** What the status tells of them. `owner`: namespace of the Provider, which needs no grant. Pure. */
export const inUseByOf = (
  { buckets, accessKeys, sources = [] }: ProviderUsers,
  owner: string,
): NonNullable<ProviderStatus['inUseBy']> => {
  const all = [...buckets, ...sources, ...accessKeys].map(({ metadata }) => metadata.namespace);
  const namespaces = [...new Set(all)].filter((namespace) => namespace !== owner).sort();
  return {
    buckets: buckets.length + sources.length,
    accessKeys: accessKeys.length,
    ...(namespaces.length === 0 ? {} : { namespaces: namespaces.slice(0, namespacesAtMost) }),
  };
};

/** Those that have something at the server, as who may be hit when a grant is withdrawn. */
export const borrowersAmong = (users: ProviderUsers): readonly Borrower[] => {
  const { buckets, accessKeys } = usersAtServer(users);
  return [
    ...buckets.map(({ metadata: { namespace } }) => ({ kind: 'Bucket', namespace })),
    ...accessKeys.map(({ metadata: { namespace } }) => ({ kind: 'AccessKey', namespace })),
  ];
};

/** A bucket that the probe may read: ours, there, and where the Provider's own client reaches it. */
export const isReadable = ({ spec, status }: BucketUser, provider: Provider): boolean =>
  status?.exists === true &&
  status.ownership !== undefined &&
  status.bucketName === spec.name &&
  (status.region ?? provider.spec.region) === provider.spec.region;

/** Those that have something at the server: a bucket, or a user with keys. */
export const usersAtServer = ({ buckets, accessKeys }: ProviderUsers): ProviderUsers => ({
  buckets: buckets.filter(hasBucket),
  accessKeys: accessKeys.filter(hasUser),
});

/** How many names a message lists. */
const namedAtMost = 5;

/** `3 Buckets and AccessKeys (Bucket a/b, AccessKey a/c, …)`. */
export const describeUsers = ({ buckets, accessKeys, sources = [] }: ProviderUsers): string => {
  const names = [
    ...[...buckets, ...sources].map(({ metadata }) => `Bucket ${metadata.namespace}/${metadata.name}`),
    ...accessKeys.map(({ metadata }) => `AccessKey ${metadata.namespace}/${metadata.name}`),
  ].sort();
  return `${String(names.length)} ${names.length === 1 ? 'object' : 'objects'}: ${listFirst(names, namedAtMost)}`;
};
