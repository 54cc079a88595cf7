import { reasons, type ProviderStatus } from '@operator/api';
import { Fault, onlyFault } from '@operator/outcome';
import type { Provider } from '@operator/references';
import { findMarkedBuckets, type Driver, type MarkedBucket } from '@operator/s3';
import type { ProviderWork } from './deps.ts';
import { firstLookMs, lookIntervalMs } from './orphans.ts';
import type { BucketUser, ProviderUsers } from './users.ts';

/** Milliseconds until a look that came to nothing is made again. */
const retryMs = 300_000;
/** How many buckets a status names. */
const listedAtMost = 20;

/** What of a Provider's status tells of buckets that their Buckets left behind. */
export type RetainedFacts = Pick<ProviderStatus, 'retainedBuckets' | 'retainedBucketCount'>;

/** Who is alive, as far as this operator sees: uids of all Buckets, and the namespaces that it looks into. */
export interface LivingBuckets {
  readonly uids: ReadonlySet<string>;
  readonly sees: (namespace: string) => boolean;
}

/** Those of the buckets whose Bucket does not exist any more, by owner tags of this cluster. Pure. */
const retainedOf = (
  buckets: readonly MarkedBucket[],
  cluster: string,
  { uids, sees }: LivingBuckets,
): readonly MarkedBucket[] =>
  buckets.filter(({ mark }) => mark.cluster === cluster && sees(mark.namespace) && !uids.has(mark.uid));

/** The status of what a look found. `isComplete`: that there are none is not said of buckets that nobody looked at. Pure. */
const reportRetained = (retained: readonly MarkedBucket[], isComplete: boolean): RetainedFacts => {
  if (retained.length === 0) return isComplete ? { retainedBucketCount: 0 } : {};
  return {
    retainedBuckets: retained.slice(0, listedAtMost).map(({ name, mark }) => ({
      bucketName: name,
      namespace: mark.namespace,
      name: mark.name,
      uid: mark.uid,
    })),
    retainedBucketCount: retained.length,
  };
};

/** The last look of each Provider, in memory. */
export interface RetainedMemory {
  /** Undefined when a look is due: the period is over, or Buckets of the Provider went since the last one. */
  standing(provider: Provider, buckets: number, now: Date): RetainedFacts | undefined;
  remember(provider: Provider, buckets: number, now: Date, facts: RetainedFacts, dueInMs: number): RetainedFacts;
  forget(providerUid: string): void;
}

interface Looked {
  readonly dueAt: number;
  /** How many Buckets the Provider had. */
  readonly buckets: number;
  readonly facts: RetainedFacts;
}

/** An empty memory. */
export const createRetainedMemory = (): RetainedMemory => {
  const looks = new Map<string, Looked>();
  const remember: RetainedMemory['remember'] = ({ metadata: { uid } }, buckets, now, facts, dueInMs) => {
    looks.set(uid, { dueAt: now.getTime() + dueInMs, buckets, facts });
    return facts;
  };
  return {
    remember,
    standing(provider, buckets, now) {
      const looked = looks.get(provider.metadata.uid);
      if (looked === undefined) return remember(provider, buckets, now, knownOf(provider), firstLookMs);
      const dueInMs = looked.dueAt - now.getTime();
      // A clock that was set back must not put a look off.
      const isDue = dueInMs <= 0 || dueInMs > lookIntervalMs || buckets < looked.buckets;
      if (isDue) return undefined;
      return remember(provider, buckets, now, looked.facts, dueInMs);
    },
    forget: (uid) => void looks.delete(uid),
  };
};

/** What the status says already, until this process has looked itself. */
const knownOf = ({ status }: Provider): RetainedFacts => ({
  ...(status?.retainedBuckets === undefined ? {} : { retainedBuckets: status.retainedBuckets }),
  ...(status?.retainedBucketCount === undefined ? {} : { retainedBucketCount: status.retainedBucketCount }),
});

/**
 * Looks which buckets of this cluster at the provider have no Bucket any more, where that is due: a deletion keeps them, and with a namespace
 * everything goes that named them. Only told: nothing is changed there. What stands in the way leaves the answer as it was.
 */
export const observeRetained = async (
  driver: Pick<Driver, 'wire' | 'marksBuckets'>,
  { buckets: own }: ProviderUsers,
  { provider, deps, pass }: ProviderWork,
): Promise<RetainedFacts> => {
  if (!driver.marksBuckets) return {};
  const standing = deps.retained.standing(provider, own.length, pass.now);
  if (standing !== undefined) return standing;
  const remember = (facts: RetainedFacts, dueInMs: number) =>
    deps.retained.remember(provider, own.length, pass.now, facts, dueInMs);
  const names = await namesOf(own, { provider, deps, pass });
  const found = await pass
    .step('retained', () => findMarkedBuckets(driver, (name) => names.has(name), pass))
    .catch(onlyFault);
  if (found instanceof Fault) {
    pass.signal.throwIfAborted();
    pass.log.info({ event: 'retained', reason: found.reason }, 'whether buckets were retained stays open');
    const isDenied = found.reason === reasons.AccessDenied || found.reason === reasons.Unsupported;
    return remember(isDenied ? {} : knownOf(provider), isDenied ? lookIntervalMs : retryMs);
  }
  const { cluster } = await deps.ownership.markOf(provider, pass.signal);
  const uids = new Set([...deps.buckets.known()].map(({ metadata }) => metadata.uid));
  const retained = retainedOf(found.buckets, cluster, { uids, sees: deps.buckets.sees });
  return remember(reportRetained(retained, found.isComplete), lookIntervalMs);
};

/** What the buckets are called that these Buckets have, with proof: whoever gives a Bucket the name of a retained one does not hide that. */
const namesOf = async (
  buckets: readonly BucketUser[],
  { provider, deps, pass }: ProviderWork,
): Promise<ReadonlySet<string>> => {
  const names = new Set<string>();
  for (const bucket of buckets) {
    const { ownership, bucketName } = bucket.status ?? {};
    if (ownership === undefined || bucketName === undefined) continue;
    if (await deps.ownership.remembersAt(bucket, provider, pass.signal)) names.add(bucketName);
  }
  return names;
};
