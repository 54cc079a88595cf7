import { bucketResource, ownerTagKeys, providerResource, type ProviderStatus } from '@operator/api';
import { redact } from '@operator/outcome';
import { createProver, markFacts, tagsOfMark, type OwnerMark } from '@operator/ownership';
import type { CommonStatus, Informer, KubeObject, ObjectKey, Resource, StoredObject } from '@operator/runtime';
import type { Driver } from '@operator/s3';
import type { Provider } from '../connection.ts';
import { createDriverPool } from '../driver-pool.ts';
import { ownerGone } from '../owner-gone.ts';
import { createOwnership, type Ownership } from '../ownership.ts';
import { createReferences, type Bucket, type References } from '../references.ts';
import { trimReferredBucket, type ReferredBucket } from '../referred-bucket.ts';
import { createMemoryKube, type MemoryKube } from './memory-kube.ts';
import { createWrites, type Writes } from './writes.ts';

/** An informer over a map that the test owns: look-ups only. */
const informerOf = <T extends StoredObject>(resource: Resource, objects: Map<string, T>): Informer<T> => ({
  resource,
  get: (key) => objects.get(key),
  list: () => objects.values(),
  index: () => () => [],
  on: () => undefined,
  remember: () => undefined,
  retain: () => undefined,
  hasSynced: () => true,
});

/** Any object, as the API server would have it on its first day. */
export const objectOf = <Spec, Status>(
  kind: string,
  name: string,
  spec: Spec,
  overrides: { readonly metadata?: Partial<KubeObject['metadata']>; readonly status?: Status & CommonStatus } = {},
): KubeObject<Spec, Status> => ({
  apiVersion: 's3.cloud37.dev/v1alpha1',
  kind,
  metadata: {
    name,
    namespace: 'team-a',
    uid: `uid-${name}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-05-01T00:00:00Z',
    ...overrides.metadata,
  },
  spec,
  ...(overrides.status === undefined ? {} : { status: overrides.status }),
});

/** A Provider that was found Ready at credentials version 1, the first object in the API server in memory. */
export const providerOf = (
  driver: Pick<Driver, 'serverIdentity'>,
  overrides: { readonly metadata?: Partial<Provider['metadata']>; readonly spec?: Partial<Provider['spec']> } = {},
  status: Partial<ProviderStatus> = {},
): Provider => ({
  ...objectOf(
    'Provider',
    'provider',
    {
      type: 'custom' as const,
      endpoint: driver.serverIdentity,
      region: 'us-east-1',
      pathStyle: true,
      checkIntervalSeconds: 60,
      auth: {
        accessKeySecretRef: { name: 'admin', key: 'access-key' },
        secretKeySecretRef: { name: 'admin', key: 'secret-key' },
      },
      ...overrides.spec,
    },
    { metadata: overrides.metadata ?? {} },
  ),
  status: {
    connected: true,
    endpoint: driver.serverIdentity,
    accountId: 'account',
    credentialsVersion: '1',
    ...status,
    observedGeneration: overrides.metadata?.generation ?? 1,
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Ready',
        message: 'Everything is as declared.',
        observedGeneration: 1,
        lastTransitionTime: '2026-05-01T00:00:00Z',
      },
    ],
  },
});

/** A cluster of one namespace with a Provider, its Secret, and references that lead to `driver`. */
export interface TestWorld {
  readonly writes: Writes;
  readonly kube: MemoryKube;
  readonly providers: Map<string, Provider>;
  /** Whole ones; who refers to them sees what the informer of such a process keeps. */
  readonly buckets: Map<string, Bucket>;
  /** What the API server has where the caches are late: an object, or undefined for one that is gone. */
  readonly live: {
    readonly providers: Map<ObjectKey, Provider | undefined>;
    readonly buckets: Map<ObjectKey, Bucket | undefined>;
  };
  readonly referredBucket: (key: ObjectKey) => ReferredBucket | undefined;
  /** Those of a new process: another pool of drivers. */
  readonly references: (mode?: { readonly crossNamespaceRefs?: boolean }) => References;
  /** Proves with a key that never changes, in the cluster `cluster-1`, which has replaced `cluster-0`. */
  readonly ownership: Ownership;
}

/** uid of kube-system in every test world. */
export const testCluster = 'cluster-1';
const formerClusters: ReadonlySet<string> = new Set(['cluster-0']);
const clusterId = () => Promise.resolve(testCluster);
const testProver = createProver(redact(Buffer.alloc(32, 7).toString('base64')));

/**
 * The owner tags of a Bucket as the operator of every test world writes them. `bucketName`: by default the name of the object;
 * `lender`: the namespace of the Provider; `isSigned`: false leaves the proof out.
 */
export const ownerTags = (
  of: Partial<OwnerMark> & Pick<OwnerMark, 'name'>,
  about: { readonly bucketName?: string; readonly lender?: string; readonly isSigned?: boolean } = {},
): Map<string, string> => {
  const mark = { cluster: testCluster, namespace: 'team-a', uid: `uid-${of.name}`, ...of };
  const { bucketName = mark.name, lender = 'team-a', isSigned = true } = about;
  const tags = new Map(tagsOfMark({ ...mark, proof: testProver.prove(markFacts(mark, { bucketName, lender })) }));
  if (!isSigned) tags.delete(ownerTagKeys.proof);
  return tags;
};

export const createTestWorld = (driver: Driver): TestWorld => {
  const writes = createWrites();
  const providers = new Map([['team-a/provider', providerOf(driver)]]);
  const buckets = new Map<string, Bucket>();
  const live: TestWorld['live'] = { providers: new Map(), buckets: new Map() };
  const stored = <T>(late: ReadonlyMap<ObjectKey, T>, now: ReadonlyMap<ObjectKey, T | undefined>) => ({
    get: (key: ObjectKey) => (now.has(key) ? now.get(key) : late.get(key)),
    list: () => [...new Map<ObjectKey, T | undefined>([...late, ...now]).values()].filter((one) => one !== undefined),
  });
  const kube = createMemoryKube(writes, {
    [providerResource.plural]: stored(providers, live.providers),
    [bucketResource.plural]: stored(buckets, live.buckets),
  });
  kube.put('secrets', {
    metadata: { name: 'admin', namespace: 'team-a' },
    data: { 'access-key': 'ADMIN', 'secret-key': 'admin-secret' },
  });
  const referredBucket: TestWorld['referredBucket'] = (key) => {
    const bucket = buckets.get(key);
    return bucket && trimReferredBucket(bucket);
  };
  const make = () => Promise.resolve(driver);
  return {
    writes,
    kube,
    providers,
    buckets,
    live,
    referredBucket,
    ownership: createOwnership({
      clusterId,
      formerClusters,
      prover: () => Promise.resolve(testProver),
      ownerGone: ownerGone(kube.client, clusterId, formerClusters),
    }),
    references: ({ crossNamespaceRefs = true } = {}) =>
      createReferences({
        kube: kube.client,
        crossNamespaceRefs,
        pool: createDriverPool({ aws: make, wasabi: make, minio: make, custom: make }),
        providers: informerOf(providerResource, providers),
        buckets: { ...informerOf<ReferredBucket>(bucketResource, new Map()), get: referredBucket },
      }),
  };
};
