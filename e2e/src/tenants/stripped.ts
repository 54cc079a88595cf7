import { s3View, type Pair } from '@operator/tools/harness';
import { platform, type Attempt, type Case } from './case.ts';

/** A tenant takes our finalizer off its own objects, so that what they have at the server outlives them. */
export const stripped: readonly Attempt[] = [
  {
    threat: 'T97',
    title: 'the key of an AccessKey whose finalizer was taken off outlives it, and the next one of its name',
    async act(given) {
      const [first, second] = [await given.lawfulKey(), await given.lawfulKey('shared-aws')];
      for (const { name } of [first, second]) {
        await strip(given, 'AccessKey', name);
        await given.tenant.delete('AccessKey', given.namespace, name);
      }
      // The name is taken at once.
      await given.key(first.name, 'shared', [first.name]);
      await given.admin.untilReady('AccessKey', given.namespace, first.name, 60_000);
      await mustBeRefused(given, first.pair, 'minio');
      await mustBeRefused(given, second.pair, 'moto');
      await given.lawfulAccess(await given.pairOf(first.name), first.bucket);
    },
    twin: mayDelete,
  },
  {
    threat: 'T98',
    title: 'the finalizer of an AccessKey under deletion is taken off before the key is removed',
    async act(given) {
      for (const isHeld of [true, false]) {
        const { name, pair } = await given.lawfulKey();
        if (isHeld) await strip(given, 'AccessKey', name, ['tenant.test/hold']);
        else await pause(given, 'AccessKey', name);
        await given.tenant.delete('AccessKey', given.namespace, name);
        if (!isHeld) await strip(given, 'AccessKey', name);
        await mustBeRefused(given, pair, 'minio');
        if (isHeld) await strip(given, 'AccessKey', name);
      }
    },
    twin: mayDelete,
  },
  {
    threat: 'T99',
    title: 'an AccessKey whose status was emptied names another Provider, and leaves its user at the first',
    async act(given) {
      for (const isDeleted of [true, false]) {
        const { name, pair } = await given.lawfulKey();
        const { status } = await given.verdict('AccessKey', name);
        const wiped = Object.fromEntries(Object.keys(status ?? {}).map((field) => [field, null]));
        await pause(given, 'AccessKey', name);
        await given.forge('AccessKey', name, wiped);
        await given.tenant.patch('AccessKey', given.namespace, name, {
          metadata: { annotations: { 's3.cloud37.dev/paused': null } },
          spec: { providerRef: { name: 'shared-aws', namespace: platform } },
        });
        if (isDeleted) await given.tenant.delete('AccessKey', given.namespace, name);
        await mustBeRefused(given, pair, 'minio');
      }
    },
    twin: mayDelete,
  },
  {
    threat: 'T100',
    title: 'the document of a BucketPolicy whose finalizer was taken off and whose status was emptied outlives it',
    async act(given) {
      const { name, bucket } = await given.lawfulBucket();
      await given.policy(name, name);
      const { status } = await given.admin.untilReady('BucketPolicy', given.namespace, name, 60_000);
      const wiped = Object.fromEntries(Object.keys(status ?? {}).map((field) => [field, null]));
      await pause(given, 'BucketPolicy', name);
      await given.forge('BucketPolicy', name, wiped);
      await strip(given, 'BucketPolicy', name);
      await given.tenant.delete('BucketPolicy', given.namespace, name);
      await given.must(
        () => s3View(given.world.server('minio')).policy(bucket),
        (policy) => policy === undefined,
        'the policy is gone with its object',
      );
    },
    async twin(given) {
      const { name, bucket } = await given.lawfulBucket();
      await given.policy(name, name);
      await given.admin.untilReady('BucketPolicy', given.namespace, name, 60_000);
      await given.tenant.delete('BucketPolicy', given.namespace, name);
      await given.admin.untilGone('BucketPolicy', given.namespace, name, 60_000);
      if ((await s3View(given.world.server('minio')).policy(bucket)) !== undefined)
        throw new Error('the lawful deletion left the policy');
    },
  },
];

const strip = (
  given: Case,
  kind: 'AccessKey' | 'BucketPolicy',
  name: string,
  finalizers: readonly string[] = [],
): Promise<unknown> => given.tenant.patch(kind, given.namespace, name, { metadata: { finalizers } });

/** Nobody corrects what the tenant then writes. */
const pause = (given: Case, kind: 'AccessKey' | 'BucketPolicy', name: string): Promise<unknown> =>
  given.tenant.patch(kind, given.namespace, name, { metadata: { annotations: { 's3.cloud37.dev/paused': 'true' } } });

/** A key that the server does not know any more is refused as unknown, and not merely denied. */
const mustBeRefused = async (given: Case, pair: Pair, server: 'minio' | 'moto'): Promise<void> => {
  const { client } = given.as(pair, server);
  await given.must(
    () =>
      client.listBuckets().then(
        () => 'accepted',
        (error: unknown) => (error as { code?: string }).code ?? String(error),
      ),
    (outcome) => ['InvalidAccessKeyId', 'InvalidClientTokenId'].includes(outcome),
    `key ${pair.accessKey} does not work on ${server} any more`,
  );
};

async function mayDelete(given: Case): Promise<void> {
  const { name, pair } = await given.lawfulKey();
  await given.tenant.delete('AccessKey', given.namespace, name);
  await given.admin.untilGone('AccessKey', given.namespace, name, 60_000);
  await mustBeRefused(given, pair, 'minio');
}
