import { s3View } from '@operator/tools/harness';
import { expectRefusedAtAdmission, undisclosed, type Attempt, type Case } from './case.ts';

/** A bucket that was the tenant's a moment ago and is, under its name, somebody else's now. */
const becomeAnothers = (given: Case, bucket: string) => given.victim({ bucket });

const removeBucket = async (given: Case, bucket: string) => {
  const { client } = s3View(given.world.server('minio'));
  for (const item of (await client.listObjectsV2(bucket, '', true).toArray()) as { name: string }[])
    await client.removeObject(bucket, item.name);
  for await (const item of client.listObjects(bucket, '', true, { IncludeVersion: true })) {
    const { name, versionId } = item as unknown as { name: string; versionId: string };
    await client.removeObject(bucket, name, { versionId });
  }
  await client.removeBucket(bucket);
};

/** A Bucket that has let go of its bucket and is kept by a finalizer of the tenant's, while its name is somebody else's bucket. */
const outlived = async (given: Case): Promise<string> => {
  const { name, bucket } = await given.lawfulBucket();
  await given.holdAndDelete('Bucket', name);
  await untilBucketGone(given, bucket);
  await becomeAnothers(given, bucket);
  return name;
};

export const remade: readonly Attempt[] = [
  {
    threat: 'T33',
    title: 'a Bucket that has let go of its bucket, held by a foreign finalizer, opens the next one of that name',
    async act(given) {
      await given.refusedKey('key', 'shared', [await outlived(given)]);
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T34',
    title: 'a Bucket that has let go, held by a foreign finalizer, puts its policy on the next bucket of that name',
    async act(given) {
      await given.refusedPolicy('open', await outlived(given));
    },
    twin: (given) => given.lawfulPolicy(),
  },
  {
    threat: 'T35',
    title:
      'a Bucket under deletion that keeps its bucket opens, once that was removed by hand, the next one of that name',
    async act(given) {
      const { name, bucket } = await given.lawfulBucket();
      await given.again('Bucket', name, { deletionPolicy: 'Retain' });
      await given.holdAndDelete('Bucket', name);
      await removeBucket(given, bucket);
      await becomeAnothers(given, bucket);
      await given.refusedKey('key', 'shared', [name]);
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T36',
    title: 'a key outlives its Bucket and opens the next bucket of that name',
    async act(given) {
      const { name, bucket } = await given.lawfulKey();
      await given.tenant.delete('Bucket', given.namespace, name);
      await given.admin.untilGone('Bucket', given.namespace, name, 60_000);
      await becomeAnothers(given, bucket);
      await given.again('AccessKey', name);
      given.refuse('AccessKey', name);
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T37',
    title: 'a Bucket without its finalizer vanishes, and its key opens the next bucket of that name',
    async act(given) {
      const { name, bucket } = await given.lawfulKey();
      await given.tenant.delete('Bucket', given.namespace, name);
      await given.release('Bucket', name);
      await given.admin.untilGone('Bucket', given.namespace, name, 60_000);
      await untilBucketGone(given, bucket).catch(() => removeBucket(given, bucket));
      await becomeAnothers(given, bucket);
      await given.again('AccessKey', name);
      given.refuse('AccessKey', name);
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T38',
    title: "a tenant's key deletes its bucket, somebody else makes one of that name, and the Bucket takes it over",
    async act(given) {
      const { name, bucket, pair } = await given.lawfulKey();
      const { status } = await given.admin.untilReady('Bucket', given.namespace, name);
      // Dates of buckets have whole seconds: what is made again within five of the first is taken for the same (decision 10).
      const sameUntilMs = Date.parse(status?.ownedSince ?? '') + 6_000;
      await given.until(
        () => Promise.resolve(Date.now()),
        (nowMs) => nowMs > sameUntilMs,
        'the bucket is older than a moment',
      );
      const own = given.as(pair, 'minio');
      await own.client.removeObject(bucket, 'letter.txt');
      await own.client.removeBucket(bucket);
      await given.victim({ bucket, managed: false });
      await given.again('Bucket', name);
      await given.again('AccessKey', name);
      given.refuse('Bucket', name);
      // It is in doubt whose bucket this is, and what was granted stays while it is (decision 10); nothing new is given.
      given.untried.add(`${name}-credentials`);
      await given.refusedKey('further', 'shared', [name]);
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T39',
    title: "a Bucket made again under its name for somebody else's bucket hands that to the keys of the first",
    async act(given) {
      const victim = await given.victim();
      const { name } = await given.lawfulKey();
      await given.tenant.delete('Bucket', given.namespace, name);
      await given.admin.untilGone('Bucket', given.namespace, name, 60_000);
      await given.bucket(name, 'shared', victim.bucket);
      await given.verdict('Bucket', name);
      await given.again('AccessKey', name);
      given.refuse('Bucket', name);
      given.refuse('AccessKey', name);
    },
    async twin(given) {
      const { name } = await given.lawfulKey();
      await given.tenant.delete('Bucket', given.namespace, name);
      await given.admin.untilGone('Bucket', given.namespace, name, 60_000);
      await given.bucket(name, 'shared', given.freshName('second'));
      await given.admin.untilReady('Bucket', given.namespace, name);
      await given.again('AccessKey', name);
      await given.admin.untilReady('AccessKey', given.namespace, name);
    },
  },
  {
    threat: 'T40',
    title: "a Bucket changes its name to that of somebody else's bucket",
    async act(given) {
      const victim = await given.victim();
      const { name } = await given.lawfulKey();
      await expectRefusedAtAdmission(() =>
        given.tenant.patch('Bucket', given.namespace, name, { spec: { name: victim.bucket } }),
      );
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T41',
    title: 'a Bucket whose status was wiped, as if nothing had been made, changes its name and its Provider',
    async act(given) {
      const victim = await given.victim();
      const { url } = await given.hostile({ owner: 'tenant' });
      await given.provider('own', url);
      await given.bucket('moving', 'own', victim.bucket);
      await given.admin.untilReady('Bucket', given.namespace, 'moving');
      const { name } = await given.lawfulKey();
      for (const [object, change] of [
        ['moving', { providerRef: { name: 'shared', namespace: 'platform' } }],
        [name, { name: victim.bucket }],
      ] as const) {
        const wiped = { ownership: null, createIntent: null, bucketName: null, exists: null, endpoint: null };
        await given.forge('Bucket', object, wiped);
        await given.tenant.patch('Bucket', given.namespace, object, { spec: change }).catch(() => null);
        await given.verdict('Bucket', object);
      }
      await given.key('key', 'shared', ['moving']);
      await given.verdict('AccessKey', 'key');
      await given.again('AccessKey', 'key');
      await given.again('AccessKey', name);
      given.refuse('AccessKey', 'key');
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T42',
    title: 'a waiting Bucket takes over what a deleted one leaves before its objects are gone',
    async act(given) {
      const bucket = given.freshName('left');
      const name = `withheld-${bucket.slice(-6)}`;
      given.unsayable.push(name);
      await given.admin.create('Bucket', undisclosed, name, {
        ...given.victimSpec('shared', bucket),
      });
      await given.admin.untilReady('Bucket', undisclosed, name, 60_000);
      const { client } = s3View(given.world.server('minio'));
      await client.putObject(bucket, 'letter.txt', 'dear neighbour');
      await given.bucket('waiting', 'shared', bucket);
      await given.verdict('Bucket', 'waiting');
      await given.key('key', 'shared', ['waiting']);
      await given.verdict('AccessKey', 'key');
      // Retained: the bucket stays, with the mark of its owner.
      await given.admin.delete('Bucket', undisclosed, name);
      await given.admin.untilGone('Bucket', undisclosed, name, 60_000);
      const view = s3View(given.world.server('minio'));
      await given.mind({ bucket, name, view, server: 'minio', key: undefined });
      await given.again('Bucket', 'waiting');
      await given.again('AccessKey', 'key');
      given.refuse('Bucket', 'waiting');
      given.refuse('AccessKey', 'key');
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T43',
    title: 'the deletion of a Bucket that was refused removes the bucket of another',
    async act(given) {
      const victim = await given.victim();
      await given.bucket('refused', 'shared', victim.bucket, { deletionPolicy: 'Delete', forceDelete: true });
      await given.verdict('Bucket', 'refused');
      await given.tenant.delete('Bucket', given.namespace, 'refused');
      await given.deletion('Bucket', 'refused');
    },
    twin: (given) => given.lawfulDeletion(),
  },
];

const untilBucketGone = async (given: Case, bucket: string) => {
  const { client } = s3View(given.world.server('minio'));
  await given.until(
    () => client.bucketExists(bucket),
    (exists) => !exists,
    `bucket ${bucket} is gone`,
  );
};
