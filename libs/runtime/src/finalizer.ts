import { isSameJson } from './json-equality.ts';
import type { JsonPatchStep, KubeClient, RequestOptions } from './kube-client.ts';
import { isKubeError, objectChanged } from './kube-error.ts';
import type { Resource, StoredObject } from './resource.ts';
import { wantedPart } from './wanted-part.ts';

type Kube = Pick<KubeClient, 'apply' | 'patch' | 'get'>;

export const hasFinalizer = (object: StoredObject, finalizer: string): boolean =>
  object.metadata.finalizers?.includes(finalizer) ?? false;

/**
 * Adds our finalizer by server-side apply, which leaves those of others alone. Returns the object as it is then.
 * @throws KubeError 409 when the object was recreated or is gone, 422 when it is invalid as it stands; `objectChanged` when it
 * is being deleted
 */
export const addFinalizer = async <T extends StoredObject>(
  kube: Kube,
  resource: Resource,
  object: T,
  finalizer: string,
  options: RequestOptions,
): Promise<T> => {
  const { name, namespace, uid } = object.metadata;
  const ref = { name, ...(namespace === undefined ? {} : { namespace }) };
  try {
    return await kube.apply<T>(resource, { metadata: { ...ref, uid, finalizers: [finalizer] } }, options);
  } catch (caught) {
    // Refused as invalid: the object is being deleted, and the cache does not know yet; or its schema has become stricter.
    if (isKubeError(caught, 422)) {
      const current = await kube.get<T>(resource, ref, options);
      if (current?.metadata.uid !== uid || current.metadata.deletionTimestamp !== undefined)
        throw objectChanged(name, caught);
    }
    throw caught;
  }
};

/** How often a removal is tried while others change the list. */
const attempts = 5;

/**
 * Removes our finalizer: by server-side apply, and where somebody else has put the same one too, by a patch of exactly that
 * entry. An object that is gone, or recreated, counts as done. Returns the object as it is then; undefined when it is gone.
 * @throws `objectChanged` when the object is no longer as given: what has been decided for it may not hold
 */
export const removeFinalizer = async <T extends StoredObject>(
  kube: Kube,
  resource: Resource,
  object: T,
  finalizer: string,
  options: RequestOptions,
): Promise<T | undefined> => {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const ref = { name, ...(namespace === undefined ? {} : { namespace }) };
  try {
    let current: T | undefined = await kube.apply<T>(resource, { metadata: { ...ref, uid, resourceVersion } }, options);
    for (let attempt = 1; current?.metadata.uid === uid && hasFinalizer(current, finalizer); attempt += 1) {
      try {
        current = await kube.patch<T>(resource, ref, removalOf(current, finalizer), options);
      } catch (caught) {
        if (!isKubeError(caught, 409, 422) || attempt === attempts) throw caught;
        current = await kube.get<T>(resource, ref, options);
        if (current?.metadata.uid === uid && !isSameJson(wantedPart(current), wantedPart(object)))
          throw objectChanged(name, caught);
      }
    }
    return current;
  } catch (caught) {
    if (isKubeError(caught, 404)) return undefined;
    // Which of the two a foreign uid gets depends on what else is in the request. Source: apiserver, rest.BeforeUpdate.
    if (!isKubeError(caught, 409, 422)) throw caught;
    if (await isGone(kube, resource, object, options)) return undefined;
    throw caught.status === 409 ? objectChanged(name, caught) : caught;
  }
};

/** Takes exactly our entry out of exactly this version. */
const removalOf = ({ metadata }: StoredObject, finalizer: string): readonly JsonPatchStep[] => {
  const path = `/metadata/finalizers/${metadata.finalizers?.indexOf(finalizer) ?? 0}`;
  return [
    { op: 'test', path: '/metadata/uid', value: metadata.uid },
    { op: 'test', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
    { op: 'test', path, value: finalizer },
    { op: 'remove', path },
  ];
};

/** The name is free, or another object has it. */
const isGone = async (
  kube: Kube,
  resource: Resource,
  object: StoredObject,
  options: RequestOptions,
): Promise<boolean> => {
  const { name, namespace, uid } = object.metadata;
  const found = await kube.get(resource, { name, ...(namespace === undefined ? {} : { namespace }) }, options);
  return found?.metadata.uid !== uid;
};
