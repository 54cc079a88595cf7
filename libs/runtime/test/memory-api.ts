import { type KubeClient, KubeError, type KubeObject, type Resource, type WatchEvent } from '../src/index.ts';

export type Stored = KubeObject<Record<string, unknown>, Record<string, unknown>>;

/**
 * An API server in memory for one kind, as far as passes use it, with a watch that can be late. As the real one it knows a foreign
 * uid on an object (422) but not on its status (200), and a foreign resourceVersion on both (409).
 */
export interface MemoryApi {
  readonly kube: KubeClient;
  /** Verb and name of each request but list and watch, in order. */
  readonly requests: string[];
  /** Every status that was stored, with the uid of the object that got it, in order. */
  readonly statuses: { readonly uid: string; readonly status: unknown }[];
  find(name: string): Stored | undefined;
  create(name: string, spec?: Record<string, unknown>, metadata?: object): Stored;
  /** Changes an object as a person or another program does. */
  change(
    name: string,
    change: { readonly metadata?: object; readonly spec?: object; readonly status?: object },
  ): Stored;
  delete(name: string): void;
  /** Takes an object away, whatever its finalizers. */
  remove(name: string): void;
  /** The HTTP status with which every request but list and watch is refused, or 0 for no answer; undefined: it is there. */
  away: number | undefined;
  /** True: the definition of the kind is being deleted. */
  isKindLeaving: boolean;
  /** Told the HTTP status of every answer, 0 for none. */
  onAnswer: (code: number) => void;
  /** From now on the watch tells nothing. */
  holdWatch(): void;
  /** The watch tells what it has held back. */
  releaseWatch(): void;
}

const refused = (status: number, reason: string): KubeError => new KubeError({ status, reason, message: reason });

export const createMemoryApi = (resource: Resource, namespace = 'n'): MemoryApi => {
  const objects = new Map<string, Stored>();
  const requests: string[] = [];
  const statuses: MemoryApi['statuses'] = [];
  const told: WatchEvent<Stored>[] = [];
  let isHeld = false;
  let wake = (): void => undefined;
  let version = 0;
  let uids = 0;

  const tell = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: Stored): void => {
    told.push({ type, object: structuredClone(object) });
    wake();
  };
  const put = (object: Stored): Stored => {
    version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    const { deletionTimestamp, finalizers = [] } = stored.metadata;
    const isGone = deletionTimestamp !== undefined && finalizers.length === 0;
    const isNew = !objects.has(stored.metadata.name);
    if (isGone) objects.delete(stored.metadata.name);
    else objects.set(stored.metadata.name, stored);
    tell(isGone ? 'DELETED' : isNew ? 'ADDED' : 'MODIFIED', stored);
    return structuredClone(stored);
  };
  const known = (name: string): Stored => {
    const object = objects.get(name);
    if (object === undefined) throw refused(404, 'NotFound');
    return object;
  };

  const answer = (request: string): void => {
    requests.push(request);
    api.onAnswer(api.away ?? 200);
    if (api.away !== undefined) throw refused(api.away, api.away === 0 ? 'Unreachable' : 'Unavailable');
  };

  const apply: KubeClient['apply'] = async (_resource, { metadata, status }, options) => {
    answer(options?.subresource === 'status' ? `status ${metadata.name}` : `apply ${metadata.name}`);
    const object = known(metadata.name);
    if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== object.metadata.resourceVersion)
      throw refused(409, 'Conflict');
    if (options?.subresource === 'status') {
      statuses.push({ uid: object.metadata.uid, status });
      return put({ ...object, status: structuredClone(status) as never }) as never;
    }
    if (metadata.uid !== undefined && metadata.uid !== object.metadata.uid) throw refused(422, 'Invalid');
    const finalizers = (metadata.finalizers ?? []) as readonly string[];
    const isNew = finalizers.some((name) => object.metadata.finalizers?.includes(name) !== true);
    if (isNew && object.metadata.deletionTimestamp !== undefined) throw refused(422, 'Invalid');
    return put({ ...object, metadata: { ...object.metadata, finalizers } }) as never;
  };

  const kube: Partial<KubeClient> = {
    takesNew: async () => !api.isKindLeaving,
    get: async (_resource, { name }) => {
      answer(`get ${name}`);
      return structuredClone(objects.get(name)) as never;
    },
    apply,
    list: async function* () {
      yield { items: structuredClone([...objects.values()]) as never[], resourceVersion: String(version) };
    },
    watch: async function* (_resource, _selection, { signal, resourceVersion }) {
      let at = told.findIndex(
        (event) => event.type !== 'BOOKMARK' && Number(event.object.metadata.resourceVersion) > Number(resourceVersion),
      );
      if (at < 0) at = told.length;
      for (;;) {
        const event = isHeld ? undefined : told[at];
        if (event !== undefined) {
          at += 1;
          yield structuredClone(event) as never;
          continue;
        }
        await new Promise<void>((resolve, reject) => {
          wake = resolve;
          signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
        });
      }
    },
  };

  const api: MemoryApi = {
    kube: kube as KubeClient,
    away: undefined,
    isKindLeaving: false,
    onAnswer: () => undefined,
    requests,
    statuses,
    find: (name) => structuredClone(objects.get(name)),
    create(name, spec = {}, metadata = {}) {
      uids += 1;
      return put({
        apiVersion: `${resource.group}/${resource.version}`,
        kind: resource.kind,
        metadata: {
          name,
          namespace,
          uid: `uid-${uids}`,
          resourceVersion: '',
          generation: 1,
          creationTimestamp: '2026-05-05T10:00:00Z',
          ...metadata,
        },
        spec,
      });
    },
    change(name, { metadata = {}, spec, status }) {
      const object = known(name);
      return put({
        ...object,
        metadata: {
          ...object.metadata,
          ...(spec === undefined ? {} : { generation: object.metadata.generation + 1 }),
          ...metadata,
        },
        spec: { ...object.spec, ...spec },
        ...(status === undefined ? {} : { status: status as never }),
      });
    },
    delete(name) {
      const object = known(name);
      const { generation } = object.metadata;
      put({
        ...object,
        metadata: { ...object.metadata, generation: generation + 1, deletionTimestamp: '2026-05-05T11:00:00Z' },
      });
    },
    remove(name) {
      const object = known(name);
      objects.delete(name);
      version += 1;
      tell('DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } });
    },
    holdWatch: () => (isHeld = true),
    releaseWatch() {
      isHeld = false;
      wake();
    },
  };
  return api;
};
