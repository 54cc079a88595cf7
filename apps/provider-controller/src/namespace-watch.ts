import { labels, type AllowedNamespaces } from '@operator/api';
import { matchesSelector, namespaceResource, type Provider } from '@operator/references';
import { keyOf, pick, type ControllerTools, type ObjectKey, type StoredObject, type View } from '@operator/runtime';

/** A Namespace, trimmed to what selectors and the label of ours look at. */
type Namespace = StoredObject & { readonly metadata: { readonly labels?: Readonly<Record<string, string>> } };

/** The namespaces that a selector matches, by name; `pending` until they are listed, `hidden` where the Provider may not show them. */
export type Matching = readonly string[] | 'pending' | 'hidden';

/** Watches all Namespaces, as long as a Provider grants by a selector. */
export interface NamespaceWatch {
  /**
   * The namespaces that the selector matches. From now on the Provider is enqueued whenever that may have changed. They are hidden unless the
   * Provider's own namespace has the label for it: a tenant who may write Providers would see the names and labels of all others.
   */
  follow(provider: Provider, selector: NonNullable<AllowedNamespaces['selector']>): Matching;
  unfollow(provider: ObjectKey): void;
}

/** Milliseconds to gather changes of Namespaces, so that a thousand new ones are written down in few statuses. */
const namespacesSettleMs = 5_000;

const showsIn = (owner: Namespace | undefined): boolean =>
  owner?.metadata.labels?.[labels.showGrantedNamespaces] === 'true';

const trimNamespace = ({ metadata }: Namespace): Namespace => ({
  metadata: pick(metadata, 'name', 'uid', 'resourceVersion', 'creationTimestamp', 'labels'),
});

interface Follower {
  /** Namespace of the Provider. */
  readonly owner: string;
  readonly names: ReadonlySet<string>;
  readonly selector: NonNullable<AllowedNamespaces['selector']>;
}

const matches = ({ selector }: Follower, namespace: Namespace | undefined): boolean =>
  namespace !== undefined && matchesSelector(selector, namespace.metadata.labels ?? {});

export const createNamespaceWatch = ({
  watchAll,
  enqueue,
}: Pick<ControllerTools, 'watchAll' | 'enqueue'>): NamespaceWatch => {
  const followers = new Map<ObjectKey, Follower>();
  /** Those that were not answered yet. */
  const waiting = new Set<ObjectKey>();
  let view: View<Namespace> | undefined;

  /** Whether what the status of a follower says may differ by this change: of its own namespace, or of one that it may show. */
  const concerns = (follower: Follower, object: Namespace | undefined, old: Namespace | undefined): boolean => {
    const name = (object ?? old)?.metadata.name ?? '';
    if (name === follower.owner) return showsIn(object) !== showsIn(old);
    if (follower.names.has(name) || !showsIn(view?.get(follower.owner))) return false;
    return matches(follower, object) !== matches(follower, old);
  };

  const begin = (): View<Namespace> =>
    watchAll<Namespace>(namespaceResource, {
      trim: trimNamespace,
      onChange: (object, old) => {
        for (const [key, follower] of followers) if (concerns(follower, object, old)) enqueue(key, namespacesSettleMs);
      },
      onState: (state) => {
        for (const key of state === 'known' ? waiting : followers.keys()) enqueue(key);
      },
    });

  return {
    follow(provider, selector) {
      const key = keyOf(provider);
      const { namespace: owner } = provider.metadata;
      const follower = { owner, selector, names: new Set(provider.spec.allowedNamespaces?.names) };
      followers.set(key, follower);
      view ??= begin();
      if (view.state() !== 'known') {
        waiting.add(key);
        return view.state() === 'pending' ? 'pending' : 'hidden';
      }
      waiting.delete(key);
      if (!showsIn(view.get(owner))) return 'hidden';
      return [...view.list()].filter((namespace) => matches(follower, namespace)).map(({ metadata }) => metadata.name);
    },
    unfollow(key) {
      waiting.delete(key);
      if (!followers.delete(key) || followers.size > 0) return;
      view?.end();
      view = undefined;
    },
  };
};
