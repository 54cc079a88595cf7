import type { Backoff } from './backoff.ts';
import { type Informer, type InformerSource, createInformer } from './informer.ts';
import type { Resource, StoredObject } from './resource.ts';

/**
 * What a view knows. `pending`: the first list is under way. `known`: all there is. `refused`: the server refuses to list or watch (403), and goes on
 * to, so that nothing is known, whatever was before.
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

/** What nothing waits for is asked for rarely where it is refused: that is how the roles are meant, and no failure to be told of. */
const refusals: Backoff = { baseMs: 200, capMs: 300_000 };
/** So many in a row, which take about ten seconds, are a refusal: an API server that starts refuses everybody until it has read its roles. */
const refusalsInRow = 8;

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
  let refused = 0;
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
  informer.onAccess((isAllowed) => {
    refused = isAllowed ? 0 : refused + 1;
    if (isAllowed) become('known');
    else if (refused >= refusalsInRow) become('refused');
  });
  void informer.start({ ...source, namespaces: [], refusals }, AbortSignal.any([ended, stopped.signal]));
  return {
    get: (key) => informer.get(key),
    list: () => informer.list(),
    state: () => state,
    end: () => stopped.abort(),
  };
};
