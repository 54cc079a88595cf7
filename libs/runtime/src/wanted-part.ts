import type { StoredObject } from './resource.ts';

/** What a person asks of an object, beside its uid: its spec, annotations, labels, whether it is to go. */
export const wantedPart = ({ metadata }: StoredObject) => ({
  generation: metadata.generation,
  annotations: metadata.annotations ?? {},
  labels: metadata.labels ?? {},
  deletionTimestamp: metadata.deletionTimestamp,
});
