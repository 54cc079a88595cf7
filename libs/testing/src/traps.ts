import { readFile } from 'node:fs/promises';
import {
  CreateBucketCommand,
  DeleteBucketAnalyticsConfigurationCommand,
  DeleteBucketCommand,
  DeleteBucketCorsCommand,
  DeleteBucketEncryptionCommand,
  DeleteBucketIntelligentTieringConfigurationCommand,
  DeleteBucketInventoryConfigurationCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketMetricsConfigurationCommand,
  DeleteBucketOwnershipControlsCommand,
  DeleteBucketPolicyCommand,
  DeleteBucketReplicationCommand,
  DeleteBucketTaggingCommand,
  DeleteBucketWebsiteCommand,
  DeleteObjectsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketAccelerateConfigurationCommand,
  GetBucketAnalyticsConfigurationCommand,
  GetBucketIntelligentTieringConfigurationCommand,
  GetBucketMetricsConfigurationCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketLoggingCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketReplicationCommand,
  GetBucketRequestPaymentCommand,
  GetBucketVersioningCommand,
  GetBucketWebsiteCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutBucketAccelerateConfigurationCommand,
  PutBucketAnalyticsConfigurationCommand,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketIntelligentTieringConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketLoggingCommand,
  PutBucketMetricsConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketReplicationCommand,
  PutBucketRequestPaymentCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutBucketWebsiteCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { randomUUID } from 'node:crypto';
import { reasons } from '@operator/api';
import { onlyFault, redact } from '@operator/outcome';
import {
  bindAspect,
  createBucket,
  deleteBucketPolicy,
  emptyBucketBatch,
  lookAtFeatures,
  lookUpCreation,
  observeExistence,
  putBucketPolicy,
  removeBucket,
  verifyKey,
  type AspectView,
  type BucketWire,
  type Driver,
  type DriverFactory,
} from '@operator/s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bucketContext, bucketSpec, driverDeps, recordingContext } from './builders.ts';
import type { ServerUnderTest } from './conformance.ts';
import { declarationsWith, lackedBy, prepareSurroundings, surroundings, type KnownServer } from './declarations.ts';
import { refuse, succeed, type FakeRequest } from './fake-s3.ts';
import { independentClient } from './independent-client.ts';
import { startProxy, type Proxy } from './proxy.ts';

/** What sends commands: a client, or the wire of a driver. */
type Sender = Pick<S3Client, 'send'>;
/** Sends one call about a bucket. */
type Call = (
  client: Sender,
  Bucket: string,
) => Promise<{ readonly $metadata: { readonly httpStatusCode?: number | undefined } }>;

const Id = 'one';
/** Every DELETE of a setting that the S3 API has, by sub-resource. */
const deletes: Readonly<Record<string, Call>> = {
  publicAccessBlock: (client, Bucket) => client.send(new DeletePublicAccessBlockCommand({ Bucket })),
  ownershipControls: (client, Bucket) => client.send(new DeleteBucketOwnershipControlsCommand({ Bucket })),
  metrics: (client, Bucket) => client.send(new DeleteBucketMetricsConfigurationCommand({ Bucket, Id })),
  analytics: (client, Bucket) => client.send(new DeleteBucketAnalyticsConfigurationCommand({ Bucket, Id })),
  inventory: (client, Bucket) => client.send(new DeleteBucketInventoryConfigurationCommand({ Bucket, Id })),
  'intelligent-tiering': (client, Bucket) =>
    client.send(new DeleteBucketIntelligentTieringConfigurationCommand({ Bucket, Id })),
  replication: (client, Bucket) => client.send(new DeleteBucketReplicationCommand({ Bucket })),
  website: (client, Bucket) => client.send(new DeleteBucketWebsiteCommand({ Bucket })),
  cors: (client, Bucket) => client.send(new DeleteBucketCorsCommand({ Bucket })),
  lifecycle: (client, Bucket) => client.send(new DeleteBucketLifecycleCommand({ Bucket })),
  encryption: (client, Bucket) => client.send(new DeleteBucketEncryptionCommand({ Bucket })),
  tagging: (client, Bucket) => client.send(new DeleteBucketTaggingCommand({ Bucket })),
  policy: (client, Bucket) => client.send(new DeleteBucketPolicyCommand({ Bucket })),
};

const policyFor = (bucket: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/*` }],
});

/** The PUTs of settings, each with a lawful body. */
const puts: Readonly<Record<string, Call>> = {
  versioning: (client, Bucket) =>
    client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } })),
  publicAccessBlock: (client, Bucket) =>
    client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: { BlockPublicAcls: true } })),
  ownershipControls: (client, Bucket) =>
    client.send(
      new PutBucketOwnershipControlsCommand({
        Bucket,
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      }),
    ),
  metrics: (client, Bucket) =>
    client.send(new PutBucketMetricsConfigurationCommand({ Bucket, Id, MetricsConfiguration: { Id } })),
  analytics: (client, Bucket) =>
    client.send(
      new PutBucketAnalyticsConfigurationCommand({
        Bucket,
        Id,
        AnalyticsConfiguration: { Id, StorageClassAnalysis: {} },
      }),
    ),
  'intelligent-tiering': (client, Bucket) =>
    client.send(
      new PutBucketIntelligentTieringConfigurationCommand({
        Bucket,
        Id,
        IntelligentTieringConfiguration: {
          Id,
          Status: 'Enabled',
          Tierings: [{ Days: 90, AccessTier: 'ARCHIVE_ACCESS' }],
        },
      }),
    ),
  replication: (client, Bucket) =>
    client.send(
      new PutBucketReplicationCommand({
        Bucket,
        ReplicationConfiguration: {
          Role: 'arn:aws:iam::123456789012:role/replication',
          Rules: [
            {
              ID: 'all',
              Status: 'Enabled',
              Filter: {},
              Priority: 1,
              Destination: { Bucket: 'arn:aws:s3:::elsewhere' },
            },
          ],
        },
      }),
    ),
  website: (client, Bucket) =>
    client.send(
      new PutBucketWebsiteCommand({ Bucket, WebsiteConfiguration: { IndexDocument: { Suffix: 'index.html' } } }),
    ),
  cors: (client, Bucket) =>
    client.send(
      new PutBucketCorsCommand({
        Bucket,
        CORSConfiguration: { CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }] },
      }),
    ),
  lifecycle: (client, Bucket) =>
    client.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: {
          Rules: [{ ID: 'old', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 3 } }],
        },
      }),
    ),
  encryption: (client, Bucket) =>
    client.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: {
          Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
      }),
    ),
  tagging: (client, Bucket) =>
    client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } })),
  policy: (client, Bucket) =>
    client.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify(policyFor(Bucket)) })),
  notification: (client, Bucket) =>
    client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: {} })),
  logging: (client, Bucket) => client.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: {} })),
  accelerate: (client, Bucket) =>
    client.send(
      new PutBucketAccelerateConfigurationCommand({ Bucket, AccelerateConfiguration: { Status: 'Enabled' } }),
    ),
  requestPayment: (client, Bucket) =>
    client.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration: { Payer: 'Requester' } })),
};

/** How those that a server may mistake are read. */
const gets: Readonly<Record<string, Call>> = {
  metrics: (client, Bucket) => client.send(new GetBucketMetricsConfigurationCommand({ Bucket, Id })),
  analytics: (client, Bucket) => client.send(new GetBucketAnalyticsConfigurationCommand({ Bucket, Id })),
  'intelligent-tiering': (client, Bucket) =>
    client.send(new GetBucketIntelligentTieringConfigurationCommand({ Bucket, Id })),
  replication: (client, Bucket) => client.send(new GetBucketReplicationCommand({ Bucket })),
  website: (client, Bucket) => client.send(new GetBucketWebsiteCommand({ Bucket })),
  notification: (client, Bucket) => client.send(new GetBucketNotificationConfigurationCommand({ Bucket })),
  logging: (client, Bucket) => client.send(new GetBucketLoggingCommand({ Bucket })),
  accelerate: (client, Bucket) => client.send(new GetBucketAccelerateConfigurationCommand({ Bucket })),
  requestPayment: (client, Bucket) => client.send(new GetBucketRequestPaymentCommand({ Bucket })),
};

/** A running server with a client of its own. */
interface Ground {
  readonly server: ServerUnderTest;
  readonly client: S3Client;
  readonly freshName: () => string;
  readonly freshBucket: () => Promise<string>;
  /** True when the account's own list has the bucket. */
  readonly isThere: (bucket: string) => Promise<boolean>;
  /** What the server says: the status, or the code of the error. */
  readonly says: (answer: ReturnType<Call>) => Promise<string>;
  readonly allDeclared: readonly Pair[];
}

/** The same, seen by a driver, with a proxy between the two. */
interface Walk extends Ground {
  readonly driver: Driver;
  readonly proxy: Proxy;
}

/**
 * A way in which a server harms who trusts it. `on`: the forms of it that each server has; a server that is not named has none.
 * `forms`: steps into it with a plain client, and tells which forms did harm: so the table is true of the servers that were run.
 * `avoid`: the same situation with a driver, which must come out of it well; `only`: on the servers that have the trap.
 */
interface Trap {
  readonly title: string;
  readonly on: Readonly<Partial<Record<KnownServer, readonly string[]>>>;
  readonly forms: (ground: Ground) => Promise<readonly string[]>;
  readonly avoid: (walk: Walk) => Promise<void>;
  readonly only?: true;
}

const context = recordingContext();

const whichOf = async (
  calls: Readonly<Record<string, Call>>,
  doesHarm: (call: Call) => Promise<boolean>,
): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const [form, call] of Object.entries(calls)) if (await doesHarm(call)) found.push(form);
  return found.sort();
};

const wireOf = ({ driver }: Walk, bucket: string): BucketWire => ({ wire: driver.wire(), bucket });

const look = (walk: Walk, bucket: string, declared: object): Promise<readonly AspectView[]> =>
  lookAtFeatures(walk.driver, bucketSpec(declared), bucketContext(), wireOf(walk, bucket), context);

/** A look at a setting that is always to be written, whatever a read of it shows. */
const lookAt = async (
  walk: Walk,
  bucket: string,
  read: Call,
  put: Call | undefined,
): Promise<readonly AspectView[]> => {
  const s3 = wireOf(walk, bucket);
  const through: Sender = { send: (command: never) => s3.wire.send(command, context) };
  const feature = bindAspect<true, undefined, true>({
    // Any name will do.
    name: 'quota',
    desired: () => true,
    async read() {
      const fault = await read(through, bucket).then(() => undefined, onlyFault);
      if (fault?.reason === reasons.Unsupported) throw fault;
    },
    isSet: () => false,
    diff: () => true,
    write: async () => {
      await put?.(through, bucket);
    },
  });
  const view = await feature.look(bucketSpec(), bucketContext(), s3, new Map(), context);
  return view === undefined ? [] : [view];
};

/** Takes every step; what the server refuses is of no concern here. @returns the features whose step is said to be done */
const applyAll = async (views: readonly AspectView[]): Promise<readonly string[]> => {
  const done: string[] = [];
  for (const view of views) {
    if (view.verdict !== 'different') continue;
    const end = await view.step.apply(context).catch(onlyFault);
    if ('end' in end && end.end === 'done') done.push(view.aspect);
  }
  return done;
};

interface Pair {
  readonly full: object;
  readonly none: object;
}

/** Each declaration by itself, and all at once; also of what the server lacks. A trail is no sub-resource of its bucket. */
const allDeclaredOn = (server: KnownServer): readonly Pair[] => {
  const declarations = declarationsWith(surroundings[server]).filter(({ feature }) => feature !== 'cloudTrail');
  return [
    ...declarations.map(({ feature, full, none }) => ({ full: { [feature]: full }, none: { [feature]: none } })),
    {
      full: Object.fromEntries(declarations.map(({ feature, full }) => [feature, full])),
      none: Object.fromEntries(declarations.map(({ feature, none }) => [feature, none])),
    },
  ];
};

const isOfSetting = ({ method, query }: FakeRequest): boolean =>
  (method === 'PUT' || method === 'DELETE') && [...query.keys()].some((key) => key !== 'x-id');

const lockedIn = async ({ client }: Ground, Bucket: string): Promise<void> => {
  await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
  const later = new Date(performance.timeOrigin + performance.now() + 3_600_000);
  await client.send(
    new PutObjectCommand({
      Bucket,
      Key: 'locked',
      Body: 'x',
      ChecksumAlgorithm: 'CRC32',
      ObjectLockMode: 'GOVERNANCE',
      ObjectLockRetainUntilDate: later,
    }),
  );
};

const fallsThroughOnSeaweedfs = [
  'accelerate',
  'analytics',
  'intelligent-tiering',
  'logging',
  'metrics',
  'notification',
  'replication',
  'website',
];

/** The traps of docs/providers/README.md that a server must be there for. */
const traps: readonly Trap[] = [
  {
    title: 'a DELETE of a setting removes the bucket',
    on: {
      minio: ['analytics', 'intelligent-tiering', 'inventory', 'metrics', 'ownershipControls', 'publicAccessBlock'],
      moto: ['analytics', 'intelligent-tiering', 'inventory', 'metrics'],
      seaweedfs: ['analytics', 'intelligent-tiering', 'inventory', 'metrics', 'replication', 'website'],
      ceph: ['analytics', 'intelligent-tiering', 'inventory', 'metrics', 'ownershipControls'],
    },
    forms: ({ client, says, freshBucket, isThere }) =>
      whichOf(deletes, async (call) => {
        const bucket = await freshBucket();
        await says(call(client, bucket));
        return !(await isThere(bucket));
      }),
    async avoid(walk) {
      const { driver, freshBucket } = walk;
      const born = (bucket: string) => lookUpCreation(driver, { bucket }, context);
      for (const { full, none } of walk.allDeclared) {
        const bucket = await freshBucket();
        const before = await born(bucket);
        // Off where nothing is set, then on, then off again, twice: a second DELETE would find nothing.
        for (const declared of [none, full, none, none]) await applyAll(await look(walk, bucket, declared));
        await putBucketPolicy(wireOf(walk, bucket), policyFor(bucket), context).catch(onlyFault);
        for (let times = 0; times < 2; times += 1) await deleteBucketPolicy(wireOf(walk, bucket), context);
        expect({ [JSON.stringify(none)]: await born(bucket) }).toEqual({ [JSON.stringify(none)]: before });
      }
    },
  },
  {
    title: 'a PUT of a setting creates the bucket that is not there',
    on: {
      moto: ['analytics', 'intelligent-tiering', 'metrics', 'requestPayment'],
      seaweedfs: fallsThroughOnSeaweedfs,
    },
    forms: ({ client, says, freshName, isThere }) =>
      whichOf(puts, async (call) => {
        const bucket = freshName();
        await says(call(client, bucket));
        return isThere(bucket);
      }),
    async avoid(walk) {
      const { client, freshBucket, isThere } = walk;
      for (const { full, none } of walk.allDeclared)
        for (const begun of [false, true]) {
          const bucket = await freshBucket();
          if (begun) await applyAll(await look(walk, bucket, full));
          const views = await look(walk, bucket, begun ? none : full);
          await client.send(new DeleteBucketCommand({ Bucket: bucket }));
          await applyAll(views);
          const form = JSON.stringify(full);
          expect({ form, begun, isThere: await isThere(bucket) }).toEqual({ form, begun, isThere: false });
        }
      // What is not managed yet, as its feature will read and write it.
      for (const [form, read] of Object.entries(gets)) {
        const bucket = await freshBucket();
        const views = await lookAt(walk, bucket, read, puts[form]);
        await client.send(new DeleteBucketCommand({ Bucket: bucket }));
        await applyAll(views);
        expect({ form, isThere: await isThere(bucket) }).toEqual({ form, isThere: false });
      }
    },
  },
  {
    title: 'a PUT of a setting is answered 200 where there is no bucket',
    on: {
      minio: ['lifecycle', 'versioning'],
      moto: ['analytics', 'intelligent-tiering', 'metrics', 'requestPayment'],
      seaweedfs: fallsThroughOnSeaweedfs,
    },
    forms: ({ client, says, freshName }) =>
      whichOf(puts, async (call) => (await says(call(client, freshName()))).startsWith('2')),
    async avoid(walk) {
      const { client, driver, freshBucket } = walk;
      for (const { full } of walk.allDeclared) {
        const bucket = await freshBucket();
        const views = await look(walk, bucket, full);
        await client.send(new DeleteBucketCommand({ Bucket: bucket }));
        await applyAll(views);
        // Whatever the server said: the look that decides finds no bucket.
        expect(await observeExistence(driver, { bucket, wasThere: true }, context)).toEqual({ state: 'absent' });
      }
    },
  },
  {
    title: 'a PUT of a setting is answered BucketAlreadyOwnedByYou',
    on: { seaweedfs: fallsThroughOnSeaweedfs },
    forms: ({ client, says, freshBucket }) =>
      whichOf(puts, async (call) => (await says(call(client, await freshBucket()))) === 'BucketAlreadyOwnedByYou'),
    async avoid(walk) {
      const { proxy, freshBucket } = walk;
      proxy.intercept((request) =>
        isOfSetting(request) && request.method === 'PUT' ? refuse(409, 'BucketAlreadyOwnedByYou') : undefined,
      );
      for (const { full } of walk.allDeclared) {
        const bucket = await freshBucket();
        const views = await look(walk, bucket, full);
        expect(await applyAll(views)).toEqual([]);
        const open = views.filter(({ verdict }) => verdict !== 'same').map(({ aspect }) => aspect);
        const next = await look(walk, bucket, full);
        expect(next.filter(({ aspect, verdict }) => open.includes(aspect) && verdict === 'same')).toEqual([]);
      }
    },
  },
  {
    title: 'a write is answered 200 and has no effect',
    on: {
      minio: ['MFA delete'],
      moto: ['MFA delete'],
      versitygw: ['MFA delete'],
      seaweedfs: ['MFA delete'],
      ceph: ['queue'],
    },
    async forms({ says, client, freshBucket }) {
      const Bucket = await freshBucket();
      const mfa = new PutBucketVersioningCommand({
        Bucket,
        MFA: 'arn:aws:iam::123456789012:mfa/root 123456',
        VersioningConfiguration: { Status: 'Enabled', MFADelete: 'Enabled' },
      });
      const queue = new PutBucketNotificationConfigurationCommand({
        Bucket,
        NotificationConfiguration: {
          QueueConfigurations: [
            { Id: 'q', QueueArn: 'arn:aws:sqs:us-east-1:123456789012:q', Events: ['s3:ObjectCreated:*'] },
          ],
        },
      });
      const seen: string[] = [];
      if ((await says(client.send(queue))).startsWith('2')) {
        const found = await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
        if ((found.QueueConfigurations ?? []).length === 0) seen.push('queue');
      }
      if ((await says(client.send(mfa))).startsWith('2')) {
        const found = await client.send(new GetBucketVersioningCommand({ Bucket }));
        if (found.MFADelete !== 'Enabled') seen.push('MFA delete');
      }
      return seen.sort();
    },
    async avoid(walk) {
      const { proxy, freshBucket } = walk;
      for (const { full, none } of walk.allDeclared)
        for (const begun of [false, true]) {
          const bucket = await freshBucket();
          const wanted = begun ? none : full;
          proxy.intercept(() => undefined);
          if (begun) await applyAll(await look(walk, bucket, full));
          proxy.intercept((request) => (isOfSetting(request) ? succeed() : undefined));
          const views = await look(walk, bucket, wanted);
          await applyAll(views);
          const open = views.filter(({ verdict }) => verdict === 'different').map(({ aspect }) => aspect);
          const next = await look(walk, bucket, wanted);
          const settled = next.filter(({ aspect, verdict }) => open.includes(aspect) && verdict === 'same');
          expect({ wanted, settled: settled.map(({ aspect }) => aspect) }).toEqual({ wanted, settled: [] });
        }
    },
  },
  {
    title: 'DeleteBucket takes the objects along',
    on: { seaweedfs: ['object'] },
    async forms({ client, says, freshBucket, isThere }) {
      const Bucket = await freshBucket();
      await client.send(new PutObjectCommand({ Bucket, Key: 'precious', Body: 'x' }));
      await says(client.send(new DeleteBucketCommand({ Bucket })));
      return (await isThere(Bucket)) ? [] : ['object'];
    },
    async avoid({ client, driver, freshBucket }) {
      const bucket = await freshBucket();
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'precious', Body: 'x' }));
      const fault = await removeBucket(driver, { bucket }, context).then(() => undefined, onlyFault);
      expect(fault).toMatchObject({ kind: 'waiting', reason: 'BucketNotEmpty' });
      await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'precious' }));
    },
  },
  {
    title: 'DeleteObjects answers 200 with failures inside',
    on: { minio: ['locked'], moto: ['locked'], versitygw: ['locked'], seaweedfs: ['locked'], ceph: ['locked'] },
    async forms(ground) {
      const Bucket = ground.freshName();
      await lockedIn(ground, Bucket);
      const { VersionId } = await ground.client.send(new HeadObjectCommand({ Bucket, Key: 'locked' }));
      const answer = await ground.client.send(
        new DeleteObjectsCommand({ Bucket, Delete: { Quiet: true, Objects: [{ Key: 'locked', VersionId }] } }),
      );
      return answer.Errors?.length === 1 ? ['locked'] : [];
    },
    only: true,
    async avoid(walk) {
      const bucket = walk.freshName();
      await lockedIn(walk, bucket);
      const batch = await emptyBucketBatch(walk.driver, { bucket }, context);
      expect(batch).toMatchObject({ deletedObjects: 0, remaining: true, blocked: [{ key: 'locked' }] });
      await walk.client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'locked' }));
    },
  },
  {
    title: 'creating an own bucket again is answered 200',
    on: { moto: ['again'], ceph: ['again'] },
    forms: async ({ client, says, freshBucket }) => {
      const again = await says(client.send(new CreateBucketCommand({ Bucket: await freshBucket() })));
      return again.startsWith('2') ? ['again'] : [];
    },
    async avoid({ driver, proxy, freshBucket, freshName }) {
      const there = await freshBucket();
      expect(await observeExistence(driver, { bucket: there }, context)).toMatchObject({ state: 'present' });
      // The answer is lost: a repetition would be told that the bucket was made by it, or was there before.
      const bucket = freshName();
      const ofCreation = ({ method, query }: FakeRequest) => method === 'PUT' && query.size === 0;
      proxy.intercept((request) => (ofCreation(request) ? 'lost' : undefined));
      const fault = await createBucket(driver, { bucket }, context).then(() => undefined, onlyFault);
      expect(fault).toMatchObject({ kind: 'transient' });
      expect(proxy.requests.filter(ofCreation)).toHaveLength(1);
    },
  },
  {
    title: 'AccessDenied is answered to unknown keys',
    on: { ceph: ['unknown key'] },
    async forms({ server, freshBucket }) {
      const stranger = independentClient({
        ...server.connection,
        accessKey: 'AKIANOBODY0000000000',
        secretKey: 'nobody-knows-this',
      });
      await freshBucket();
      const code = await stranger.send(new ListBucketsCommand({})).then(
        () => 'listed',
        (error: unknown) => (error as Error).name,
      );
      stranger.destroy();
      return code === 'AccessDenied' ? ['unknown key'] : [];
    },
    async avoid({ driver, freshBucket }) {
      const unknown = { accessKeyId: 'AKIANOBODY0000000000', secretAccessKey: redact('nobody-knows-this') };
      for (const bucket of [undefined, await freshBucket()])
        expect(['unknown', 'unproven']).toContain(await verifyKey(driver, unknown, context, bucket));
    },
  },
];

/** Traps whose test stands elsewhere: by title, the file and words of the test's title. */
export const trapsElsewhere: Readonly<Record<string, readonly [file: string, words: string]>> = {
  'a PUT replaces the whole list, that of others too': ['libs/testing/src/feature-conformance.ts', 'of others'],
  'a service account without a policy may all that its parent may': [
    'libs/driver-minio/src/minio.integration.spec.ts',
    'has all the rights of its parent',
  ],
  'the timeout of the SDK only warns': ['libs/s3/src/wire-pool.spec.ts', 'never answers is unreachable'],
  'two PUTs of one bucket side by side lose one': [
    'apps/bucket-controller/src/traps.integration.spec.ts',
    'gets never two PUTs side by side',
  ],
};

/** Steps into every trap on one server: by a plain client, which shows that the trap is there, then by each driver, which must not be harmed. */
export const trapSuite = ({
  server: name,
  start,
  drivers,
}: {
  readonly server: KnownServer;
  readonly start: () => Promise<ServerUnderTest>;
  readonly drivers: Readonly<Record<string, DriverFactory>>;
}): void => {
  describe(`the traps of ${name}`, () => {
    let ground: Ground;
    beforeAll(async () => {
      const server = await start();
      const { endpoint, region, credentials } = server.connection;
      const client = independentClient({
        endpoint,
        region,
        accessKey: credentials.accessKeyId,
        secretKey: credentials.secretAccessKey.reveal(),
      });
      await prepareSurroundings(client, lackedBy[name]);
      const freshName = () => `trap-${randomUUID().slice(0, 13)}`;
      const says: Ground['says'] = (answer) =>
        answer.then(
          ({ $metadata }) => String($metadata.httpStatusCode),
          (error: unknown) => (error as Error).name,
        );
      ground = {
        server,
        client,
        allDeclared: allDeclaredOn(name),
        freshName,
        async freshBucket() {
          const Bucket = freshName();
          await client.send(new CreateBucketCommand({ Bucket }));
          // SeaweedFS on a busy machine knows a bucket a moment before it knows its settings.
          const isMissed = async () =>
            (await says(client.send(new GetBucketOwnershipControlsCommand({ Bucket })))) === 'NoSuchBucket';
          await vi.waitUntil(async () => !(await isMissed()), { timeout: 60_000 });
          return Bucket;
        },
        isThere: async (bucket) =>
          (await client.send(new ListBucketsCommand({}))).Buckets?.some(({ Name }) => Name === bucket) === true,
        says,
      };
    });
    afterAll(async () => {
      ground.client.destroy();
      await ground.server.stop();
    });

    for (const trap of traps) {
      const { [name]: expected = [] } = trap.on;
      const has = expected.length > 0;
      it(`${trap.title}: ${has ? expected.join(', ') : 'not here'}`, async () => {
        expect(await trap.forms(ground)).toEqual(expected);
      });
      if (!has && trap.only === true) continue;
      for (const [kind, createDriver] of Object.entries(drivers))
        it(`${trap.title}: nothing happens to the ${kind} driver`, async () => {
          const proxy = await startProxy(ground.server.connection.endpoint);
          const { endpoint, adminEndpoint } = ground.server.connection;
          // What has its own API at the same address goes through the proxy too.
          const admin =
            adminEndpoint === undefined ? {} : { adminEndpoint: adminEndpoint.replace(endpoint, proxy.endpoint) };
          const connection = { ...ground.server.connection, endpoint: proxy.endpoint, ...admin };
          const driver = createDriver(connection, driverDeps());
          try {
            await trap.avoid({ ...ground, driver, proxy });
          } finally {
            driver.close();
            await proxy.close();
          }
        });
    }
  });
};

/** True when the test that stands elsewhere is there. `root`: of the repository. */
export const standsElsewhere = async (root: URL, title: string): Promise<boolean> => {
  const [file, words] = trapsElsewhere[title] ?? ['', ''];
  return (await readFile(new URL(file, root), 'utf8')).includes(words);
};
