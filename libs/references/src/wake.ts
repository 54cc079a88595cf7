import { conditionTypes } from '@operator/api';
import type { KubeObject } from '@operator/runtime';
import type { Provider } from './connection.ts';
import type { Bucket } from './references.ts';

/** True when the object was found Ready, whatever its generation. */
export const isReady = ({ status }: KubeObject): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === conditionTypes.Ready && value === 'True') === true;

/** Fields of a Provider's spec that lead to another server, or to other rights to refer to it. */
const leadsElsewhere = (one: Provider, other: Provider): boolean =>
  one.metadata.generation !== other.metadata.generation &&
  JSON.stringify([one.spec.type, one.spec.endpoint, one.spec.region, one.spec.iamEndpoint]) !==
    JSON.stringify([other.spec.type, other.spec.endpoint, other.spec.region, other.spec.iamEndpoint]);

/**
 * Which objects that refer to a Provider look again after this event of it. An outage wakes nobody: it is told on the Provider
 * at once, and on the others as their own passes come round. A Provider that is Ready wakes those that may have waited for it.
 */
export const wokenByProvider = <T extends KubeObject>(
  provider: Provider,
  old: Provider | undefined,
  dependents: readonly T[],
): readonly T[] => {
  if (old !== undefined && leadsElsewhere(provider, old)) return dependents;
  const becameUsable =
    isReady(provider) &&
    (old === undefined ||
      !isReady(old) ||
      old.metadata.generation !== provider.metadata.generation ||
      old.status?.observedGeneration !== provider.status?.observedGeneration ||
      old.status?.credentialsVersion !== provider.status?.credentialsVersion);
  return becameUsable ? dependents.filter((dependent) => !isReady(dependent)) : [];
};

const factsOf = ({ metadata, spec, status }: Bucket): string =>
  JSON.stringify([
    metadata.deletionTimestamp ?? null,
    spec.name,
    spec.allowedNamespaces ?? null,
    status?.exists ?? null,
    status?.ownership ?? null,
    status?.bucketName ?? null,
    status?.region ?? null,
    status?.endpoint ?? null,
  ]);

/** True when something of a Bucket changed that objects referring to it, or rivals for its name, depend on. */
export const bucketMatters = (bucket: Bucket, old: Bucket | undefined): boolean =>
  old === undefined || bucket === old || factsOf(bucket) !== factsOf(old);
