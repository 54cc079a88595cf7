import type { BucketSpec, BucketStatus } from '@operator/api';
import { createBench, createTestWorld, objectOf, providerOf } from '@operator/references/testing';
import type { Pass } from '@operator/runtime';
import { bindAspect, tagging, versioning, type EndedReferences } from '@operator/s3';
import { bucketSpec, createMemoryS3 } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import { borrowersOf } from './borrowers.ts';
import { takeEndedWhilePaused } from './ended.ts';
import { createInputs } from './inputs.ts';
import { withReferences } from './kept-references.ts';
import { bucketReconciler } from './reconciler.ts';

const { signal } = new AbortController();
const as = 'versioning.copies';
const enabled = { enabled: true, mfaDelete: false };
const confirmed = { 's3.cloud37.dev/confirm-withdrawal': 'team-a' };

/** photos of team-a, whose versioning (say) has something at its server for copies of team-b, which lends itself. */
const begin = async () => {
  const clock = { now: () => new Date('2026-05-05T10:00:00.000Z') };
  const ended: EndedReferences[] = [];
  const s3 = createMemoryS3({
    now: () => clock.now(),
    aspects: [
      bindAspect(tagging),
      bindAspect({
        ...versioning,
        refersTo: ({ name, versioning: declared }) =>
          name === 'photos' && declared !== undefined
            ? [{ as, kind: 'Bucket', ref: { name: 'copies', namespace: 'team-b' } }]
            : [],
        end: async (_s3, references) => ended.push(references) > 0,
      }),
    ],
  });
  const world = createTestWorld(s3.driver);
  world.providers.set('team-a/provider', providerOf(s3.driver, { spec: { allowedNamespaces: { all: true } } }));
  const inputs = createInputs({ kube: world.kube.client, references: world.references(), ownership: world.ownership });
  const deps = {
    references: world.references(),
    ownership: world.ownership,
    vanished: () => undefined,
    sameName: () => [],
    policiesOf: () => Promise.resolve([]),
    borrowersOf: () => Promise.resolve([]),
    labelsOf: () => Promise.resolve({}),
    inputs,
  };
  const benchOf = (name: string, namespace: string, change: Partial<BucketSpec>) =>
    createBench<BucketSpec, BucketStatus>({
      writes: world.writes,
      store: world.buckets,
      object: objectOf('Bucket', name, bucketSpec({ name, ...change }), { metadata: { namespace } }),
      reconciler: () => bucketReconciler(deps),
    });
  const copies = benchOf('copies', 'team-b', {
    providerRef: { name: 'provider', namespace: 'team-a' },
    allowedNamespaces: { names: ['team-a'] },
  });
  const photos = benchOf('photos', 'team-a', { versioning: enabled });
  clock.now = () => photos.now();
  const withdraw = (isConfirmed = true) => {
    copies.change({ allowedNamespaces: { names: [] } });
    if (isConfirmed) copies.annotate(confirmed);
  };
  const remembered = () => photos.object().status?.references?.buckets;
  const recorded: BucketStatus[] = [];
  const passPaused = () => {
    const pass = {
      signal,
      now: photos.now(),
      step: (_name: string, run: () => unknown) => run(),
      event: () => undefined,
      call: (_call: unknown, run: () => unknown) => run(),
      record: async (status: BucketStatus) => void recorded.push(status),
    } as unknown as Pass<BucketStatus>;
    return takeEndedWhilePaused({ bucket: photos.object(), deps, pass });
  };
  return { ...world, s3, ended, photos, copies, withdraw, remembered, passPaused, recorded };
};
type World = Awaited<ReturnType<typeof begin>>;

const lent = async (): Promise<World> => {
  const world = await begin();
  await world.copies.run();
  await world.photos.run();
  expect(world.remembered()).toEqual({ [as]: ['team-b/copies/copies'] });
  return world;
};
const emptied = 'named, with an emptied status';
const gone = [{ ended: new Map([[as, ['copies']]]), kept: new Map() }];

describe('what stands for a Bucket of another namespace', () => {
  it('is remembered before it is there, and not for who was never granted it', async () => {
    const world = await begin();
    world.withdraw();
    await world.copies.run();
    await world.photos.run();
    expect(world.remembered()).toBeUndefined();
    world.copies.change({ allowedNamespaces: { names: ['team-a'] } });
    world.photos.change({ versioning: { enabled: false, mfaDelete: false } });
    const from = world.writes.done.length;
    await world.photos.run();
    expect(world.writes.done.slice(from)[0]).toBe('kube status');
    expect(world.remembered()).toEqual({ [as]: ['team-b/copies/copies'] });
  });

  it('stays while the grant is withdrawn without a confirmation, whom the lender sees', async () => {
    const world = await lent();
    world.withdraw(false);
    world.photos.change({ versioning: undefined as never });
    await world.photos.run();
    await world.passPaused();
    expect(world.ended).toEqual([]);
    expect(world.remembered()).toEqual({ [as]: ['team-b/copies/copies'] });
    const referrers = { policies: [], accessKeys: [], buckets: [world.photos.object()] };
    const borrowers = () => borrowersOf(world.copies.object(), referrers, world.ownership, signal);
    expect(await borrowers()).toEqual([{ kind: 'Bucket', namespace: 'team-a' }]);
    const { references } = world.photos.object().status ?? {};
    referrers.buckets = [
      { ...world.photos.object(), status: { references: { buckets: {}, ...references, proof: 'v1.none' } } },
    ];
    expect(await borrowers()).toEqual([]);
  });

  it.each([
    ['the spec says nothing of it any more', (world: World) => world.photos.change({ versioning: undefined as never })],
    ['the spec still names it', () => undefined],
  ])('ends when that is confirmed and %s', async (_when, act) => {
    const world = await lent();
    world.withdraw();
    act(world);
    await world.photos.run();
    expect(world.ended).toEqual(gone);
    expect(world.remembered()).toBeUndefined();
    await world.photos.pass();
    expect(world.ended).toEqual(gone);
  });

  it.each([
    ['named', () => undefined],
    ['remembered', (world: World) => world.photos.change({ versioning: undefined as never })],
    [
      emptied,
      (world: World) => {
        const photos = world.photos.object();
        world.buckets.set('team-a/photos', { ...photos, status: withReferences({ ...photos.status }, undefined) });
      },
    ],
  ])('ends while the object is paused: %s', async (how, act) => {
    const world = await lent();
    act(world);
    world.withdraw();
    await world.passPaused();
    expect(world.ended).toEqual(how === emptied ? [{ ended: new Map([[as, []]]), kept: new Map() }] : gone);
    expect(world.recorded[0]).toMatchObject({ ownership: 'Created' });
    expect(world.recorded[0]).not.toHaveProperty('references');
  });

  it('ends with the Bucket itself, also while the Provider is not granted any more', async () => {
    const world = await lent();
    world.buckets.delete('team-b/copies');
    world.providers.set('team-a/provider', providerOf(world.s3.driver));
    await world.photos.run();
    expect(world.ended).toEqual(gone);
  });

  it('is not touched where the bucket is in doubt', async () => {
    const world = await lent();
    world.withdraw();
    world.s3.buckets.get('photos')?.tags.set('s3.cloud37.dev/uid', 'uid-other');
    await expect(world.passPaused()).rejects.toMatchObject({ reason: 'OwnershipInDoubt' });
    expect(world.ended).toEqual([]);
  });

  it.each([
    ['stays on the server', () => undefined],
    [
      'is abandoned',
      (world: World) => {
        world.photos.annotate({ 's3.cloud37.dev/abandon': 'true' });
      },
    ],
  ])('ends with the object whose bucket %s', async (_how, act) => {
    const world = await lent();
    act(world);
    world.photos.delete();
    expect(await world.photos.run()).toMatchObject({ result: 'gone' });
    expect(world.ended).toEqual(gone);
    expect(world.s3.buckets.has('photos')).toBe(true);
  });
});
