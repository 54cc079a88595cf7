import type { AllowedNamespaces, BucketSpec, BucketStatus, ObjectReference } from '@operator/api';
import { conditionTypes, reasons } from '@operator/api';
import { waiting } from '@operator/outcome';
import {
  keyOf,
  type Condition,
  type Informer,
  type KubeClient,
  type KubeObject,
  type ObjectKey,
  type Resource,
  type StoredObject,
} from '@operator/runtime';
import type { Driver } from '@operator/s3';
import { resolveConnection, type Provider } from './connection.ts';
import { driverVersion, type DriverPool } from './driver-pool.ts';
import {
  confirmedWithdrawals,
  isGranted,
  withdrawalOf,
  type GrantState,
  type Lender,
  type LabelsOf,
} from './grants.ts';
import type { ReferredBucket } from './referred-bucket.ts';
import { usableVersion } from './wake.ts';

export type Bucket = KubeObject<BucketSpec, BucketStatus>;

/** A Provider that is Ready, and its driver. */
export interface Provided {
  readonly provider: Provider;
  readonly driver: Driver;
}

/** Follows the references between kinds: whether the object exists, grants the reference, and is fit for use. */
export interface References {
  /**
   * The driver behind a reference from an object in `from`. `isNew`: the object has nothing at the server yet, and a Provider that
   * is to go takes nobody any more: else it would never come to that.
   * @throws Fault `waiting` ProviderNotFound, ReferenceNotGranted, ProviderNotReady, and those of the Provider's Secrets
   */
  driverFor(
    ref: ObjectReference,
    from: string,
    signal: AbortSignal,
    options?: { readonly isNew: boolean },
  ): Promise<Provided>;
  /**
   * The same for undoing what was done while the reference was granted: a grant that was taken back must strand nothing.
   * @throws Fault `waiting` ProviderNotFound, ProviderNotReady, and those of the Provider's Secrets
   */
  driverForRemoval(ref: ObjectReference, from: string, signal: AbortSignal): Promise<Provided>;
  /**
   * The Provider behind a reference, granted but not necessarily Ready.
   * @throws Fault `waiting` ProviderNotFound, ReferenceNotGranted
   */
  providerFor(ref: ObjectReference, from: string): Promise<Provider>;
  /** @throws Fault `waiting` BucketNotFound, ReferenceNotGranted */
  bucketFor(ref: ObjectReference, from: string): Promise<ReferredBucket>;
  /**
   * How objects of `from` stand with the Provider, for what they have at the server already; undefined when there is no such
   * Provider. `confirmed` is what a live look at the Provider said: what is taken away on that word is not given back.
   */
  grantOfProvider(ref: ObjectReference, from: string, signal: AbortSignal): Promise<GrantState | undefined>;
  /** The same of a Bucket. */
  grantOfBucket(ref: ObjectReference, from: string, signal: AbortSignal): Promise<GrantState | undefined>;
  /** True when `grantOfProvider` is `confirmed`; asks for nothing while no annotation says so. */
  isProviderWithdrawn(ref: ObjectReference, from: string, signal: AbortSignal): Promise<boolean>;
  /** The same of a Bucket. */
  isBucketWithdrawn(ref: ObjectReference, from: string, signal: AbortSignal): Promise<boolean>;
  /**
   * True when nothing may stand by a reference to a Bucket any more: the Bucket is gone or on its way, or who lends it, or its Provider, has confirmed a
   * withdrawal. By a live look: what is taken away on that word is not given back. Asks for nothing while the caches do not say so.
   */
  isBucketEnded(ref: ObjectReference, from: string, signal: AbortSignal): Promise<boolean>;
}

export interface ReferencesOptions {
  readonly kube: KubeClient;
  readonly pool: DriverPool;
  readonly providers: Informer<Provider>;
  /** False: only references within a namespace are granted. */
  readonly crossNamespaceRefs: boolean;
  /** Only where `bucketFor` is used. */
  readonly buckets?: Informer<ReferredBucket>;
}

/** Namespaces, for labels and for the identity of the cluster. */
export const namespaceResource: Resource = { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces' };

/** Milliseconds after which a waiting object looks again where no watch event tells of the change (labels of a namespace). */
const grantRetryMs = 60_000;
/** Milliseconds until an object asks again for a Provider whose new credentials are not checked yet; the watch is faster. */
const credentialsRetryMs = 5_000;

/** `namespace/name` of what a reference in an object of namespace `from` means. */
export const keyOfReference = (ref: ObjectReference, from: string): ObjectKey => `${ref.namespace ?? from}/${ref.name}`;

/** Reads the labels of namespaces from the API server, for selectors. */
export const namespaceLabels =
  (kube: KubeClient): LabelsOf =>
  async (name) => {
    const namespace = await kube.get<{ metadata: { labels?: Record<string, string> } }>(namespaceResource, { name });
    return namespace?.metadata.labels ?? {};
  };

/** Follows references through the informers of this process. */
export const createReferences = ({
  kube,
  pool,
  crossNamespaceRefs,
  providers,
  buckets,
}: ReferencesOptions): References => {
  const labelsOf = namespaceLabels(kube);

  const follow = async <T extends KubeObject<{ allowedNamespaces?: AllowedNamespaces }>>(
    informer: Informer<T>,
    ref: ObjectReference,
    from: string,
    missing: string,
  ): Promise<T> => {
    const { kind } = informer.resource;
    const key = keyOfReference(ref, from);
    const found = informer.get(key);
    const owner = ref.namespace ?? from;
    if (owner !== from && !crossNamespaceRefs) {
      throw waiting(
        reasons.ReferenceNotGranted,
        `${kind} ${key} may not be referred to from namespace ${from}: this operator does not follow references to other namespaces (--no-cross-namespace-refs). Create the ${kind} in namespace ${from}.`,
      );
    }
    // An object that may not be referred to is not even said to exist.
    const granted =
      owner === from ||
      (found !== undefined && (await isGranted(found.spec.allowedNamespaces, { owner, from }, labelsOf)));
    if (!granted) {
      throw waiting(
        reasons.ReferenceNotGranted,
        `${kind} ${key} may not be referred to from namespace ${from}: it does not exist or its allowedNamespaces do not name it.`,
        { retryAfterMs: grantRetryMs },
      );
    }
    if (found === undefined) throw waiting(missing, `${kind} ${key} does not exist.${whereSearched(kind, ref, from)}`);
    return found;
  };

  const grantOf = async <T extends StoredObject & Lender>(
    informer: Informer<T>,
    ref: ObjectReference,
    from: string,
    signal: AbortSignal,
  ): Promise<GrantState | undefined> => {
    const known = informer.get(keyOfReference(ref, from));
    const state = known && (await withdrawalOf(known, from, labelsOf));
    if (state !== 'confirmed') return state;
    // The cache says when to look, not what to take away.
    const live = await kube.get<T>(informer.resource, { namespace: ref.namespace ?? from, name: ref.name }, { signal });
    return live && withdrawalOf(live, from, labelsOf);
  };

  const isWithdrawn = async <T extends StoredObject & Lender>(
    informer: Informer<T>,
    ref: ObjectReference,
    from: string,
    signal: AbortSignal,
  ): Promise<boolean> => {
    const known = informer.get(keyOfReference(ref, from));
    const isSaid = known !== undefined && confirmedWithdrawals(known).has(from);
    return isSaid && (await grantOf(informer, ref, from, signal)) === 'confirmed';
  };

  const isBucketEnded: References['isBucketEnded'] = async (ref, from, signal) => {
    const owner = ref.namespace ?? from;
    // What this process may not read is not known to be gone.
    if (owner !== from && !crossNamespaceRefs) return false;
    const informer = requireBuckets(buckets);
    const known = informer.get(keyOfReference(ref, from));
    if (known === undefined || isLeaving(known)) {
      const live = await kube.get<ReferredBucket>(informer.resource, { namespace: owner, name: ref.name }, { signal });
      if (live !== undefined && !isLeaving(live)) return false;
      // Who deletes the definition of Buckets says nothing about any of them.
      return kube.takesNew(informer.resource, { signal });
    }
    return (
      (await isWithdrawn(informer, ref, from, signal)) || isWithdrawn(providers, known.spec.providerRef, owner, signal)
    );
  };

  const providerFor: References['providerFor'] = (ref, from) => follow(providers, ref, from, reasons.ProviderNotFound);

  const driverOf = async (provider: Provider, from: string, signal: AbortSignal): Promise<Provided> => {
    const version = requireUsable(provider, from);
    const driver = await pool.driverOf(provider, driverVersion(provider, version), async () => {
      const resolved = await resolveConnection(kube, provider, signal);
      if (resolved.credentialsVersion !== version) {
        throw waiting(
          reasons.ProviderNotReady,
          `The credentials of Provider ${keyOf(provider)} have changed and are not checked yet.`,
          { retryAfterMs: credentialsRetryMs },
        );
      }
      return resolved;
    });
    return { provider, driver };
  };

  return {
    providerFor,
    driverFor: async (ref, from, signal, { isNew } = { isNew: false }) => {
      const provider = await providerFor(ref, from);
      if (isNew && provider.metadata.deletionTimestamp !== undefined) {
        throw waiting(
          reasons.ProviderNotReady,
          `Provider ${keyOf(provider)} is being deleted; nothing new is made with it.`,
        );
      }
      return driverOf(provider, from, signal);
    },
    driverForRemoval: async (ref, from, signal) => {
      const key = keyOfReference(ref, from);
      const provider = providers.get(key);
      if (provider === undefined) {
        const where = whereSearched('Provider', ref, from);
        throw waiting(reasons.ProviderNotFound, `Provider ${key} does not exist.${where}`);
      }
      return driverOf(provider, from, signal);
    },
    bucketFor: async (ref, from) => follow(requireBuckets(buckets), ref, from, reasons.BucketNotFound),
    grantOfProvider: (ref, from, signal) => grantOf(providers, ref, from, signal),
    grantOfBucket: async (ref, from, signal) => grantOf(requireBuckets(buckets), ref, from, signal),
    isProviderWithdrawn: (ref, from, signal) => isWithdrawn(providers, ref, from, signal),
    isBucketWithdrawn: async (ref, from, signal) => isWithdrawn(requireBuckets(buckets), ref, from, signal),
    isBucketEnded,
  };
};

const isLeaving = ({ metadata }: StoredObject): boolean => metadata.deletionTimestamp !== undefined;

const requireBuckets = (buckets: ReferencesOptions['buckets']): Informer<ReferredBucket> => {
  if (buckets === undefined) throw new Error('this process has no informer of Buckets');
  return buckets;
};

/** A reference without a namespace means that of the object itself, which is not always what was meant. */
const whereSearched = (kind: string, ref: ObjectReference, from: string): string =>
  ref.namespace === undefined
    ? ` ${kind === 'Provider' ? 'providerRef' : 'bucketRef'}.namespace was left out, so namespace ${from} was searched; set it if the ${kind} is in another namespace.`
    : '';

/**
 * Why an object is not Ready, for an object of namespace `from` that refers to it: to other namespaces the reason alone, since the message
 * may name who else uses it.
 */
const whyNotReady = (
  { metadata }: Pick<KubeObject, 'metadata'>,
  { reason, message }: Pick<Condition, 'reason' | 'message'>,
  from: string,
): string => (metadata.namespace === from ? `${reason}: ${message}` : `${reason}; its own conditions say why.`);

/** @throws Fault `waiting` ProviderNotReady */
const requireUsable = (provider: Provider, from: string): string => {
  const version = usableVersion(provider);
  if (version !== undefined) return version;
  const { metadata, status } = provider;
  const ready = status?.conditions?.find(({ type }) => type === conditionTypes.Ready);
  const isTold = ready?.observedGeneration === metadata.generation && ready.status !== 'True';
  const why = isTold ? whyNotReady(provider, ready, from) : 'the provider-controller has not checked it yet.';
  throw waiting(reasons.ProviderNotReady, `Provider ${keyOf(provider)} is not ready: ${why}`);
};
