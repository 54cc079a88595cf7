import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AddUserToGroupCommand,
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreateLoginProfileCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  CreateVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  IAMClient,
  PutUserPolicyCommand,
  UploadSSHPublicKeyCommand,
  UploadSigningCertificateCommand,
} from '@aws-sdk/client-iam';
import { CreateMultipartUploadCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { redact, type CallContext, type ExternalCall } from '@operator/outcome';
import {
  createBucket,
  deleteBucketPolicy,
  emptyBucketBatch,
  lookAtFeatures,
  lookUpCreation,
  observeExistence,
  putBucketPolicy,
  readBucketPolicy,
  readOwner,
  removeBucket,
  retireFeatures,
  type Driver,
  type KeyUser,
} from '@operator/s3';
import {
  bucketContext,
  bucketSpec,
  connectionTo,
  driverDeps,
  independentClient,
  ownerMark,
  recordingContext,
  testCertificate,
} from '@operator/testing';
import { declaredOn, lackedBy, prepareSurroundings } from '@operator/testing/declarations';
import { startMoto, type S3Server } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAwsDriver } from './aws-driver.ts';

/* The rights that docs/providers/aws.md gives to the credentials of a Provider are enough, and none is for nothing. */

interface Statement {
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

/** The statements of the page: every block of JSON under "Rights". */
const statementsOf = (page: string): readonly Statement[] => {
  const section = /\n## Rights\n(.*?)(?=\n## )/s.exec(page)?.[1] ?? '';
  return [...section.matchAll(/```json\n(.*?)```/gs)].flatMap(([, block = '']) => JSON.parse(block) as Statement[]);
};

/** Where IAM calls the right to a call otherwise. Source: Service Authorization Reference, Actions for Amazon S3. */
const rightsTo: Readonly<Partial<Record<string, readonly string[]>>> = {
  ListBuckets: ['ListAllMyBuckets'],
  HeadBucket: ['ListBucket'],
  ListObjectsV2: ['ListBucket'],
  CreateBucket: ['CreateBucket', 'TagResource'],
  GetPublicAccessBlock: ['GetBucketPublicAccessBlock'],
  PutPublicAccessBlock: ['PutBucketPublicAccessBlock'],
  GetBucketEncryption: ['GetEncryptionConfiguration'],
  PutBucketEncryption: ['PutEncryptionConfiguration'],
  DeleteBucketEncryption: ['PutEncryptionConfiguration'],
  GetBucketCors: ['GetBucketCORS'],
  PutBucketCors: ['PutBucketCORS'],
  DeleteBucketCors: ['PutBucketCORS'],
  GetBucketAccelerateConfiguration: ['GetAccelerateConfiguration'],
  PutBucketAccelerateConfiguration: ['PutAccelerateConfiguration'],
  GetBucketLifecycleConfiguration: ['GetLifecycleConfiguration'],
  PutBucketLifecycleConfiguration: ['PutLifecycleConfiguration'],
  DeleteBucketLifecycle: ['PutLifecycleConfiguration'],
  GetBucketNotificationConfiguration: ['GetBucketNotification'],
  PutBucketNotificationConfiguration: ['PutBucketNotification'],
  GetBucketReplication: ['GetReplicationConfiguration'],
  PutBucketReplication: ['PutReplicationConfiguration'],
  DeleteBucketReplication: ['PutReplicationConfiguration'],
  DeleteBucketOwnershipControls: ['PutBucketOwnershipControls'],
  GetObjectLockConfiguration: ['GetBucketObjectLockConfiguration'],
  PutObjectLockConfiguration: ['PutBucketObjectLockConfiguration'],
  ListObjectVersions: ['ListBucketVersions'],
  ListMultipartUploads: ['ListBucketMultipartUploads'],
  DeleteObjects: ['DeleteObject', 'DeleteObjectVersion'],
  CreatePolicy: ['CreatePolicy', 'TagPolicy'],
};

/** GetCallerIdentity needs none. */
const rightsOf = ({ service, operation }: ExternalCall): readonly string[] =>
  service === 'sts' ? [] : (rightsTo[operation] ?? [operation]).map((right) => `${service}:${right}`);

/** What a run on moto cannot use: its users have no boundary, it has no request payment, no such credentials, and asks for no right to pass a role. */
const notOnMoto: readonly string[] = [
  'iam:PutUserPermissionsBoundary',
  'iam:DeleteUserPermissionsBoundary',
  's3:PutBucketRequestPayment',
  'iam:DeleteServiceSpecificCredential',
  'iam:PassRole',
];

let dir: string;
let moto: S3Server;
let iam: IAMClient;
let judge: S3Client;
let driver: Driver;
let statements: readonly Statement[];
const recorded = recordingContext();
/** moto fails at a call that it does not have; here it says so, as a server does that lacks it. */
const context: CallContext = {
  ...recorded,
  async call(call, run) {
    if (call.operation !== 'ListServiceSpecificCredentials') return recorded.call(call, run);
    const lack = Object.assign(new Error('moto does not have it'), {
      name: 'NotImplemented',
      $metadata: { httpStatusCode: 501 },
    });
    return recorded.call(call, () => Promise.reject(lack));
  },
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rights-'));
  moto = await startMoto({ dir });
  const credentials = { accessKeyId: moto.accessKey, secretAccessKey: moto.secretKey };
  iam = new IAMClient({ endpoint: moto.endpoint, region: moto.region, credentials });
  judge = independentClient(moto);
  statements = statementsOf(await readFile(new URL('../../../docs/providers/aws.md', import.meta.url), 'utf8'));

  await iam.send(new CreateUserCommand({ UserName: 'operator' }));
  const give = (PolicyName: string, Statement: readonly object[]) =>
    iam.send(
      new PutUserPolicyCommand({
        UserName: 'operator',
        PolicyName,
        PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }),
      }),
    );
  // moto asks for the right to IAM and CloudTrail as such, not to one of their resources.
  const isOfS3 = ({ Action }: Statement) => Action.every((action) => action.startsWith('s3:'));
  await give(
    'page',
    statements.map((statement) => (isOfS3(statement) ? statement : { ...statement, Resource: '*' })),
  );
  // What moto alone asks for: a right by the name of HeadBucket, and that to delete objects on their bucket.
  await give('moto', [
    { Effect: 'Allow', Action: 's3:HeadBucket', Resource: '*' },
    { Effect: 'Allow', Action: 's3:DeleteObject', Resource: 'arn:aws:s3:::photos' },
  ]);
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'operator' }));
  driver = createAwsDriver(
    connectionTo(moto.endpoint, {
      region: moto.region,
      credentials: {
        accessKeyId: AccessKey?.AccessKeyId ?? '',
        secretAccessKey: redact(AccessKey?.SecretAccessKey ?? ''),
      },
    }),
    driverDeps({ elapsedMs: () => performance.now() * 10_000 }),
  );

  await prepareSurroundings(judge, lackedBy.moto);
});
afterAll(async () => {
  driver.close();
  iam.destroy();
  judge.destroy();
  await moto.stop();
  await rm(dir, { recursive: true });
});

const mark = ownerMark({ name: 'photos' });

/** The life of a bucket with everything that the driver manages. */
const liveABucket = async (): Promise<void> => {
  const bucket = 'photos';
  await observeExistence(driver, { bucket }, context);
  await createBucket(driver, { bucket, mark }, context);
  await observeExistence(driver, { bucket, wasThere: true }, context);
  await lookUpCreation(driver, { bucket }, context);
  const s3 = { wire: driver.wire(), bucket };
  await readOwner(s3, context);
  for (const which of ['full', 'other', 'none'] as const) {
    const spec = bucketSpec({
      ...declaredOn('moto', which),
      requestPayment: { payer: 'Requester' },
    });
    for (const view of await lookAtFeatures(driver, spec, bucketContext({ mark }), s3, context)) {
      if (view.verdict === 'blocked') throw view.fault;
      if (view.verdict === 'different') await view.step.apply(context);
    }
  }
  const principal = { AWS: '*' };
  const resource = `arn:aws:s3:::${bucket}/*`;
  const statement = { Effect: 'Allow', Principal: principal, Action: ['s3:GetObject'], Resource: [resource] } as const;
  await putBucketPolicy(s3, { Version: '2012-10-17', Statement: [statement] }, context);
  await readBucketPolicy(s3, context);
  await deleteBucketPolicy(s3, context);
  await judge.send(new PutObjectCommand({ Bucket: bucket, Key: 'a', Body: 'one' }));
  await judge.send(new PutObjectCommand({ Bucket: bucket, Key: 'a', Body: 'two' }));
  await judge.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'big' }));
  const last = { spec: bucketSpec(declaredOn('moto')), bucket: bucketContext({ mark }) };
  await retireFeatures(driver, s3, last, context);
  expect(await emptyBucketBatch(driver, { bucket }, context)).toMatchObject({ blocked: [], remaining: false });
  await removeBucket(driver, { bucket }, context);
};

/** What people put on a user by hand. */
const burden = async (UserName: string): Promise<void> => {
  const nothing = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action: 's3:DeleteBucket', Resource: '*' }],
  });
  const PolicyName = `of-${UserName.slice(-20)}`;
  const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName, PolicyDocument: nothing }));
  await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn: Policy?.Arn }));
  await iam.send(new CreateGroupCommand({ GroupName: PolicyName }));
  await iam.send(new AddUserToGroupCommand({ UserName, GroupName: PolicyName }));
  await iam.send(new CreateLoginProfileCommand({ UserName, Password: 'a-Password-0f-nobody' }));
  await iam.send(new UploadSSHPublicKeyCommand({ UserName, SSHPublicKeyBody: 'ssh-rsa AAAA' }));
  await iam.send(new UploadSigningCertificateCommand({ UserName, CertificateBody: testCertificate.cert }));
  const { VirtualMFADevice } = await iam.send(
    new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: PolicyName, Path: '/s3-operator/' }),
  );
  const SerialNumber = VirtualMFADevice?.SerialNumber;
  await iam.send(
    new EnableMFADeviceCommand({
      UserName,
      SerialNumber,
      AuthenticationCode1: '123456',
      AuthenticationCode2: '654321',
    }),
  );
};

/** The life of an access key. */
const liveAKey = async (): Promise<void> => {
  const { keys } = driver;
  if (typeof keys === 'string') throw new Error(keys);
  const user = (tags: Readonly<Record<string, string>>): KeyUser => ({
    name: keys.userNameFor(mark),
    mark,
    tags: new Map(Object.entries(tags)),
  });
  const first = user({ team: 'a' });
  await keys.observeUser(first, context);
  await keys.putUser(first, context);
  const statement = { Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::photos/*'] };
  // moto asks for no resource of IAM: that of the page is the user that there is.
  expect((await keys.observeUser(first, context))?.arn).toMatch(/^arn:aws:iam::\d+:user\/s3-operator\/./);
  expect(statements.flatMap(({ Resource }) => Resource)).toContain('arn:aws:iam::*:user/s3-operator/*');
  await keys.putPolicy(first, { Version: '2012-10-17', Statement: [statement] }, context);
  const large = (count: number) => {
    const Resource = Array.from({ length: count }, (_, index) => `arn:aws:s3:::photos/${String(index)}/*`);
    return { Version: '2012-10-17', Statement: [{ ...statement, Resource }] };
  };
  for (const count of [100, 101, 102]) await keys.putPolicy(first, large(count), context);
  expect((await keys.observeUser(first, context))?.policy).toEqual(large(102));
  await keys.putPolicy(first, large(1), context);
  await keys.putPolicy(first, large(100), context);
  const pair = await keys.createKey(first, undefined, context);
  const second = user({ stage: 'b' });
  await keys.observeUser(second, context);
  await keys.putUser(second, context);
  await keys.deleteKey(second, pair.accessKeyId, context);
  await keys.createKey(second, undefined, context);
  await keys.listUsers(mark.cluster, () => false, context);
  await burden(first.name);
  // What people put there is named, each by what it is.
  const taken = (await keys.deleteUser(second, context))?.map(({ kind }) => kind);
  expect(taken).toEqual([
    'login profile',
    'signing certificate',
    'SSH public key',
    'MFA device',
    'attached policy',
    'membership of group',
  ]);
  expect(await keys.observeUser(second, context)).toBeUndefined();
};

it('the rights of the page are enough for all that the driver does, and none of them is for nothing', async () => {
  expect(statements.length).toBeGreaterThan(4);
  await driver.checkHealth(context);
  // Any call that is denied ends it.
  await liveABucket();
  await liveAKey();

  const used = new Set(recorded.calls.flatMap(rightsOf));
  const given = new Set(statements.flatMap(({ Action }) => Action));
  expect([...used].filter((right) => !given.has(right)).sort()).toEqual([]);
  expect([...given].filter((right) => !used.has(right) && !notOnMoto.includes(right)).sort()).toEqual([]);
  expect(notOnMoto.filter((right) => !given.has(right))).toEqual([]);
});
