import { secretNamesOf, type Provider } from '@operator/references';
import { keyOf, type ControllerTools, type ObjectKey } from '@operator/runtime';
import { secretResource } from '@operator/secrets';

type Watching = Pick<ControllerTools, 'watchOne' | 'enqueue'>;

/** Watches by name the Secrets that Providers refer to: one watch for each Secret, however many Providers share it. */
export const createSecretWatches = ({ watchOne, enqueue }: Watching) => {
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
        if (!followers.has(secretKey)) watch(secretKey, ref);
        followers.get(secretKey)?.add(providerKey);
      }
    },
    unfollow: (providerKey: ObjectKey): void => {
      leave(providerKey, new Set());
    },
  };
};
