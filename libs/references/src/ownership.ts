import { annotations, entriesIn } from '@operator/api';
import type {
  AccessKeySpec,
  AccessKeyStatus,
  BucketPolicySpec,
  BucketPolicyStatus,
  BucketSpec,
  BucketStatus,
  ProviderStatus,
} from '@operator/api';
import type { CallContext, Fault } from '@operator/outcome';
import {
  accessKeyFacts,
  bucketFacts,
  bucketPolicyFacts,
  bucketReferenceFacts,
  decideOwnership,
  explainOwnership,
  isConfirmed,
  kinshipOf,
  lastingPlaceOf,
  markFacts,
  placesOf,
  providerFacts,
  type Act,
  type AgeSight,
  type Asker,
  type Intent,
  type MarkSight,
  type Memory,
  type OwnerMark,
  type Prover,
  type Rememberer,
  type SeenMark,
  type Sight,
  type SignedMark,
  type OwnershipVerdict,
  type provenKeyFields,
} from '@operator/ownership';
import type { KubeObject, ObjectMeta } from '@operator/runtime';
import { findContent, lookUpCreation, readOwner, type SeenOwner, type Tags } from '@operator/s3';
import type { ProverSource } from '@operator/secrets';
import type { ClusterIdentity } from './cluster.ts';
import { isBorrowedBy, type Provider } from './connection.ts';
import type { OwnerGone } from './owner-gone.ts';
import { keyOfReference, type Provided } from './references.ts';

/** What of a Bucket decides whose its bucket is. */
export type OwnableBucket = KubeObject<
  Pick<BucketSpec, 'name' | 'providerRef' | 'adoptionPolicy'>,
  Pick<BucketStatus, 'bucketName' | 'endpoint' | 'ownership' | 'ownedSince' | 'createIntent' | 'proof'>
>;

/** What is asked. */
export interface OwnerQuestion {
  readonly act: Act;
  readonly bucket: OwnableBucket;
  /** Of the object that acts; the Bucket's own where it acts itself. */
  readonly provided: Provided;
  readonly region: string;
  /** What this pass has read of the bucket's tags already. */
  readonly seen?: SeenOwner;
  /** Namespace of the object that acts; that of the Bucket when left out. */
  readonly from?: string;
}

/** What a look found. */
export interface OwnerLook {
  readonly verdict: OwnershipVerdict;
  readonly sight: Sight;
  /** Why the bucket may not be used, and what settles it; undefined when it is ours. */
  readonly fault: Fault | undefined;
  /** The bucket's tags; undefined where none were read. */
  readonly tags: Tags | undefined;
  /** True when the server says that there is no such bucket. */
  readonly isAbsent: boolean;
  /** What the Bucket's status remembers. */
  readonly memory: BucketMemory;
}

/**
 * Other Buckets for which something of a Bucket stands at its server, by `Reference.as`: each as `namespace/name/bucket`, or as
 * `namespace/name` where only a spec says so.
 */
export type BucketReferences = Readonly<Record<string, readonly string[]>>;

/** What of a Bucket tells what it has by references to other ones. */
export interface ReferringBucket {
  readonly metadata: ObjectMeta;
  readonly status?: Pick<BucketStatus, 'references'>;
}

/** A BucketPolicy, as far as its memory is concerned. */
export interface RememberingPolicy {
  readonly metadata: Pick<ObjectMeta, 'uid' | 'namespace'>;
  readonly spec: Pick<BucketPolicySpec, 'bucketRef'>;
}

/** What of an AccessKey tells what it has at the server. */
export type RememberingKey = KubeObject<
  Pick<AccessKeySpec, 'providerRef'>,
  Pick<AccessKeyStatus, (typeof provenKeyFields)[number]>
>;

/** Sees whose a bucket is, and proves what statuses remember. One for each process. */
export interface Ownership {
  /**
   * Reads the mark, and what else may decide, with the Provider of the object that acts. One call where the mark decides; one or
   * more to list buckets where it is missing and a date can tell.
   * @throws Fault of the connection and the credentials; never for what it is to find out
   */
  look(question: OwnerQuestion, context: CallContext): Promise<OwnerLook>;
  /** The mark of an object's bucket or user. */
  markOf(object: { readonly metadata: ObjectMeta }, signal: AbortSignal): Promise<OwnerMark>;
  /** The mark that a bucket is to bear, with its proof. `provided`: the Provider of the Bucket. */
  signedMarkOf(
    bucket: Pick<OwnableBucket, 'metadata' | 'spec'>,
    provided: Pick<Provided, 'provider'>,
    signal: AbortSignal,
  ): Promise<SignedMark>;
  /** What a Bucket remembers with proof of the bucket that its spec names, at the place to which its Provider leads. */
  memoryOf(bucket: OwnableBucket, provided: Provided, signal: AbortSignal): Promise<BucketMemory>;
  /** The status with its proof for the place to which the Provider leads, by each name of it. */
  sealBucket(
    status: BucketStatus,
    bucket: { readonly metadata: ObjectMeta },
    provided: Provided,
    signal: AbortSignal,
  ): Promise<BucketStatus>;
  /** What a Bucket remembers of other Buckets, with its proof; undefined for nothing. */
  sealReferences(
    buckets: BucketReferences,
    bucket: { readonly metadata: ObjectMeta },
    signal: AbortSignal,
  ): Promise<BucketStatus['references']>;
  /** What a Bucket remembers of other Buckets, as far as that is proved. */
  provenReferences(bucket: ReferringBucket, signal: AbortSignal): Promise<BucketReferences>;
  /** The status with its proof. */
  sealPolicy(status: BucketPolicyStatus, policy: RememberingPolicy, signal: AbortSignal): Promise<BucketPolicyStatus>;
  /** The status if its proof holds; undefined otherwise. */
  provenPolicy(
    policy: RememberingPolicy & { readonly status?: BucketPolicyStatus },
    signal: AbortSignal,
  ): Promise<BucketPolicyStatus | undefined>;
  /** The status with its proof. */
  sealAccessKey(
    status: AccessKeyStatus,
    accessKey: { readonly metadata: ObjectMeta; readonly spec: Pick<AccessKeySpec, 'providerRef'> },
    signal: AbortSignal,
  ): Promise<AccessKeyStatus>;
  /** The status if its proof holds; undefined otherwise. */
  provenAccessKey<Key extends RememberingKey>(accessKey: Key, signal: AbortSignal): Promise<Key['status'] | undefined>;
  /** True when the Bucket remembers, with proof, a bucket or the creation of one where the Provider led when it was last looked at. */
  remembersAt(
    bucket: Pick<OwnableBucket, 'metadata' | 'status'>,
    provider: Provider,
    signal: AbortSignal,
  ): Promise<boolean>;
  /** The status with its proof. */
  sealProvider(
    status: ProviderStatus,
    provider: { readonly metadata: ObjectMeta },
    signal: AbortSignal,
  ): Promise<ProviderStatus>;
  /** The account that the provider-controller found; undefined where the server tells none, or the proof does not hold. */
  provenAccountOf(provider: Provider, signal: AbortSignal): Promise<string | undefined>;
}

/** What a Bucket's status remembers. */
export interface BucketMemory {
  readonly memory: Memory | undefined;
  readonly intent: Intent | undefined;
  /** True when the status speaks of this bucket as ours, and its proof does not hold. */
  readonly isUnproven: boolean;
}

export interface OwnershipDeps {
  readonly clusterId: ClusterIdentity;
  /** uids of kube-system of the clusters that this one has replaced. */
  readonly formerClusters: ReadonlySet<string>;
  readonly prover: ProverSource;
  readonly ownerGone: OwnerGone;
}

/** From the instant of a pass until the server has surely made, or refused, what that pass asks for: four calls at 90 s each. */
export const longestCreationMs = 6 * 60_000;

export const createOwnership = (deps: OwnershipDeps): Ownership => {
  const { clusterId, formerClusters, ownerGone } = deps;

  const markOf: Ownership['markOf'] = async ({ metadata: { namespace, name, uid } }, signal) => ({
    cluster: await clusterId(signal),
    namespace,
    name,
    uid,
  });

  /** True when the operator wrote the mark, for this bucket, through a Provider of one of these namespaces. */
  const isSigned = async (
    mark: SeenMark,
    bucketName: string,
    lenders: readonly string[],
    signal: AbortSignal,
  ): Promise<boolean> => {
    if (mark.proof === undefined) return false;
    const prover = await deps.prover(signal);
    return lenders.some((lender) => prover.holds(mark.proof, markFacts(mark, { bucketName, lender })));
  };

  const remembererOf = async ({ uid }: Pick<ObjectMeta, 'uid'>, signal: AbortSignal) => ({
    cluster: await clusterId(signal),
    uid,
  });

  /** Every pass asks several times for the account of the same few Providers, as they are stored. */
  const accounts = new WeakMap<Provider, { readonly proven: string | undefined }>();

  const provenAccountOf: Ownership['provenAccountOf'] = async (provider, signal) => {
    const known = accounts.get(provider);
    if (known !== undefined) return known.proven;
    const { metadata, status } = provider;
    if (status?.accountId === undefined) return undefined;
    const [prover, rememberer] = [await deps.prover(signal), await remembererOf(metadata, signal)];
    const proven = prover.holds(status.proof, providerFacts(rememberer, status)) ? status.accountId : undefined;
    accounts.set(provider, { proven });
    return proven;
  };

  const placesAt = async (
    { provider, driver }: Provided,
    signal: AbortSignal,
    serverIdentity = driver.serverIdentity,
  ): Promise<readonly [string, ...string[]]> =>
    placesOf(serverIdentity, await provenAccountOf(provider, signal), provider.metadata.uid);

  /** Where the bucket was, when the owner of the Provider says that the new address leads to the same server. */
  const formerPlaces = async (
    endpoint: string | undefined,
    { provider, driver }: Provided,
    signal: AbortSignal,
  ): Promise<readonly string[]> => {
    const declared = entriesIn(provider.metadata.annotations?.[annotations.sameServer]);
    const isSame = declared.includes(driver.serverIdentity);
    if (endpoint === undefined || !isSame) return [];
    // By the Provider object: who borrows it could have sealed the account's name for an endpoint of its own.
    const accounts = new Set([undefined, await provenAccountOf(provider, signal)]);
    return [...accounts].map((account) => lastingPlaceOf(endpoint, account, provider.metadata.uid));
  };

  const memoryOf: Ownership['memoryOf'] = async (bucket, provided, signal) => {
    const { status, spec, metadata } = bucket;
    const speaks = status?.ownership !== undefined || status?.createIntent !== undefined;
    if (!speaks || status.bucketName !== spec.name) return { memory: undefined, intent: undefined, isUnproven: false };
    const [prover, rememberer] = [await deps.prover(signal), await remembererOf(metadata, signal)];
    const former = await formerPlaces(status.endpoint, provided, signal);
    if (!isProvedFor([...(await placesAt(provided, signal)), ...former], status, prover, rememberer)) {
      return { memory: undefined, intent: undefined, isUnproven: true };
    }
    return {
      memory: status.ownership && { ownership: status.ownership, since: dateOf(status.ownedSince) },
      intent: status.createIntent?.bucketName === spec.name ? intentOf(status.createIntent) : undefined,
      isUnproven: false,
    };
  };

  const markSightOf = async (
    seen: SeenOwner,
    own: OwnerMark,
    { act, bucketName, lenders, isWished }: MarkQuestion,
    signal: AbortSignal,
  ): Promise<MarkSight> => {
    switch (seen.kind) {
      case 'marked': {
        const { cluster, namespace, name, uid } = seen.mark;
        const owner: OwnerMark = { cluster, namespace, name, uid };
        const kinship = kinshipOf(owner, own, formerClusters);
        const signed = await isSigned(seen.mark, bucketName, lenders, signal);
        if (kinship !== 'other') return { kind: kinship, isSigned: signed };
        // Asked only where it may change the verdict.
        const isGone = act === 'keep' && isWished && (await ownerGone(owner, signal));
        return { kind: 'other', isSigned: signed, owner, isGone };
      }
      case 'unmarked':
      case 'absent':
        return { kind: 'none' };
      case 'unreadable':
      case 'notKept':
        return { kind: seen.kind };
    }
  };

  return {
    markOf,
    memoryOf,
    provenAccountOf,

    async signedMarkOf(bucket, { provider }, signal) {
      const [mark, prover] = [await markOf(bucket, signal), await deps.prover(signal)];
      const about = { bucketName: bucket.spec.name, lender: provider.metadata.namespace };
      return { ...mark, proof: prover.prove(markFacts(mark, about)) };
    },

    async look({ act, bucket, provided, region, seen: given, from = bucket.metadata.namespace }, context) {
      const { signal } = context;
      const { driver, provider } = provided;
      const { spec, metadata } = bucket;
      const place = { bucket: spec.name, region };
      const s3 = { wire: driver.wire(region), bucket: spec.name };
      const seen = given ?? (await readOwner(s3, context));
      const own = await markOf(bucket, signal);
      const asker: Asker = {
        bucket: spec.name,
        namespace: metadata.namespace,
        name: metadata.name,
        provider: provider.metadata,
      };
      // Who only borrows the Provider has no say over what its account holds already.
      const isBorrowed = isBorrowedBy(bucket, provider);
      const adoption = isBorrowed && spec.adoptionPolicy === 'Always' ? 'IfOwned' : spec.adoptionPolicy;
      const confirmed = isConfirmed(provider.metadata.annotations, asker);
      const bearing = {
        act,
        bucketName: spec.name,
        lenders: lendersOf(bucket, provider, from),
        isWished: adoption === 'Always' || confirmed,
      };
      const mark = await markSightOf(seen, own, bearing, signal);
      const isSameProvider =
        provider.metadata.name === spec.providerRef.name &&
        provider.metadata.namespace === (spec.providerRef.namespace ?? metadata.namespace);
      const memory = await memoryOf(bucket, provided, signal);
      const seenSoFar: Sight = {
        mark,
        age: 'notAsked',
        memory: memory.memory,
        intent: memory.intent,
        isMemoryUnproven: memory.isUnproven,
        isUntouched: false,
        adoption,
        isBorrowed,
        isConfirmed: confirmed,
        isSameProvider,
      };
      const age = isAgeWanted(act, seenSoFar) ? ageOf(await lookUpCreation(driver, place, context)) : 'notAsked';
      const isRemembered = (memory.intent ?? memory.memory) !== undefined;
      const mayBeUntouched = age === 'dateLost' && isRemembered && (tagsOf(seen)?.size ?? 0) === 0;
      const isUntouched = mayBeUntouched && (await findContent(s3, context)) === undefined;
      const sight: Sight = { ...seenSoFar, age, isUntouched };
      const verdict = decideOwnership(act, sight);
      return {
        verdict,
        sight,
        fault:
          verdict.is === 'ours'
            ? undefined
            : explainOwnership(verdict, act, { ...asker, adoptionPolicy: spec.adoptionPolicy, isConfirmed: confirmed }),
        tags: tagsOf(seen),
        isAbsent: seen.kind === 'absent',
        memory,
      };
    },

    async sealBucket(status, { metadata }, provided, signal) {
      if (status.ownership === undefined && status.createIntent === undefined) return status;
      const { provider, driver } = provided;
      const [place] = await placesAt(provided, signal);
      const account = await provenAccountOf(provider, signal);
      const places = new Set([place, lastingPlaceOf(driver.serverIdentity, account, provider.metadata.uid)]);
      const [prover, rememberer] = [await deps.prover(signal), await remembererOf(metadata, signal)];
      const proofs = [...places].map((at) => prover.prove(bucketFacts(rememberer, at, status)));
      return { ...status, proof: proofs.join(betweenProofs) };
    },

    async sealReferences(buckets, { metadata }, signal) {
      const kept = Object.fromEntries(Object.entries(buckets).filter(([, keys]) => keys.length > 0));
      if (Object.keys(kept).length === 0) return undefined;
      const prover = await deps.prover(signal);
      return { buckets: kept, proof: prover.prove(bucketReferenceFacts(await remembererOf(metadata, signal), kept)) };
    },

    async provenReferences({ metadata, status }, signal) {
      if (status?.references === undefined) return {};
      const { buckets, proof } = status.references;
      const prover = await deps.prover(signal);
      return prover.holds(proof, bucketReferenceFacts(await remembererOf(metadata, signal), buckets)) ? buckets : {};
    },

    async sealPolicy(status, { metadata, spec }, signal) {
      if (status.appliedHash === undefined && status.pendingHash === undefined) return status;
      const prover = await deps.prover(signal);
      const bucket = keyOfReference(spec.bucketRef, metadata.namespace);
      return {
        ...status,
        proof: prover.prove(bucketPolicyFacts(await remembererOf(metadata, signal), bucket, status)),
      };
    },

    async provenPolicy({ metadata, spec, status }, signal) {
      if (status === undefined) return undefined;
      const prover: Prover = await deps.prover(signal);
      const rememberer = await remembererOf(metadata, signal);
      const bucket = keyOfReference(spec.bucketRef, metadata.namespace);
      return prover.holds(status.proof, bucketPolicyFacts(rememberer, bucket, status)) ? status : undefined;
    },

    async sealAccessKey(status, { metadata, spec }, signal) {
      if (status.userName === undefined && status.answeredProviderRevokeRequest === undefined) return status;
      const provider = keyOfReference(spec.providerRef, metadata.namespace);
      const prover = await deps.prover(signal);
      return { ...status, proof: prover.prove(accessKeyFacts(await remembererOf(metadata, signal), provider, status)) };
    },

    async provenAccessKey({ metadata, spec, status }, signal) {
      if (status?.proof === undefined) return undefined;
      const provider = keyOfReference(spec.providerRef, metadata.namespace);
      const prover = await deps.prover(signal);
      const facts = accessKeyFacts(await remembererOf(metadata, signal), provider, status);
      return prover.holds(status.proof, facts) ? status : undefined;
    },

    async remembersAt({ metadata, status }, provider, signal) {
      const endpoint = provider.status?.endpoint;
      if (status?.proof === undefined || endpoint === undefined) return false;
      const places = placesOf(endpoint, await provenAccountOf(provider, signal), provider.metadata.uid);
      const [prover, rememberer] = [await deps.prover(signal), await remembererOf(metadata, signal)];
      return isProvedFor(places, status, prover, rememberer);
    },

    async sealProvider(status, { metadata }, signal) {
      if (status.accountId === undefined) return status;
      const prover = await deps.prover(signal);
      return { ...status, proof: prover.prove(providerFacts(await remembererOf(metadata, signal), status)) };
    },
  };
};

/** Between the proofs of one memory, each for another name of the place. */
const betweenProofs = ' ';

/** True when one of the proofs in the status was made for one of these names of a place. */
const isProvedFor = (
  places: readonly string[],
  status: Pick<BucketStatus, 'bucketName' | 'ownership' | 'ownedSince' | 'createIntent' | 'proof'>,
  prover: Prover,
  rememberer: Rememberer,
): boolean => {
  const proofs = status.proof?.split(betweenProofs) ?? [];
  return places.some((place) => {
    const facts = bucketFacts(rememberer, place, status);
    return proofs.some((proof) => prover.holds(proof, facts));
  });
};

const dateOf = (instant: string | undefined): Date | undefined =>
  instant === undefined ? undefined : new Date(instant);

const intentOf = ({ serverTime }: NonNullable<BucketStatus['createIntent']>): Intent => {
  const from = dateOf(serverTime);
  return { from, until: from && new Date(from.getTime() + longestCreationMs) };
};

const tagsOf = (seen: SeenOwner): Tags | undefined => ('tags' in seen ? seen.tags : undefined);

/**
 * Through whose Providers a mark may have been written that counts here: through those of the namespace with whose Provider it is
 * read; and where the object that acts owns that Provider itself, through the Bucket's own too.
 */
const lendersOf = (
  { spec, metadata }: Pick<OwnableBucket, 'metadata' | 'spec'>,
  provider: Provider,
  from: string,
): readonly string[] => {
  const lender = provider.metadata.namespace;
  return from === lender ? [lender, spec.providerRef.namespace ?? metadata.namespace] : [lender];
};

interface MarkQuestion {
  readonly act: Act;
  readonly bucketName: string;
  /** Namespaces of the Providers through which a mark that counts was written. */
  readonly lenders: readonly string[];
  readonly isWished: boolean;
}

/** The list of all buckets is read only where no mark is proved, and a date, or not being listed, may decide. */
const isAgeWanted = (act: Act, sight: Sight): boolean => {
  const { mark, memory, intent, adoption, isBorrowed, isConfirmed: confirmed, isSameProvider } = sight;
  if ('isSigned' in mark) {
    if (mark.isSigned || act === 'grant') return false;
    if (mark.kind === 'other') return memory !== undefined && confirmed;
    const mayDecide = memory !== undefined || intent !== undefined || confirmed;
    return mayDecide && (act === 'keep' ? isBorrowed : mark.kind === 'own');
  }
  if (mark.kind === 'unreadable') return false;
  if (act === 'grant') return mark.kind === 'notKept' && isSameProvider && memory !== undefined;
  const isWished = (act === 'keep' && adoption === 'Always') || confirmed;
  return memory !== undefined || intent !== undefined || isWished || act === 'delete';
};

const ageOf = (creation: Awaited<ReturnType<typeof lookUpCreation>>): AgeSight =>
  creation.kind === 'listed' ? creation.at : creation.kind;
