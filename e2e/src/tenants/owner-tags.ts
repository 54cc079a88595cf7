import { randomUUID } from 'node:crypto';
import { conditionOf, s3View, type OurKind, type S3View } from '@operator/tools/harness';
import { Found, undisclosed, type Attempt, type Case, type Victim } from './case.ts';

const group = 's3.cloud37.dev';

const rootView = (given: Case, server: 'minio' | 'moto'): S3View => s3View(given.world.server(server));

const tagsOf = async ({ view, bucket }: Pick<Victim, 'view' | 'bucket'>): Promise<Record<string, string>> => ({
  ...(await view.bucket(bucket))?.tags,
});

/** Somebody else's bucket that is lent to the tenant, whose own object then names it. */
const lend = async (given: Case): Promise<Victim> => {
  const victim = await given.victim({ key: true });
  await given.admin.patch('Bucket', undisclosed, victim.name, {
    spec: { allowedNamespaces: { names: [given.namespace] } },
  });
  await given.admin.untilReady('Bucket', undisclosed, victim.name);
  given.namesHidden = false;
  return victim;
};

/** A key of the tenant's to the lent bucket, with all rights, by its level and by a document of its own. */
const keyToLent = async (given: Case, { name }: Victim) => {
  const access = [{ bucketRef: { name, namespace: undisclosed }, level: 'Admin' }];
  const resource = ['arn:aws:s3:::${bucket}', 'arn:aws:s3:::${bucket}/*'];
  const policy = { statement: [{ effect: 'Allow', action: 's3:*', resource }] };
  await given.key('lent', 'shared', [], { access, policy });
  await given.admin.untilReady('AccessKey', given.namespace, 'lent', 60_000);
  return given.as(await given.pairOf('lent'), 'minio');
};

/** The owner's objects are looked at again, and have said what they think. */
const touchOwner = async (given: Case, { name }: Victim) => {
  for (const turn of ['one', 'two']) {
    await given.admin.patch('Bucket', undisclosed, name, { spec: { tagging: { tags: { turn } } } });
    await given.verdict('Bucket', name, undisclosed);
    await given.admin.patch('AccessKey', undisclosed, name, { spec: { displayName: `turn ${turn}` } });
    await given.verdict('AccessKey', name, undisclosed);
  }
};

const reasonOf = async (given: Case, kind: OurKind, namespace: string, name: string) =>
  conditionOf(await given.admin.get(kind, namespace, name), 'Ready')?.reason;

/** The bucket has tags that lie about its owner. Nobody gets anything by them, the owner's key is good, and nothing is written. */
const judgeForged = async (given: Case, victim: Victim, forged: Readonly<Record<string, string>>) => {
  const found = await tagsOf(victim);
  if (JSON.stringify(Object.entries(found).toSorted()) !== JSON.stringify(Object.entries(forged).toSorted()))
    throw new Found('harm', `the operator wrote the tags of ${victim.bucket}: ${JSON.stringify(found)}`);
  if (victim.key !== undefined)
    await given
      .as(victim.key, victim.server)
      .client.statObject(victim.bucket, 'letter.txt')
      .catch((error: unknown) => {
        throw new Found('harm', `the owner's key to ${victim.bucket} lost its rights: ${String(error)}`);
      });
  const reason = await reasonOf(given, 'Bucket', undisclosed, victim.name);
  if (reason !== 'OwnershipInDoubt')
    throw new Found('harm', `the owner's Bucket says ${String(reason)}, not that it is in doubt`);
};

/** Retags somebody else's bucket, lets everybody look, judges, and puts the tags back, after which the owner is well again. */
const forge = async (given: Case, victim: Victim, name: string, lie: Readonly<Record<string, string>>) => {
  const before = await tagsOf(victim);
  const forged = { ...before, ...lie };
  await victim.view.client.setBucketTagging(victim.bucket, forged);
  given.victims.length = 0;
  await given.again('Bucket', name);
  await given.key('key', 'shared', [name]);
  await given.verdict('AccessKey', 'key');
  await touchOwner(given, victim);
  await given.again('AccessKey', 'key');
  given.refuse('Bucket', name);
  given.refuse('AccessKey', 'key');
  await judgeForged(given, victim, forged);
  await victim.view.client.setBucketTagging(victim.bucket, before);
  await given.admin.patch('Bucket', undisclosed, victim.name, { spec: { tagging: { tags: { turn: 'healed' } } } });
  for (const kind of ['Bucket', 'AccessKey'] as const)
    await given.admin.untilReady(kind, undisclosed, victim.name, 60_000);
  await given.mind(victim);
};

export const ownerTags: readonly Attempt[] = [
  {
    threat: 'T105',
    title: 'a key with all rights in a lent bucket gives it away by its tags, empties it of them, or removes it',
    async act(given) {
      const victim = await lend(given);
      const { client } = await keyToLent(given, victim);
      given.untried.add('lent-credentials');
      await given.bucket('wanted', 'shared', victim.bucket);
      const { metadata } = await given.verdict('Bucket', 'wanted');
      const own = {
        [`${group}/namespace`]: given.namespace,
        [`${group}/name`]: 'wanted',
        [`${group}/uid`]: metadata.uid,
      };
      const tags = { ...(await tagsOf(victim)), ...own };
      for (const [what, act] of [
        ['write the tags of', () => client.setBucketTagging(victim.bucket, tags)],
        ['remove the tags of', () => client.removeBucketTagging(victim.bucket)],
        ['remove', () => client.removeBucket(victim.bucket)],
        ['make', () => client.makeBucket(victim.bucket)],
      ] as const) {
        const code = await act().then(
          () => 'done',
          (error: unknown) => (error as { code?: string }).code ?? String(error),
        );
        if (code !== 'AccessDenied') throw new Found('harm', `a borrower may ${what} a lent bucket: ${code}`);
      }
      await given.again('Bucket', 'wanted');
      given.refuse('Bucket', 'wanted');
    },
    async twin(given) {
      const victim = await lend(given);
      const access = [{ bucketRef: { name: victim.name, namespace: undisclosed }, level: 'Admin' }];
      await given.tenant.patch('AccessKey', given.namespace, 'lent', { spec: { access } });
      await given.admin.untilReady('AccessKey', given.namespace, 'lent', 60_000);
      const { client } = given.as(await given.pairOf('lent'), 'minio');
      await client.putObject(victim.bucket, 'lent.txt', 'with all rights');
      await client.setBucketVersioning(victim.bucket, { Status: 'Suspended' });
      const own = await given.lawfulKey();
      const { client: owner } = given.as(own.pair, 'minio');
      const tags = Object.fromEntries((await owner.getBucketTagging(own.bucket)).map(({ Key, Value }) => [Key, Value]));
      await owner.setBucketTagging(own.bucket, { ...tags, mine: 'too' });
    },
  },
  {
    threat: 'T106',
    title: "a bucket of somebody else's gets the owner tags of a Bucket of the tenant's, by one who may write them",
    async act(given) {
      const victim = await given.victim({ key: true });
      await given.bucket('wanted', 'shared', victim.bucket);
      const { metadata } = await given.verdict('Bucket', 'wanted');
      await forge(given, victim, 'wanted', {
        [`${group}/namespace`]: given.namespace,
        [`${group}/name`]: 'wanted',
        [`${group}/uid`]: metadata.uid,
      });
    },
    async twin(given) {
      const { name, bucket } = await given.lawfulBucket();
      const view = rootView(given, 'minio');
      const tags = await tagsOf({ view, bucket });
      const { [`${group}/proof`]: proof, ...unsigned } = tags;
      await view.client.setBucketTagging(bucket, unsigned);
      await given.again('Bucket', name);
      await given.admin.untilReady('Bucket', given.namespace, name);
      const healed = await tagsOf({ view, bucket });
      if (proof === undefined || healed[`${group}/proof`] !== proof) throw new Error('the mark was not signed again');
    },
  },
  {
    threat: 'T107',
    title: "owner tags that the operator signed at the tenant's own server are put on somebody else's bucket",
    async act(given) {
      const victim = await given.victim({ key: true });
      const { endpoint, accessKey, secretKey } = given.world.server('moto');
      await given.provider('own', endpoint, {}, { accessKey, secretKey });
      await given.bucket('copy', 'own', victim.bucket, { deletionPolicy: 'Retain' });
      await given.admin.untilReady('Bucket', given.namespace, 'copy', 60_000);
      const signed = await tagsOf({ view: rootView(given, 'moto'), bucket: victim.bucket });
      await given.tenant.delete('Bucket', given.namespace, 'copy');
      await given.admin.untilGone('Bucket', given.namespace, 'copy', 60_000);
      await given.bucket('copy', 'shared', victim.bucket);
      await given.verdict('Bucket', 'copy');
      await forge(given, victim, 'copy', signed);
    },
    async twin(given) {
      const bucket = given.freshName('kept');
      for (const turn of ['first', 'second']) {
        await given.bucket('kept', 'own', bucket, { deletionPolicy: 'Retain', tagging: { tags: { turn } } });
        await given.admin.untilReady('Bucket', given.namespace, 'kept', 60_000);
        await given.tenant.delete('Bucket', given.namespace, 'kept');
        await given.admin.untilGone('Bucket', given.namespace, 'kept', 60_000);
      }
    },
  },
  {
    threat: 'T108',
    title: 'a bucket waits with the owner tags of a Bucket that does not exist yet',
    async act(given) {
      const { bucket: own } = await given.lawfulBucket();
      const view = rootView(given, 'minio');
      const mark = await tagsOf({ view, bucket: own });
      const squatted = await given.victim({ managed: false });
      const name = 'coming';
      await view.client.setBucketTagging(squatted.bucket, {
        ...mark,
        [`${group}/name`]: name,
        [`${group}/uid`]: randomUUID(),
      });
      await given.mind(squatted);
      await given.bucket(name, 'shared', squatted.bucket);
      await given.verdict('Bucket', name);
      await given.again('Bucket', name);
      await given.key('key', 'shared', [name]);
      await given.verdict('AccessKey', 'key');
      await given.again('AccessKey', 'key');
      given.refuse('Bucket', name);
      given.refuse('AccessKey', 'key');
    },
    async twin(given) {
      const bucket = given.freshName('left');
      for (const turn of ['first', 'second']) {
        await given.bucket('left', 'shared', bucket, { tagging: { tags: { turn } } });
        await given.admin.untilReady('Bucket', given.namespace, 'left', 60_000);
        await given.tenant.delete('Bucket', given.namespace, 'left');
        await given.admin.untilGone('Bucket', given.namespace, 'left', 60_000);
      }
    },
  },
];
