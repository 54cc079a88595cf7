import { type Informer, type InformerSource, createInformer } from './informer.ts';
import type { Resource, StoredObject } from './resource.ts';

/**
 * What a view knows. `pending`: the first list is under way. `known`: all there is. `refused`: the server refuses to list or watch (403), so that
 * nothing is known, whatever was before.
 */
export type ViewState = 'pending' | 'known' | 'refused';

/** A watch of all objects of a resource, for which nothing waits: no process keeps from its work because it is refused. */
export interface View<T extends StoredObject> extends Pick<Informer<T>, 'get' | 'list'> {
  readonly state: () => ViewState;
  /** Ends the watch. */
  readonly end: () => void;
}

export interface ViewOptions<T> {
  /** Trims an object on arrival to what is needed. */
  readonly trim: (object: T) => T;
  /** Called for each change while the view is `known`: `object` is undefined when it went, `old` when it came. */
  readonly onChange: (object: T | undefined, old: T | undefined) => void;
  readonly onState: (state: ViewState) => void;
}

/** Begins to watch all objects of a resource, of every namespace. */
export const watchAll = <T extends StoredObject>(
  source: Omit<InformerSource, 'namespaces' | 'reach'>,
  resource: Resource,
  { trim, onChange, onState }: ViewOptions<T>,
  ended: AbortSignal,
): View<T> => {
  const stopped = new AbortController();
  const informer = createInformer<T>(resource, { trim });
  let state: ViewState = 'pending';
  const become = (next: ViewState): void => {
    if (next === state || stopped.signal.aborted) return;
    state = next;
    onState(next);
  };
  const tell = (object: T | undefined, old: T | undefined): void => {
    if (state === 'known' && !stopped.signal.aborted) onChange(object, old);
  };
  informer.on({
    onAdd: (object) => tell(object, undefined),
    onUpdate: tell,
    onDelete: (old) => tell(undefined, old),
  });
  informer.onSynced(() => become('known'));
  // A watch begins after a list alone.
  informer.onAccess((isAllowed) => become(isAllowed ? 'known' : 'refused'));
  void informer.start({ ...source, namespaces: [] }, AbortSignal.any([ended, stopped.signal]));
  return {
    get: (key) => informer.get(key),
    list: () => informer.list(),
    state: () => state,
    end: () => stopped.abort(),
  };
};
