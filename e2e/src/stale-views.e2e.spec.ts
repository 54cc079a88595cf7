import { setTimeout as delay } from 'node:timers/promises';
import {
  pairIn,
  accessKeySpec,
  bucketSpec,
  conditionOf,
  controllerNames,
  controllerOf,
  isReady,
  minioAdmin,
  publicPolicySpec,
  s3View,
  seeded,
  shiftedClock,
  specChange,
  startWatchProxy,
  until,
  type Controller,
  type ControllerName,
  type MinioAdmin,
  type OurKind,
  type Pair,
  type S3View,
  type Stored,
  type WatchProxy,
  type World,
} from '@operator/tools/harness';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld } from './world.ts';

/**
 * How the view lags. `leavingList`, `livingList`: a process starts against a list from the past, in which the object leaves, or
 * lives. `lateWatch`: the process that takes over stood by with a watch that is behind. `swallowed`: with a watch that missed what
 * happened. `otherLate`: a process starts against old lists of the kinds that the object refers to. `lateWrite`: a status write of
 * a process that was killed arrives when everything is over.
 */
const stalenesses = ['leavingList', 'livingList', 'lateWatch', 'swallowed', 'otherLate', 'lateWrite'] as const;
type Staleness = (typeof stalenesses)[number];
const operations = ['create', 'adopt', 'change', 'rotate', 'revoke', 'delete', 'recreate'] as const;
type Operation = (typeof operations)[number];
type MatrixKind = Exclude<OurKind, 'Provider'>;

interface Cell {
  readonly kind: MatrixKind;
  readonly operation: Operation;
  readonly staleness: Staleness;
  /** The finding that it stands for. */
  readonly finding?: string;
}

/** `STALE_SEED` draws the same cells again; `STALE_CELLS=all` takes every one. */
const seed = Number(process.env.STALE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const drawnCells = 8;
/** Several cells share the machine. */
const readyWithinMs = 120_000;

const required: readonly Cell[] = [
  { finding: 'F1', kind: 'Bucket', operation: 'recreate', staleness: 'lateWatch' },
  { finding: 'F1', kind: 'Bucket', operation: 'recreate', staleness: 'leavingList' },
  { finding: 'F1', kind: 'Bucket', operation: 'recreate', staleness: 'livingList' },
  { finding: 'F5', kind: 'Bucket', operation: 'recreate', staleness: 'lateWrite' },
  { finding: 'F5', kind: 'AccessKey', operation: 'recreate', staleness: 'lateWrite' },
  { finding: 'F6', kind: 'BucketPolicy', operation: 'recreate', staleness: 'leavingList' },
  { finding: 'F9', kind: 'AccessKey', operation: 'change', staleness: 'otherLate' },
  { kind: 'AccessKey', operation: 'rotate', staleness: 'livingList' },
  { kind: 'AccessKey', operation: 'rotate', staleness: 'lateWrite' },
  { kind: 'AccessKey', operation: 'revoke', staleness: 'lateWatch' },
];

const isPossible = ({ kind, operation, staleness }: Cell): boolean => {
  if (operation === 'adopt' && kind !== 'Bucket') return false;
  if ((operation === 'rotate' || operation === 'revoke') && kind !== 'AccessKey') return false;
  if (staleness === 'leavingList') return operation === 'delete' || operation === 'recreate';
  // Nothing of it is in the past.
  if (staleness === 'livingList' && (operation === 'create' || operation === 'adopt')) return false;
  if (staleness === 'lateWrite') return operation !== 'delete';
  return true;
};
const matrix: readonly Cell[] = (['Bucket', 'BucketPolicy', 'AccessKey'] as const)
  .flatMap((kind) =>
    operations.flatMap((operation) => stalenesses.map((staleness) => ({ kind, operation, staleness }))),
  )
  .filter(isPossible);

const draw = (): readonly Cell[] => {
  const isRequired = (cell: Cell) =>
    required.some(
      ({ kind, operation, staleness }) =>
        kind === cell.kind && operation === cell.operation && staleness === cell.staleness,
    );
  const left = matrix.filter((cell) => !isRequired(cell));
  if (process.env.STALE_CELLS === 'all') return [...required, ...left];
  const random = seeded(seed);
  const drawn: Cell[] = [];
  while (drawn.length < drawnCells) {
    const cell = random.pick(left);
    if (!drawn.includes(cell)) drawn.push(cell);
  }
  return [...required, ...drawn];
};
const cells = draw().map((cell, index) => ({
  ...cell,
  namespace: `stale-${String(index)}`,
  title: `${cell.finding === undefined ? '' : `${cell.finding}: `}${cell.operation} ${cell.kind} with ${cell.staleness}`,
}));

const plurals: Readonly<Record<OurKind, string>> = {
  Provider: 'providers',
  Bucket: 'buckets',
  BucketPolicy: 'bucketpolicies',
  AccessKey: 'accesskeys',
};

let world: World;
let view: S3View;
let admin: MinioAdmin;

// --- One cell's room ----------------------------------------------------------------------------------------------------

/** A namespace with a Provider at a proxy of its own, and a base bucket with a key to it; each controller as it is asked for. */
class Room {
  readonly namespace: string;
  readonly #closers: (() => Promise<unknown>)[] = [];
  #made = 0;
  /** The pair that a rotation has replaced, and that lives. */
  former: Pair | undefined;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  get kube() {
    return world.kube;
  }
  /** The one bucket of the object that the cell is about. */
  get bucket(): string {
    return `${this.namespace}-bucket`;
  }

  onClose(close: () => Promise<unknown>): void {
    this.#closers.push(close);
  }
  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  async view(): Promise<WatchProxy> {
    const proxy = await startWatchProxy(world.controlPlane);
    this.onClose(() => proxy.close());
    return proxy;
  }

  /** A process that looks after this namespace alone. `through`: its view of the API server. */
  async controller(
    name: ControllerName,
    { through, nodeFlags = [] }: { readonly through?: WatchProxy; readonly nodeFlags?: readonly string[] } = {},
  ): Promise<Controller> {
    this.#made += 1;
    const controller = await world.startController(name, {
      as: `${this.namespace}-${name}-${String(this.#made)}`,
      namespaces: [this.namespace],
      nodeFlags,
      ...(through === undefined ? {} : { upstream: through.url }),
    });
    this.onClose(() => controller.close());
    return controller;
  }

  /** The Provider, and who looks after all kinds but those that the cell itself looks after. */
  async furnish(without: readonly ControllerName[]): Promise<void> {
    await world.createNamespace(this.namespace);
    for (const name of controllerNames) if (!without.includes(name)) await this.controller(name);
    const proxy = await world.proxyTo('minio', this.namespace);
    await world.createProvider(this.namespace, 'provider', { server: 'minio', endpoint: proxy.url });
    if (!without.includes('provider'))
      await this.kube.untilReady('Provider', this.namespace, 'provider', readyWithinMs);
  }

  /** Writes to the server, through this room's proxy. */
  writes(mark = 0): readonly string[] {
    return world.traffic
      .since(mark, ({ proxy, effect }) => proxy === this.namespace && effect === 'write')
      .map(({ operation }) => operation);
  }

  /** Users that were ever made through this room's proxy. */
  usersMade(): readonly string[] {
    const added = world.traffic.since(
      0,
      ({ proxy, operation }) => proxy === this.namespace && operation === 'admin:add-user',
    );
    return [...new Set(added.map(({ path }) => new URL(path, 'http://x').searchParams.get('accessKey') ?? ''))].filter(
      (name) => name !== '',
    );
  }

  /** Waits until the controller reads and writes no more, after it has made a pass or has had the time for one. */
  async rest(controller: Controller, quietMs = 2_000): Promise<void> {
    const calls = () =>
      world.traffic.since(
        0,
        ({ proxy, effect }) =>
          (proxy === controller.proxy || proxy === this.namespace) && effect !== 'lease' && effect !== 'watch',
      ).length;
    let seen = calls();
    let since = performance.now();
    await until(
      () => {
        const now = calls();
        if (now !== seen) [seen, since] = [now, performance.now()];
        return performance.now() - since;
      },
      (quietFor) => quietFor >= quietMs,
      { what: `${controller.proxy} is at rest`, timeoutMs: readyWithinMs },
    );
  }

  /** Waits until this process leads. */
  async leads(controller: Controller): Promise<void> {
    await until(
      () => controller.output(),
      (output) => output.includes('"msg":"leading"'),
      { what: `${controller.proxy} leads`, timeoutMs: readyWithinMs },
    );
  }

  async pair(name: string): Promise<Pair | undefined> {
    const secret = await this.kube.get('Secret', this.namespace, `${name}-credentials`);
    return secret === undefined ? undefined : pairIn(secret);
  }

  as(pair: Pair): S3View {
    const { endpoint, region } = world.server('minio');
    return s3View({ endpoint, region, ...pair });
  }
}

// --- The three kinds ----------------------------------------------------------------------------------------------------

interface Subject {
  /** What it refers to beside the Provider: the Bucket `base`. */
  readonly needsBase: boolean;
  readonly create: (room: Room, adopts?: boolean) => Promise<void>;
  readonly change: (room: Room) => Promise<void>;
  /** Asks for another key pair, where there is one, and waits for it. */
  readonly replace?: (room: Room, how: 'rotate' | 'revoke') => Promise<void>;
  /** What an application has done meanwhile, that must never be lost. */
  readonly use?: (room: Room) => Promise<void>;
  /** What must hold at every moment once the object is Ready as it is to be in the end. @throws Error when it does not */
  readonly unharmed: (room: Room, isChanged: boolean) => Promise<void>;
  /** The end: everything is true. */
  readonly truth: (room: Room, isChanged: boolean) => Promise<void>;
  readonly gone: (room: Room) => Promise<void>;
}

const name = 'subject';
const objects = Array.from({ length: 7 }, (_, index) => `object-${String(index)}`);

const putObjects = async (bucket: string) => {
  for (const key of objects) await view.client.putObject(bucket, key, `content of ${key}`);
};
const expectObjects = async (bucket: string) => {
  const listed = (await view.client.listObjectsV2(bucket, '', true).toArray()) as { name: string }[];
  expect(listed.map((object) => object.name).toSorted()).toEqual(objects);
};
const actionOf = (isChanged: boolean) => (isChanged ? 's3:PutObject' : 's3:GetObject');

const expectPolicy = async (room: Room, isChanged: boolean) =>
  expect(await view.policy(room.bucket)).toMatchObject({ Statement: [{ Action: [actionOf(isChanged)] }] });

const expectKey = async (room: Room, isChanged: boolean) => {
  const object = await room.kube.get('AccessKey', room.namespace, name);
  const pair = await room.pair(name);
  expect(pair).toBeDefined();
  if (pair === undefined) return;
  const { client } = room.as(pair);
  await client.statObject(room.bucket, 'object-0');
  if (isChanged) await client.putObject(room.bucket, 'of-the-key', 'written');
  expect(object?.status?.accessKeyId).toBe(pair.accessKey);
};

const ask = (room: Room, how: 'rotate' | 'revoke') =>
  room.kube.patch('AccessKey', room.namespace, name, {
    metadata: { annotations: { [`s3.cloud37.dev/${how}-requested-at`]: 'once' } },
  });

const subjects: Readonly<Record<MatrixKind, Subject>> = {
  Bucket: {
    needsBase: false,
    async create(room, adopts = false) {
      if (adopts) {
        await view.client.makeBucket(room.bucket);
        await putObjects(room.bucket);
      }
      const change = adopts ? { adoptionPolicy: 'Always' } : {};
      await room.kube.create('Bucket', room.namespace, name, bucketSpec('provider', room.bucket, change));
    },
    async change(room) {
      const change = specChange({ tagging: { tags: { team: 'changed', tier: null } } });
      await room.kube.patch('Bucket', room.namespace, name, change);
    },
    use: (room) => putObjects(room.bucket),
    async unharmed(room) {
      const stored = await room.kube.get('Bucket', room.namespace, name);
      await expectObjects(room.bucket);
      expect((await view.bucket(room.bucket))?.tags).toMatchObject({ 's3.cloud37.dev/uid': stored?.metadata.uid });
    },
    async truth(room, isChanged) {
      const stored = await room.kube.untilReady('Bucket', room.namespace, name, readyWithinMs);
      expect((await view.bucket(room.bucket))?.tags).toMatchObject({
        team: isChanged ? 'changed' : 'storage',
        's3.cloud37.dev/uid': stored.metadata.uid,
      });
      expect(stored.status).not.toHaveProperty('createIntent');
      expect(stored.status).not.toHaveProperty('deletionProgress');
    },
    gone: async (room) => expect(await view.bucket(room.bucket)).toBeUndefined(),
  },
  BucketPolicy: {
    needsBase: true,
    async create(room) {
      await room.kube.create('BucketPolicy', room.namespace, name, publicPolicySpec('base', 's3:GetObject'));
    },
    async change(room) {
      const { spec } = publicPolicySpec('base', 's3:PutObject') as { spec: object };
      await room.kube.patch('BucketPolicy', room.namespace, name, { spec });
    },
    async unharmed(room, isChanged) {
      await expectPolicy(room, isChanged);
      await expectObjects(room.bucket);
    },
    async truth(room, isChanged) {
      const stored = await room.kube.untilReady('BucketPolicy', room.namespace, name, readyWithinMs);
      expect(stored.status?.applied).toBe(true);
      await expectPolicy(room, isChanged);
    },
    gone: async (room) => expect(await view.policy(room.bucket)).toBeUndefined(),
  },
  AccessKey: {
    needsBase: true,
    async create(room) {
      await room.kube.create('AccessKey', room.namespace, name, accessKeySpec('provider', 'base', 'ReadOnly'));
    },
    async change(room) {
      const access = [{ bucketRef: { name: 'base' }, level: 'ReadWrite' }];
      await room.kube.patch('AccessKey', room.namespace, name, specChange({ access }));
    },
    async replace(room, how) {
      const former = await room.pair(name);
      room.former = how === 'rotate' ? former : undefined;
      await ask(room, how);
      await until(
        () => room.kube.get('AccessKey', room.namespace, name),
        (object) => isReady(object) && object?.status?.accessKeyId !== former?.accessKey,
        { what: `the key is another one by ${how}`, timeoutMs: readyWithinMs },
      );
    },
    unharmed: expectKey,
    async truth(room, isChanged) {
      const stored = await room.kube.untilReady('AccessKey', room.namespace, name, readyWithinMs);
      await expectKey(room, isChanged);
      const userName = stored.status?.userName ?? '';
      const former = room.former === undefined ? [] : [room.former.accessKey];
      expect((stored.status?.previousKeys ?? []).map(({ accessKeyId }) => accessKeyId)).toEqual(former);
      expect((await admin.keysOf(userName)).toSorted()).toEqual([...former, stored.status?.accessKeyId].toSorted());
      if (room.former !== undefined) await room.as(room.former).client.statObject(room.bucket, 'object-0');
      for (const made of room.usersMade())
        if (made !== userName) expect([made, await admin.user(made)]).toEqual([made, undefined]);
    },
    async gone(room) {
      for (const made of room.usersMade()) expect([made, await admin.user(made)]).toEqual([made, undefined]);
    },
  },
};

const createBase = (room: Room) =>
  room.kube.create('Bucket', room.namespace, 'base', bucketSpec('provider', room.bucket));
const fillBase = async (room: Room) => {
  await room.kube.untilReady('Bucket', room.namespace, 'base', readyWithinMs);
  await putObjects(room.bucket);
};

// --- How a cell goes ------------------------------------------------------------------------------------------------------

const isLeaving = (object: Stored<OurKind> | undefined) => object?.metadata.deletionTimestamp !== undefined;

/** Holds the first write of the room's controllers at the server back until the returned function is called. */
const gateAtServer = (room: Room) => {
  const gate = Promise.withResolvers<undefined>();
  const trap = world.traffic.onCall(
    ({ proxy, effect }) => proxy === room.namespace && effect === 'write',
    1,
    'before',
    async () => {
      await gate.promise;
      return 'pass' as const;
    },
  );
  room.onClose(async () => {
    trap.disarm();
    gate.resolve(undefined);
  });
  return {
    isReached: () =>
      until(
        () => trap.isSprung(),
        (sprung) => sprung,
        { what: 'the deletion has come to its first write', timeoutMs: 30_000 },
      ),
    open: () => gate.resolve(undefined),
  };
};

/** Deletes the object, and makes it anew if that is what the cell is about, by a process that sees the truth. */
const act = async (room: Room, { kind, operation }: Cell): Promise<void> => {
  const subject = subjects[kind];
  if (operation === 'create' || operation === 'adopt') {
    await subject.create(room, operation === 'adopt');
    await room.kube.untilReady(kind, room.namespace, name, readyWithinMs);
    if (operation === 'create') await subject.use?.(room);
    return;
  }
  if (operation === 'change') {
    await subject.change(room);
    await room.kube.untilReady(kind, room.namespace, name, readyWithinMs);
    return;
  }
  if (operation === 'rotate' || operation === 'revoke') {
    await subject.replace?.(room, operation);
    return;
  }
  await room.kube.delete(kind, room.namespace, name);
  await room.kube.untilGone(kind, room.namespace, name, readyWithinMs);
  if (operation === 'delete') return;
  await subject.create(room);
  await room.kube.untilReady(kind, room.namespace, name, readyWithinMs);
  await subject.use?.(room);
};

const judge = async (room: Room, { kind, operation }: Cell, moment: 'stale' | 'end'): Promise<void> => {
  const subject = subjects[kind];
  const isChanged = operation === 'change';
  if (operation === 'delete') {
    await subject.gone(room);
    return;
  }
  await subject.unharmed(room, isChanged);
  if (moment === 'end') await subject.truth(room, isChanged);
};

/** Makes all that the object refers to; `through`, where it is given, lists of it only that it was born. */
const furnishFor = async (room: Room, kind: MatrixKind, through?: WatchProxy): Promise<(() => void)[]> => {
  const own = controllerOf[kind];
  const { needsBase } = subjects[kind];
  const referred: OurKind = needsBase ? 'Bucket' : 'Provider';
  const thaws: (() => void)[] = [];
  await room.furnish(through === undefined ? [own] : [own, controllerOf[referred]]);
  if (needsBase) await createBase(room);
  if (through !== undefined) {
    thaws.push(await through.freeze(plurals[referred]));
    await room.controller(controllerOf[referred]);
    await room.kube.untilReady('Provider', room.namespace, 'provider', readyWithinMs);
  }
  if (needsBase) await fillBase(room);
  return thaws;
};

const runCell = async (room: Room, cell: Cell): Promise<void> => {
  const { kind, operation, staleness } = cell;
  const subject = subjects[kind];
  const own = controllerOf[kind];
  const plural = plurals[kind];
  const through = await room.view();
  const thaws = await furnishFor(room, kind, staleness === 'otherLate' ? through : undefined);
  if (staleness === 'lateWrite') {
    await writeArrivesLate(room, cell);
    return;
  }

  const before = await room.controller(own);
  if (operation !== 'create' && operation !== 'adopt') {
    await subject.create(room);
    await room.kube.untilReady(kind, room.namespace, name, readyWithinMs);
    await subject.use?.(room);
  }
  const standsBy = staleness === 'lateWatch' || staleness === 'swallowed';
  let after = standsBy ? await room.controller(own, { through }) : undefined;

  const isDeletion = operation === 'delete' || operation === 'recreate';
  if (isDeletion && (staleness === 'leavingList' || staleness === 'lateWatch')) {
    const gate = gateAtServer(room);
    const told = through.untilTold(plural, ({ object }) => object.metadata.deletionTimestamp !== undefined);
    await room.kube.delete(kind, room.namespace, name);
    await gate.isReached();
    if (staleness === 'lateWatch') await told;
    thaws.push(staleness === 'leavingList' ? await through.freeze(plural) : through.holdEvents(plural));
    gate.open();
  } else if (staleness === 'livingList') thaws.push(await through.freeze(plural));
  else if (staleness === 'lateWatch') thaws.push(through.holdEvents(plural));
  else if (staleness === 'swallowed') {
    const swallowing = through.swallow(plural, ({ object }) => object.metadata.namespace === room.namespace);
    thaws.push(() => swallowing.stop());
  }

  await act(room, cell);
  await before.stop();
  after ??= await room.controller(own, { through });
  await room.leads(after);
  await room.rest(after);
  await judge(room, cell, 'stale');
  for (const thaw of thaws) thaw();
  await room.rest(after);
  await judge(room, cell, 'end');
};

/** The first report on the object, or on its change, arrives when a successor of its sender has done everything. */
const writeArrivesLate = async (room: Room, { kind, operation, ...cell }: Cell): Promise<void> => {
  const subject = subjects[kind];
  const own = controllerOf[kind];
  const late = await room.view();
  const before = await room.controller(own, { through: late });
  const isOfBefore = operation === 'change' || operation === 'rotate' || operation === 'revoke';
  if (isOfBefore) {
    await subject.create(room);
    await room.kube.untilReady(kind, room.namespace, name, readyWithinMs);
    await subject.use?.(room);
  }
  const held = late.holdWrite(
    ({ operation: write, body }) => write === `patch ${plurals[kind]}/status` && body.includes('"conditions"'),
  );
  let replaced: Promise<void> | undefined;
  if (operation === 'change') await subject.change(room);
  else if (operation === 'rotate' || operation === 'revoke') replaced = subject.replace?.(room, operation);
  else await subject.create(room, operation === 'adopt');
  replaced?.catch(() => undefined); // told below
  await Promise.race([
    held.arrived,
    delay(30_000, undefined, { ref: false }).then(() => {
      throw new Error('the controller reported nothing');
    }),
  ]);
  await before.kill();
  const after = await room.controller(own);
  if (operation === 'recreate') {
    await room.kube.delete(kind, room.namespace, name);
    await room.kube.untilGone(kind, room.namespace, name, readyWithinMs);
    await subject.create(room);
  }
  await replaced;
  await room.kube.untilReady(kind, room.namespace, name, readyWithinMs);
  if (operation === 'create' || operation === 'recreate') await subject.use?.(room);
  // The API server refuses it: the object, or its status, is another one by now.
  expect(await held.release()).toBe(409);
  await room.rest(after);
  await room.kube.patch(kind, room.namespace, name, {
    metadata: { annotations: { 's3.cloud37.dev/reconcile-requested-at': 'after the late write' } },
  });
  await room.rest(after);
  await judge(room, { kind, operation, ...cell }, 'end');
};

beforeAll(async () => {
  world = await startWorld('stale-views', ['minio', 'moto']);
  view = s3View(world.server('minio'));
  admin = minioAdmin(world.server('minio'));
});
afterAll(() => world.stop());

/** Gives the cell a room of its own, and closes it whatever comes. */
const inRoom = async (namespace: string, run: (room: Room) => Promise<void>): Promise<void> => {
  const room = new Room(namespace);
  try {
    await run(room);
  } finally {
    await room.close();
  }
};

describe.concurrent(`a view that lags destroys, gives and takes nothing (STALE_SEED=${String(seed)})`, () => {
  it.each(cells)('$title', (cell) => inRoom(cell.namespace, (room) => runCell(room, cell)));

  it('F2: a deletion that was called off, unseen, leaves the objects', () =>
    inRoom('stale-f2', async (room) => {
      await room.furnish(['bucket']);
      const through = await room.view();
      const controller = await room.controller('bucket', { through });
      await subjects.Bucket.create(room);
      await room.kube.untilReady('Bucket', room.namespace, name, readyWithinMs);
      await putObjects(room.bucket);
      await room.kube.patch('Secret', room.namespace, 'provider-root', {
        stringData: { 'secret-key': 'wrong-for-now' },
      });
      await until(
        () => room.kube.get('Provider', room.namespace, 'provider'),
        (provider) => provider !== undefined && !isReady(provider),
        { what: 'the Provider is not Ready' },
      );
      await room.kube.delete('Bucket', room.namespace, name);
      await until(
        () => room.kube.get('Bucket', room.namespace, name),
        (bucket) => isLeaving(bucket) && conditionOf(bucket, 'Ready')?.status === 'False',
        { what: 'the deletion waits' },
      );
      const thaw = through.holdEvents('buckets');
      await room.kube.patch('Bucket', room.namespace, name, specChange({ deletionPolicy: 'Retain' }));
      const { secretKey } = world.server('minio');
      await room.kube.patch('Secret', room.namespace, 'provider-root', { stringData: { 'secret-key': secretKey } });
      await room.kube.untilReady('Provider', room.namespace, 'provider', readyWithinMs);
      await room.rest(controller);
      await expectObjects(room.bucket);
      thaw();
      await room.kube.untilGone('Bucket', room.namespace, name, readyWithinMs);
      await expectObjects(room.bucket);
    }));

  it('F3: a Provider that moves is told what it leaves behind, also by late views of its users', () =>
    inRoom('stale-f3', async (room) => {
      await room.furnish(['provider']);
      const through = await room.view();
      const controller = await room.controller('provider', { through });
      await room.kube.untilReady('Provider', room.namespace, 'provider', readyWithinMs);
      // Its watches lag; who asks for a list is told the truth.
      const thaws = ['buckets', 'accesskeys'].map((plural) => through.holdEvents(plural));
      await subjects.Bucket.create(room);
      await room.kube.untilReady('Bucket', room.namespace, name, readyWithinMs);
      await putObjects(room.bucket);
      await moveProvider(room);
      await room.rest(controller);
      const expectHeld = async () => {
        const other = s3View(world.server('moto'));
        expect(await other.bucket(room.bucket)).toBeUndefined();
        await room.kube.untilNotReady('Provider', room.namespace, 'provider', 'ServerChanged');
      };
      await expectHeld();
      for (const thaw of thaws) thaw();
      await room.rest(controller);
      await expectHeld();
      await expectObjects(room.bucket);
    }));

  it('F4: a Provider does not go while somebody needs it, also by late views of its users', () =>
    inRoom('stale-f4', async (room) => {
      await room.furnish(['provider']);
      const through = await room.view();
      const controller = await room.controller('provider', { through });
      await room.kube.untilReady('Provider', room.namespace, 'provider', readyWithinMs);
      // Its watches lag; who asks for a list is told the truth.
      const thaws = ['buckets', 'accesskeys'].map((plural) => through.holdEvents(plural));
      await createBase(room);
      await fillBase(room);
      await subjects.AccessKey.create(room);
      await room.kube.untilReady('AccessKey', room.namespace, name, readyWithinMs);
      await room.kube.delete('Provider', room.namespace, 'provider');
      await room.rest(controller);
      expect(await room.kube.get('Provider', room.namespace, 'provider')).toBeDefined();
      for (const thaw of thaws) thaw();
      await room.rest(controller);
      expect(await room.kube.get('Provider', room.namespace, 'provider')).toBeDefined();
      await room.kube.delete('AccessKey', room.namespace, name);
      await room.kube.delete('Bucket', room.namespace, 'base');
      await room.kube.untilGone('AccessKey', room.namespace, name, readyWithinMs);
      await room.kube.untilGone('Bucket', room.namespace, 'base', readyWithinMs);
      await room.kube.untilGone('Provider', room.namespace, 'provider', readyWithinMs);
      await subjects.AccessKey.gone(room);
      await subjects.Bucket.gone(room);
    }));

  it('F5: a late status does not name a key that was replaced since', () =>
    inRoom('stale-f5', async (room) => {
      await room.furnish(['accesskey']);
      await createBase(room);
      await fillBase(room);
      const first = await room.controller('accesskey');
      await subjects.AccessKey.create(room);
      await room.kube.untilReady('AccessKey', room.namespace, name, readyWithinMs);
      await first.stop();
      const late = await room.view();
      const second = await room.controller('accesskey', { through: late });
      await room.leads(second);
      await room.rest(second);
      // Its Secret is lost: what says that the new key is issued and good is held.
      const former = (await room.pair(name))?.accessKey;
      const heldBack = late.holdWrite(
        ({ operation, body }) =>
          operation === 'patch accesskeys/status' &&
          !body.includes(`"accessKeyId":"${former ?? ''}"`) &&
          body.includes('"conditions"') &&
          body.includes('"accessKeyId"'),
      );
      await room.kube.delete('Secret', room.namespace, `${name}-credentials`);
      await heldBack.arrived;
      await second.kill();
      await room.kube.delete('Secret', room.namespace, `${name}-credentials`);
      const third = await room.controller('accesskey');
      await until(
        async () => [await room.kube.get('AccessKey', room.namespace, name), await room.pair(name)] as const,
        ([object, pair]) => isReady(object) && pair !== undefined && object?.status?.accessKeyId === pair.accessKey,
        { what: 'the successor has issued a key', timeoutMs: readyWithinMs },
      );
      await room.rest(third);
      expect(await heldBack.release()).toBeGreaterThanOrEqual(400);
      const pair = await room.pair(name);
      expect((await room.kube.get('AccessKey', room.namespace, name))?.status?.accessKeyId).toBe(pair?.accessKey);
      await subjects.AccessKey.truth(room, false);
    }));

  it.each([
    ['an hour ahead', 3_600_000],
    ['an hour behind', -3_600_000],
  ] as const)('F8: a bucket that was made by a process whose clock is %s is known after a crash', (_, byMs) =>
    inRoom(`stale-f8${byMs > 0 ? 'a' : 'b'}`, async (room) => {
      await room.furnish(['bucket']);
      const wrong = await room.controller('bucket', { nodeFlags: [shiftedClock(byMs)] });
      const killed = Promise.withResolvers<undefined>();
      const arm = (): void => {
        const trap = world.traffic.onCall(
          ({ proxy, operation }) => proxy === room.namespace && operation === 'CreateBucket',
          1,
          'after',
          async ({ status }) => {
            trap.disarm();
            // The server may refuse the wrong time first; the SDK then corrects it.
            if (status !== 200) {
              arm();
              return 'pass' as const;
            }
            await wrong.kill();
            killed.resolve(undefined);
            return 'drop' as const;
          },
        );
        room.onClose(async () => trap.disarm());
      };
      arm();
      await subjects.Bucket.create(room);
      await killed.promise;
      await room.controller('bucket');
      await subjects.Bucket.truth(room, false);
    }),
  );
});

/** To another server, with credentials that are good there. */
const moveProvider = async (room: Room): Promise<void> => {
  const { endpoint, accessKey, secretKey } = world.server('moto');
  await room.kube.patch('Secret', room.namespace, 'provider-root', {
    stringData: { 'access-key': accessKey, 'secret-key': secretKey },
  });
  await room.kube.patch('Provider', room.namespace, 'provider', specChange({ type: 'custom', endpoint }));
};
