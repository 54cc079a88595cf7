import type { BucketSpec, BucketStatus } from '@operator/api';
import { Fault } from '@operator/outcome';
import { createBench, createTestWorld, objectOf, ownerTags } from '@operator/references/testing';
import { bindAspect, tagging, versioning, type Inputs, type Reference } from '@operator/s3';
import { bucketSpec, createMemoryS3 } from '@operator/testing';
import type { StoredObject } from '@operator/runtime';
import { describe, expect, it } from 'vitest';
import type { BucketDeps } from './deps.ts';
import { createInputs } from './inputs.ts';
import { bucketReconciler } from './reconciler.ts';

const references = {
  secret: { as: 'versioning.secret', kind: 'Secret', name: 'device', keys: ['seed'] },
  provider: { as: 'versioning.provider', kind: 'Provider', ref: { name: 'provider' } },
  bucket: { as: 'versioning.bucket', kind: 'Bucket', ref: { name: 'copies' } },
  stranger: { as: 'versioning.stranger', kind: 'Bucket', ref: { name: 'theirs', namespace: 'team-b' } },
} as const satisfies Readonly<Record<string, Reference>>;

/** Two Buckets, of which photos names things outside its bucket, and what its last pass found there. */
const begin = (named: () => readonly Reference[]) => {
  const clock = { now: () => new Date('2026-05-05T10:00:00.000Z') };
  const seen: { inputs: Inputs; bucketsAt: (keys: readonly string[]) => Promise<unknown> } = {
    inputs: new Map(),
    bucketsAt: () => Promise.reject(new Error('there was no pass')),
  };
  const s3 = createMemoryS3({
    now: () => clock.now(),
    aspects: [
      bindAspect(tagging),
      bindAspect({
        ...versioning,
        refersTo: ({ name }) => (name === 'photos' ? named() : []),
      }),
    ],
  });
  const world = createTestWorld(s3.driver);
  const source = createInputs({ kube: world.kube.client, references: world.references(), ownership: world.ownership });
  const deps = (): BucketDeps => ({
    references: world.references(),
    ownership: world.ownership,
    vanished: () => undefined,
    sameName: (name) => [...world.buckets.values()].filter(({ spec }) => spec.name === name),
    policiesOf: () => Promise.resolve([]),
    borrowersOf: () => Promise.resolve([]),
    labelsOf: () => Promise.resolve({}),
    inputs: {
      ...source,
      async inputsOf(work, provided) {
        const found = await source.inputsOf(work, provided);
        if (work.bucket.metadata.name !== 'photos') return found;
        seen.inputs = found;
        seen.bucketsAt = (keys) => source.bucketsAt(keys, work, provided);
        return found;
      },
    },
  });
  const benchOf = (name: string) =>
    createBench<BucketSpec, BucketStatus>({
      writes: world.writes,
      store: world.buckets,
      object: objectOf('Bucket', name, bucketSpec({ name })),
      reconciler: () => bucketReconciler(deps()),
    });
  const [photos, copies] = [benchOf('photos'), benchOf('copies')];
  clock.now = () => photos.now();
  const told = (as: string) => {
    const input = seen.inputs.get(as);
    if (input instanceof Fault) return input.reason;
    return input?.kind === 'Ended' ? `Ended ${input.fault.reason}` : input?.kind;
  };
  const bucketsAt = (keys: readonly string[]) => seen.bucketsAt(keys);
  return { s3, photos, copies, source, told, seen, bucketsAt, ...world };
};

const all = () => Object.values(references);

it('what leads nowhere is a Fault of its own, and what may not be referred to is not even looked for', async () => {
  const { photos, told } = begin(all);
  await photos.run();
  expect(Object.fromEntries(all().map(({ as }) => [as, told(as)]))).toEqual({
    'versioning.secret': 'SecretNotFound',
    'versioning.provider': 'Provider',
    'versioning.bucket': 'Ended BucketNotReady',
    // It is not there, and the words do not tell.
    'versioning.stranger': 'Ended ReferenceNotGranted',
  });
});

it('a Secret opens with the keys that were asked for, and a Bucket counts once the server says that it has its bucket', async () => {
  const { photos, copies, told, seen, kube, s3 } = begin(all);
  kube.put('secrets', { metadata: { name: 'device', namespace: 'team-a' }, data: { seed: 'hush', other: 'no' } });
  await copies.run();
  await photos.run();
  const secret = seen.inputs.get('versioning.secret');
  expect(secret instanceof Fault || secret?.kind !== 'Secret' ? secret : [...secret.values.keys()]).toEqual(['seed']);
  expect(seen.inputs.get('versioning.bucket')).toMatchObject({ kind: 'Bucket', bucket: 'copies', region: 'us-east-1' });
  // The mark of somebody else: whatever the status says, it is not its bucket.
  s3.buckets.get('copies')?.tags.set('s3.cloud37.dev/uid', 'uid-other');
  await photos.pass();
  expect(told('versioning.bucket')).toBe('BucketNotReady');
  const others = ownerTags({ namespace: 'team-z', name: 'theirs' }, { bucketName: 'copies' });
  for (const [tag, value] of others) s3.buckets.get('copies')?.tags.set(tag, value);
  await photos.pass();
  expect(told('versioning.bucket')).toBe('Ended BucketNotReady');
});

it('nothing stands any more by a Bucket that is being deleted', async () => {
  const { photos, copies, told } = begin(all);
  await copies.run();
  await photos.run();
  expect(told('versioning.bucket')).toBe('Bucket');
  copies.delete();
  await photos.pass();
  expect(told('versioning.bucket')).toBe('Ended BucketNotReady');
});

it('what stands by a Bucket that was made again stays while the cache still has the one before it', async () => {
  const { photos, copies, told, kube } = begin(all);
  await copies.run();
  kube.put('buckets', { metadata: { ...copies.object().metadata } });
  copies.delete();
  await photos.run();
  expect(told('versioning.bucket')).toBe('BucketNotReady');
});

it('an object looks again when a Bucket that it names changes, as long as it names it', async () => {
  let named: readonly Reference[] = all();
  const { photos, source } = begin(() => named);
  await photos.run();
  expect(source.referrersOf('team-a/copies')).toEqual(['team-a/photos']);
  named = [];
  await photos.pass();
  expect(source.referrersOf('team-a/copies')).toEqual([]);
  named = all();
  await photos.pass();
  source.forget('team-a/photos');
  expect(source.referrersOf('team-a/copies')).toEqual([]);
});

it('of Buckets that are remembered those are found that have their buckets and may be used, and why others are not', async () => {
  const { photos, copies, bucketsAt, s3 } = begin(() => []);
  await copies.run();
  await photos.run();
  const keys = ['team-a/copies', 'team-a/none', 'team-b/theirs'];
  const unseen = [{ reason: 'BucketNotFound' }, { reason: 'ReferenceNotGranted' }];
  expect(await bucketsAt(keys)).toMatchObject([{ kind: 'Bucket', key: 'team-a/copies', bucket: 'copies' }, ...unseen]);
  s3.buckets.get('copies')?.tags.set('s3.cloud37.dev/uid', 'uid-other');
  expect(await bucketsAt(keys)).toMatchObject([{ reason: 'BucketNotReady' }, ...unseen]);
});

describe('what a reference to a Bucket gave ends', () => {
  const lender = (spec: object = {}, annotations: Readonly<Record<string, string>> = {}) =>
    objectOf(
      'Bucket',
      'theirs',
      { ...bucketSpec({ name: 'theirs' }), ...spec },
      { metadata: { namespace: 'team-b', annotations } },
    );
  const stranger = () => [references.stranger];
  const tell = async (known: StoredObject | undefined, live: StoredObject | undefined) => {
    const { photos, told, seen, kube, buckets } = begin(stranger);
    if (known !== undefined) buckets.set('team-b/theirs', known as never);
    if (live !== undefined) kube.put('buckets', live);
    await photos.run();
    const input = seen.inputs.get('versioning.stranger');
    const fault = input instanceof Fault ? input : input?.kind === 'Ended' ? input.fault : undefined;
    return [told('versioning.stranger'), fault?.message];
  };
  const confirmed = { 's3.cloud37.dev/confirm-withdrawal': 'team-a' };
  const words = expect.stringMatching(/^Bucket team-b\/theirs may not be referred to from namespace team-a/) as string;

  it.each([
    ['when it is not there', undefined, undefined, 'Ended ReferenceNotGranted'],
    ['not while the cache alone has lost it', undefined, lender(), 'ReferenceNotGranted'],
    ['not while the grant is withdrawn and that is not confirmed', lender(), lender(), 'ReferenceNotGranted'],
    ['when that is confirmed', lender({}, confirmed), lender({}, confirmed), 'Ended ReferenceNotGranted'],
    ['not on the word of the cache', lender({}, confirmed), lender(), 'ReferenceNotGranted'],
  ])('%s, in the same words', async (_when, known, live, verdict) => {
    expect(await tell(known, live)).toEqual([verdict, words]);
  });
});
