import {
  pairIn,
  accessKeySpec,
  bucketSpec,
  type Call,
  isReady,
  type Manifest,
  type Pair,
  passRequest,
  s3View,
  seeded,
  specChange,
  type Stored,
  until,
  type World,
} from '@operator/tools/harness';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountsOn } from './kills/keys.ts';
import { startWorld } from './world.ts';

/* What may go wrong while a key is rotated, beside the kills of key-kills.e2e.spec.ts and the views of stale-views.e2e.spec.ts. */

const servers = ['minio', 'moto'] as const;
const namespaceOf = (server: string): string => `mishaps-${server}`;
const bucketOf = (server: string): string => `mishaps-${server}`;
const withinMs = 120_000;
const seed = Number(process.env.MISHAPS_SEED ?? Date.now() % 2 ** 32);

let world: World;
beforeAll(async () => {
  world = await startWorld('key-mishaps', servers);
  for (const server of servers) await world.createNamespace(namespaceOf(server));
  await world.startController('provider');
  await world.startController('bucket');
  for (const server of servers) {
    const namespace = namespaceOf(server);
    await world.createProvider(namespace, 'provider', { server });
    await world.kube.create('Bucket', namespace, 'bucket', bucketSpec('provider', bucketOf(server)));
    await world.kube.untilReady('Bucket', namespace, 'bucket', withinMs);
  }
});
afterAll(() => world.stop());

const annotated = (annotation: string, value: string): Manifest => ({
  metadata: { annotations: { [`s3.cloud37.dev/${annotation}`]: value } },
});

const pairOf = async (namespace: string, name: string): Promise<Pair> =>
  pairIn(await world.kube.get('Secret', namespace, `${name}-credentials`));

type KeyStatus = Stored<'AccessKey'>['status'];
const untilKey = (namespace: string, name: string, what: string, holds: (status: KeyStatus) => boolean) =>
  until(
    () => world.kube.get('AccessKey', namespace, name),
    (object) => isReady(object) && holds(object?.status),
    { what, timeoutMs: withinMs },
  );

/** The keys of the user at the server are those that the status names, the Secret has the current one, and all of them work. */
const expectTruth = async (server: (typeof servers)[number], name: string, former: readonly Pair[]): Promise<void> => {
  const namespace = namespaceOf(server);
  const accounts = accountsOn(world, server);
  try {
    const look = async () => {
      const object = await world.kube.get('AccessKey', namespace, name);
      const pair = await pairOf(namespace, name);
      const keys = (await accounts.of(object?.status?.userName ?? ''))?.keys ?? [];
      const previous = (object?.status?.previousKeys ?? []).map(({ accessKeyId }) => accessKeyId);
      return { isReady: isReady(object), current: object?.status?.accessKeyId, previous, keys: keys.toSorted(), pair };
    };
    const ids = former.map(({ accessKey }) => accessKey);
    const { pair } = await until(
      look,
      (seen) =>
        seen.isReady &&
        seen.current === seen.pair.accessKey &&
        seen.previous.join() === ids.join() &&
        seen.keys.join() === [...ids, seen.pair.accessKey].toSorted().join(),
      {
        what: 'server, Secret and status agree',
        timeoutMs: withinMs,
        show: (seen) => JSON.stringify({ ...seen, pair: seen?.pair.accessKey }),
      },
    );
    for (const each of [...former, pair]) {
      const { client, sdk } = s3View({ ...world.server(server), ...each });
      await client.putObject(bucketOf(server), 'probe', 'content').finally(() => sdk.destroy());
    }
  } finally {
    accounts.destroy();
  }
};

/** Where a process may stand still: before the server gets this write. */
const writes: readonly (readonly [string, (call: Call) => boolean])[] = [
  ['its intent', ({ operation }) => operation === 'patch accesskeys/status'],
  ['the new key', ({ operation }) => /^(admin:add-service-account|iam:CreateAccessKey)/.test(operation)],
  [
    'the Secret',
    ({ side, effect, operation }) => side === 'kube' && effect === 'write' && operation.endsWith(' secrets'),
  ],
];

describe(`a process that stands still in the middle of a rotation until another one leads (MISHAPS_SEED=${String(seed)})`, () => {
  const random = seeded(seed);
  it.concurrent.each(servers.map((server) => ({ server, at: random.pick(writes) })))(
    'does no harm when its write to $server arrives late: $at.0',
    async ({ server, at: [, matches] }) => {
      const { kube, traffic } = world;
      const namespace = namespaceOf(server);
      const start = (as: string) =>
        world.startController('accesskey', { as: `${as}-${server}`, namespaces: [namespace] });
      const leads = async (controller: Awaited<ReturnType<typeof start>>): Promise<void> => {
        await until(
          () => controller.output(),
          (output) => output.includes('"msg":"leading"'),
          { what: `${controller.proxy} leads`, timeoutMs: withinMs },
        );
      };
      const first = await start('first');
      await leads(first);
      const second = await start('second');
      await kube.create('AccessKey', namespace, 'late', accessKeySpec('provider', 'bucket', 'ReadWrite'));
      await kube.untilReady('AccessKey', namespace, 'late', withinMs);
      const former = await pairOf(namespace, 'late');

      const [held, released] = [Promise.withResolvers<Call>(), Promise.withResolvers<undefined>()];
      const trap = traffic.onCall(
        (call) => matches(call) && (call.proxy === first.proxy || call.proxy === server),
        1,
        'before',
        async (call) => {
          process.kill(first.pid, 'SIGSTOP');
          held.resolve(call);
          await released.promise;
          return 'pass' as const;
        },
      );
      try {
        await kube.patch('AccessKey', namespace, 'late', annotated('rotate-requested-at', 'late'));
        const call = await held.promise;
        trap.disarm();
        await leads(second);
        const isDone = (status: KeyStatus) => status?.answeredRotateRequest === 'late';
        await untilKey(namespace, 'late', 'the other process has rotated the key', isDone);
        released.resolve(undefined);
        await until(
          () => call.status,
          (status) => status !== undefined,
          { what: 'the late write has arrived' },
        );
      } finally {
        released.resolve(undefined);
        process.kill(first.pid, 'SIGCONT');
      }
      // What the next look finds comes sooner so.
      await kube.patch('AccessKey', namespace, 'late', passRequest('late'));
      await expectTruth(server, 'late', [former]);
      expect((await kube.get('AccessKey', namespace, 'late'))?.status?.pairGeneration).toBe(2);
      await first.close();
      await second.close();
    },
  );
});

describe('a Provider that signs in with the key of an AccessKey', () => {
  /** Makes an AccessKey that may do everything, and a Provider that signs in with it, and with nothing else. */
  const signInByKey = async (server: (typeof servers)[number], name: string, issuedBy: string) => {
    const { kube } = world;
    const namespace = namespaceOf(server);
    const statement: readonly Manifest[] =
      server === 'minio'
        ? ['admin:*', 's3:*'].map((action) => ({ effect: 'Allow', action, resource: '*' }))
        : [{ effect: 'Allow', action: '*', resource: '*' }];
    await world.createProvider(namespace, name, { server });
    await kube.create('AccessKey', namespace, name, {
      spec: { providerRef: { name: issuedBy }, policy: { statement } },
    });
    await kube.untilReady('AccessKey', namespace, name, withinMs);
    const ref = (key: string) => ({ name: `${name}-credentials`, key });
    const auth = { accessKeySecretRef: ref('access-key-id'), secretKeySecretRef: ref('secret-access-key') };
    await kube.patch('Provider', namespace, name, specChange({ auth }));
    /** The Provider is Ready with what the Secret has now. */
    const signsIn = async (): Promise<void> => {
      const look = async () => ({
        provider: await kube.get('Provider', namespace, name),
        secret: await kube.get('Secret', namespace, `${name}-credentials`),
      });
      await until(
        look,
        ({ provider, secret }) =>
          isReady(provider) && provider?.status?.credentialsVersion === secret?.metadata.resourceVersion,
        { what: 'the Provider signs in with the key', timeoutMs: withinMs },
      );
    };
    await signsIn();
    await kube.delete('Secret', namespace, `${name}-root`);
    return signsIn;
  };
  const bucketBy = async (server: (typeof servers)[number], name: string): Promise<void> => {
    const namespace = namespaceOf(server);
    await world.kube.create('Bucket', namespace, `of-${name}`, bucketSpec(name, `of-${name}-${server}`));
    await world.kube.untilReady('Bucket', namespace, `of-${name}`, withinMs);
  };

  beforeAll(async () => {
    for (const server of servers)
      await world.startController('accesskey', { as: `own-${server}`, namespaces: [namespaceOf(server)] });
  });

  it.each([
    { server: 'moto', issuedBy: 'own', whose: 'its own' },
    { server: 'minio', issuedBy: 'provider', whose: 'another Provider' },
  ] as const)(
    'goes on through rotation and revocation on $server, as a key of $whose',
    async ({ server, issuedBy }) => {
      const { kube } = world;
      const namespace = namespaceOf(server);
      const signsIn = await signInByKey(server, 'own', issuedBy);
      const first = await pairOf(namespace, 'own');
      await kube.patch('AccessKey', namespace, 'own', annotated('rotate-requested-at', 'own'));
      await untilKey(namespace, 'own', 'it is rotated', (status) => status?.answeredRotateRequest === 'own');
      await signsIn();
      await kube.patch('AccessKey', namespace, 'own', annotated('revoke-requested-at', 'own'));
      await untilKey(namespace, 'own', 'it is revoked', (status) => status?.answeredRevokeRequest === 'own');
      await signsIn();

      await expectTruth(server, 'own', []);
      expect((await pairOf(namespace, 'own')).accessKey).not.toBe(first.accessKey);
      await bucketBy(server, 'own');
      if (issuedBy !== 'own') return;
      await kube.create('AccessKey', namespace, 'other', accessKeySpec('own', 'of-own', 'ReadWrite'));
      await kube.untilReady('AccessKey', namespace, 'other', withinMs);
    },
  );

  it('keeps that key on minio where it would have to issue another one to itself', async () => {
    const { kube } = world;
    const namespace = namespaceOf('minio');
    const signsIn = await signInByKey('minio', 'self', 'self');
    const before = await pairOf(namespace, 'self');
    await kube.patch('AccessKey', namespace, 'self', annotated('rotate-requested-at', 'self'));
    // No key that the operator issues may issue others there.
    await kube.untilNotReady('AccessKey', namespace, 'self', 'AccessDenied', withinMs);
    expect(await pairOf(namespace, 'self')).toEqual(before);
    await signsIn();
    await bucketBy('minio', 'self');
  });
});

it('no secret of any pair is in what the controllers put out', async () => {
  expect(await world.findLeaks()).toEqual([]);
});
