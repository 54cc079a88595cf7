import { hashPolicy, type IamPolicy } from '@operator/policy';
import { s3View, type Manifest } from '@operator/tools/harness';
import { platform, undisclosed, type Attempt, type Case, type Victim } from './case.ts';

const paused = { annotations: { 's3.cloud37.dev/paused': 'true' } };

interface Forged {
  readonly through?: 'shared' | 'shared-aws';
  readonly spec?: Manifest;
  readonly metadata?: Manifest;
}

/** A Bucket of the victim's name, refused, whose status then says that it is ours all the same. */
const forgedBucket = async (
  given: Case,
  victim: Victim,
  { through = 'shared', spec = {}, metadata = {} }: Forged = {},
) => {
  await given.bucket('forged', through, victim.bucket, spec, metadata);
  await given.verdict('Bucket', 'forged');
  await given.forge('Bucket', 'forged', given.ownedStatus(through, victim.bucket));
};

/** A policy of somebody else on the victim's bucket. */
const victimsPolicy = (bucket: string): IamPolicy => ({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'theirs',
      Effect: 'Allow',
      Principal: { AWS: ['*'] },
      Action: ['s3:GetObject'],
      Resource: [`arn:aws:s3:::${bucket}/public/*`],
    },
  ],
});

const withPolicy = async (given: Case): Promise<{ victim: Victim; stored: IamPolicy }> => {
  const bucket = given.freshName('vault');
  const { client } = s3View(given.world.server('minio'));
  await client.makeBucket(bucket);
  await client.setBucketPolicy(bucket, JSON.stringify(victimsPolicy(bucket)));
  const stored = JSON.parse(await client.getBucketPolicy(bucket)) as IamPolicy;
  await client.putObject(bucket, 'letter.txt', 'dear neighbour');
  const view = s3View(given.world.server('minio'));
  const victim = await given.mind({ bucket, name: 'by-hand', view, server: 'minio', key: undefined });
  return { victim, stored };
};

/** A policy of the tenant's whose status says that it is the one of somebody else's bucket, and then leaves. */
const forgedPolicy = async (given: Case, provider: string) => {
  const { victim, stored } = await withPolicy(given);
  await given.bucket('own', 'shared', given.freshName('own'));
  await given.policy('forged', 'own');
  await given.verdict('BucketPolicy', 'forged');
  await given.forge('BucketPolicy', 'forged', {
    bucketName: victim.bucket,
    appliedHash: hashPolicy(stored),
    providerRef: { name: provider, namespace: platform },
  });
  await given.tenant.delete('BucketPolicy', given.namespace, 'forged');
  await given.deletion('BucketPolicy', 'forged');
};

export const forgedStatus: readonly Attempt[] = [
  {
    threat: 'T12',
    title: 'a forged status opens a bucket to a key',
    async act(given) {
      const victim = await given.victim({ key: true });
      await forgedBucket(given, victim);
      await given.refusedKey('key', 'shared', ['forged']);
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T13',
    title: 'a forged status of a paused Bucket, which nobody corrects, opens a bucket to a key',
    async act(given) {
      const victim = await given.victim({ through: 'shared-aws' });
      await forgedBucket(given, victim, { through: 'shared-aws', metadata: paused });
      await given.refusedKey('key', 'shared-aws', ['forged']);
    },
    twin: (given) => given.lawfulKey('shared-aws'),
  },
  {
    threat: 'T14',
    title: "a forged status puts a public policy on somebody else's bucket",
    async act(given) {
      const victim = await given.victim();
      await forgedBucket(given, victim);
      await given.refusedPolicy('open', 'forged');
    },
    twin: (given) => given.lawfulPolicy(),
  },
  {
    threat: 'T15',
    title: 'a forged status takes over a bucket that was made by hand',
    async act(given) {
      const victim = await given.victim({ managed: false });
      await forgedBucket(given, victim);
      await given.again('Bucket', 'forged');
      given.refuse('Bucket', 'forged');
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T16',
    title: 'a forged status and a deletion empty a bucket that was made by hand',
    async act(given) {
      const victim = await given.victim({ managed: false });
      await forgedBucket(given, victim, {
        spec: { deletionPolicy: 'Delete', forceDelete: true },
        metadata: paused,
      });
      await given.tenant.patch('Bucket', given.namespace, 'forged', {
        metadata: { finalizers: ['s3.cloud37.dev/cleanup'] },
      });
      await given.tenant.delete('Bucket', given.namespace, 'forged');
      await given.tenant.patch('Bucket', given.namespace, 'forged', { metadata: { annotations: null } });
      await given.deletion('Bucket', 'forged');
    },
    twin: (given) => given.lawfulDeletion(),
  },
  {
    threat: 'T17',
    title: 'a forged intent takes over a bucket that was just made by hand',
    async act(given) {
      const victim = await given.victim({ managed: false });
      await given.bucket('forged', 'shared', victim.bucket, {}, paused);
      await given.verdict('Bucket', 'forged');
      await given.forge('Bucket', 'forged', {
        bucketName: victim.bucket,
        endpoint: given.stage.endpointOf('shared'),
        createIntent: { at: new Date().toISOString(), bucketName: victim.bucket },
      });
      await given.tenant.patch('Bucket', given.namespace, 'forged', { metadata: { annotations: null } });
      await given.again('Bucket', 'forged');
      given.refuse('Bucket', 'forged');
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T18',
    title: "a forged user name makes somebody else's user the one of an AccessKey, and its deletion removes that user",
    async act(given) {
      const { key } = await given.victim({ key: true });
      await given.key('key', 'shared', [], {});
      await given.verdict('AccessKey', 'key');
      await given.forge('AccessKey', 'key', { userName: key?.userName ?? '' });
      await given.again('AccessKey', 'key');
      await given.tenant.delete('AccessKey', given.namespace, 'key');
      await given.deletion('AccessKey', 'key');
    },
    async twin(given) {
      const { name } = await given.lawfulKey();
      await given.tenant.delete('AccessKey', given.namespace, name);
      await given.admin.untilGone('AccessKey', given.namespace, name);
    },
  },
  {
    threat: 'T19',
    title: "the id of somebody else's key, as a forged earlier key and a forged intent, removes that key",
    async act(given) {
      const { key } = await given.victim({ key: true });
      const accessKeyId = key?.accessKey ?? '';
      await given.key('key', 'shared', [], {});
      const { status } = await given.verdict('AccessKey', 'key');
      await given.forge('AccessKey', 'key', {
        previousKeys: [{ accessKeyId, expiresAt: '2020-01-01T00:00:00.000Z' }],
        keyIntent: { at: '2020-01-01T00:00:00.000Z', userName: status?.userName ?? '', accessKeyId },
      });
      await given.again('AccessKey', 'key');
      await given.tenant.delete('AccessKey', given.namespace, 'key');
      await given.deletion('AccessKey', 'key');
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T20',
    title: "a forged status of a BucketPolicy removes the policy of somebody else's bucket",
    act: (given) => forgedPolicy(given, 'shared'),
    twin: (given) => given.lawfulPolicy(),
  },
  {
    threat: 'T21',
    title: 'a forged status of a BucketPolicy uses a Provider that was never granted',
    act: (given) => forgedPolicy(given, 'private'),
    twin: (given) => given.lawfulPolicy(),
  },
  {
    threat: 'T22',
    title: "a paused Provider that says it is the lender's server keeps a name from its owner",
    async act(given) {
      const bucket = given.freshName('wanted');
      const { url } = await given.hostile({ owner: 'tenant' });
      await given.provider('own', url);
      await given.admin.untilReady('Provider', given.namespace, 'own');
      await given.bucket('squat', 'own', bucket);
      await given.verdict('Bucket', 'squat');
      await given.tenant.patch('Provider', given.namespace, 'own', { metadata: paused });
      const endpoint = given.stage.endpointOf('shared');
      await given.forge('Provider', 'own', { endpoint, accountId: null });
      await given.forge('Bucket', 'squat', { endpoint });
      await given.victim({ bucket });
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T23',
    title: 'a forged status of a paused Bucket that holds nothing keeps a name from its owner',
    async act(given) {
      const bucket = given.freshName('wanted');
      await given.bucket('squat', 'shared', bucket, {}, paused);
      await given.verdict('Bucket', 'squat');
      await given.forge('Bucket', 'squat', given.ownedStatus('shared', bucket));
      const victim = await given.victim({ bucket });
      await given.admin.untilReady('Bucket', undisclosed, victim.name);
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T24',
    title: 'a user ARN in a forged status lets a policy name anybody as the user of an AccessKey',
    async act(given) {
      const victim = await given.victim({ key: true });
      const { name } = await given.lawfulKey();
      await given.forge('AccessKey', name, { userArn: 'arn:aws:iam::aws:root' });
      const principal = { accessKeyRef: { name } };
      await given.policy('named', name, `arn:aws:s3:::${victim.bucket}/*`, { principal });
      await given.verdict('BucketPolicy', 'named');
      given.refuse('BucketPolicy', 'named');
    },
    twin: (given) => given.lawfulPolicy(),
  },
];
