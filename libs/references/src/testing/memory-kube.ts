import { KubeError, fieldManager, type KubeClient, type ObjectRef, type Resource } from '@operator/runtime';
import type { Writes } from './writes.ts';

interface Stored {
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    resourceVersion: string;
    managedFields?: unknown;
    [field: string]: unknown;
  };
  data?: Record<string, string>;
  [field: string]: unknown;
}

/** An API server in memory, for what reconcilers read and write beside their own object: Secrets and Namespaces. */
export interface MemoryKube {
  readonly client: KubeClient;
  /** Puts an object there as somebody else would; `data`: plain text, as in stringData. */
  put(
    plural: string,
    object: {
      readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
      readonly data?: Readonly<Record<string, string>>;
    },
  ): void;
  remove(plural: string, ref: ObjectRef): void;
  get(plural: string, ref: ObjectRef): Stored | undefined;
  /** Answers every creation and patch with this status until it is undefined again. */
  refuse(status: number | undefined): void;
  /** Answers every look at one of these with 403 from now on. */
  forbid(plural: string): void;
  /** The definition of a kind is being deleted from now on. */
  leave(plural: string): void;
  /** The data of a Secret in plain text; undefined when it is absent. */
  secret(ref: ObjectRef): Readonly<Record<string, string>> | undefined;
}

const keyOf = (plural: string, { namespace = '', name }: ObjectRef): string => `${plural}/${namespace}/${name}`;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Source: RFC 7386. */
const merged = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch;
  const result = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, merged(result.get(key), value));
  }
  return Object.fromEntries(result);
};

const base64 = (data: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));

const fieldsOf = (value: unknown) => Object.fromEntries(Object.keys(value ?? {}).map((key) => [`f:${key}`, {}]));

/** What the operator wrote last stands as its own in managedFields. */
const claimed = (object: Stored): unknown => [
  {
    manager: fieldManager,
    fieldsV1: {
      'f:metadata': {
        'f:labels': fieldsOf(object.metadata.labels),
        'f:annotations': fieldsOf(object.metadata.annotations),
      },
      'f:data': fieldsOf(object.data),
    },
  },
];

/** Objects that a test keeps elsewhere: what the API server says of them. */
export interface KeptElsewhere {
  get(key: string): unknown;
  list(): readonly unknown[];
}

/** `elsewhere`: by plural; those of namespaced kinds are found by `namespace/name`. */
export const createMemoryKube = (
  writes: Writes,
  elsewhere: Readonly<Record<string, KeptElsewhere>> = {},
): MemoryKube => {
  const objects = new Map<string, Stored>();
  let version = 0;
  let refusal: number | undefined;
  const forbidden = new Set<string>();
  const leaving = new Set<string>();
  const store = (plural: string, object: Stored): Stored => {
    version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    objects.set(keyOf(plural, object.metadata), stored);
    return structuredClone(stored);
  };
  const refused = (status: number, reason: string) => new KubeError({ status, reason, message: reason });
  const admit = () => {
    if (refusal !== undefined) throw refused(refusal, 'Refused');
  };
  const unused = (): never => {
    throw new Error('the API server in memory does not have this verb');
  };

  const client: KubeClient = {
    takesNew: async ({ plural }) => !leaving.has(plural),
    get: <T>({ plural }: Resource, ref: ObjectRef) =>
      writes.read(() => {
        if (forbidden.has(plural)) throw refused(403, 'Forbidden');
        const found = objects.get(keyOf(plural, ref)) ?? elsewhere[plural]?.get(`${ref.namespace ?? ''}/${ref.name}`);
        return structuredClone(found) as T | undefined;
      }),
    create: <T>({ plural }: Resource, object: { readonly metadata: ObjectRef }) =>
      writes.write(`kube create ${plural}`, () => {
        admit();
        if (objects.has(keyOf(plural, object.metadata))) throw refused(409, 'AlreadyExists');
        const made = object as unknown as Stored;
        const metadata = { ...made.metadata, uid: `uid-${String(version)}`, managedFields: claimed(made) };
        return store(plural, { ...made, metadata }) as T;
      }),
    patch: <T>({ plural }: Resource, ref: ObjectRef, patch: unknown) =>
      writes.write(`kube patch ${plural}`, () => {
        admit();
        const current = objects.get(keyOf(plural, ref));
        if (current === undefined) throw refused(404, 'NotFound');
        const { resourceVersion } = (patch as Stored).metadata;
        if (resourceVersion !== current.metadata.resourceVersion) throw refused(409, 'Conflict');
        const next = merged(current, patch) as Stored;
        return store(plural, { ...next, metadata: { ...next.metadata, managedFields: claimed(next) } }) as T;
      }),
    delete: ({ plural }, ref, preconditions) =>
      writes.write(`kube delete ${plural}`, () => {
        const current = objects.get(keyOf(plural, ref));
        if (preconditions?.uid !== undefined && current?.metadata.uid !== preconditions.uid) {
          throw refused(409, 'Conflict');
        }
        return objects.delete(keyOf(plural, ref));
      }),
    list: async function* ({ plural }: Resource) {
      const items = await writes.read(() => structuredClone(elsewhere[plural]?.list() ?? []));
      yield { items: items as readonly never[], resourceVersion: String(version) };
    },
    watch: unused,
    replace: unused,
    apply: unused,
  };
  return {
    client,
    put: (plural, { metadata, data, ...rest }) => {
      const known = objects.get(keyOf(plural, metadata));
      const uid = known?.metadata.uid ?? `uid-of-others-${String(version)}`;
      store(plural, {
        ...known,
        ...rest,
        metadata: { uid, resourceVersion: '', ...known?.metadata, ...metadata },
        ...(data === undefined ? {} : { data: base64(data) }),
      });
    },
    remove: (plural, ref) => void objects.delete(keyOf(plural, ref)),
    get: (plural, ref) => objects.get(keyOf(plural, ref)),
    refuse: (status) => {
      refusal = status;
    },
    forbid: (plural) => void forbidden.add(plural),
    leave: (plural) => void leaving.add(plural),
    secret: (ref) => {
      const data = objects.get(keyOf('secrets', ref))?.data;
      return (
        data &&
        Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
      );
    },
  };
};
