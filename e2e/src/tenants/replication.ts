import {
  GetBucketReplicationCommand,
  PutBucketLoggingCommand,
  PutBucketReplicationCommand,
  type ReplicationRule,
  type S3Client,
} from '@aws-sdk/client-s3';
import { conditionOf, s3View, type Manifest } from '@operator/tools/harness';
import { annotation, Found, undisclosed, type Attempt, type Case } from './case.ts';
import { withdraw } from './lending.ts';

const versioning = { enabled: true };
const replicationTo = (destination: Manifest, change: Manifest = {}): Manifest => ({
  versioning,
  replication: { rules: [{ id: 'copies', destination }], ...change },
});

/** A Bucket of somebody else's, with versions, to which the tenant may copy. @returns its name, which is that of its bucket too */
const lentBucket = (given: Case, through = 'shared'): Promise<string> =>
  given.lentBucket('copies', through, { versioning });
const refTo = (name: string) => ({ bucketRef: { name, namespace: undisclosed } });

const rulesOf = async (
  given: Case,
  bucket: string,
  server: 'minio' | 'moto' = 'minio',
): Promise<readonly ReplicationRule[]> => {
  const { sdk } = s3View(given.world.server(server));
  try {
    const answer = await sdk.send(new GetBucketReplicationCommand({ Bucket: bucket }));
    return answer.ReplicationConfiguration?.Rules ?? [];
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplicationConfigurationNotFoundError') return [];
    throw error;
  } finally {
    sdk.destroy();
  }
};

const putRules = (sdk: S3Client, bucket: string, rules: readonly ReplicationRule[]) =>
  sdk.send(
    new PutBucketReplicationCommand({ Bucket: bucket, ReplicationConfiguration: { Role: '', Rules: [...rules] } }),
  );

/** What is written in a bucket of the tenant's is seen in the bucket that is lent to it. */
const lawfulCopies = async (given: Case): Promise<void> => {
  const copies = await lentBucket(given);
  const bucket = given.freshName('source');
  await given.bucket('lawful', 'shared', bucket, replicationTo(refTo(copies)));
  await given.admin.untilReady('Bucket', given.namespace, 'lawful', 60_000);
  const { client } = s3View(given.world.server('minio'));
  await client.putObject(bucket, 'letter', 'mine');
  const arrived = () => client.statObject(copies, 'letter').then(Boolean, () => false);
  await given.until(arrived, (isThere) => isThere, 'the copy has arrived');
};

/** A bucket of the tenant's that is copied to one that is lent to it. */
const lentCopies = async (given: Case, change: Manifest = {}) => {
  const copies = await lentBucket(given);
  const bucket = given.freshName('source');
  await given.bucket('source', 'shared', bucket, { ...replicationTo(refTo(copies)), ...change });
  await given.admin.untilReady('Bucket', given.namespace, 'source', 60_000);
  if ((await rulesOf(given, bucket)).length === 0) throw new Found('broken', `${bucket} has no rule`);
  return { copies, bucket };
};

/** A MinIO of the tenant's own, which takes all that it is told. */
const ownMinio = (given: Case) =>
  given.hostile({
    owner: 'tenant',
    script({ method, path, operation }) {
      if (operation === 'GetBucketReplication')
        return { status: 404, body: '<Error><Code>ReplicationConfigurationNotFoundError</Code></Error>' };
      if (operation === 'GetBucketVersioning')
        return { status: 200, body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>' };
      if (path.includes('list-remote-targets')) return { status: 200, body: '[]' };
      if (path.includes('set-remote-target')) return { status: 200, body: '"arn:minio:replication::1:copies"' };
      return method === 'GET' && path.startsWith('/minio/admin/') ? { status: 200, body: '{}' } : undefined;
    },
  });

export const replication: readonly Attempt[] = [
  {
    threat: 'T121',
    title:
      "a Bucket on the tenant's own MinIO copies to one that is lent to it, and gets the credentials of its Provider",
    async act(given) {
      const copies = await lentBucket(given);
      const endpoint = await ownMinio(given);
      await given.provider('own', endpoint.url, { type: 'minio' });
      await given.bucket('thief', 'own', given.freshName('source'), replicationTo(refTo(copies)));
      const { status } = await given.verdictBeyond('Bucket', 'thief', 'own');
      await given.again('Bucket', 'thief');
      given.refuse('Bucket', 'thief');
      const told = endpoint.calls.filter(({ path }) => path.includes('set-remote-target'));
      if (told.length > 0)
        throw new Found('harm', 'the credentials of the lender were sent to the server of the tenant');
      const looked = endpoint.calls.some(({ path }) => path.includes('list-remote-targets'));
      if (!looked) throw new Found('broken', `the replication was not tried: ${JSON.stringify(status?.conditions)}`);
    },
    twin: lawfulCopies,
  },
  {
    threat: 'T122',
    title:
      'a Bucket copies to a Bucket of another namespace that is not granted, one that exists and one that does not',
    async act(given) {
      const { name, bucket: victims } = await given.victim();
      const said = new Map<string, string>();
      for (const [source, to] of [
        ['there', name],
        ['nowhere', 'nosuchbucket'],
      ] as const) {
        const bucket = given.freshName('source');
        await given.bucket(source, 'shared', bucket, replicationTo(refTo(to)));
        await given.verdict('Bucket', source);
        const ready = conditionOf(await given.again('Bucket', source), 'Ready');
        said.set(source, `${String(ready?.reason)} ${String(ready?.message)}`.replaceAll(to, 'X'));
        if ((await rulesOf(given, bucket)).length > 0) throw new Found('harm', `${bucket} is copied to ${victims}`);
        if (ready?.status === 'True') throw new Found('silence', `Bucket ${source} is Ready`);
      }
      if (said.get('there') !== said.get('nowhere'))
        throw new Found('name', `the messages tell what exists: ${JSON.stringify([...said])}`);
      given.namesHidden = false;
    },
    twin: lawfulCopies,
  },
  {
    threat: 'T123',
    title: 'copies go on after the Bucket that gets them was taken back',
    async act(given) {
      const copies = await lentBucket(given);
      const bucket = given.freshName('source');
      await given.bucket('source', 'shared', bucket, replicationTo(refTo(copies)));
      await given.admin.untilReady('Bucket', given.namespace, 'source', 60_000);
      await withdraw(given, 'Bucket', undisclosed, copies);
      await given.must(
        () => rulesOf(given, bucket),
        (rules) => rules.length === 0,
        'the rule is gone',
      );
      const { client } = s3View(given.world.server('minio'));
      await client.putObject(bucket, 'late', 'mine');
      await given.again('Bucket', 'source');
      given.refuse('Bucket', 'source');
      if (await client.statObject(copies, 'late').then(Boolean, () => false))
        throw new Found('harm', 'what was written after the withdrawal was copied');
    },
    twin: lawfulCopies,
  },
  ...(['paused', 'silent'] as const).map((how): Attempt => ({
    threat: how === 'paused' ? 'T126' : 'T129',
    title: `copies go on after the Bucket that gets them was taken back from a source that is ${how}`,
    async act(given) {
      const { copies, bucket } = await lentCopies(given);
      if (how === 'paused') await given.pause('Bucket', 'source');
      else await given.again('Bucket', 'source', { replication: null });
      await withdraw(given, 'Bucket', undisclosed, copies);
      await given.must(
        () => rulesOf(given, bucket),
        (rules) => rules.length === 0,
        'the rule is gone',
      );
    },
    twin: lawfulCopies,
  })),
  {
    threat: 'T143',
    title: 'copies go on after the destination was taken back, by the id of a rule that is blocked',
    async act(given) {
      const copies = await lentBucket(given);
      const own = given.freshName('own');
      await given.bucket(own, 'shared', own);
      const bucket = given.freshName('source');
      const rules = [
        { id: 'copies', destination: refTo(copies) },
        // It keeps no versions.
        { id: 'blocked', destination: { bucketRef: { name: own } } },
      ];
      await given.bucket('source', 'shared', bucket, replicationTo({}, { rules }));
      await given.until(
        () => rulesOf(given, bucket),
        (found) => found.length === 1,
        `${bucket} has a rule`,
      );
      await given.pause('Bucket', 'source');
      await given.verdict('Bucket', 'source');
      const [lent] = await rulesOf(given, bucket);
      if (lent === undefined) throw new Found('broken', `${bucket} has no rule`);
      // As a key did that is older than the denial of T144.
      const { sdk, client } = s3View(given.world.server('minio'));
      await putRules(sdk, bucket, [lent, { ...lent, ID: 'blocked', Priority: 9, Filter: { Prefix: 'late' } }]);
      sdk.destroy();
      await withdraw(given, 'Bucket', undisclosed, copies);
      await given.must(
        () => rulesOf(given, bucket),
        (found) => found.length === 0,
        'the rules are gone',
      );
      await client.putObject(bucket, 'late', 'mine');
      await given.annotate('Bucket', 'source', { [annotation('paused')]: null });
      await given.again('Bucket', 'source');
      given.refuse('Bucket', 'source');
      if (await client.statObject(copies, 'late').then(Boolean, () => false))
        throw new Found('harm', 'what was written after the withdrawal was copied');
    },
    twin: lawfulCopies,
  },
  {
    threat: 'T144',
    title: 'a key with all rights has the server of the lender send copies and logs elsewhere, past the Bucket',
    async act(given) {
      const destination = { Bucket: `arn:aws:s3:::${given.freshName('vault')}` };
      const rule = {
        ID: 'mine',
        Status: 'Enabled',
        Priority: 1,
        Filter: { Prefix: '' },
        Destination: destination,
      } as const;
      const copies = (sdk: S3Client, bucket: string) => putRules(sdk, bucket, [rule]);
      const logs = (sdk: S3Client, bucket: string) =>
        sdk.send(
          new PutBucketLoggingCommand({
            Bucket: bucket,
            BucketLoggingStatus: { LoggingEnabled: { TargetBucket: bucket, TargetPrefix: '' } },
          }),
        );
      // MinIO keeps no logs, and moto asks for no right to send copies.
      for (const [through, server, what, act] of [
        ['shared', 'minio', 'copies', copies],
        ['shared-aws', 'moto', 'logs', logs],
      ] as const) {
        const { bucket, pair } = await given.lawfulKey(through);
        const { sdk } = given.as(pair, server);
        const code = await act(sdk, bucket).then(
          () => 'done',
          (error: unknown) => (error as Error).name,
        );
        if (code !== 'AccessDenied') throw new Found('harm', `${through}: a key sends ${what} elsewhere: ${code}`);
        sdk.destroy();
      }
    },
    // The same key does all else, and the Bucket sends them where it may.
    twin: lawfulCopies,
  },
  {
    threat: 'T127',
    title: 'copies go on after their source was deleted, and its bucket stayed',
    async act(given) {
      const { bucket } = await lentCopies(given, { deletionPolicy: 'Retain' });
      await given.tenant.delete('Bucket', given.namespace, 'source');
      await given.admin.untilGone('Bucket', given.namespace, 'source');
      if ((await rulesOf(given, bucket)).length > 0) throw new Found('harm', `${bucket} is copied still`);
    },
    twin: lawfulCopies,
  },
  {
    threat: 'T124',
    title: "a borrower has a role of the lender's account copy into somebody else's bucket",
    async act(given) {
      const victim = await given.victim({ through: 'shared-aws' });
      const bucket = given.freshName('source');
      const role = 'arn:aws:iam::123456789012:role/everything';
      const destination = { bucketArn: `arn:aws:s3:::${victim.bucket}` };
      // It has written down the name itself.
      given.namesHidden = false;
      await given.bucket('source', 'shared-aws', bucket, replicationTo(destination, { role }));
      await given.verdict('Bucket', 'source');
      await given.again('Bucket', 'source');
      given.refuse('Bucket', 'source');
      if ((await rulesOf(given, bucket, 'moto')).length > 0)
        throw new Found('harm', `${bucket} is copied to ${victim.bucket} with the role of the lender`);
    },
    twin: lawfulCopies,
  },
];
