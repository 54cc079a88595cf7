import { accessKeyResource, annotations, bucketResource } from '@operator/api';
import { provenKeyFields } from '@operator/ownership';
import { keyOfReference } from '@operator/references';
import {
  bareMetadata,
  isPaused,
  keyOf,
  pick,
  readyIn,
  type ControllerTools,
  type LiveList,
  type ObjectKey,
} from '@operator/runtime';
import { destinationsOf, type AccessKeyUser, type BucketUser, type ProviderUsers } from './users.ts';

type Watching = Pick<ControllerTools, 'informer' | 'enqueue'>;

/** Milliseconds to gather changes of the objects that use a Provider, so that a thousand new Buckets are counted in few passes. */
const usersSettleMs = 2_000;
/** Milliseconds to gather what AccessKeys answer, so that a revocation of a thousand keys writes few statuses. */
const revocationSettleMs = 500;

const keyOfProvider = ({ spec, metadata }: BucketUser | AccessKeyUser): ObjectKey =>
  keyOfReference(spec.providerRef, metadata.namespace);

/** Only what the counts need: there may be many thousands. */
const trimBucket = ({ apiVersion, kind, metadata, spec, status }: BucketUser): BucketUser => ({
  apiVersion,
  kind,
  metadata: bareMetadata(metadata),
  spec: pick(spec, 'providerRef', 'name', 'allowedNamespaces', 'replication'),
  ...(status === undefined
    ? {}
    : {
        status: pick(
          status,
          'bucketName',
          'exists',
          'ownership',
          'createIntent',
          'region',
          'endpoint',
          'ownedSince',
          'proof',
        ),
      }),
});

const trimAccessKey = ({ apiVersion, kind, metadata, spec, status }: AccessKeyUser): AccessKeyUser => ({
  apiVersion,
  kind,
  metadata: bareMetadata(metadata, annotations.paused),
  spec: pick(spec, 'providerRef'),
  ...(status === undefined ? {} : { status: { ...pick(status, ...provenKeyFields), ...readyIn(status) } }),
});

/** True when a revocation of all keys of the Provider can go on by this change of one of its AccessKeys. */
const movesRevocation = (key: AccessKeyUser, old: AccessKeyUser): boolean =>
  key.status?.answeredProviderRevokeRequest !== old.status?.answeredProviderRevokeRequest ||
  isPaused(key) !== isPaused(old) ||
  key.metadata.deletionTimestamp !== old.metadata.deletionTimestamp;

/** Who uses Providers, as the caches have it. */
export interface UserWatches {
  /** Who refers to a Provider. */
  readonly usersOf: (provider: ObjectKey) => ProviderUsers;
  readonly accessKeys: () => Iterable<AccessKeyUser>;
  readonly buckets: () => Iterable<BucketUser>;
}

/**
 * Watches the Buckets and AccessKeys of every namespace that may refer to a Provider, whichever this process watches: a Provider is used by grant from
 * namespaces that other processes look after.
 */
export const createUserWatches = ({ informer, enqueue }: Watching): UserWatches => {
  const buckets = informer<BucketUser>(bucketResource, { scope: 'all', trim: trimBucket });
  const accessKeys = informer<AccessKeyUser>(accessKeyResource, { scope: 'all', trim: trimAccessKey });
  const bucketsOf = buckets.index('provider', (bucket) => [keyOfProvider(bucket)]);
  const accessKeysOf = accessKeys.index('provider', (accessKey) => [keyOfProvider(accessKey)]);
  const sourcesOf = buckets.index('destination', destinationsOf);
  const count = (user: BucketUser | AccessKeyUser): void => enqueue(keyOfProvider(user), usersSettleMs);
  /** Of the Buckets that it copies to. */
  const countCopies = (source: BucketUser): void => {
    for (const key of destinationsOf(source)) {
      const destination = buckets.get(key);
      if (destination !== undefined) count(destination);
    }
  };
  const countAll = (bucket: BucketUser): void => {
    count(bucket);
    countCopies(bucket);
  };
  buckets.on({
    onAdd: countAll,
    onDelete: countAll,
    onUpdate: (bucket, old) => {
      // A bucket that comes into being can be read from; one that lets go counts no more.
      if (bucket.status?.exists !== old.status?.exists || bucket.status?.ownership !== old.status?.ownership)
        count(bucket);
      if (destinationsOf(bucket).join() !== destinationsOf(old).join()) [bucket, old].forEach(countCopies);
    },
  });
  accessKeys.on({
    onAdd: count,
    onDelete: count,
    onUpdate: (key, old) => {
      if (movesRevocation(key, old)) enqueue(keyOfProvider(key), revocationSettleMs);
    },
  });
  return {
    usersOf: (provider) => {
      const own = bucketsOf(provider);
      return {
        buckets: own,
        accessKeys: accessKeysOf(provider),
        sources: sourcesAmong(
          own.flatMap((bucket) => sourcesOf(keyOf(bucket))),
          provider,
        ),
      };
    },
    accessKeys: () => accessKeys.list(),
    buckets: () => buckets.list(),
  };
};

/** Each once, without those that use the Provider anyway. */
const sourcesAmong = (sources: readonly BucketUser[], provider: ObjectKey): readonly BucketUser[] => [
  ...new Set(sources.filter((source) => keyOfProvider(source) !== provider)),
];

/** Every AccessKey that may refer to a Provider, by a live list. @throws KubeError */
export const liveAccessKeys =
  (listLive: LiveList) =>
  (signal: AbortSignal): Promise<readonly AccessKeyUser[]> =>
    listLive(accessKeyResource, trimAccessKey, { signal });

/**
 * Who refers to a Provider, by a live list. It costs a list of every Bucket and AccessKey, so it is for what must not be done while
 * anybody refers to the Provider.
 * @throws KubeError
 */
export const liveUsers =
  (listLive: LiveList) =>
  async (provider: ObjectKey, signal: AbortSignal): Promise<ProviderUsers> => {
    const isOwn = (user: BucketUser | AccessKeyUser): boolean => keyOfProvider(user) === provider;
    const trimUser = (bucket: BucketUser) =>
      isOwn(bucket) || destinationsOf(bucket).length > 0 ? trimBucket(bucket) : undefined;
    const listed = await listLive(bucketResource, trimUser, { signal });
    const own = listed.filter(isOwn);
    const keys = new Set(own.map(keyOf));
    const naming = listed.filter((bucket) => destinationsOf(bucket).some((key) => keys.has(key)));
    return {
      buckets: own,
      accessKeys: await listLive(
        accessKeyResource,
        (key: AccessKeyUser) => (isOwn(key) ? trimAccessKey(key) : undefined),
        {
          signal,
        },
      ),
      sources: sourcesAmong(naming, provider),
    };
  };
