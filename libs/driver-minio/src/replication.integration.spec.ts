import { randomBytes } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetBucketReplicationCommand,
  GetObjectCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type ReplicationRule,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { BucketSpec } from '@operator/api';
import { redact, waiting, type CallContext, type Fault } from '@operator/outcome';
import {
  createBucket,
  createWirePool,
  endReferences,
  lookAtFeatures,
  removeBucket,
  type AspectView,
  type BucketInput,
  type BucketWire,
  type Connection,
  type Driver,
  type Input,
  type Managed,
} from '@operator/s3';
import {
  bucketContext,
  bucketSpec,
  driverDeps,
  independentClient,
  recordingContext,
  startUnderTest,
} from '@operator/testing';
import { startMinio } from '@operator/tools/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addUser, attachPolicy, listRemoteTargets, setRemoteTarget, type NewRemoteTarget } from './admin-api.ts';
import { createAdminClient, type AdminClient } from './admin-client.ts';
import { serialKeyDerivation } from './derive-key.ts';
import { createMinioDriver } from './driver.ts';

type Replication = NonNullable<BucketSpec['replication']>;
type Rule = Replication['rules'][number];

/** A server, as an administrator who is not the operator sees it. */
interface Side {
  readonly connection: Connection;
  readonly client: S3Client;
  readonly admin: AdminClient;
  readonly stop: () => Promise<void>;
}

const begin = async (): Promise<Side> => {
  const server = await startUnderTest((options) =>
    startMinio({ ...options, env: { MINIO_SCANNER_SPEED: 'fastest', MINIO_SCANNER_CYCLE: '1s' } }),
  )();
  const { connection } = server;
  const { endpoint, region, credentials } = connection;
  const secretKey = credentials.secretAccessKey.reveal();
  const client = independentClient({ endpoint, region, accessKey: credentials.accessKeyId, secretKey });
  const { uplink } = createWirePool(connection, driverDeps());
  const pathPrefix = '/minio/admin/v3';
  const admin = createAdminClient({ connection, uplink, deriveKey: serialKeyDerivation(), randomBytes, pathPrefix });
  return { connection, client, admin, stop: () => server.stop() };
};

let here: Side;
let there: Side;
const drivers: Driver[] = [];
const context = recordingContext();

beforeAll(async () => {
  [here, there] = await Promise.all([begin(), begin()]);
});
afterAll(async () => {
  for (const driver of drivers) driver.close();
  for (const { client, stop } of [here, there]) {
    client.destroy();
    await stop();
  }
});

const driverTo = (connection: Connection): Driver => {
  const driver = createMinioDriver(connection, driverDeps());
  drivers.push(driver);
  return driver;
};

let made = 0;
const freshBucket = async (side: Side, isVersioned = true): Promise<string> => {
  const bucket = `rep-${String((made += 1))}`;
  await createBucket(driverTo(side.connection), { bucket }, context);
  if (isVersioned) await setVersioning(side, bucket, 'Enabled');
  return bucket;
};
const setVersioning = (side: Side, Bucket: string, Status: 'Enabled' | 'Suspended') =>
  side.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));

const rule = (id: string, change: Partial<Rule> = {}): Rule => ({
  id,
  status: 'Enabled',
  destination: { bucketRef: { name: 'copies' } },
  deleteMarkers: false,
  existingObjects: false,
  ...change,
});
const to = (name: string, storageClass?: string) => ({
  destination: { bucketRef: { name }, ...(storageClass === undefined ? {} : { storageClass }) },
});

/** What a Bucket that a rule names leads to. */
const copiesIn = (
  { connection }: Pick<Side, 'connection'>,
  bucket: string,
  change: Partial<BucketInput> = {},
): BucketInput => ({
  kind: 'Bucket',
  key: 'team-a/copies',
  bucket,
  region: connection.region,
  driver: driverTo(connection),
  credentialsVersion: '1',
  isOfOneKeeper: true,
  ...change,
});

/** One Bucket with a replication, and what its status remembers. */
const source = async (bucket: string) => {
  let driver = driverTo(here.connection);
  let managed: Managed = {};
  const s3 = (): BucketWire => ({ wire: driver.wire(), bucket });
  const look = async (
    rules: readonly Rule[],
    inputs: Readonly<Record<string, Input | Fault>> = {},
    others: Replication['others'] = 'Remove',
    within: CallContext = context,
  ): Promise<AspectView> => {
    const spec = bucketSpec({ replication: { rules, others } });
    const found = new Map(Object.entries(inputs).map(([id, input]) => [`replication.${id}`, input]));
    const views = await lookAtFeatures(driver, spec, bucketContext({ managed, inputs: found }), s3(), within);
    const view = views.find(({ aspect }) => aspect === 'replication');
    if (view === undefined) throw new Error('replication was declared');
    return view;
  };
  const converge = async (
    ...[rules, inputs = {}, others = 'Remove', within = context]: Parameters<typeof look>
  ): Promise<AspectView> => {
    const first = await look(rules, inputs, others, within);
    if (first.managed !== undefined) managed = { replication: first.managed };
    if (first.verdict === 'different') await first.step.apply(within);
    const after = await look(rules, inputs, others, within);
    if (after.managed !== undefined) managed = { replication: after.managed };
    return after;
  };
  const rulesThere = async (): Promise<readonly ReplicationRule[]> => {
    const answer = here.client.send(new GetBucketReplicationCommand({ Bucket: bucket }));
    return (await answer.catch(() => undefined))?.ReplicationConfiguration?.Rules ?? [];
  };
  return {
    bucket,
    look,
    converge,
    rules: rulesThere,
    ids: async () => (await rulesThere()).map(({ ID }) => ID).sort(),
    targets: () => listRemoteTargets(here.admin, bucket, context),
    put: (Key: string, Body = 'letter') => here.client.send(new PutObjectCommand({ Bucket: bucket, Key, Body })),
    managed: () => managed,
    end: (ended: Readonly<Record<string, readonly string[]>>, kept: Readonly<Record<string, BucketInput | Fault>>) => {
      const places = Object.entries(kept).map(([id, input]) => [`replication.${id}`, [input]] as const);
      const names = Object.entries(ended).map(([id, buckets]) => [`replication.${id}`, buckets] as const);
      const references = { ended: new Map(names), kept: new Map(places) };
      return endReferences(driver, s3(), references, context);
    },
    /** What a process knows that was killed is lost, but for the status. */
    restart: () => {
      driver = driverTo(here.connection);
    },
  };
};
const freshSource = async (isVersioned = true) => source(await freshBucket(here, isVersioned));

const textAt = async ({ client }: Side, Bucket: string, Key: string): Promise<string | undefined> => {
  try {
    return await (await client.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
  } catch {
    return undefined;
  }
};
const arrives = (side: Side, bucket: string, key: string) =>
  expect.poll(() => textAt(side, bucket, key), { timeout: 30_000, interval: 100 });
const hostOf = ({ connection }: Side) => new URL(connection.endpoint).host;

/** A target that somebody made by hand, as `mc` does. */
const strangersTarget = async (sourceBucket: string, bucket: string, host = hostOf(there)): Promise<string> => {
  const { region, credentials } = there.connection;
  const target: NewRemoteTarget = { host, isSecure: false, bucket, region, credentials, healthCheckNs: 60_000_000_000 };
  const answer = await setRemoteTarget(here.admin, sourceBucket, target, undefined, context);
  if ('refusal' in answer) throw new Error(answer.refusal);
  return answer.arn;
};
/** The other server by another name: a bucket may have one target for each. */
const otherName = () => hostOf(there).replace('127.0.0.1', 'localhost');
const strangersRule = (arn: string, Priority = 7): ReplicationRule => ({
  ID: 'theirs',
  Status: 'Enabled',
  Priority,
  Filter: { Prefix: 'theirs/' },
  Destination: { Bucket: arn },
  DeleteMarkerReplication: { Status: 'Disabled' },
});
const addRule = async (Bucket: string, rules: readonly ReplicationRule[]) =>
  here.client.send(
    new PutBucketReplicationCommand({ Bucket, ReplicationConfiguration: { Role: '', Rules: [...rules] } }),
  );

describe('an object that is written here is seen there', () => {
  it.each([
    ['on one server', () => here],
    ['on two servers', () => there],
  ])('%s', async (_where, side) => {
    const copies = await freshBucket(side());
    const from = await freshSource();
    const inputs = { all: copiesIn(side(), copies) };
    expect(await from.converge([rule('all')], inputs)).toMatchObject({ verdict: 'same', managed: ['all'] });
    await from.put('letter');
    await arrives(side(), copies, 'letter').toBe('letter');
    context.clear();
    expect(await from.look([rule('all')], inputs)).toMatchObject({ verdict: 'same' });
    expect(context.writes()).toEqual([]);
  });

  it('with everything that a rule can say', async () => {
    const copies = await freshBucket(there);
    const from = await freshSource();
    await from.put('a/before');
    const full = rule('full', {
      ...to('copies', 'REDUCED_REDUNDANCY'),
      prefix: 'a/',
      priority: 0,
      deleteMarkers: true,
      existingObjects: true,
    });
    const rest = rule('rest', { prefix: 'b/' });
    const last = rule('last', { prefix: 'c/', status: 'Disabled' });
    const input = copiesIn(there, copies);
    const inputs = { full: input, rest: input, last: input };
    expect(await from.converge([full, rest, last], inputs)).toMatchObject({ verdict: 'same' });
    expect((await from.rules()).map(({ ID, Priority, Status }) => [ID, Priority, Status]).sort()).toEqual([
      ['full', 0, 'Enabled'],
      ['last', 1, 'Disabled'],
      ['rest', 2, 'Enabled'],
    ]);
    for (const key of ['a/now', 'b/now', 'c/now', 'd/now']) await from.put(key);
    await arrives(there, copies, 'a/now').toBe('letter');
    await arrives(there, copies, 'b/now').toBe('letter');
    await here.client.send(new DeleteObjectCommand({ Bucket: from.bucket, Key: 'a/now' }));
    await arrives(there, copies, 'a/now').toBeUndefined();
    await here.client.send(new DeleteObjectCommand({ Bucket: from.bucket, Key: 'b/now' }));
    await from.put('b/then');
    await arrives(there, copies, 'b/then').toBe('letter');
    expect(await textAt(there, copies, 'b/now')).toBe('letter');
    expect(await textAt(there, copies, 'c/now')).toBeUndefined();
    expect(await textAt(there, copies, 'd/now')).toBeUndefined();
    await arrives(there, copies, 'a/before').toBe('letter');
  });

  it('after the credentials of the other Provider were changed, in whatever way', async () => {
    const copies = await freshBucket(there);
    const from = await freshSource();
    const credentialsOf = async (accessKeyId: string, secret: string) => {
      const credentials = { accessKeyId, secretAccessKey: redact(secret) };
      await addUser(there.admin, accessKeyId, credentials.secretAccessKey, context);
      await attachPolicy(there.admin, accessKeyId, 'consoleAdmin', context);
      return { connection: { ...there.connection, credentials } };
    };
    const first = await credentialsOf('keeper-one', 'the-first-secret');
    const inputs = { all: copiesIn(first, copies) };
    expect(await from.converge([rule('all')], inputs)).toMatchObject({ verdict: 'same' });
    const [before] = await from.targets();
    // The same user with another secret: nothing that the server shows tells the two apart but our mark.
    const second = await credentialsOf('keeper-one', 'the-second-secret');
    const third = await credentialsOf('keeper-two', 'the-third-secret');
    for (const [side, credentialsVersion] of [
      [second, '2'],
      [third, '3'],
    ] as const) {
      const renewed = { all: copiesIn(side, copies, { credentialsVersion }) };
      expect(await from.look([rule('all')], renewed)).toMatchObject({ verdict: 'different' });
      expect(await from.converge([rule('all')], renewed)).toMatchObject({ verdict: 'same' });
      await from.put(`letter-${credentialsVersion}`);
      await arrives(there, copies, `letter-${credentialsVersion}`).toBe('letter');
    }
    expect(await from.targets()).toMatchObject([{ arn: before?.arn, accessKeyId: 'keeper-two' }]);
  });
});

describe('what is not wanted any more', () => {
  it('goes with its target', async () => {
    const from = await freshSource();
    const inputs = { all: copiesIn(there, await freshBucket(there)) };
    await from.converge([rule('all')], inputs);
    expect(await from.targets()).toHaveLength(1);
    expect(await from.converge([])).toMatchObject({ verdict: 'same', managed: [] });
    expect([await from.rules(), await from.targets()]).toEqual([[], []]);
  });

  it('goes when a rule leads elsewhere, also to another bucket of the same server', async () => {
    const from = await freshSource();
    const [one, two, three] = [await freshBucket(there), await freshBucket(there), await freshBucket(here)];
    for (const input of [copiesIn(there, one), copiesIn(there, two), copiesIn(here, three)]) {
      expect(await from.converge([rule('all')], { all: input })).toMatchObject({ verdict: 'same' });
      expect((await from.targets()).map(({ bucket }) => bucket)).toEqual([input.bucket]);
    }
    await from.put('letter');
    await arrives(here, three, 'letter').toBe('letter');
  });

  it('goes when the Provider leads to another server, which has a bucket of the same name', async () => {
    const from = await freshSource();
    const copies = await freshBucket(there);
    await createBucket(driverTo(here.connection), { bucket: copies }, context);
    await setVersioning(here, copies, 'Enabled');
    for (const side of [there, here]) {
      expect(await from.converge([rule('all')], { all: copiesIn(side, copies) })).toMatchObject({ verdict: 'same' });
      expect(await from.targets()).toMatchObject([{ host: hostOf(side), bucket: copies }]);
    }
    await from.put('letter');
    await arrives(here, copies, 'letter').toBe('letter');
    expect(await textAt(there, copies, 'letter')).toBeUndefined();
  });

  it('goes with the bucket, so that the next one of its name has none of it', async () => {
    const from = await freshSource();
    await from.converge([rule('all')], { all: copiesIn(there, await freshBucket(there)) });
    await removeBucket(driverTo(here.connection), { bucket: from.bucket }, context);
    await createBucket(driverTo(here.connection), { bucket: from.bucket }, context);
    expect([await from.rules(), await from.targets()]).toEqual([[], []]);
  });

  it('goes when the other namespace has taken its Bucket back, or it is no Bucket any more', async () => {
    for (const reason of ['ReferenceNotGranted', 'BucketNotFound']) {
      const from = await freshSource();
      const inputs = { one: copiesIn(there, await freshBucket(there)), two: copiesIn(here, await freshBucket(here)) };
      await from.converge([rule('one'), rule('two')], inputs);
      const fault = waiting(reason, 'Bucket team-b/copies is lost.');
      const lost = { ...inputs, one: { kind: 'Ended', fault } as const };
      const view = await from.converge([rule('one'), rule('two')], lost);
      expect(view).toMatchObject({ verdict: 'blocked', fault: { reason } });
      expect(await from.ids()).toEqual(['two']);
      expect(await from.targets()).toHaveLength(1);
    }
  });
});

describe('a rule that somebody added to a target of ours', () => {
  const begin = async () => {
    const from = await freshSource();
    const inputs = {
      one: copiesIn(there, await freshBucket(there)),
      two: copiesIn(here, await freshBucket(here), { key: 'team-a/two' }),
    };
    await from.converge([rule('one'), rule('two')], inputs, 'Keep');
    const rules = await from.rules();
    const arn = rules.find(({ ID }) => ID === 'one')?.Destination?.Bucket ?? '';
    await addRule(from.bucket, [...rules, strangersRule(arn)]);
    return { from, inputs, arn };
  };

  it('stays with it where rules of others are kept, and ends with it', async () => {
    const { from, inputs } = await begin();
    expect(await from.look([rule('one'), rule('two')], inputs, 'Keep')).toMatchObject({ verdict: 'same' });
    const lost = { ...inputs, one: { kind: 'Ended', fault: waiting('ReferenceNotGranted', 'It is lost.') } as const };
    const view = await from.converge([rule('one'), rule('two')], lost, 'Keep');
    expect(view).toMatchObject({ verdict: 'blocked' });
    expect(await from.ids()).toEqual(['two']);
    expect(await from.targets()).toHaveLength(1);
  });

  it('ends with it also where nobody looks at the spec, under whatever name', async () => {
    const { from, arn, inputs } = await begin();
    const others = (await from.rules()).filter(({ ID }) => ID === 'two');
    await addRule(from.bucket, [...others, strangersRule(arn)]);
    expect(await from.end({ one: [] }, { two: inputs.two })).toEqual(['replication']);
    expect(await from.ids()).toEqual(['two']);
    expect(await from.targets()).toHaveLength(1);
    expect(await from.end({ one: [] }, { two: inputs.two })).toEqual([]);
    expect(await from.end({ two: [] }, {})).toEqual(['replication']);
    expect([await from.rules(), await from.targets()]).toEqual([[], []]);
  });

  /** One of the rules is blocked, and somebody has its id lead to the target of the other one. */
  const underFalseName = async () => {
    const from = await freshSource();
    const copies = await freshBucket(there);
    const own = copiesIn(here, await freshBucket(here, false), { key: 'team-a/two' });
    const inputs = { one: copiesIn(there, copies), two: own };
    const fault = { reason: 'VersioningRequired' };
    expect(await from.converge([rule('one'), rule('two')], inputs)).toMatchObject({ verdict: 'blocked', fault });
    const [{ Destination } = {}] = await from.rules();
    await addRule(from.bucket, [{ ...strangersRule(Destination?.Bucket ?? ''), ID: 'two' }]);
    return { from, inputs, copies };
  };
  const ended = { kind: 'Ended', fault: waiting('ReferenceNotGranted', 'It is lost.') } as const;

  it('ends with it also under the name of a rule that is blocked', async () => {
    const { from, inputs, copies } = await underFalseName();
    await from.put('theirs/early');
    await arrives(there, copies, 'theirs/early').toBe('letter');
    expect(await from.end({ one: [] }, { two: inputs.two })).toEqual(['replication']);
    expect([await from.rules(), await from.targets()]).toEqual([[], []]);
  });

  it.each([
    ['lasts no longer than the next look', (inputs: object) => ({ ...inputs })],
    ['ends with it where both are in the spec', (inputs: object) => ({ ...inputs, one: ended })],
    [
      'ends with it where nobody sees whither the blocked one leads',
      () => ({ one: ended, two: waiting('BucketNotReady', 'Bucket team-a/two is not to be had.') }),
    ],
  ] as const)('under the name of a rule that is blocked %s', async (_what, change) => {
    const { from, inputs } = await underFalseName();
    const changed: Readonly<Record<string, Input | Fault>> = change(inputs);
    expect(await from.converge([rule('one'), rule('two')], changed)).toMatchObject({ verdict: 'blocked' });
    const isLent = changed.one === inputs.one;
    expect(await from.ids()).toEqual(isLent ? ['one'] : []);
    expect(await from.targets()).toHaveLength(isLent ? 1 : 0);
  });
});

it.each(['ReferenceNotGranted', 'BucketNotReady'])(
  'what a rule has stays while its Bucket is %s, and the other rules converge',
  async (reason) => {
    const copies = await freshBucket(there);
    const from = await freshSource();
    const inputs = { one: copiesIn(there, copies), two: copiesIn(here, await freshBucket(here)) };
    await from.converge([rule('one')], inputs);
    const [target] = await from.targets();
    const lost = { ...inputs, one: waiting(reason, 'Bucket team-b/copies is not to be had.') };
    const view = await from.converge([rule('one', { prefix: 'changed' }), rule('two')], lost);
    expect(view).toMatchObject({ verdict: 'blocked', fault: { reason } });
    expect(await from.ids()).toEqual(['one', 'two']);
    expect(await from.targets()).toContainEqual(target);
    await from.put('letter');
    await arrives(there, copies, 'letter').toBe('letter');
  },
);

it('a rule goes on while its Bucket cannot be seen and that of another one ends', async () => {
  const [copies, lent] = [await freshBucket(there), await freshBucket(here)];
  const from = await freshSource();
  await from.converge([rule('one'), rule('two')], {
    one: copiesIn(there, copies),
    two: copiesIn(here, lent, { key: 'team-a/two' }),
  });
  const [kept] = (await from.targets()).filter((target) => target.bucket === copies);
  const unseen = waiting('BucketNotReady', 'Bucket team-b/copies has no Provider that can be used now.');
  expect(await from.end({ two: [lent] }, { one: unseen })).toEqual(['replication']);
  expect([await from.ids(), await from.targets()]).toEqual([['one'], [kept]]);
  await from.put('letter');
  await arrives(there, copies, 'letter').toBe('letter');
});

describe('is blocked, and says what to do', () => {
  it('while the source keeps no versions', async () => {
    const from = await freshSource(false);
    const inputs = { all: copiesIn(there, await freshBucket(there)) };
    const view = await from.converge([rule('all')], inputs);
    expect(view).toMatchObject({ verdict: 'blocked', fault: { kind: 'waiting', reason: 'VersioningRequired' } });
    if (view.verdict !== 'blocked') throw new Error();
    expect(view.fault.message).toMatch(
      /^Replication needs versions in both buckets\. The source, bucket rep-\d+, keeps none\. Set spec\.versioning/,
    );
    expect(await from.targets()).toEqual([]);
    await setVersioning(here, from.bucket, 'Enabled');
    expect(await from.converge([rule('all')], inputs)).toMatchObject({ verdict: 'same' });
  });

  it('while the destination keeps none, at first or later', async () => {
    const copies = await freshBucket(there, false);
    const from = await freshSource();
    const inputs = { all: copiesIn(there, copies), other: copiesIn(here, await freshBucket(here)) };
    const rules = [rule('all'), rule('other')];
    const blocked = {
      verdict: 'blocked',
      fault: {
        reason: 'VersioningRequired',
        message: expect.stringMatching(
          /The destination, Bucket team-a\/copies, keeps none\. Set spec\.versioning\.enabled: true there/,
        ) as string,
      },
    };
    // Both Buckets have one key in this test alone: as keys go, they are two.
    const named = { ...inputs, other: { ...inputs.other, key: 'team-a/other' } as Input };
    expect(await from.converge(rules, named)).toMatchObject(blocked);
    expect(await from.ids()).toEqual(['other']);
    await setVersioning(there, copies, 'Enabled');
    expect(await from.converge(rules, named)).toMatchObject({ verdict: 'same' });
    await setVersioning(there, copies, 'Suspended');
    expect(await from.look(rules, named)).toMatchObject(blocked);
  });

  it.each([
    [
      'by its ARN',
      { destination: { bucketArn: 'arn:aws:s3:::copies' } },
      undefined,
      'unsupported',
      /bucketRef in place of bucketArn/,
    ],
    ['itself', {}, () => ({ kind: 'itself' }), 'failed', /source itself/],
    ['of another keeper', {}, () => ({ isOfOneKeeper: false }), 'ReferenceNotGranted', /of another namespace/],
  ] as const)('when a rule names a bucket %s', async (_what, change, input, reason, message) => {
    const from = await freshSource();
    const copies = await freshBucket(there);
    const changed = input?.();
    const found =
      changed === undefined
        ? {}
        : { all: 'kind' in changed ? copiesIn(here, from.bucket) : copiesIn(there, copies, changed) };
    if (reason === 'failed') {
      await expect(from.converge([rule('all', change)], found)).rejects.toThrow(message);
      return;
    }
    const view = await from.converge([rule('all', change)], found);
    const said = view.verdict === 'blocked' ? view.fault : view;
    expect(said).toMatchObject(reason === 'unsupported' ? { verdict: reason } : { reason });
    expect(said).toMatchObject({ message: expect.stringMatching(message) as string });
    expect(await from.targets()).toEqual([]);
  });

  it('when rules name two buckets of one server, of which the first is copied to', async () => {
    const from = await freshSource();
    const [one, two] = [await freshBucket(there), await freshBucket(there)];
    const inputs = { one: copiesIn(there, one), two: copiesIn(there, two, { key: 'team-a/two' }) };
    const view = await from.converge([rule('one'), rule('two')], inputs);
    expect(view).toMatchObject({ verdict: 'blocked', fault: { kind: 'terminal', reason: 'SpecInvalid' } });
    expect(await from.ids()).toEqual(['one']);
  });

  it('when the server of the source does not reach the other one', async () => {
    const from = await freshSource();
    const copies = await freshBucket(there);
    const credentials = { ...there.connection.credentials, secretAccessKey: redact('not-the-secret') };
    const input = copiesIn(there, copies);
    const driver = { ...driverTo({ ...there.connection, credentials }), wire: () => driverTo(there.connection).wire() };
    await expect(from.converge([rule('all')], { all: { ...input, driver } as Input })).rejects.toMatchObject({
      kind: 'waiting',
      reason: 'RequestRefused',
      message: expect.stringMatching(/does not reach 127\.0\.0\.1:\d+, or that refuses the credentials/) as string,
    });
    expect(await from.targets()).toEqual([]);
  });
});

describe("what is somebody else's", () => {
  it('stays where it is kept, rule and target, and goes otherwise, but for the target', async () => {
    const [copies, theirs] = [await freshBucket(there), await freshBucket(there)];
    const from = await freshSource();
    const arn = await strangersTarget(from.bucket, theirs, otherName());
    await addRule(from.bucket, [strangersRule(arn, 1)]);
    const inputs = { all: copiesIn(there, copies) };
    expect(await from.converge([rule('all')], inputs, 'Keep')).toMatchObject({ verdict: 'same', managed: ['all'] });
    expect((await from.rules()).map(({ ID, Priority }) => [ID, Priority]).sort()).toEqual([
      ['all', 2],
      ['theirs', 1],
    ]);
    await from.put('theirs/letter');
    await arrives(there, theirs, 'theirs/letter').toBe('letter');
    expect(await from.converge([], {}, 'Keep')).toMatchObject({ verdict: 'same', managed: [] });
    expect([await from.ids(), await from.targets()]).toMatchObject([['theirs'], [{ arn }]]);
    await from.converge([rule('all')], inputs, 'Keep');
    expect(await from.converge([rule('all')], inputs, 'Remove')).toMatchObject({ verdict: 'same' });
    expect(await from.ids()).toEqual(['all']);
    expect((await from.targets()).map((target) => target.arn)).toContain(arn);
  });

  it('is told when it is removed', async () => {
    const from = await freshSource();
    const arn = await strangersTarget(from.bucket, await freshBucket(there), otherName());
    await addRule(from.bucket, [strangersRule(arn)]);
    const view = await from.look([rule('all')], { all: copiesIn(there, await freshBucket(there)) });
    if (view.verdict !== 'different') throw new Error('expected a gap');
    expect(await view.step.apply(context)).toEqual({ end: 'done', note: 'removed rules of others: theirs' });
  });

  it('is not lost with our last rule', async () => {
    const from = await freshSource();
    await from.converge([rule('all')], { all: copiesIn(there, await freshBucket(there)) });
    const arn = await strangersTarget(from.bucket, await freshBucket(there), otherName());
    const view = await from.converge([]);
    expect(view).toMatchObject({
      verdict: 'blocked',
      fault: { reason: 'Conflict', message: expect.stringContaining(arn) as string },
    });
    expect((await from.targets()).map((target) => target.arn)).toContain(arn);
  });

  it('is not changed where it is in the way', async () => {
    const from = await freshSource();
    const copies = await freshBucket(there);
    await strangersTarget(from.bucket, copies);
    const before = await from.targets();
    const view = await from.converge([rule('all')], { all: copiesIn(there, copies) });
    expect(view).toMatchObject({ verdict: 'blocked', fault: { reason: 'Conflict' } });
    expect(await from.targets()).toEqual(before);
  });
});

it('a rule that was changed by hand is drift, and so is one that was added', async () => {
  const from = await freshSource();
  const inputs = { all: copiesIn(there, await freshBucket(there)) };
  await from.converge([rule('all')], inputs);
  const [mine] = await from.rules();
  if (mine === undefined) throw new Error('there is a rule');
  for (const rules of [
    [{ ...mine, Status: 'Disabled' as const }],
    [{ ...mine, Filter: { And: { Prefix: '', Tags: [{ Key: 'a', Value: 'b' }] } } }],
    [{ ...mine, Destination: { ...mine.Destination, StorageClass: 'STANDARD' as const } } as ReplicationRule],
    [{ ...mine, ExistingObjectReplication: { Status: 'Enabled' as const } }],
    [mine, { ...mine, ID: 'more', Priority: 9, Filter: { Prefix: 'more' } }],
  ]) {
    await addRule(from.bucket, rules);
    expect(await from.look([rule('all')], inputs)).toMatchObject({ verdict: 'different' });
    expect(await from.converge([rule('all')], inputs)).toMatchObject({ verdict: 'same' });
    expect(await from.ids()).toEqual(['all']);
  }
});

describe('a process that is killed after any call leaves nothing behind', () => {
  /** The world ends with the nth call, which the server still carries out. */
  const killedAfter = (nth: number): CallContext & { readonly calls: number } => {
    let calls = 0;
    return {
      ...recordingContext(),
      get calls() {
        return calls;
      },
      async call(_call, run) {
        if (calls >= nth) throw new Error('killed');
        calls += 1;
        const answer = await run();
        if (calls >= nth) throw new Error('killed');
        return answer;
      },
    };
  };

  it.each([
    ['and what is wanted is there in the end', true],
    ['and nothing is there in the end when it is wanted no more', false],
  ])('%s', async (_title, isStillWanted) => {
    const [one, two] = [await freshBucket(there), await freshBucket(there)];
    const [first, second] = [{ all: copiesIn(there, one) }, { all: copiesIn(there, two) }];
    let kills = 0;
    for (let nth = 1; ; nth += 1) {
      const from = await freshSource();
      await from.converge([rule('all')], first);
      const killer = killedAfter(nth);
      // From one bucket of a server to another: rules, target, target, rules.
      const end = await from.converge([rule('all')], second, 'Remove', killer).catch(() => 'killed');
      from.restart();
      const rules = isStillWanted ? [rule('all')] : [];
      expect(await from.converge(rules, second)).toMatchObject({ verdict: 'same' });
      expect((await from.targets()).map(({ bucket }) => bucket)).toEqual(isStillWanted ? [two] : []);
      expect(await from.ids()).toEqual(isStillWanted ? ['all'] : []);
      if (end !== 'killed') break;
      kills += 1;
    }
    expect(kills).toBeGreaterThan(10);
  });
});
