import { annotations, conditionTypes, entriesIn } from '@operator/api';
import { keyOf, type Informer, type KubeObject, type ObjectKey } from '@operator/runtime';
import type { Provider } from './connection.ts';
import type { ReferredBucket } from './referred-bucket.ts';
import { turnsIn } from './revocation.ts';

/** True when the object was found Ready, whatever its generation. */
const isReady = ({ status }: KubeObject): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === conditionTypes.Ready && value === 'True') === true;

/**
 * The credentials version at which a Provider may be used: it was found Ready, for its current generation. One that is being
 * deleted is of use as long as its connection is good, so that those who wait for it can finish. Undefined: not now.
 */
export const usableVersion = (provider: Provider): string | undefined => {
  const { metadata, status } = provider;
  const isUsable =
    metadata.deletionTimestamp === undefined
      ? status?.observedGeneration === metadata.generation && isReady(provider)
      : status?.connected === true;
  return isUsable ? status?.credentialsVersion : undefined;
};

/** Whether objects that refer to the Provider of a key can do more than tell that it is not usable. */
export const usable =
  (providers: Pick<Informer<Provider>, 'get'>) =>
  (key: ObjectKey): boolean => {
    const provider = providers.get(key);
    return provider !== undefined && usableVersion(provider) !== undefined;
  };

const hasVerdict = ({ status }: Provider): boolean =>
  status?.conditions?.some(({ type }) => type === conditionTypes.Ready) === true;

/**
 * Which objects that refer to a Provider look again after this event of it. An outage wakes nobody: it is told on the Provider
 * at once, and on the others as their own passes come round. A Provider that became usable wakes those that may have waited
 * for it; with a new spec, which may lead to another server or grant other namespaces, it wakes all, once that was found good.
 * Its first verdict, if it is a bad one, wakes those that could only say that there was none. What its owner says of a namespace,
 * of a withdrawn grant or of whose a bucket is, wakes the objects there.
 */
export const wokenByProvider = <T extends KubeObject>(
  provider: Provider,
  old: Provider | undefined,
  dependents: readonly T[],
): readonly T[] => {
  const version = usableVersion(provider);
  const unready = () => dependents.filter((dependent) => !isReady(dependent));
  if (version === undefined && old !== undefined && !hasVerdict(old) && hasVerdict(provider)) return unready();
  if (version === undefined) return [];
  if (version === (old && usableVersion(old))) {
    const named = namespacesNamedSince(provider, old);
    return named.size === 0 ? [] : dependents.filter(({ metadata }) => named.has(metadata.namespace));
  }
  const isOtherSpec = old !== undefined && old.status?.observedGeneration !== provider.status?.observedGeneration;
  return isOtherSpec ? dependents : unready();
};

/** The AccessKeys whose turn in a revocation of all keys of their Provider this event of it brings. */
export const wokenByRevocation = <T extends KubeObject>(
  { status }: Provider,
  old: Provider | undefined,
  accessKeys: readonly T[],
): readonly T[] => {
  const [before, now] = [turnsIn(old?.status?.revocation), turnsIn(status?.revocation)];
  return now.size === 0 ? [] : accessKeys.filter((key) => now.has(keyOf(key)) && !before.has(keyOf(key)));
};

/** What the owner of a Provider says about objects of other namespaces: each entry begins with the name of a namespace. */
const wordsIn = ({ metadata }: Provider): readonly string[] =>
  [annotations.confirmWithdrawal, annotations.confirmOwner].flatMap((annotation) =>
    entriesIn(metadata.annotations?.[annotation]).map((entry) => `${annotation} ${entry}`),
  );

/** The namespaces about which the owner of the Provider said something new. */
const namespacesNamedSince = (provider: Provider, old: Provider | undefined): ReadonlySet<string> => {
  const before = new Set(old === undefined ? [] : wordsIn(old));
  return new Set(
    wordsIn(provider)
      .filter((word) => !before.has(word))
      .map((word) => word.replace(/^\S+ ([^/]*).*$/s, '$1')),
  );
};

const factsOf = ({ metadata, spec, status }: ReferredBucket): string =>
  JSON.stringify([
    metadata.deletionTimestamp ?? null,
    spec.name,
    spec.allowedNamespaces ?? null,
    spec.publicAccess ?? null,
    metadata.annotations?.[annotations.confirmWithdrawal] ?? null,
    status?.exists ?? null,
    status?.ownership ?? null,
    status?.bucketName ?? null,
    status?.region ?? null,
    status?.endpoint ?? null,
  ]);

/** True when something of a Bucket changed that objects referring to it, or rivals for its name, depend on. */
export const bucketMatters = (bucket: ReferredBucket, old: ReferredBucket | undefined): boolean =>
  old === undefined || bucket === old || factsOf(bucket) !== factsOf(old);

/**
 * Which objects that refer to a Bucket look again after this event of it: all, where something of it changed that they depend on; and
 * those that are not Ready, where it becomes Ready, since what they wait for may be what was settled there, such as whose it is. A Bucket that takes
 * its bucket back says that it has it before its mark is there, and has no verdict yet.
 */
export const wokenByBucket = <T extends KubeObject>(
  bucket: ReferredBucket,
  old: ReferredBucket | undefined,
  dependents: readonly T[],
): readonly T[] => {
  if (bucketMatters(bucket, old)) return dependents;
  const becameReady = old !== undefined && !isReady(old) && isReady(bucket);
  return becameReady ? dependents.filter((dependent) => !isReady(dependent)) : [];
};
