import { reasons, type ProviderStatus } from '@operator/api';
import { Fault, oneLine, onlyFault } from '@operator/outcome';
import type { Provider } from '@operator/references';
import { pick } from '@operator/runtime';
import { findMarkedBuckets, type Driver, type MarkedBucket } from '@operator/s3';
import type { ProviderWork } from './deps.ts';
import { createLookMemory, listedAtMost, lookIntervalMs, retryMs, type LookMemory } from './looks.ts';
import { shownOwner } from './shown-owner.ts';
import type { BucketUser, ProviderUsers } from './users.ts';

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
      bucketName: oneLine(name, 255),
      ...shownOwner(mark),
    })),
    retainedBucketCount: retained.length,
  };
};

/** The last looks; one is due at once when Buckets of the Provider went. */
export const createRetainedMemory = (): LookMemory<RetainedFacts, number> =>
  createLookMemory((buckets, former = buckets) => buckets < former);

/** What the status says already, until this process has looked itself. */
const knownOf = ({ status = {} }: Provider): RetainedFacts => pick(status, 'retainedBuckets', 'retainedBucketCount');

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
  const known = knownOf(provider);
  const standing = deps.retained.standing(provider, own.length, pass.now, known);
  if (standing !== undefined) return withoutTaken(standing, own, { provider, deps, pass });
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
    return remember(isDenied ? {} : known, isDenied ? lookIntervalMs : retryMs);
  }
  const { cluster } = await deps.ownership.markOf(provider, pass.signal);
  const uids = new Set([...deps.buckets.known()].map(({ metadata }) => metadata.uid));
  const retained = retainedOf(found.buckets, cluster, { uids, sees: deps.buckets.sees });
  return remember(reportRetained(retained, found.isComplete), lookIntervalMs);
};

/** What an earlier look found, but for what one of these Buckets has by now, with proof. */
const withoutTaken = async (
  facts: RetainedFacts,
  own: readonly BucketUser[],
  work: ProviderWork,
): Promise<RetainedFacts> => {
  const { retainedBuckets = [], retainedBucketCount = 0 } = facts;
  const listed = new Set(retainedBuckets.map(({ bucketName }) => bucketName));
  const heirs = own.filter(({ status }) => status?.bucketName !== undefined && listed.has(status.bucketName));
  if (heirs.length === 0) return facts;
  const taken = await namesOf(heirs, work);
  const left = retainedBuckets.filter(({ bucketName }) => !taken.has(bucketName));
  return {
    ...(left.length === 0 ? {} : { retainedBuckets: left }),
    retainedBucketCount: retainedBucketCount - (retainedBuckets.length - left.length),
  };
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
