import { accessKeyResource, bucketResource } from '@operator/api';
import { keyOfReference } from '@operator/references';
import {
  bareMetadata,
  pick,
  type ControllerTools,
  type KubeClient,
  type ObjectKey,
  type Resource,
} from '@operator/runtime';
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
 * Watches the Buckets and AccessKeys of every namespace, whichever this process watches: a Provider is used by grant from
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

/** Every AccessKey by a live list of all namespaces. @throws KubeError */
export const liveAccessKeys =
  (kube: Pick<KubeClient, 'list'>) =>
  async (signal: AbortSignal): Promise<readonly AccessKeyUser[]> => {
    const found: AccessKeyUser[] = [];
    for await (const { items } of kube.list<AccessKeyUser>(accessKeyResource, {}, { signal, pageSize }))
      found.push(...items.map(trimAccessKey));
    return found;
  };

/** How many objects one answer has: a list of all namespaces is read piece by piece. */
const pageSize = 500;

/**
 * Who refers to a Provider by a live list of all namespaces, which no late watch can hide anybody from. It costs a list of every
 * Bucket and AccessKey, so it is for what must not be done while anybody refers to the Provider.
 * @throws KubeError
 */
export const liveUsers =
  (kube: Pick<KubeClient, 'list'>) =>
  async (provider: ObjectKey, signal: AbortSignal): Promise<ProviderUsers> => {
    const listed = async <T extends BucketUser | AccessKeyUser>(
      resource: Resource,
      trim: (object: T) => T,
    ): Promise<readonly T[]> => {
      const found: T[] = [];
      for await (const { items } of kube.list<T>(resource, {}, { signal, pageSize })) {
        found.push(...items.filter((item) => keyOfProvider(item) === provider).map(trim));
      }
      return found;
    };
    return {
      buckets: await listed(bucketResource, trimBucket),
      accessKeys: await listed(accessKeyResource, trimAccessKey),
    };
  };
