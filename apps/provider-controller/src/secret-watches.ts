import { secretNamesOf, type Provider } from '@operator/references';
import { keyOf, type ControllerTools, type ObjectKey } from '@operator/runtime';
import { secretResource } from '@operator/secrets';

type Watching = Pick<ControllerTools, 'watchOne' | 'enqueue'>;

/** Each watch is a connection to the API server: how many there may be, and how many of them in one namespace. */
export interface WatchBounds {
  readonly inAll: number;
  readonly inNamespace: number;
}

const usualBounds: WatchBounds = { inAll: 256, inNamespace: 16 };

/**
 * Watches by name the Secrets that Providers refer to, since Secrets are not listed: one watch for each Secret, however many
 * Providers share it. A Secret beyond the bounds is not watched; each check reads it all the same, so that a change of it is
 * noticed with the next one.
 */
export const createSecretWatches = ({ watchOne, enqueue }: Watching, bounds = usualBounds) => {
  const followers = new Map<ObjectKey, Set<ObjectKey>>();
  const stops = new Map<ObjectKey, () => void>();

  const watch = (secretKey: ObjectKey, ref: { namespace: string; name: string }): void => {
    const providers = new Set<ObjectKey>();
    followers.set(secretKey, providers);
    let known: string | undefined | null = null;
    const stop = watchOne(secretResource, ref, (secret) => {
      const version = secret?.metadata.resourceVersion;
      if (version === known) return;
      known = version;
      // Also the first time: the pass that began the watch may have read the Secret before it changed.
      for (const key of providers) enqueue(key);
    });
    stops.set(secretKey, stop);
  };

  const hasRoom = (namespace: string): boolean => {
    if (stops.size >= bounds.inAll) return false;
    const prefix = `${namespace}/`;
    return [...stops.keys()].filter((key) => key.startsWith(prefix)).length < bounds.inNamespace;
  };

  const leave = (providerKey: ObjectKey, kept: ReadonlySet<ObjectKey>): void => {
    for (const [secretKey, providers] of followers) {
      if (kept.has(secretKey) || !providers.delete(providerKey) || providers.size > 0) continue;
      stops.get(secretKey)?.();
      stops.delete(secretKey);
      followers.delete(secretKey);
    }
  };

  return {
    /** Follows exactly the Secrets that the Provider names now. */
    follow: (provider: Provider): void => {
      const { namespace } = provider.metadata;
      const providerKey = keyOf(provider);
      const wanted = new Map(secretNamesOf(provider.spec).map((name) => [`${namespace}/${name}`, { namespace, name }]));
      leave(providerKey, new Set(wanted.keys()));
      for (const [secretKey, ref] of wanted) {
        if (!followers.has(secretKey) && hasRoom(namespace)) watch(secretKey, ref);
        followers.get(secretKey)?.add(providerKey);
      }
    },
    unfollow: (providerKey: ObjectKey): void => {
      leave(providerKey, new Set());
    },
  };
};
