import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { annotations } from '@operator/api';
import {
  accessKeySpec,
  bucketSpec,
  conditionOf,
  isReady,
  ourKinds,
  publicPolicySpec,
  s3View,
  specChange,
  until,
  untilPasses,
  type Controller,
  type OurKind,
  type Stored,
  type World,
} from '@operator/tools/harness';
import { obtainServers } from '@operator/tools/local';
import { projectRoot } from '@operator/tools/paths';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld } from './world.ts';

/*
 * What Flux and Argo CD make of our objects. Every version that objects had in a real run is recorded by a watch and then judged by
 * kstatus itself and by the scripts of the chart, in the interpreter of Argo CD.
 */

const namespace = 'gitops';
const bucketName = 'gitops-photos';
type Recorded = Stored<OurKind>;

const script = (name: string): string =>
  readFileSync(join(projectRoot, 'charts/s3-provider-operator/argocd', name), 'utf8');

let world: World;
let bucketController: Controller;
let judge: (requests: readonly object[]) => Promise<readonly unknown[]>;
const recorded: Recorded[] = [];
const watching = new AbortController();

beforeAll(async () => {
  const { gitops } = await obtainServers(['gitops']);
  judge = async (requests) => {
    const judging = promisify(execFile)(gitops, { maxBuffer: 64 * 1024 * 1024 });
    judging.child.stdin?.end(requests.map((request) => `${JSON.stringify(request)}\n`).join(''));
    const { stdout } = await judging;
    return stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
  };
  world = await startWorld('gitops', ['minio']);
  await world.createNamespace(namespace);
  for (const kind of ourKinds) {
    const events = await world.kube.watch(kind, namespace, watching.signal);
    void (async () => {
      for await (const { type, object } of events) if (type !== 'DELETED') recorded.push(object);
    })().catch((error: unknown) => {
      if (!watching.signal.aborted) throw error;
    });
  }
  await Promise.all((['provider', 'policy', 'accesskey'] as const).map((name) => world.startController(name)));
  bucketController = await world.startController('bucket');
});
afterAll(async () => {
  watching.abort();
  await world.stop();
});

const names = { Provider: 'store', Bucket: 'photos', BucketPolicy: 'photos', AccessKey: 'app' } as const;
const current = async <K extends OurKind>(kind: K): Promise<Stored<K>> => {
  const object = await world.kube.get(kind, namespace, names[kind]);
  if (object === undefined) throw new Error(`no ${kind}`);
  return object;
};

/** What Argo CD offers to do with an object. */
const offered = async (object: Recorded): Promise<readonly string[]> => {
  const [actions] = (await judge([{ object, lua: script('discovery.lua') }])) as [
    Readonly<Record<string, { readonly disabled: boolean }>>,
  ];
  return Object.keys(actions)
    .filter((name) => actions[name]?.disabled === false)
    .sort();
};

/** Runs an action as Argo CD does: what the script changes of the object is sent as a patch. */
const act = async (kind: OurKind, action: string): Promise<Recorded> => {
  const object = await current(kind);
  expect(await offered(object)).toContain(action);
  const [changed] = (await judge([{ object, lua: script(`actions/${action}.lua`) }])) as [Recorded];
  const removed = Object.fromEntries(Object.keys(object.metadata.annotations ?? {}).map((name) => [name, null]));
  return world.kube.patch(kind, namespace, names[kind], {
    metadata: { annotations: { ...removed, ...changed.metadata.annotations } },
  });
};

const untilState = (kind: OurKind, what: string, holds: (object: Recorded | undefined) => boolean) =>
  until(() => world.kube.get(kind, namespace, names[kind]), holds, {
    what: `${kind} is ${what}`,
    timeoutMs: 60_000,
    show: (object) => JSON.stringify(object?.status?.conditions),
  });
const is = (type: string) => (object: Recorded | undefined) => conditionOf(object, type)?.status === 'True';

const wrong = {
  // MinIO has no websites.
  Bucket: specChange({ website: { enabled: true, indexDocument: { suffix: 'index.html' } } }),
  BucketPolicy: publicPolicySpec('photos', 's3:ListBucket'),
  AccessKey: specChange({ secretTemplate: { data: { file: '$(bucket-nothing)' } } }),
} as const;

describe('in a real run', () => {
  it('objects begin before what they refer to is there, and become Ready', async () => {
    const { kube } = world;
    await kube.create('BucketPolicy', namespace, names.BucketPolicy, publicPolicySpec('photos', 's3:GetObject'));
    await kube.create('AccessKey', namespace, names.AccessKey, accessKeySpec('store', 'photos', 'ReadWrite'));
    await kube.create('Bucket', namespace, names.Bucket, bucketSpec('store', bucketName, { forceDelete: false }));
    await kube.untilNotReady('Bucket', namespace, names.Bucket, 'ProviderNotFound');
    await world.createProvider(namespace, names.Provider, { server: 'minio' });
    for (const kind of ourKinds) await kube.untilReady(kind, namespace, names[kind]);
  });

  it('each kind is paused and goes on by an action', async () => {
    for (const kind of ourKinds) await act(kind, 'pause');
    for (const kind of ourKinds) {
      await untilState(kind, 'Paused', is('Paused'));
      expect(await offered(await current(kind))).toEqual(['resume']);
      const resumed = await act(kind, 'resume');
      expect(Object.keys(resumed.metadata.annotations ?? {})).not.toContain(annotations.paused);
    }
    for (const kind of ourKinds)
      await untilState(kind, 'not Paused', (object) => !is('Paused')(object) && isReady(object));
  });

  it('an action asks for a pass, and another one for a new key pair', async () => {
    const before = await bucketController.passes('Bucket');
    const asked = await act('Bucket', 'reconcile');
    expect(asked.metadata.annotations?.[annotations.reconcileRequestedAt]).toMatch(/^\d{4}(-\d\d){2}T(\d\d:){2}\d\dZ$/);
    await untilPasses(bucketController, 'Bucket', before + 1);

    const { status } = await current('AccessKey');
    await act('AccessKey', 'rotate');
    await untilState(
      'AccessKey',
      'rotated',
      (object) => isReady(object) && (object as Stored<'AccessKey'>).status?.accessKeyId !== status?.accessKeyId,
    );
    expect(await offered(await current('Bucket'))).toEqual(['pause', 'reconcile']);
  });

  it('what cannot be is Stalled; a Provider whose credentials fail is not Ready', async () => {
    const { kube } = world;
    const spoilt = ['Bucket', 'BucketPolicy', 'AccessKey'] as const;
    for (const kind of spoilt) await kube.patch(kind, namespace, names[kind], wrong[kind]);
    for (const kind of spoilt) await untilState(kind, 'Stalled', is('Stalled'));
    await kube.patch('Secret', namespace, 'store-root', { stringData: { 'secret-key': 'not the right one' } });
    await kube.untilNotReady('Provider', namespace, names.Provider, 'AuthFailed');
    const { secretKey } = world.server('minio');
    await kube.patch('Secret', namespace, 'store-root', { stringData: { 'secret-key': secretKey } });
    await kube.untilReady('Provider', namespace, names.Provider);
  });

  it('a deletion that waits is seen, and ends', async () => {
    const { kube } = world;
    const { client } = s3View(world.server('minio'));
    await client.putObject(bucketName, 'kept', 'content');
    for (const kind of ourKinds) await kube.delete(kind, namespace, names[kind]);
    await kube.untilNotReady('Bucket', namespace, names.Bucket, 'BucketNotEmpty');
    await kube.patch('Bucket', namespace, names.Bucket, specChange({ forceDelete: true }));
    for (const kind of ourKinds) await kube.untilGone(kind, namespace, names[kind]);
  });
});

describe('every version of every object', () => {
  interface Judged {
    readonly object: Recorded;
    readonly flux: string;
    readonly argo: string;
  }
  let judged: readonly Judged[];

  beforeAll(async () => {
    const health = script('health.lua');
    const answers = (await judge(recorded.flatMap((object) => [{ object }, { object, lua: health }]))) as readonly {
      readonly status: string;
      readonly message: string;
    }[];
    judged = recorded.map((object, index) => ({
      object,
      flux: answers[2 * index]?.status ?? '',
      // Argo CD asks no script about what is being deleted. Source: gitops-engine, GetResourceHealth.
      argo: object.metadata.deletionTimestamp === undefined ? (answers[2 * index + 1]?.status ?? '') : 'Progressing',
    }));
  });

  it.each(ourKinds)('of %s was seen in every state, and each says what it is', (kind) => {
    const states = new Set(
      judged.filter(({ object }) => object.kind === kind).map(({ flux, argo }) => `${flux} ${argo}`),
    );
    expect([...states]).toEqual(
      expect.arrayContaining([
        'InProgress Progressing',
        'Current Healthy',
        'Current Suspended',
        kind === 'Provider' ? 'InProgress Degraded' : 'Failed Degraded',
        'Terminating Progressing',
      ]),
    );
  });

  const expected = (object: Recorded): readonly string[] => {
    if (object.metadata.deletionTimestamp !== undefined) return ['Terminating Progressing'];
    if (is('Paused')(object)) return ['Current Suspended', 'InProgress Suspended'];
    if (isReady(object)) return [is('Reconciling')(object) ? 'InProgress Progressing' : 'Current Healthy'];
    if (object.status?.observedGeneration !== object.metadata.generation) return ['InProgress Progressing'];
    if (is('Stalled')(object)) return ['Failed Degraded'];
    return ['InProgress Progressing', 'InProgress Degraded'];
  };

  it('is Current and Healthy only where it is Ready for its generation, Failed only where it is Stalled', () => {
    expect(judged.length).toBeGreaterThan(40);
    const odd = judged.filter(({ object, flux, argo }) => !expected(object).includes(`${flux} ${argo}`));
    expect(odd.map(({ object, flux, argo }) => [object.kind, flux, argo, object.status?.conditions])).toEqual([]);
  });
});
