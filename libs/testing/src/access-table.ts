import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketAclCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketReplicationCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { AccessLevel, PolicyStatement } from '@operator/api';
import { onlyFault, redact } from '@operator/outcome';
import {
  denied,
  heldTo,
  mergePolicies,
  ownerActions,
  policyFromAccess,
  renderPolicy,
  sendingActions,
  type IamPolicy,
} from '@operator/policy';
import type { Connection, Driver, KeyIssuer, KeyPair, KeyUser } from '@operator/s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ownerMark, recordingContext } from './builders.ts';
import type { ServerUnderTest } from './conformance.ts';
import { independentClient } from './independent-client.ts';

/** Where an operation goes: into the bucket of the key, below its prefix or not, to the bucket itself, to another bucket, or to the account. */
type Place = 'inside' | 'outside' | 'itself' | 'other' | 'account';

/** Which keys are asked: those for a whole bucket, or those with the prefix `in/`. */
type Scope = 'whole' | 'prefix';

/** A bucket with what the operations need, as its owner made it. */
interface Stocked {
  readonly bucket: string;
  /** Id of the version of each object, by key. */
  readonly versions: ReadonlyMap<string, string>;
  /** Ids of the uploads that were begun, by key. */
  readonly uploads: ReadonlyMap<string, string>;
}

interface Target extends Stocked {
  /** The folder of the objects, or what a list is asked for; empty: everything. */
  readonly folder: string;
}

interface Operation {
  readonly name: string;
  /** The actions that it needs. */
  readonly needs: readonly string[];
  readonly places: readonly Place[];
  /** Codes of the server beside success that only those get who may do it. */
  readonly alsoAllowed?: readonly string[];
  readonly run: (client: S3Client, target: Target) => Promise<unknown>;
}

const everywhere: readonly Place[] = ['inside', 'outside', 'other'];
const lists: readonly Place[] = ['inside', 'outside', 'itself', 'other'];
const buckets: readonly Place[] = ['itself', 'other'];

const tagging = { TagSet: [{ Key: 'colour', Value: 'blue' }] };
const later = new Date('2099-01-01T00:00:00.000Z');

/** What a batch answers with 200 all the same. */
class RefusedInBatch extends Error {
  readonly $metadata = { httpStatusCode: 403 };
}

/** A list of buckets discloses something only when it names one that is not of the key. */
class NamesNothing extends Error {
  readonly $metadata = { httpStatusCode: 403 };
}

const versionOf = ({ versions }: Stocked, key: string): string => {
  const id = versions.get(key);
  if (id === undefined) throw new Error(`${key} has no version`);
  return id;
};

const uploadOf = ({ uploads }: Stocked, key: string): string => {
  const id = uploads.get(key);
  if (id === undefined) throw new Error(`${key} has no upload`);
  return id;
};

/** An operation on one object, by the name of the object. */
const onObject = (
  name: string,
  needs: readonly string[],
  object: string,
  run: (client: S3Client, at: { readonly Bucket: string; readonly Key: string }, target: Target) => Promise<unknown>,
): Operation => ({
  name,
  needs,
  places: everywhere,
  run: (client, target) => run(client, { Bucket: target.bucket, Key: `${target.folder}${object}` }, target),
});

const onBucket = (
  name: string,
  needs: readonly string[],
  run: (client: S3Client, Bucket: string) => Promise<unknown>,
  alsoAllowed: readonly string[] = [],
): Operation => ({
  name,
  needs,
  places: buckets,
  alsoAllowed,
  run: (client, { bucket }) => run(client, bucket),
});

const onList = (
  name: string,
  needs: readonly string[],
  run: (client: S3Client, at: { readonly Bucket: string; readonly Prefix?: string }) => Promise<unknown>,
): Operation => ({
  name,
  needs,
  places: lists,
  run: (client, { bucket: Bucket, folder }) => run(client, { Bucket, ...(folder === '' ? {} : { Prefix: folder }) }),
});

/** The object that is retained and on hold. */
const locked = 'locked';

const harmless = (bucket: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Deny', Principal: { AWS: ['*'] }, Action: ['s3:GetObject'], Resource: [`arn:aws:s3:::${bucket}/no`] },
    ],
  });

/** What is asked of objects has an object for each that changes it, so that the order plays no part. The bucket itself goes last. */
const operations: readonly Operation[] = [
  onObject('GetObject', ['s3:GetObject'], 'read', (client, at) => client.send(new GetObjectCommand(at))),
  onObject('HeadObject', ['s3:GetObject'], 'read', (client, at) => client.send(new HeadObjectCommand(at))),
  onObject('GetObject, a version', ['s3:GetObjectVersion'], 'versioned', (client, at, target) =>
    client.send(new GetObjectCommand({ ...at, VersionId: versionOf(target, at.Key) })),
  ),
  onObject('GetObjectTagging', ['s3:GetObjectTagging'], 'read', (client, at) =>
    client.send(new GetObjectTaggingCommand(at)),
  ),
  onObject('GetObjectTagging, a version', ['s3:GetObjectVersionTagging'], 'versioned', (client, at, target) =>
    client.send(new GetObjectTaggingCommand({ ...at, VersionId: versionOf(target, at.Key) })),
  ),
  onObject('GetObjectRetention', ['s3:GetObjectRetention'], locked, (client, at) =>
    client.send(new GetObjectRetentionCommand(at)),
  ),
  onObject('GetObjectLegalHold', ['s3:GetObjectLegalHold'], locked, (client, at) =>
    client.send(new GetObjectLegalHoldCommand(at)),
  ),
  onObject('PutObject', ['s3:PutObject'], 'written', (client, at) =>
    client.send(new PutObjectCommand({ ...at, Body: 'new' })),
  ),
  onObject('CopyObject', ['s3:GetObject', 's3:PutObject'], 'copy', (client, at, { bucket, folder }) =>
    client.send(new CopyObjectCommand({ ...at, CopySource: `${bucket}/${folder}read` })),
  ),
  onObject('PutObjectTagging', ['s3:PutObjectTagging'], 'tagged', (client, at) =>
    client.send(new PutObjectTaggingCommand({ ...at, Tagging: tagging })),
  ),
  onObject('DeleteObjectTagging', ['s3:DeleteObjectTagging'], 'untagged', (client, at) =>
    client.send(new DeleteObjectTaggingCommand(at)),
  ),
  onObject('CreateMultipartUpload', ['s3:PutObject'], 'begun', (client, at) =>
    client.send(new CreateMultipartUploadCommand(at)),
  ),
  onObject('UploadPart', ['s3:PutObject'], 'parts', (client, at, target) =>
    client.send(new UploadPartCommand({ ...at, UploadId: uploadOf(target, at.Key), PartNumber: 1, Body: 'part' })),
  ),
  onObject('ListParts', ['s3:ListMultipartUploadParts'], 'parts', (client, at, target) =>
    client.send(new ListPartsCommand({ ...at, UploadId: uploadOf(target, at.Key) })),
  ),
  onObject('AbortMultipartUpload', ['s3:AbortMultipartUpload'], 'aborted', (client, at, target) =>
    client.send(new AbortMultipartUploadCommand({ ...at, UploadId: uploadOf(target, at.Key) })),
  ),
  onObject('DeleteObject', ['s3:DeleteObject'], 'deleted', (client, at) => client.send(new DeleteObjectCommand(at))),
  onObject('DeleteObjects', ['s3:DeleteObject'], 'batch', async (client, { Bucket, Key }) => {
    const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } }));
    if (Errors.length > 0) throw new RefusedInBatch(Errors[0]?.Code);
  }),
  onObject('DeleteObject, a version', ['s3:DeleteObjectVersion'], 'old', (client, at, target) =>
    client.send(new DeleteObjectCommand({ ...at, VersionId: versionOf(target, at.Key) })),
  ),
  onObject('DeleteObjects, a version', ['s3:DeleteObjectVersion'], 'older', async (client, { Bucket, Key }, target) => {
    const Objects = [{ Key, VersionId: versionOf(target, Key) }];
    const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    if (Errors.length > 0) throw new RefusedInBatch(Errors[0]?.Code);
  }),
  onObject('PutObjectLegalHold', ['s3:PutObjectLegalHold'], 'held', (client, at) =>
    client.send(new PutObjectLegalHoldCommand({ ...at, LegalHold: { Status: 'OFF' } })),
  ),
  onObject('PutObjectRetention', ['s3:PutObjectRetention'], 'retained', (client, at) =>
    client.send(new PutObjectRetentionCommand({ ...at, Retention: { Mode: 'GOVERNANCE', RetainUntilDate: later } })),
  ),
  onList('ListObjectsV2', ['s3:ListBucket'], (client, at) => client.send(new ListObjectsV2Command(at))),
  onList('ListObjectVersions', ['s3:ListBucketVersions'], (client, at) =>
    client.send(new ListObjectVersionsCommand(at)),
  ),
  onBucket('HeadBucket', ['s3:ListBucket'], (client, Bucket) => client.send(new HeadBucketCommand({ Bucket }))),
  onBucket('GetBucketLocation', ['s3:GetBucketLocation'], (client, Bucket) =>
    client.send(new GetBucketLocationCommand({ Bucket })),
  ),
  onBucket('GetBucketVersioning', ['s3:GetBucketVersioning'], (client, Bucket) =>
    client.send(new GetBucketVersioningCommand({ Bucket })),
  ),
  onBucket('ListMultipartUploads', ['s3:ListBucketMultipartUploads'], (client, Bucket) =>
    client.send(new ListMultipartUploadsCommand({ Bucket })),
  ),
  onBucket('PutBucketTagging', ['s3:PutBucketTagging'], (client, Bucket) =>
    client.send(new PutBucketTaggingCommand({ Bucket, Tagging: tagging })),
  ),
  onBucket(
    'GetBucketTagging',
    ['s3:GetBucketTagging'],
    (client, Bucket) => client.send(new GetBucketTaggingCommand({ Bucket })),
    ['NoSuchTagSet'],
  ),
  onBucket('PutBucketVersioning', ['s3:PutBucketVersioning'], (client, Bucket) =>
    client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } })),
  ),
  onBucket('PutBucketLifecycleConfiguration', ['s3:PutLifecycleConfiguration'], (client, Bucket) =>
    client.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: {
          Rules: [{ ID: 'old', Status: 'Enabled', Filter: { Prefix: 'tmp/' }, Expiration: { Days: 900 } }],
        },
      }),
    ),
  ),
  onBucket(
    'GetBucketLifecycleConfiguration',
    ['s3:GetLifecycleConfiguration'],
    (client, Bucket) => client.send(new GetBucketLifecycleConfigurationCommand({ Bucket })),
    ['NoSuchLifecycleConfiguration'],
  ),
  onBucket('PutBucketPolicy', ['s3:PutBucketPolicy'], (client, Bucket) =>
    client.send(new PutBucketPolicyCommand({ Bucket, Policy: harmless(Bucket) })),
  ),
  onBucket(
    'GetBucketPolicy',
    ['s3:GetBucketPolicy'],
    (client, Bucket) => client.send(new GetBucketPolicyCommand({ Bucket })),
    ['NoSuchBucketPolicy'],
  ),
  onBucket('DeleteBucketPolicy', ['s3:DeleteBucketPolicy'], (client, Bucket) =>
    client.send(new DeleteBucketPolicyCommand({ Bucket })),
  ),
  {
    name: 'ListBuckets',
    needs: ['s3:ListAllMyBuckets'],
    places: ['account'],
    async run(client, { bucket }) {
      const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
      if (Buckets.every(({ Name }) => Name === bucket)) throw new NamesNothing('no bucket but its own');
    },
  },
  {
    name: 'CreateBucket',
    needs: ['s3:CreateBucket'],
    places: ['account'],
    run: (client) => client.send(new CreateBucketCommand({ Bucket: `new-${randomUUID()}` })),
  },
  onBucket('DeleteBucket', ['s3:DeleteBucket'], (client, Bucket) => client.send(new DeleteBucketCommand({ Bucket })), [
    'BucketNotEmpty',
  ]),
];

/** What every bucket has, in each of the two folders. */
const objects = ['read', 'versioned', 'old', 'older', 'tagged', 'untagged', 'deleted', 'batch', 'held', 'retained'];
const uploads = ['parts', 'aborted'];
const folders = ['in/', 'out/'];

const stock = async (admin: S3Client, bucket: string): Promise<Stocked> => {
  await admin.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
  const stocked = { bucket, versions: new Map<string, string>(), uploads: new Map<string, string>() };
  const lock = {
    ObjectLockMode: 'GOVERNANCE',
    ObjectLockRetainUntilDate: later,
    ObjectLockLegalHoldStatus: 'ON',
  } as const;
  await Promise.all(
    folders.flatMap((folder) => [
      admin.send(new PutObjectCommand({ Bucket: bucket, Key: `${folder}${locked}`, Body: 'x', ...lock })),
      ...objects.map(async (name) => {
        const at = { Bucket: bucket, Key: `${folder}${name}` };
        const { VersionId } = await admin.send(new PutObjectCommand({ ...at, Body: 'x' }));
        if (VersionId !== undefined) stocked.versions.set(at.Key, VersionId);
      }),
      ...uploads.map(async (name) => {
        const at = { Bucket: bucket, Key: `${folder}${name}` };
        const { UploadId } = await admin.send(new CreateMultipartUploadCommand(at));
        if (UploadId !== undefined) stocked.uploads.set(at.Key, UploadId);
      }),
    ]),
  );
  return stocked;
};

// --- What is expected ---------------------------------------------------------------------------------------------------

const accessLevels: readonly AccessLevel[] = ['ReadOnly', 'WriteOnly', 'ReadWrite', 'Admin'];
type Cell = '' | 'yes' | 'in prefix' | 'without prefix';

const pagePath = new URL('../../../docs/access-levels.md', import.meta.url);

/** The cells of the rows of docs/access-levels.md that begin so. */
export const rowsOfPage = (begin: string): readonly (readonly string[])[] =>
  readFileSync(pagePath, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(begin))
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    );

/** What the page promises: action → level → cell. What it does not name is for Admin alone. */
const promises = new Map(
  rowsOfPage('| `s3:').map(([action = '', , ...cells]) => [
    action.replaceAll('`', ''),
    new Map(accessLevels.map((level, index) => [level, cells[index] as Cell])),
  ]),
);

const isPromised = (level: AccessLevel, scope: Scope, action: string, place: Place): boolean => {
  if (place === 'other' || place === 'account') return false;
  const cell = promises.get(action)?.get(level) ?? (level === 'Admin' ? 'yes' : '');
  if (cell === 'in prefix') return scope === 'whole' || place === 'inside';
  return cell === 'yes' || (cell === 'without prefix' && scope === 'whole');
};

/** `allowed`, `denied`, or what a server answers that does not know what it is asked. */
type Answer = 'allowed' | 'denied' | `answers ${string}`;

/** Where a server does not do what the page promises. What is left out stands for all. */
interface AccessDeviation {
  readonly operation: string;
  readonly levels?: readonly AccessLevel[];
  readonly scope?: Scope;
  readonly places?: readonly Place[];
  readonly is: Answer;
  /** Why, as the page says it. */
  readonly because: string;
}

type AccessServer = 'MinIO' | 'moto' | 'Ceph RGW' | 'SeaweedFS';

/** Where the objects lie that a key of this scope is for. */
const ownPlaces = (scope: Scope): readonly Place[] => (scope === 'whole' ? ['inside', 'outside'] : ['inside']);

/** The deviations of each server that is tried; docs/access-levels.md has the same ones. */
const accessDeviations: Readonly<Record<AccessServer, readonly AccessDeviation[]>> = {
  MinIO: [],
  moto: [
    {
      operation: 'HeadBucket',
      levels: ['ReadOnly', 'ReadWrite'],
      scope: 'whole',
      places: ['itself'],
      is: 'denied',
      because: 'It asks for `s3:HeadBucket`, which Amazon does not have.',
    },
    ...(['whole', 'prefix'] as const).map((scope) => ({
      operation: 'CopyObject',
      levels: ['WriteOnly'] as const,
      scope,
      places: ownPlaces(scope),
      is: 'allowed' as const,
      because: 'It asks for no right to the source.',
    })),
    {
      operation: 'GetObjectRetention',
      levels: ['ReadOnly', 'ReadWrite', 'Admin'],
      scope: 'whole',
      places: ['inside', 'outside'],
      is: 'answers 200 Error',
      because: 'Its answer has no body.',
    },
    {
      operation: 'GetObjectRetention',
      levels: ['ReadOnly', 'ReadWrite'],
      scope: 'prefix',
      places: ['inside'],
      is: 'answers 200 Error',
      because: 'Its answer has no body.',
    },
    {
      operation: 'DeleteObjects',
      levels: ['ReadWrite'],
      is: 'denied',
      because: 'It asks for `s3:DeleteObject` on the bucket.',
    },
    ...['PutObjectLegalHold', 'PutObjectRetention'].flatMap((operation) =>
      (['whole', 'prefix'] as const).map((scope) => ({
        operation,
        levels: ['WriteOnly', 'ReadWrite'] as const,
        scope,
        places: ownPlaces(scope),
        is: 'allowed' as const,
        because: 'It asks for `s3:PutObject`.',
      })),
    ),
    ...['ListObjectsV2', 'ListObjectVersions'].map((operation) => ({
      operation,
      levels: ['ReadOnly', 'ReadWrite'] as const,
      scope: 'prefix' as const,
      places: ['outside', 'itself'] as const,
      is: 'allowed' as const,
      because: 'It ignores the condition `s3:prefix`.',
    })),
  ],
  'Ceph RGW': [],
  SeaweedFS: [
    {
      operation: 'ListMultipartUploads',
      levels: ['WriteOnly', 'ReadWrite'],
      scope: 'whole',
      places: ['itself'],
      is: 'denied',
      because: 'It does not know `s3:ListBucketMultipartUploads`; Admin alone may list them.',
    },
  ],
};

/** The rows of the page's table of deviations, as cells; those that read the same once. */
export const deviationRows = (): readonly (readonly string[])[] => {
  const rows = Object.entries(accessDeviations).flatMap(([server, deviations]) =>
    deviations.map(({ operation, levels = accessLevels, is, because }) => [
      server,
      operation,
      levels.join(', '),
      is,
      because,
    ]),
  );
  const seen = new Set<string>();
  return rows.filter((row) => seen.size < seen.add(JSON.stringify(row)).size);
};

interface Subject {
  readonly level: AccessLevel;
  readonly scope: Scope;
}

const subjects: readonly Subject[] = [
  ...accessLevels.map((level) => ({ level, scope: 'whole' as const })),
  ...accessLevels.filter((level) => level !== 'Admin').map((level) => ({ level, scope: 'prefix' as const })),
];

/** One question: an operation in a place. */
interface Row {
  readonly operation: Operation;
  readonly place: Place;
}

const rows: readonly Row[] = operations.flatMap((operation) => operation.places.map((place) => ({ operation, place })));

const concerns = (deviation: AccessDeviation, { level, scope }: Subject, { operation, place }: Row): boolean =>
  deviation.operation === operation.name &&
  deviation.levels?.includes(level) !== false &&
  (deviation.scope === undefined || deviation.scope === scope) &&
  deviation.places?.includes(place) !== false;

const promised = ({ level, scope }: Subject, { operation, place }: Row): 'allowed' | 'denied' =>
  operation.needs.every((action) => isPromised(level, scope, action, place)) ? 'allowed' : 'denied';

const shown = ({ operation, place }: Row): string => `${operation.name} ${place}`;

// --- The table --------------------------------------------------------------------------------------------------------

const judge = (alsoAllowed: readonly string[], error: unknown): Answer => {
  const { name = '', $metadata = {} } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  const { httpStatusCode: status } = $metadata;
  if (status === undefined) throw error;
  if (alsoAllowed.includes(name)) return 'allowed';
  return status === 403 || status === 401 ? 'denied' : `answers ${String(status)} ${name}`;
};

const answerTo = (sending: Promise<unknown>, alsoAllowed: readonly string[] = []): Promise<Answer> =>
  sending.then(
    () => 'allowed',
    (error: unknown) => judge(alsoAllowed, error),
  );

const ask = ({ operation, place }: Row, client: S3Client, own: Stocked, other: Stocked): Promise<Answer> => {
  const folder = place === 'inside' || place === 'other' ? 'in/' : place === 'outside' ? 'out/' : '';
  const target = { ...(place === 'other' ? other : own), folder };
  return answerTo(operation.run(client, target), operation.alsoAllowed);
};

const newPair = (): KeyPair => ({
  accessKeyId: randomBytes(10).toString('hex').toUpperCase(),
  secretAccessKey: redact(randomBytes(20).toString('hex')),
});

/**
 * What the levels of access allow, by real requests: each level, for a whole bucket and with a prefix, asks every operation of its own bucket and
 * of another one. Judged by the server's answers against docs/access-levels.md.
 */
export const accessTable = ({
  name,
  start,
  createDriver,
}: {
  readonly name: AccessServer;
  readonly start: () => Promise<ServerUnderTest>;
  readonly createDriver: (connection: Connection) => Driver;
}): void => {
  describe(`the levels of access on ${name}`, () => {
    const deviations = accessDeviations[name];
    let server: ServerUnderTest;
    let driver: Driver;
    let keys: KeyIssuer;
    let admin: S3Client;
    let other: Stocked;
    const asked = new Map<Subject, { readonly own: Stocked; readonly client: S3Client }>();
    const clients: S3Client[] = [];
    const context = recordingContext();

    const clientWith = ({ accessKeyId, secretAccessKey }: KeyPair): S3Client => {
      const { endpoint, region } = server.connection;
      const client = independentClient({
        endpoint,
        region,
        accessKey: accessKeyId,
        secretKey: secretAccessKey.reveal(),
      });
      clients.push(client);
      return client;
    };

    beforeAll(async () => {
      server = await start();
      driver = createDriver(server.connection);
      if (typeof driver.keys === 'string') throw new Error(driver.keys);
      keys = driver.keys;
      // By then the server has said what it is, and so which actions it lacks.
      await driver.checkHealth(context);
      await keys.listUsers('nobody', () => false, context);
      admin = clientWith(server.connection.credentials);
      const nameOf = (subject: Subject): string => `${subject.level}-${subject.scope}`.toLowerCase();
      const [foreign, ...stocked] = await Promise.all(
        ['other', ...subjects.map(nameOf)].map((named) => stock(admin, `${named}-${randomUUID().slice(0, 8)}`)),
      );
      if (foreign === undefined) throw new Error('no other bucket');
      other = foreign;
      // One after the other, and before anything is asked: SeaweedFS may judge wrongly while users are written.
      for (const [index, subject] of subjects.entries()) {
        const own = stocked[index];
        if (own === undefined) throw new Error('no bucket');
        const pair = await issue(userNamed(nameOf(subject)), render(rightsIn(own.bucket, subject)));
        asked.set(subject, { own, client: clientWith(pair) });
      }
    });
    afterAll(async () => {
      for (const client of clients) client.destroy();
      driver.close();
      await server.stop();
    });

    const userNamed = (userName: string): KeyUser => {
      const mark = ownerMark({ name: userName, uid: userName });
      return { name: keys.userNameFor(mark), mark, tags: new Map() };
    };

    /** A user with these rights, and its first key. */
    const issue = async (user: KeyUser, policy: IamPolicy): Promise<KeyPair> => {
      await keys.putUser(user, context);
      await keys.putPolicy(user, policy, context);
      return keys.createKey(user, keys.choosesPair ? newPair() : undefined, context);
    };

    const rightsIn = (bucketName: string, { level, scope }: Subject): readonly PolicyStatement[] =>
      policyFromAccess([{ bucketName, level, ...(scope === 'prefix' ? { prefix: 'in/' } : {}) }], {
        lacks: keys.lacksActions,
        ...(keys.impliedActions === undefined ? {} : { implied: keys.impliedActions }),
      });

    const render = (statements: readonly PolicyStatement[]): IamPolicy => {
      const document = mergePolicies(undefined, statements);
      if (document === undefined) throw new Error('a policy without statements');
      return renderPolicy(document);
    };

    /** Servers spread users and keys; what every level may do shows that this has happened. */
    const untilKnown = (client: S3Client, Bucket: string): Promise<unknown> =>
      vi.waitFor(() => client.send(new GetBucketLocationCommand({ Bucket })), { timeout: 20_000, interval: 100 });

    const expectedOf = (subject: Subject, row: Row): Answer =>
      deviations.find((deviation) => concerns(deviation, subject, row))?.is ?? promised(subject, row);

    it.concurrent.each(subjects)(`$level, $scope: ${String(rows.length)} questions`, async (subject) => {
      const { own, client } = asked.get(subject) ?? expect.fail('no key was issued');
      await untilKnown(client, own.bucket);
      const compare = async (row: Row): Promise<readonly string[]> => {
        const expected = expectedOf(subject, row);
        const answer = await ask(row, client, own, other);
        return answer === expected ? [] : [`${shown(row)}: ${answer}, not ${expected}`];
      };
      const isOfObject = ({ operation }: Row): boolean => operation.places === everywhere;
      const wrong = [...(await Promise.all(rows.filter(isOfObject).map(compare)))];
      // Settings of one bucket are never written side by side.
      for (const row of rows.filter((one) => !isOfObject(one))) wrong.push(await compare(row));
      expect(wrong.flat()).toEqual([]);
    });

    it('has no deviation that is none', () => {
      const idle = deviations.filter(
        (deviation) =>
          !subjects.some((subject) =>
            rows.some((row) => concerns(deviation, subject, row) && promised(subject, row) !== deviation.is),
          ),
      );
      expect(idle).toEqual([]);
    });

    /** What a key may do, as `operation place`, of these operations in its own bucket, outside its prefix, and in another one. */
    const allowedOf = async (client: S3Client, own: Stocked, names: readonly string[]): Promise<readonly string[]> => {
      const allowed: string[] = [];
      for (const row of rows.filter(({ operation }) => names.includes(operation.name))) {
        if ((await ask(row, client, own, other)) === 'allowed') allowed.push(shown(row));
      }
      return allowed;
    };

    const expectRefusal = async (issuing: Promise<unknown>): Promise<void> => {
      expect(await issuing.then(() => undefined, onlyFault)).toMatchObject({
        kind: 'terminal',
        reason: 'PolicyInvalid',
      });
    };

    /** SeaweedFS takes no denial in the policy of a user, so that there is no key that would need one. */
    const refusesDenials = name === 'SeaweedFS';

    it.each(['everywhere', 'in the bucket'] as const)(
      'a lent bucket stays with its owner, whatever Admin allows: denied %s',
      async (where) => {
        const own = await stock(admin, `lent-${randomUUID().slice(0, 8)}`);
        const { Version, Statement } = render(rightsIn(own.bucket, { level: 'Admin', scope: 'whole' }));
        const denials = denied([...ownerActions, ...sendingActions], where === 'everywhere' ? where : [own.bucket], {
          partition: 'aws',
          lacks: keys.lacksActions,
        });
        const issuing = issue(userNamed(own.bucket), { Version, Statement: [...Statement, ...denials] });
        if (refusesDenials) return expectRefusal(issuing);
        const client = clientWith(await issuing);
        await untilKnown(client, own.bucket);
        const names = ['PutBucketTagging', 'PutBucketVersioning', 'DeleteObject', 'DeleteBucket'];
        expect(await allowedOf(client, own, names)).toEqual([
          'DeleteObject inside',
          'DeleteObject outside',
          'PutBucketVersioning itself',
        ]);
        const Rules = [
          {
            Status: 'Enabled',
            Priority: 1,
            Filter: { Prefix: '' },
            Destination: { Bucket: `arn:aws:s3:::${other.bucket}` },
          },
        ] as const;
        const Bucket = own.bucket;
        const role = 'arn:aws:iam::123456789012:role/copies';
        const ReplicationConfiguration = { Role: role, Rules: [...Rules] };
        const sending = client.send(new PutBucketReplicationCommand({ Bucket, ReplicationConfiguration }));
        // Ceph RGW asks first whether it has a second zone.
        expect(await answerTo(sending)).toBe(name === 'Ceph RGW' ? 'answers 405 MethodNotAllowed' : 'denied');
        const Events = ['s3:ObjectCreated:*' as const];
        const QueueConfigurations = [{ QueueArn: 'arn:aws:sqs:us-east-1:123456789012:events', Events }];
        const events = { Bucket, NotificationConfiguration: { QueueConfigurations } };
        expect(await answerTo(client.send(new PutBucketNotificationConfigurationCommand(events)))).toBe('denied');
        if (keys.lacksActions.has('s3:Put*Acl')) return;
        // Who has no such denial may.
        const ACL = 'private';
        expect(await answerTo(admin.send(new PutBucketAclCommand({ Bucket, ACL })))).toBe('allowed');
        expect([
          await answerTo(client.send(new PutBucketAclCommand({ Bucket, ACL }))),
          await answerTo(client.send(new PutObjectAclCommand({ Bucket, Key: 'in/read', ACL }))),
        ]).toEqual(['denied', 'denied']);
      },
    );

    // moto knows no `NotResource` in a denial, so that it is no judge of this.
    if (name !== 'moto')
      it('a key that is held to its buckets gets nothing from the policy of another one', async () => {
        const own = await stock(admin, `held-${randomUUID().slice(0, 8)}`);
        const open = await stock(admin, `open-${randomUUID().slice(0, 8)}`);
        const Statement = [
          {
            Effect: 'Allow',
            Principal: { AWS: ['*'] },
            Action: ['s3:GetObject'],
            Resource: [`arn:aws:s3:::${open.bucket}/*`],
          },
        ];
        const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
        await admin.send(new PutBucketPolicyCommand({ Bucket: open.bucket, Policy }));
        const rights = render(rightsIn(own.bucket, { level: 'ReadWrite', scope: 'whole' }));
        const bounded = { ...rights, Statement: [...rights.Statement, heldTo([own.bucket], 'aws')] };
        const reads = (client: S3Client, Bucket: string): Promise<Answer> =>
          answerTo(client.send(new GetObjectCommand({ Bucket, Key: 'in/read' })));
        const free = clientWith(await issue(userNamed('free'), rights));
        const issuing = issue(userNamed('held'), bounded);
        if (refusesDenials) return expectRefusal(issuing);
        const bound = clientWith(await issuing);
        await untilKnown(free, own.bucket);
        await untilKnown(bound, own.bucket);
        // Its owner wanted it public; only who is held does not get it. MinIO asks such a policy about anonymous requests alone.
        if (name !== 'MinIO') await expect.poll(() => reads(free, open.bucket), { timeout: 20_000 }).toBe('allowed');
        expect([await reads(bound, open.bucket), await reads(bound, own.bucket)]).toEqual(['denied', 'allowed']);
      });

    // MinIO has no IAM service; admission refuses a boundary there.
    if (name !== 'MinIO')
      it('no user gets rights without the permissions boundary that is wanted', async () => {
        const permissionsBoundaryArn = 'arn:aws:iam::123456789012:policy/bounds';
        const bounded = createDriver({ ...server.connection, permissionsBoundaryArn });
        try {
          if (typeof bounded.keys === 'string') throw new Error(bounded.keys);
          const user = userNamed('bounded');
          const fault = await bounded.keys.putUser(user, context).then(() => undefined, onlyFault);
          // moto fails at what it does not have.
          expect(fault).toMatchObject({ reason: name === 'moto' ? 'ServerError' : 'Unsupported' });
          expect(await bounded.keys.observeUser(user, context)).toMatchObject({
            isBounded: false,
            policy: undefined,
            keys: [],
          });
        } finally {
          bounded.close();
        }
      });

    it('policy and access are joined, and other rights take effect without another key', async () => {
      const own = await stock(admin, `joined-${randomUUID().slice(0, 8)}`);
      const user = userNamed('joined');
      const below = (folder: string): string => `arn:aws:s3:::${own.bucket}/${folder}*`;
      const deletes = { effect: 'Allow', action: 's3:DeleteObject', resource: below('in/') } as const;
      const hides = { effect: 'Deny', action: 's3:GetObject', resource: below('out/') } as const;
      const document = mergePolicies(
        { version: '2012-10-17', statement: refusesDenials ? [deletes] : [deletes, hides] },
        rightsIn(own.bucket, { level: 'ReadOnly', scope: 'whole' }),
      );
      if (document === undefined) throw new Error('a policy without statements');
      const pair = await issue(user, renderPolicy(document));
      const client = clientWith(pair);
      await untilKnown(client, own.bucket);
      const names = ['GetObject', 'PutObject', 'DeleteObject'];
      const reads = refusesDenials ? ['GetObject inside', 'GetObject outside'] : ['GetObject inside'];
      expect(await allowedOf(client, own, names)).toEqual([...reads, 'DeleteObject inside']);

      const rights = (level: AccessLevel) => render(rightsIn(own.bucket, { level, scope: 'whole' }));
      await keys.putPolicy(user, rights('WriteOnly'), context);
      await expect
        .poll(() => allowedOf(client, own, names), { timeout: 20_000 })
        .toEqual(['PutObject inside', 'PutObject outside']);
      await keys.putPolicy(user, undefined, context);
      await expect.poll(() => allowedOf(client, own, names), { timeout: 20_000 }).toEqual([]);
    });
  });
};
