import {
  pairIn,
  accessKeySpec,
  bucketSpec,
  s3View,
  until,
  type Controller,
  type Pair,
  type ServerName,
  type Stored,
  type World,
} from '@operator/tools/harness';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld } from './world.ts';

const namespace = 'orphans';
const confirm = 's3.cloud37.dev/confirm-orphans';
/** The servers on which the operator issues keys, each with a Provider of its name. */
const servers = ['minio', 'moto'] as const satisfies readonly ServerName[];

let world: World;
let issuer: Controller;

beforeAll(async () => {
  world = await startWorld('orphans', servers);
  const others = (['provider', 'bucket'] as const).map((name) => world.startController(name));
  [issuer] = await Promise.all([world.startController('accesskey'), ...others]);
  await world.createNamespace(namespace);
  for (const server of servers) {
    await world.createProvider(namespace, server, { server });
    await world.kube.create('Bucket', namespace, server, bucketSpec(server, `orphans-${server}`));
    await world.kube.untilReady('Bucket', namespace, server, 60_000);
  }
});
afterAll(() => world.stop());

const issue = async (name: string, server: ServerName): Promise<{ readonly pair: Pair; readonly uid: string }> => {
  const { kube } = world;
  await kube.create('AccessKey', namespace, name, accessKeySpec(server, server, 'ReadWrite'));
  const { metadata } = await kube.untilReady('AccessKey', namespace, name, 60_000);
  return { pair: pairIn(await kube.get('Secret', namespace, `${name}-credentials`)), uid: metadata.uid };
};

/** `works`, or the code with which the server refuses the key. */
const tryKey = (pair: Pair, server: ServerName): Promise<string> => {
  const { endpoint, region } = world.server(server);
  const { client } = s3View({ endpoint, region, ...pair });
  return client.putObject(`orphans-${server}`, 'letter.txt', 'mine').then(
    () => 'works',
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );
};

/** Says what is confirmed, which also makes the controller look at once; returns the Provider once it `holds`. */
const confirmed = async (
  server: ServerName,
  value: string,
  holds: (provider: Stored<'Provider'> | undefined) => boolean,
): Promise<Stored<'Provider'> | undefined> => {
  await world.kube.patch('Provider', namespace, server, { metadata: { annotations: { [confirm]: value } } });
  return until(() => world.kube.get('Provider', namespace, server), holds, {
    what: `Provider ${server} has answered "${value}"`,
    timeoutMs: 60_000,
  });
};

it.each(servers)(
  'a user on %s whose AccessKey went while nobody was told is named, and removed when its owner confirms it',
  { timeout: 180_000 },
  async (server) => {
    const { kube } = world;
    const [gone, alive] = [await issue(`gone-${server}`, server), await issue(`alive-${server}`, server)];
    await issuer.stop();
    await kube.patch('AccessKey', namespace, `gone-${server}`, { metadata: { finalizers: [] } });
    await kube.delete('AccessKey', namespace, `gone-${server}`);
    await kube.untilGone('AccessKey', namespace, `gone-${server}`);
    await issuer.start();
    expect(await tryKey(gone.pair, server)).toBe('works');

    // A uid that is alive, and one of nobody: nothing is removed on their word.
    const told = await confirmed(
      server,
      `${alive.uid}, nobody`,
      (provider) => provider?.status?.orphanedUserCount === 1,
    );
    expect(told?.status?.orphanedUsers).toEqual([
      { userName: expect.any(String) as string, namespace, name: `gone-${server}`, uid: gone.uid },
    ]);
    expect(told?.status?.capabilities).toMatchObject({ listUsers: 'Supported' });
    expect(await tryKey(gone.pair, server)).toBe('works');
    const warning = (await kube.list('Event', namespace)).find(
      ({ reason, involvedObject }) => reason === 'OrphanedUsers' && involvedObject?.name === server,
    );
    expect(warning?.message).toContain(`${confirm}=${gone.uid}`);

    await confirmed(server, gone.uid, (provider) => provider?.status?.orphanedUserCount === 0);
    expect(await tryKey(gone.pair, server)).toMatch(/InvalidAccessKeyId|AccessDenied|InvalidClientTokenId/);
    expect(await tryKey(alive.pair, server)).toBe('works');
  },
);
