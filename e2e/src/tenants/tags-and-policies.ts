import { IAMClient, ListUserTagsCommand } from '@aws-sdk/client-iam';
import { minioAdmin } from '@operator/tools/harness';
import { expectRefusedAtAdmission, Found, platform, type Attempt, type Case } from './case.ts';

const group = 's3.cloud37.dev';

const statement = (change: object = {}) => ({ effect: 'Allow', action: 's3:*', resource: '*', ...change });

/** A key of the tenant's whose own document reaches further than its buckets. */
const overreach = async (given: Case, statements: (own: string, victim: string) => readonly object[]) => {
  const victim = await given.victim();
  const { name, bucket } = await given.lawfulBucket();
  const policy = { statement: statements(bucket, victim.bucket) };
  await given.key('key', 'shared', [name], { policy });
  await given.verdict('AccessKey', 'key');
  given.refuse('AccessKey', 'key');
};

/** The same kind of document, about the own bucket. */
const lawfulDocument = async (given: Case) => {
  const { name, bucket } = await given.lawfulBucket();
  const policy = {
    statement: [statement({ action: ['s3:GetObject', 's3:PutObject'], resource: `arn:aws:s3:::${bucket}/*` })],
  };
  await given.key(name, 'shared', [name], { policy });
  await given.admin.untilReady('AccessKey', given.namespace, name, 60_000);
};

export const tagsAndPolicies: readonly Attempt[] = [
  {
    threat: 'T44',
    title: "a Bucket declares the operator's own tags, with somebody else as the owner",
    async act(given) {
      for (const key of [`${group}/uid`, `${group}/cluster`, `${group}/namespace`, `${group}/other`])
        await expectRefusedAtAdmission(() =>
          given.bucket('marked', 'shared', given.freshName('marked'), { tagging: { tags: { [key]: 'theirs' } } }),
        );
    },
    async twin(given) {
      await given.bucket('tagged', 'shared', given.freshName('tagged'), { tagging: { tags: { team: 'tenant' } } });
      await given.admin.untilReady('Bucket', given.namespace, 'tagged');
    },
  },
  {
    threat: 'T45',
    title: "a key writes somebody else's owner tags onto the tenant's bucket, and the Bucket then gives that away",
    async act(given) {
      const victim = await given.victim({ key: true });
      const { name, bucket, pair } = await given.lawfulKey();
      const { tags } = (await victim.view.bucket(victim.bucket)) ?? { tags: {} };
      await given.as(pair, 'minio').client.setBucketTagging(bucket, tags);
      await given.again('Bucket', name);
      await given.again('AccessKey', name);
      // What the tenant itself wrote is no news to it.
      given.namesHidden = false;
    },
    async twin(given) {
      const { name, bucket, pair } = await given.lawfulKey();
      const { client } = given.as(pair, 'minio');
      const tags = Object.fromEntries((await client.getBucketTagging(bucket)).map(({ Key, Value }) => [Key, Value]));
      await client.setBucketTagging(bucket, { ...tags, mine: 'too' });
      await given.again('Bucket', name);
      await given.admin.untilReady('Bucket', given.namespace, name);
    },
  },
  {
    threat: 'T46',
    title: "tags of a borrower's key become tags of a user in the lender's account",
    async act(given) {
      const { name } = await given.lawfulBucket('shared-aws');
      await given.key(name, 'shared-aws', [name], { tags: { team: 'platform', admin: 'true' } });
      await given.verdict('AccessKey', name);
    },
    async judge(given) {
      for (const { status } of await given.admin.list('AccessKey', given.namespace)) {
        if (status?.userName === undefined) continue;
        const tags = await userTags(given, status.userName);
        if (tags.has('team') || tags.has('admin'))
          throw new Found('harm', `user ${status.userName} has tags that its namespace chose`);
      }
    },
    async twin(given) {
      const name = given.freshName('lenders');
      await given.admin.create('AccessKey', platform, name, {
        spec: { providerRef: { name: 'shared-aws' }, tags: { team: 'platform' }, policy: { statement: [listing] } },
      });
      const { status } = await given.admin.untilReady('AccessKey', platform, name, 60_000);
      if ((await userTags(given, status?.userName ?? '')).get('team') !== 'platform')
        throw new Error("the lender's own tags are not on its user");
    },
  },
  {
    threat: 'T47',
    title: 'a document allows all of S3',
    act: (given) => overreach(given, () => [statement(), statement({ resource: 'arn:aws:s3:::*' })]),
    twin: lawfulDocument,
  },
  {
    threat: 'T48',
    title: "a document names somebody else's bucket, plainly, by wildcards or by variables",
    async act(given) {
      await overreach(given, (_own, victim) => [
        statement({ resource: [`arn:aws:s3:::${victim}`, `arn:aws:s3:::${victim}/*`] }),
        statement({ resource: `arn:aws:s3:::${victim.slice(0, -2)}??` }),
        statement({ resource: 'arn:aws:s3:::${aws:username}*' }),
        statement({ resource: `arn:aws:s3:::${victim.slice(0, -1)}$\{*}` }),
        statement({ resource: `arn:aws-cn:s3:::${victim}/*` }),
      ]);
    },
    twin: lawfulDocument,
  },
  {
    threat: 'T49',
    title: "a wildcard right after the own bucket's name reaches buckets whose names go on",
    async act(given) {
      const { name, bucket } = await given.lawfulBucket();
      await given.victim({ bucket: `${bucket}-archive` });
      const policy = { statement: [statement({ resource: ['arn:aws:s3:::${bucket}*', 'arn:aws:s3:::${bucket}*/*'] })] };
      await given.key('key', 'shared', [name], { policy });
      await given.verdict('AccessKey', 'key');
      given.refuse('AccessKey', 'key');
    },
    twin: lawfulDocument,
  },
  {
    threat: 'T50',
    title: 'a bucket whose name begins like another is opened by rights in the shorter one',
    async act(given) {
      const { bucket } = await given.lawfulKey();
      await given.victim({ bucket: `${bucket}x` });
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T51',
    title: 'a document allows everything but little, by notAction and notResource',
    act: (given) =>
      overreach(given, (own) => [
        { effect: 'Allow', notAction: 's3:ListAllMyBuckets', resource: `arn:aws:s3:::${own}/*` },
        { effect: 'Allow', action: 's3:*', notResource: `arn:aws:s3:::${own}/*` },
      ]),
    twin: lawfulDocument,
  },
  {
    threat: 'T52',
    title: 'a document allows what is not S3: users, roles, the administration of the server',
    async act(given) {
      const { name, bucket } = await given.lawfulBucket('shared-aws');
      const actions = ['iam:*', 'sts:AssumeRole', 'admin:*', '*', 'S3:*', 's3*:*', '?3:*'];
      const policy = {
        statement: actions.map((action) => statement({ action, resource: `arn:aws:s3:::${bucket}/*` })),
      };
      await given.key('key', 'shared-aws', [name], { policy });
      await given.verdict('AccessKey', 'key');
      given.refuse('AccessKey', 'key');
    },
    twin: (given) => given.lawfulKey('shared-aws'),
  },
  {
    threat: 'T53',
    title: 'a prefix of access holds wildcards or variables',
    async act(given) {
      for (const prefix of ['*', 'a*', '?', '${aws:username}/', 'a/${bucket}'])
        await expectRefusedAtAdmission(() =>
          given.key('key', 'shared', [], { access: [{ bucketRef: { name: 'own' }, level: 'ReadOnly', prefix }] }),
        );
    },
    async twin(given) {
      const { name } = await given.lawfulBucket();
      const access = [{ bucketRef: { name }, level: 'ReadOnly', prefix: 'mine/' }];
      await given.key(name, 'shared', [], { access });
      await given.admin.untilReady('AccessKey', given.namespace, name, 60_000);
    },
  },
  {
    threat: 'T54',
    title: "a policy of the tenant's bucket names somebody else's bucket as its resource",
    async act(given) {
      const victim = await given.victim();
      const { name } = await given.lawfulBucket();
      await given.policy('beyond', name, `arn:aws:s3:::${victim.bucket}/*`);
      await given.verdict('BucketPolicy', 'beyond');
      given.refuse('BucketPolicy', 'beyond');
    },
    twin: (given) => given.lawfulPolicy(),
  },
  {
    threat: 'T55',
    title: "an issued key uses the server's own administration",
    async act(given) {
      const { pair } = await given.lawfulKey();
      await given.victim({ key: true });
      const { endpoint } = given.world.server('minio');
      const administered = await minioAdmin({ endpoint, ...pair })
        .userNames()
        .then(
          (names) => `sees ${String(names.length)} users`,
          () => undefined,
        );
      if (administered !== undefined) throw new Found('harm', `an issued key ${administered}`);
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T56',
    title: 'an issued key lists the names of all buckets',
    async act(given) {
      const victim = await given.victim();
      const { pair } = await given.lawfulKey();
      const listed = await given
        .as(pair, 'minio')
        .client.listBuckets()
        .then(
          (buckets) => buckets.map(({ name }) => name),
          (): string[] => [],
        );
      if (listed.includes(victim.bucket)) throw new Found('harm', 'an issued key lists the buckets of others');
      await overreachListing(given);
    },
    twin: (given) => given.lawfulKey(),
  },
];

const listing = { effect: 'Allow', action: 's3:ListAllMyBuckets', resource: '*' };

const overreachListing = async (given: Case) => {
  await given.key('listing', 'shared', [], { policy: { statement: [listing] } });
  await given.verdict('AccessKey', 'listing');
  given.refuse('AccessKey', 'listing');
};

const userTags = async (given: Case, userName: string): Promise<ReadonlyMap<string, string>> => {
  const { endpoint, region, accessKey, secretKey } = given.world.server('moto');
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const iam = new IAMClient({ endpoint, region, credentials });
  try {
    const { Tags: tags = [] } = await iam.send(new ListUserTagsCommand({ UserName: userName }));
    return new Map(tags.map(({ Key, Value }) => [Key ?? '', Value ?? '']));
  } finally {
    iam.destroy();
  }
};
