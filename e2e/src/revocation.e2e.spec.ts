import {
  pairIn,
  bucketSpec,
  s3View,
  until,
  untilQuiet,
  type Controller,
  type Stored,
  type World,
} from '@operator/tools/harness';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld } from './world.ts';

/*
 * The pairs of all AccessKeys of a Provider are replaced, a few at a time, by two accesskey-controllers that share them. One of them is away at
 * first, so that the revocation stands still in its middle.
 */

const servers = ['minio', 'moto'] as const;
const [own, guests] = ['revocation', 'revocation-guests'];
const annotation = 's3.cloud37.dev/revoke-requested-at';

let world: World;
let providerController: Controller;
let second: Controller;
const startShard = (shard: string): Promise<Controller> =>
  world.startController('accesskey', { as: `accesskey-${shard}`, flags: [`--watch-selector=shard=${shard}`] });

beforeAll(async () => {
  world = await startWorld('revocation', servers);
  await world.createNamespace(own);
  await world.createNamespace(guests);
  providerController = await world.startController('provider');
  await world.startController('bucket');
  await startShard('a');
  second = await startShard('b');
});
afterAll(() => world.stop());

interface Pair {
  readonly accessKey: string;
  readonly secretKey: string;
}

interface Key {
  readonly namespace: string;
  readonly name: string;
  readonly shard: 'a' | 'b';
}

describe.each(servers)('on %s', (server) => {
  const bucketName = `revocation-${server}`;
  /** Twelve, by turns of the one and of the other controller; the last two are of a namespace that only borrows the Provider. */
  const keys: readonly Key[] = Array.from({ length: 12 }, (_, at) => ({
    namespace: at < 10 ? own : guests,
    name: `${server}-${String(at).padStart(2, '0')}`,
    shard: at % 2 === 0 ? 'a' : 'b',
  }));
  const refOf = ({ namespace, name }: Key): string => `${namespace}/${name}`;
  const inOrder = [...keys].sort((one, other) => (refOf(one) < refOf(other) ? -1 : 1));
  /** The turns that nobody uses while the second controller is away; and those that have theirs before all turns are such. */
  const away = inOrder.filter(({ shard }) => shard === 'b').slice(0, 5);
  const replacedFirst = inOrder
    .slice(
      0,
      inOrder.findLastIndex((key) => key === away[4]),
    )
    .filter(({ shard }) => shard === 'a');
  const others = keys.filter((key) => !replacedFirst.includes(key));

  const pairOf = async ({ namespace, name }: Key): Promise<Pair> =>
    pairIn(await world.kube.get('Secret', namespace, `${name}-credentials`));
  const pairsOf = (some: readonly Key[]): Promise<readonly Pair[]> => Promise.all(some.map(pairOf));

  /** `in` of a pair that may write; else the server's refusal. */
  const verdictOf = async ({ accessKey, secretKey }: Pair): Promise<string> => {
    const { client, sdk } = s3View({ ...world.server(server), accessKey, secretKey });
    try {
      await client.putObject(bucketName, 'object', 'content');
      return 'in';
    } catch (refusal) {
      return (refusal as { code?: string }).code ?? String(refusal);
    } finally {
      sdk.destroy();
    }
  };
  const verdictsOn = async (pairs: readonly Pair[]): Promise<readonly string[]> => [
    ...new Set(await Promise.all(pairs.map(verdictOf))),
  ];
  const unknownKey = ['InvalidAccessKeyId'];

  type Revocation = NonNullable<NonNullable<Stored<'Provider'>['status']>['revocation']>;
  const untilRevocation = (what: string, holds: (revocation: Revocation) => boolean) =>
    until(
      async () => (await world.kube.get('Provider', own, server))?.status?.revocation,
      (revocation) => revocation !== undefined && holds(revocation),
      { what, timeoutMs: 120_000 },
    );
  const request = (value: string | null) =>
    world.kube.patch('Provider', own, server, { metadata: { annotations: { [annotation]: value } } });
  const eventsTold = async (): Promise<ReadonlySet<string | undefined>> => {
    const events = await world.kube.list('Event', own);
    const isOurs = ({ involvedObject: object }: Stored<'Event'>) =>
      object?.kind === 'Provider' && object.name === server;
    return new Set(events.filter(isOurs).map(({ reason }) => reason));
  };

  /** Every count of those that have answered, as a watch sees them. */
  const counts: number[] = [];
  const watching = new AbortController();
  const count = async (): Promise<void> => {
    for await (const { object } of await world.kube.watch('Provider', own, watching.signal)) {
      const { revocation } = object.status ?? {};
      if (object.metadata.name === server && revocation !== undefined) counts.push(revocation.done);
    }
  };

  it('one value of the annotation replaces all pairs, and can be stopped in the middle', async () => {
    const { kube } = world;
    await world.createProvider(own, server, { server, spec: { allowedNamespaces: { names: [guests] } } });
    await kube.create(
      'Bucket',
      own,
      server,
      bucketSpec(server, bucketName, { allowedNamespaces: { names: [guests] } }),
    );
    for (const { namespace, name, shard } of keys)
      await kube.create('AccessKey', namespace, name, {
        metadata: { labels: { shard } },
        spec: {
          providerRef: { name: server, namespace: own },
          access: [{ bucketRef: { name: server, namespace: own }, level: 'ReadWrite' }],
        },
      });
    for (const { namespace, name } of keys) await kube.untilReady('AccessKey', namespace, name, 120_000);
    const before = new Map<Key, Pair>();
    for (const key of keys) before.set(key, await pairOf(key));
    const formerOf = (some: readonly Key[]) => some.flatMap((key) => before.get(key) ?? []);
    expect(await verdictsOn(formerOf(keys))).toEqual(['in']);
    const counted = count().catch(() => undefined);

    await second.stop();
    await request('first');
    await untilRevocation('the first ones have answered', ({ done }) => done >= 2);
    await providerController.kill();
    await providerController.start();
    const inTheMiddle = await untilRevocation(
      'all turns are of the other controller',
      ({ done }) => done === replacedFirst.length,
    );
    expect(inTheMiddle).toMatchObject({ request: 'first', state: 'Running', total: 12 });
    expect(inTheMiddle?.current.map(({ accessKey }) => accessKey).sort()).toEqual(away.map(refOf));
    expect(await verdictsOn(formerOf(replacedFirst))).toEqual(unknownKey);
    expect(await verdictsOn(await pairsOf(replacedFirst))).toEqual(['in']);
    const replaced = await pairsOf(replacedFirst);
    await request(null);
    const stopped = await untilRevocation('it has stopped', ({ state }) => state === 'Stopped');
    expect(stopped).toMatchObject({ request: 'first', total: 12, done: replacedFirst.length, current: [] });
    const mark = world.traffic.calls.length;
    await second.start();
    const looksOfSecond = () =>
      world.traffic.since(
        mark,
        ({ proxy, method, path }) => proxy === second.proxy && method === 'GET' && path.includes('-credentials'),
      );
    await until(looksOfSecond, (looks) => looks.length >= 6, {
      what: 'the second controller has looked at its AccessKeys',
    });
    await untilQuiet(world.traffic);
    expect(await pairsOf(others)).toEqual(formerOf(others));
    expect(await verdictsOn(formerOf(others))).toEqual(['in']);

    await request('first');
    const finished = await untilRevocation('it has finished', ({ state }) => state === 'Finished');
    expect(finished).toMatchObject({ request: 'first', total: 12, done: 12, current: [] });
    expect(finished?.finishedAt).toBeDefined();
    expect(await verdictsOn(formerOf(keys))).toEqual(unknownKey);
    expect(await verdictsOn(await pairsOf(keys))).toEqual(['in']);
    // What had been answered before the stop was not replaced once more.
    expect(await pairsOf(replacedFirst)).toEqual(replaced);
    for (const { namespace, name } of keys)
      expect((await kube.untilReady('AccessKey', namespace, name)).status).toMatchObject({
        pairGeneration: 2,
        answeredProviderRevokeRequest: 'first',
      });

    watching.abort();
    await counted;
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.at(-1)).toBe(12);
    const told = await eventsTold();
    for (const what of ['Started', 'Stopped', 'Finished']) expect(told).toContain(`Revocation${what}`);
  });
});

it('no secret of any pair is in what the controllers put out', async () => {
  expect(await world.findLeaks()).toEqual([]);
});
