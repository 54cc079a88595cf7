import { type KubeClient, type ObjectKey, type ObjectRef, type StoredObject, keyOf } from '@operator/runtime';
import { secretResource } from './secret-resource.ts';

/** Tells changes that others made to Secrets from the events of what this process wrote itself. */
export interface OwnWrites {
  /** The client to write Secrets with: what it creates and patches counts as ours. */
  readonly kube: KubeClient;
  /**
   * For `mapEvents`: the owners' keys, none where the event only tells of a write of ours. While one is under way nobody knows
   * whose the event is; a foreign one is then enqueued when that write ends. A Secret that goes always concerns its owners.
   */
  readonly foreignChange: (secret: StoredObject, old: StoredObject | undefined) => readonly ObjectKey[];
  /** Drops what is remembered of a Secret whose owner is gone, for the watch may never tell of it. */
  readonly forget: (secret: ObjectKey) => void;
}

/** What is to be known of one Secret, from the beginning of a write until the watch has told of it. */
interface Written {
  underWay: number;
  /** The version that our last write made, until the watch has shown it. */
  version?: string | undefined;
  /** The last event while a write was under way. */
  unjudged?: StoredObject | undefined;
}

/** `ownersOf`: the objects to look at when this Secret has changed; `enqueue` has one of them looked at. */
export const createOwnWrites = (
  kube: KubeClient,
  ownersOf: (secret: StoredObject) => readonly ObjectKey[],
  enqueue: (owner: ObjectKey) => void,
): OwnWrites => {
  const writes = new Map<ObjectKey, Written>();

  const isOurs = (written: Written, secret: StoredObject): boolean => {
    if (written.version !== secret.metadata.resourceVersion) return false;
    written.version = undefined;
    return true;
  };

  const write = async <T>(ref: ObjectRef, send: () => Promise<StoredObject>): Promise<T> => {
    const key = keyOf({ metadata: ref });
    const written = writes.get(key) ?? { underWay: 0 };
    writes.set(key, written);
    written.underWay += 1;
    try {
      const stored = await send();
      written.version = stored.metadata.resourceVersion;
      return stored as T;
    } finally {
      written.underWay -= 1;
      if (written.underWay === 0) judge(key, written);
    }
  };

  /** Also after a write that failed: whether it reached the API server is not known. */
  const judge = (key: ObjectKey, written: Written): void => {
    const { unjudged } = written;
    written.unjudged = undefined;
    if (unjudged !== undefined && !isOurs(written, unjudged)) for (const owner of ownersOf(unjudged)) enqueue(owner);
    if (written.version === undefined && writes.get(key) === written) writes.delete(key);
  };

  return {
    kube: {
      ...kube,
      create: (resource, object, options) =>
        resource === secretResource
          ? write(object.metadata, () => kube.create(resource, object, options))
          : kube.create(resource, object, options),
      patch: (resource, ref, patch, options) =>
        resource === secretResource
          ? write(ref, () => kube.patch(resource, ref, patch, options))
          : kube.patch(resource, ref, patch, options),
    },
    foreignChange(secret, old) {
      const key = keyOf(secret);
      const written = writes.get(key);
      if (secret === old || written === undefined) {
        writes.delete(key);
        return ownersOf(secret);
      }
      if (isOurs(written, secret)) {
        if (written.underWay === 0) writes.delete(key);
        return [];
      }
      if (written.underWay === 0) return ownersOf(secret);
      written.unjudged = secret;
      return [];
    },
    forget: (secret) => writes.delete(secret),
  };
};
