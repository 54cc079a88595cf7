import { objectOf } from '@operator/references/testing';
import {
  createLiveList,
  keyOf,
  type Informer,
  type InformerEvents,
  type InformerOptions,
  type KubeClient,
  type Resource,
  type StoredObject,
} from '@operator/runtime';
import { describe, expect, it } from 'vitest';
import { createUserWatches, liveUsers } from './user-watches.ts';

const watchedNamespace = 'platform';

/** Informers of a process that watches one namespace; `put`: an object comes into being there, or changes. */
const begin = () => {
  const enqueued: string[] = [];
  const taking = new Map<string, (object: StoredObject) => void>();
  const { usersOf: watches } = createUserWatches({
    informer: <T extends StoredObject>(resource: Resource, options: InformerOptions<T> = {}): Informer<T> => {
      const objects = new Map<string, T>();
      let events: InformerEvents<T> = {};
      taking.set(resource.kind, (object) => {
        if (options.scope !== 'all' && object.metadata.namespace !== watchedNamespace) return;
        const taken = options.trim?.(object as T) ?? (object as T);
        const old = objects.get(taken.metadata.uid);
        objects.set(taken.metadata.uid, taken);
        if (old === undefined) events.onAdd?.(taken);
        else events.onUpdate?.(taken, old);
      });
      return {
        resource,
        get: (key) => [...objects.values()].find((one) => keyOf(one) === key),
        list: () => objects.values(),
        index: (_name, valuesOf) => (value) => [...objects.values()].filter((one) => valuesOf(one).includes(value)),
        on: (given) => void (events = given),
        remember: () => undefined,
        retain: () => undefined,
        hasSynced: () => true,
      };
    },
    enqueue: (key) => void enqueued.push(key),
  });
  const put = (object: StoredObject & { readonly kind: string }) => {
    taking.get(object.kind)?.(object);
    return enqueued.splice(0);
  };
  return { watches, put };
};

const providerRef = { name: 'store', namespace: watchedNamespace };
const metadata = { namespace: 'team-a', labels: { app: 'shop' }, annotations: { note: 'long' } };
const bucket = (status?: object) =>
  objectOf(
    'Bucket',
    'photos',
    { providerRef, name: 'photos', versioning: { enabled: true } },
    {
      metadata,
      ...(status === undefined ? {} : { status }),
    },
  );
const accessKey = objectOf(
  'AccessKey',
  'app',
  { providerRef, access: [] },
  {
    metadata,
    status: { userName: 's3op-app', policyHash: 'sha256' },
  },
);

describe('the users of a Provider', () => {
  it('are seen in namespaces that this process does not watch', () => {
    const { watches, put } = begin();
    expect(put(bucket())).toEqual(['platform/store']);
    expect(put(accessKey)).toEqual(['platform/store']);
    const { buckets, accessKeys } = watches('platform/store');
    expect([...buckets, ...accessKeys].map((user) => user.metadata.name)).toEqual(['photos', 'app']);
  });

  it('are kept in mind by what counts alone', () => {
    const { watches, put } = begin();
    put(bucket({ exists: true, ownership: 'Created', bucketName: 'photos', conditions: [] }));
    put(accessKey);
    const { buckets, accessKeys } = watches('platform/store');
    expect(buckets[0]).toMatchObject({ status: { exists: true, ownership: 'Created', bucketName: 'photos' } });
    expect(accessKeys[0]).toMatchObject({ status: { userName: 's3op-app' } });
    for (const dropped of ['labels', 'annotations', 'versioning', 'access', 'policyHash', 'conditions']) {
      expect(JSON.stringify([buckets, accessKeys])).not.toContain(`"${dropped}"`);
    }
  });

  it('have their Provider look again when a bucket comes into being or is let go, and not for other changes', () => {
    const { put } = begin();
    put(bucket());
    expect(put(bucket({ exists: true, ownership: 'Created' }))).toEqual(['platform/store']);
    expect(put(bucket({ exists: true, ownership: 'Created', region: 'us-east-1' }))).toEqual([]);
    expect(put(bucket({ exists: true }))).toEqual(['platform/store']);
  });
});

describe('an AccessKey', () => {
  const having = (status: object, more: object = {}) => ({
    ...accessKey,
    metadata: { ...accessKey.metadata, ...more },
    status: { ...accessKey.status, ...status },
  });

  it('has its Provider look again when a revocation of all keys may go on by it, and not for other changes', () => {
    const { put } = begin();
    put(accessKey);
    expect(put(having({ pairGeneration: 2, lastRotateTime: '2026-05-05T10:00:00.000Z' }))).toEqual([]);
    const answered = { answeredProviderRevokeRequest: 'now' };
    expect(put(having(answered))).toEqual(['platform/store']);
    expect(put(having(answered))).toEqual([]);
    const paused = { annotations: { 's3.cloud37.dev/paused': 'true' } };
    expect(put(having(answered, paused))).toEqual(['platform/store']);
    expect(put(having(answered))).toEqual(['platform/store']);
    expect(put(having(answered, { deletionTimestamp: '2026-05-05T10:00:00Z' }))).toEqual(['platform/store']);
  });

  it('is known to be paused and not Ready, and nothing else of its annotations and conditions', () => {
    const { watches, put } = begin();
    const at = '2026-05-05T10:00:00Z';
    const condition = (type: string, status: string) => ({
      type,
      status,
      reason: 'R',
      message: 'm',
      lastTransitionTime: at,
    });
    put(
      having(
        { conditions: [condition('Ready', 'False'), condition('Reconciling', 'True')] },
        { annotations: { note: 'long', 's3.cloud37.dev/paused': 'true' } },
      ),
    );
    expect(watches('platform/store').accessKeys).toMatchObject([
      {
        metadata: { annotations: { 's3.cloud37.dev/paused': 'true' } },
        status: { conditions: [condition('Ready', 'False')] },
      },
    ]);
    expect(JSON.stringify(watches('platform/store').accessKeys)).not.toMatch(/long|Reconciling/);
  });
});

describe('a Bucket of another Provider that copies to one of this', () => {
  const copying = (to: readonly string[]) =>
    objectOf('Bucket', 'source', {
      providerRef: { name: 'elsewhere' },
      name: 'source',
      replication: { rules: to.map((name) => ({ id: name, destination: { bucketRef: { name } } })), others: 'Remove' },
    });

  it('is a user, once, and has the Provider look again when that changes', () => {
    const { watches, put } = begin();
    put(bucket());
    const others = objectOf('Bucket', 'more', { providerRef, name: 'more' }, { metadata });
    put(others);
    expect(put(copying([]))).toEqual(['team-a/elsewhere']);
    expect(watches('platform/store').sources).toEqual([]);
    expect(put(copying(['photos', 'more', 'none']))).toEqual(['platform/store', 'platform/store']);
    expect(watches('platform/store').sources?.map(keyOf)).toEqual(['team-a/source']);
    expect(watches('team-a/elsewhere').sources).toEqual([]);
    expect(put(copying(['photos', 'more', 'none']))).toEqual([]);
    expect(put(copying(['more']))).toEqual(['platform/store', 'platform/store', 'platform/store']);
  });

  it('is found by a live list too', async () => {
    const kube = {
      list: async function* ({ kind }: Resource) {
        if (kind === 'Bucket') yield { items: [copying(['photos']), bucket()] };
      },
    } as unknown as Pick<KubeClient, 'list'>;
    const users = await liveUsers(createLiveList(kube, []))('platform/store', new AbortController().signal);
    expect(users.sources?.map(keyOf)).toEqual(['team-a/source']);
    expect(users.buckets.map(keyOf)).toEqual(['team-a/photos']);
  });
});

it('the users of a Provider are found by a list of all namespaces too, piece by piece, whatever the watches have', async () => {
  const elsewhere = objectOf('Bucket', 'other', { providerRef: { name: 'other' }, name: 'other' });
  const asked: unknown[] = [];
  const kube = {
    list: async function* ({ kind }: Resource, selection: object, { pageSize }: { pageSize?: number } = {}) {
      asked.push([kind, selection, pageSize]);
      if (kind === 'Bucket') yield { items: [elsewhere] };
      yield { items: [kind === 'Bucket' ? bucket({ ownership: 'Created', conditions: [] }) : accessKey] };
    },
  } as unknown as Pick<KubeClient, 'list'>;
  const { buckets, accessKeys } = await liveUsers(createLiveList(kube, []))(
    'platform/store',
    new AbortController().signal,
  );
  expect(buckets.map(({ metadata, status }) => [metadata.name, status])).toEqual([
    ['photos', { ownership: 'Created' }],
  ]);
  expect(accessKeys.map(({ metadata }) => metadata.name)).toEqual(['app']);
  expect(asked).toEqual([
    ['Bucket', {}, 500],
    ['AccessKey', {}, 500],
  ]);
});
