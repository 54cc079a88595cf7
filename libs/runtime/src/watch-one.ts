import { type InformerSource, createInformer } from './informer.ts';
import type { ObjectRef } from './kube-client.ts';
import type { Resource, StoredObject } from './resource.ts';

/** An informer of one object; `onChange` gets undefined once it is known to be absent. Returns the way to stop. */
export const watchOne = (
  source: Omit<InformerSource, 'namespaces'>,
  resource: Resource,
  { namespace, name }: ObjectRef,
  onChange: (object: StoredObject | undefined) => void,
  ended: AbortSignal,
): (() => void) => {
  const stopped = new AbortController();
  const informer = createInformer<StoredObject>(resource, {
    fieldSelector: `metadata.name=${name}`,
    trim: ({ metadata }) => ({ metadata }),
  });
  informer.on({ onAdd: onChange, onUpdate: onChange, onDelete: () => onChange(undefined) });
  informer.onSynced(() => {
    if (informer.list()[Symbol.iterator]().next().done === true) onChange(undefined);
  });
  const signal = AbortSignal.any([ended, stopped.signal]);
  void informer.start({ ...source, namespaces: namespace === undefined ? [] : [namespace] }, signal);
  return () => stopped.abort();
};
