import { conditionTypes } from '@operator/api';
import type { Condition } from '@operator/conditions';
import type { CommonStatus, ObjectMeta, StoredObject } from './resource.ts';

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

/**
 * What a controller needs of the metadata of objects that it only refers to: no labels, finalizers, owners, and of the annotations the
 * one that is named.
 */
export const bareMetadata = (metadata: ObjectMeta, annotation?: string): ObjectMeta => {
  const bare = pick(
    metadata,
    'name',
    'namespace',
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
    'deletionTimestamp',
  );
  const value = annotation === undefined ? undefined : metadata.annotations?.[annotation];
  return annotation === undefined || value === undefined ? bare : { ...bare, annotations: { [annotation]: value } };
};

/** One for all objects that are Ready: there is nothing to explain. */
const ready: readonly Condition[] = [
  {
    type: conditionTypes.Ready,
    status: 'True',
    reason: '',
    message: '',
    observedGeneration: 0,
    lastTransitionTime: '',
  },
];

/** Of the conditions Ready alone, in full while it is not True: to say why. */
export const readyIn = ({ conditions }: CommonStatus): { readonly conditions?: readonly Condition[] } => {
  const verdict = conditions?.find(({ type }) => type === conditionTypes.Ready);
  return verdict === undefined ? {} : { conditions: verdict.status === 'True' ? ready : [verdict] };
};
