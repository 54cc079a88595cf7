import type { ObjectMeta, StoredObject } from './resource.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Drops, in place, what nobody reads and every object carries: managedFields and the last-applied annotation. */
export const dropNoise = ({ metadata }: StoredObject): void => {
  const given = metadata as { managedFields?: unknown; annotations?: Readonly<Record<string, string>> };
  // Not by `delete`: V8 turns an object that loses a property into a hash table, which takes four times the memory.
  given.managedFields = undefined;
  if (given.annotations !== undefined && Object.hasOwn(given.annotations, lastApplied)) {
    given.annotations = Object.fromEntries(Object.entries(given.annotations).filter(([key]) => key !== lastApplied));
  }
};

/** The fields of these names, as far as the object has them. */
export const pick = <T extends object, K extends keyof T>(object: T, ...names: readonly K[]): Pick<T, K> => {
  const picked: Partial<Pick<T, K>> = {};
  for (const name of names) if (object[name] !== undefined) picked[name] = object[name];
  return picked as Pick<T, K>;
};

/** What a controller needs of the metadata of objects that it only refers to: no labels, annotations, finalizers, owners. */
export const bareMetadata = (metadata: ObjectMeta): ObjectMeta =>
  pick(metadata, 'name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp');
