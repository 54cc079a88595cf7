import { accessKeyResource, bucketResource } from '@operator/api';
import { keyOfReference } from '@operator/references';
import { bareMetadata, pick, type ControllerTools, type LiveList, type ObjectKey } from '@operator/runtime';
import type { AccessKeyUser, BucketUser, ProviderUsers } from './users.ts';

type Watching = Pick<ControllerTools, 'informer' | 'enqueue'>;

/** Milliseconds to gather changes of the objects that use a Provider, so that a thousand new Buckets are counted in few passes. */
const usersSettleMs = 2_000;

const keyOfProvider = ({ spec, metadata }: BucketUser | AccessKeyUser): ObjectKey =>
  keyOfReference(spec.providerRef, metadata.namespace);

/** Only what the counts need: there may be many thousands. */
const trimBucket = ({ apiVersion, kind, metadata, spec, status }: BucketUser): BucketUser => ({
  apiVersion,
  kind,
  metadata: bareMetadata(metadata),
  spec: pick(spec, 'providerRef', 'name'),
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
  metadata: bareMetadata(metadata),
  spec: pick(spec, 'providerRef'),
  ...(status === undefined ? {} : { status: pick(status, 'userName', 'grantedBuckets', 'proof') }),
});

/** Who uses Providers, as the caches have it. */
export interface UserWatches {
  /** Who refers to a Provider. */
  readonly usersOf: (provider: ObjectKey) => ProviderUsers;
  readonly accessKeys: () => Iterable<AccessKeyUser>;
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
  const count = (user: BucketUser | AccessKeyUser): void => enqueue(keyOfProvider(user), usersSettleMs);
  buckets.on({
    onAdd: count,
    onDelete: count,
    onUpdate: (bucket, old) => {
      // A bucket that comes into being can be read from; one that lets go counts no more.
      if (bucket.status?.exists !== old.status?.exists || bucket.status?.ownership !== old.status?.ownership)
        count(bucket);
    },
  });
  accessKeys.on({ onAdd: count, onDelete: count });
  return {
    usersOf: (provider) => ({ buckets: bucketsOf(provider), accessKeys: accessKeysOf(provider) }),
    accessKeys: () => accessKeys.list(),
  };
};

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
    const ofProvider =
      <T extends BucketUser | AccessKeyUser>(trim: (object: T) => T) =>
      (object: T): T | undefined =>
        keyOfProvider(object) === provider ? trim(object) : undefined;
    return {
      buckets: await listLive(bucketResource, ofProvider(trimBucket), { signal }),
      accessKeys: await listLive(accessKeyResource, ofProvider(trimAccessKey), { signal }),
    };
  };
