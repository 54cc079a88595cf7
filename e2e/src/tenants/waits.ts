import { conditionOf, s3View, type OurKind } from '@operator/tools/harness';
import { annotation, Found, platform, undisclosed, type Attempt, type Case } from './case.ts';
import { borrowed, granted, ownProvider, policyOf, withdraw } from './lending.ts';

/** As if the operator had never written anything there. */
const wiped = {
  applied: null,
  appliedHash: null,
  pendingHash: null,
  bucketName: null,
  region: null,
  providerRef: null,
};

const wipe = (given: Case, policy: string) => given.forge('BucketPolicy', policy, { ...wiped, proof: null });

/** What a lender has decided must come to pass. */
const mustGo = async (given: Case, kind: OurKind, namespace: string, name: string): Promise<void> => {
  await given.admin.untilGone(kind, namespace, name, 30_000).catch((error: unknown) => {
    throw new Found('harm', `its owner cannot have it deleted: ${String(error)}`);
  });
};

const policyMustGo = (given: Case, { view, bucket }: Awaited<ReturnType<typeof granted>>) =>
  given.must(
    () => view.policy(bucket),
    (policy) => policy === undefined,
    'the policy of a borrower is gone with the grant',
  );

/** A policy of the owner's on a Bucket that the tenant has had its policy on. */
const ownersPolicy = async (given: Case, name: string) => {
  await given.admin.create('BucketPolicy', undisclosed, name, {
    spec: { bucketRef: { name }, policy: policyOf('s3:DeleteObject') },
  });
};

/** It comes to stand there, and what is done to the former one does not take it away for good. */
const ownersPolicyStands = async (given: Case, { view, bucket, name, policy }: Awaited<ReturnType<typeof granted>>) => {
  await given.admin.untilReady('BucketPolicy', undisclosed, name, 60_000);
  await given.until(
    () => given.admin.get('BucketPolicy', given.namespace, policy),
    (object) => object === undefined || object.status?.applied !== true,
    'the policy of the borrower is done with',
  );
  await given.until(
    () => view.policy(bucket),
    (stored) => JSON.stringify(stored ?? '').includes('s3:DeleteObject'),
    'the policy of the owner is at the server',
    10_000,
  );
};

/** The lawful form of most: a lender withdraws, and what was lent is gone. */
const lawfulWithdrawal = async (given: Case) => {
  const lent = await granted(given);
  await withdraw(given, 'Bucket', undisclosed, lent.name);
  await policyMustGo(given, lent);
};

/** The lawful form of the others: a borrower takes its policy away, and the Bucket goes after it. */
const lawfulLeave = async (given: Case) => {
  const { view, bucket, name, policy } = await granted(given);
  await given.tenant.delete('BucketPolicy', given.namespace, policy);
  await given.admin.delete('Bucket', undisclosed, name);
  await given.admin.untilGone('Bucket', undisclosed, name, 60_000);
  await given.admin.untilGone('BucketPolicy', given.namespace, policy, 60_000);
  if ((await view.policy(bucket)) !== undefined) throw new Error('the policy outlived the objects that went in order');
};

export const waits: readonly Attempt[] = [
  {
    threat: 'T110',
    title: 'a paused BucketPolicy whose status was wiped stays in force after the lender confirmed the withdrawal',
    async act(given) {
      const lent = await granted(given);
      await given.pause('BucketPolicy', lent.policy);
      await wipe(given, lent.policy);
      await withdraw(given, 'Bucket', undisclosed, lent.name);
      await policyMustGo(given, lent);
    },
    twin: lawfulWithdrawal,
  },
  {
    threat: 'T111',
    title: 'the same with another document in its spec: it stays in force, and nobody tells the lender',
    async act(given) {
      const { view, bucket, name, policy } = await granted(given);
      await given.pause('BucketPolicy', policy);
      await given.tenant.patch('BucketPolicy', given.namespace, policy, { spec: { policy: policyOf('s3:PutObject') } });
      await wipe(given, policy);
      await withdraw(given, 'Bucket', undisclosed, name);
      await given.must(
        async () => ({
          stands: (await view.policy(bucket)) !== undefined,
          told: conditionOf(await given.admin.get('Bucket', undisclosed, name), 'PolicyConflict')?.reason,
        }),
        ({ stands, told }) => !stands || told === 'OwnershipInDoubt',
        'the policy of a borrower is gone, or the lender is told',
      );
      await given.annotate('BucketPolicy', policy, { [annotation('paused')]: null });
      // Taking off an annotation makes no new generation: the former verdict is that of the pause.
      const seen = await given.until(
        () => given.verdict('BucketPolicy', policy),
        (object) => conditionOf(object, 'Ready')?.reason !== 'Paused',
        'the BucketPolicy is looked at after its pause',
      );
      const ready = conditionOf(seen, 'Ready');
      const isThere = (await view.policy(bucket)) !== undefined;
      if (isThere && ready?.reason !== 'OwnershipInDoubt')
        throw new Found('harm', `the BucketPolicy does not say that a policy is left: ${JSON.stringify(ready)}`);
    },
    async twin(given) {
      const lent = await granted(given);
      await withdraw(given, 'Bucket', undisclosed, lent.name);
      await ownersPolicy(given, lent.name);
      await ownersPolicyStands(given, lent);
    },
  },
  {
    threat: 'T112',
    title: 'an older status that the operator once wrote, put back while paused, keeps a policy in force',
    async act(given) {
      const lent = await granted(given);
      const { status } = (await given.admin.get('BucketPolicy', given.namespace, lent.policy)) ?? {};
      await given.again('BucketPolicy', lent.policy, { policy: policyOf('s3:DeleteObject') });
      await given.admin.untilReady('BucketPolicy', given.namespace, lent.policy);
      await given.pause('BucketPolicy', lent.policy);
      await given.forge('BucketPolicy', lent.policy, { ...status });
      await withdraw(given, 'Bucket', undisclosed, lent.name);
      await policyMustGo(given, lent);
    },
    twin: lawfulWithdrawal,
  },
  {
    threat: 'T113',
    title: "a BucketPolicy that outlived its Bucket removes an equal policy from somebody else's bucket of that name",
    async act(given) {
      const { name, bucket } = await given.lawfulBucket();
      await given.policy('open', name);
      await given.admin.untilReady('BucketPolicy', given.namespace, 'open');
      const { client } = s3View(given.world.server('minio'));
      const document = await client.getBucketPolicy(bucket);
      await given.pause('BucketPolicy', 'open');
      await given.tenant.delete('Bucket', given.namespace, name);
      await given.admin.untilGone('Bucket', given.namespace, name, 60_000);
      const victim = await given.victim({ bucket });
      await client.setBucketPolicy(bucket, document);
      await given.mind(victim);
      await given.tenant.delete('BucketPolicy', given.namespace, 'open');
      await given.annotate('BucketPolicy', 'open', { [annotation('paused')]: null });
      await given.deletion('BucketPolicy', 'open');
    },
    async twin(given) {
      const { name, bucket } = await given.lawfulBucket();
      await given.policy('lawful', name);
      await given.admin.untilReady('BucketPolicy', given.namespace, 'lawful');
      await given.tenant.delete('BucketPolicy', given.namespace, 'lawful');
      await given.admin.untilGone('BucketPolicy', given.namespace, 'lawful', 60_000);
      if ((await s3View(given.world.server('minio')).policy(bucket)) !== undefined)
        throw new Error('the lawful deletion left the policy');
    },
  },
  {
    threat: 'T114',
    title: 'a paused BucketPolicy under deletion holds up the deletion of a Bucket that was granted to it',
    async act(given) {
      const { name, policy } = await granted(given);
      await given.pause('BucketPolicy', policy);
      await given.tenant.delete('BucketPolicy', given.namespace, policy);
      await given.admin.delete('Bucket', undisclosed, name);
      await mustGo(given, 'Bucket', undisclosed, name);
    },
    twin: lawfulLeave,
  },
  {
    threat: 'T115',
    title: 'the same without our finalizer, held by one of the tenant, with a status that was put back',
    async act(given) {
      const { name, policy } = await granted(given);
      const { status } = (await given.admin.get('BucketPolicy', given.namespace, policy)) ?? {};
      await given.pause('BucketPolicy', policy);
      await given.holdAndDelete('BucketPolicy', policy, { strips: true });
      await given.annotate('BucketPolicy', policy, { [annotation('paused')]: null });
      await given.forge('BucketPolicy', policy, { ...status });
      await given.admin.delete('Bucket', undisclosed, name);
      await mustGo(given, 'Bucket', undisclosed, name);
    },
    twin: lawfulLeave,
  },
  {
    threat: 'T116',
    title: 'a paused BucketPolicy under deletion keeps the owner of the Bucket from setting its own policy',
    async act(given) {
      const { view, bucket, name, policy } = await granted(given);
      await given.pause('BucketPolicy', policy);
      await given.tenant.delete('BucketPolicy', given.namespace, policy);
      await ownersPolicy(given, name);
      await given.must(
        () => view.policy(bucket),
        (stored) => JSON.stringify(stored ?? '').includes('s3:DeleteObject'),
        'the policy of the owner is at the server',
      );
    },
    async twin(given) {
      const lent = await granted(given);
      await given.tenant.delete('BucketPolicy', given.namespace, lent.policy);
      await ownersPolicy(given, lent.name);
      await ownersPolicyStands(given, lent);
    },
  },
  {
    threat: 'T117',
    title: 'a paused Bucket that has lost its bucket keeps the name from its next owner',
    async act(given) {
      const { name, bucket, pair } = await given.lawfulKey();
      await given.pause('Bucket', name);
      const own = given.as(pair, 'minio');
      await own.client.removeObject(bucket, 'letter.txt');
      await own.client.removeBucket(bucket);
      // Or its key would be one that had rights before there was somebody else's bucket: T36 is about that.
      await given.tenant.delete('AccessKey', given.namespace, name);
      await given.admin.untilGone('AccessKey', given.namespace, name, 60_000);
      await given.victim({ bucket });
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T119',
    title: 'paused objects of a borrower hold up the deletion of a Provider, and no word of the lender ends that',
    async act(given) {
      const name = await ownProvider(given);
      const { key } = await borrowed(given, name);
      await given.pause('AccessKey', key);
      await given.pause('Bucket', 'borrowed');
      await given.admin.delete('Provider', platform, name);
      const seen = await given.until(
        () => given.admin.get('Provider', platform, name),
        (provider) => conditionOf(provider, 'Ready')?.reason === 'InUse',
        'the Provider says whom it waits for',
      );
      if (!(conditionOf(seen, 'Ready')?.message ?? '').includes(annotation('abandon')))
        throw new Found('harm', 'the Provider names no word that ends its wait');
      await given.admin.patch('Provider', platform, name, {
        metadata: { annotations: { [annotation('abandon')]: 'true' } },
      });
      await mustGo(given, 'Provider', platform, name);
    },
    async twin(given) {
      const { name } = await given.lawfulKey();
      await given.tenant.delete('AccessKey', given.namespace, name);
      await given.tenant.delete('Bucket', given.namespace, name);
      await given.admin.untilGone('AccessKey', given.namespace, name, 60_000);
      await given.admin.untilGone('Bucket', given.namespace, name, 60_000);
    },
  },
];
