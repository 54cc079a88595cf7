import { CreateUserCommand, IAMClient, TagUserCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, GetBucketTaggingCommand, PutBucketEncryptionCommand } from '@aws-sdk/client-s3';
import { asFault, redact, type Fault } from '@operator/outcome';
import {
  createBucket,
  observeExistence,
  putBucketPolicy,
  type Driver,
  type KeyIssuer,
  type KeyUser,
} from '@operator/s3';
import {
  connectionTo,
  driverConformance,
  driverDeps,
  independentClient,
  lackedBy,
  ownerMark,
  recordingContext,
  refuse,
  refuseIam,
  startProxy,
  startUnderTest,
  type FakeRequest,
  type Proxy,
} from '@operator/testing';
import { startMoto } from '@operator/tools/local';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createWasabiDriver } from './wasabi-driver.ts';

/** What Wasabi's IAM has. Source: Wasabi, IAM and STS Support, 13 August 2025; those that the operator could ask for. */
const iamActions: ReadonlySet<string> = new Set([
  ...['CreateUser', 'GetUser', 'UpdateUser', 'DeleteUser', 'ListUsers'],
  ...['CreateAccessKey', 'UpdateAccessKey', 'DeleteAccessKey', 'ListAccessKeys', 'GetAccessKeyLastUsed'],
  ...['PutUserPolicy', 'GetUserPolicy', 'DeleteUserPolicy', 'ListUserPolicies'],
  ...['CreatePolicy', 'DeletePolicy', 'GetPolicy', 'ListPolicies', 'AttachUserPolicy', 'DetachUserPolicy'],
  ...['ListAttachedUserPolicies', 'ListGroupsForUser', 'RemoveUserFromGroup'],
  ...['DeleteLoginProfile', 'ListMFADevices', 'DeactivateMFADevice'],
]);

const actionOf = ({ body }: FakeRequest): string => new URLSearchParams(body).get('Action') ?? '';

/** IAM has its own address, no other service is there, and no tags. */
const asWasabiIam = (request: FakeRequest) => {
  if (request.method !== 'POST') return refuseIam(400, 'MissingAction');
  const form = new URLSearchParams(request.body);
  if (!iamActions.has(actionOf(request))) return refuseIam(400, 'InvalidAction');
  const isTagged = form.has('Tags.member.1.Key') || form.has('PermissionsBoundary');
  return isTagged ? refuseIam(400, 'ValidationError', 'not a known parameter') : undefined;
};

/** No IAM at this address, no key service, no notifications but to topics. */
const asWasabiS3 = ({ method, path, query, body }: FakeRequest) => {
  if (method === 'POST' && path === '/') return refuse(405, 'MethodNotAllowed');
  if (query.has('encryption') && body.includes('aws:kms')) return refuse(501, 'NotImplemented');
  if (query.has('notification') && /<(Queue|CloudFunction)Configuration>/.test(body))
    return refuse(501, 'NotImplemented');
  return undefined;
};

/** moto behind two addresses, each of which answers as that of Wasabi does. */
const startWasabi = async () => {
  const moto = await startUnderTest(startMoto)();
  const [s3, iam] = [await startProxy(moto.connection.endpoint), await startProxy(moto.connection.endpoint)];
  s3.intercept(asWasabiS3);
  iam.intercept(asWasabiIam);
  return {
    s3,
    iam,
    connection: connectionTo(s3.endpoint, {
      ...moto.connection,
      endpoint: s3.endpoint,
      iamEndpoint: iam.endpoint,
      iamRegion: 'us-east-1',
    }),
    async stop() {
      await Promise.all([s3.close(), iam.close()]);
      await moto.stop();
    },
  };
};

driverConformance({
  name: 'the wasabi driver on S3 and IAM at two addresses that answer as Wasabi does',
  createDriver: createWasabiDriver,
  lacks: [
    ...lackedBy.moto,
    'cloudTrail',
    'accelerate',
    'replication',
    'kmsEncryption',
    'lifecycleTransitions',
    'lambdaNotifications',
    'sqsNotifications',
  ],
  issuesKeys: true,
  suspendsUnderLock: true,
  start: startWasabi,
});

describe('on Wasabi', () => {
  let wasabi: Awaited<ReturnType<typeof startWasabi>>;
  let driver: Driver;
  let made = 0;
  const context = recordingContext();
  beforeAll(async () => {
    wasabi = await startWasabi();
    driver = createWasabiDriver(wasabi.connection, driverDeps());
  });
  afterEach(() => {
    context.clear();
    wasabi.s3.intercept(asWasabiS3);
    wasabi.iam.intercept(asWasabiIam);
  });
  afterAll(async () => {
    driver.close();
    await wasabi.stop();
  });

  const freshBucket = async () => {
    const bucket = `wasabi-${String((made += 1))}`;
    await createBucket(driver, { bucket }, context);
    context.clear();
    return { wire: driver.wire(), bucket };
  };
  const faultOf = async (call: Promise<unknown>): Promise<Fault> =>
    call.then(() => Promise.reject(new Error('done')), asFault);
  const issuer = (): KeyIssuer => {
    if (typeof driver.keys === 'string') throw new Error(driver.keys);
    return driver.keys;
  };
  const since = ({ requests }: Proxy) => {
    const from = requests.length;
    return () => requests.slice(from);
  };

  it('the test server refuses what Wasabi refuses', async () => {
    const { region, credentials } = wasabi.connection;
    const [accessKeyId, secretAccessKey] = [credentials.accessKeyId, credentials.secretAccessKey.reveal()];
    const iam = new IAMClient({ endpoint: wasabi.iam.endpoint, region, credentials: { accessKeyId, secretAccessKey } });
    const s3 = independentClient({
      endpoint: wasabi.s3.endpoint,
      region,
      accessKey: accessKeyId,
      secretKey: secretAccessKey,
    });
    const codeOf = (call: Promise<unknown>) =>
      call.then(
        () => 'done',
        (error: unknown) => (error as Error).name,
      );
    const Tags = [{ Key: 'a', Value: 'b' }];
    expect(await codeOf(iam.send(new CreateUserCommand({ UserName: 'tagged', Tags })))).toBe('ValidationError');
    expect(await codeOf(iam.send(new TagUserCommand({ UserName: 'admin', Tags })))).toBe('InvalidAction');
    await s3.send(new CreateBucketCommand({ Bucket: 'plain' }));
    const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const } };
    const encryption = { Bucket: 'plain', ServerSideEncryptionConfiguration: { Rules: [rule] } };
    expect(await codeOf(s3.send(new PutBucketEncryptionCommand(encryption)))).toBe('NotImplemented');
    iam.destroy();
    s3.destroy();
  });

  it('users get no tags, whatever the AccessKey says, and are known by path and name', async () => {
    const mark = ownerMark({ name: 'app' });
    const user: KeyUser = {
      name: issuer().userNameFor(mark),
      mark,
      tags: new Map([['team', 'storage']]),
      displayName: 'App',
    };
    const sent = since(wasabi.iam);
    await issuer().putUser(user, context);
    const observed = await issuer().observeUser(user, context);
    expect(observed).toMatchObject({ isOurs: true, needsUpdate: false });
    expect(driver.unsupported.get('userTags')).toMatch(/Wasabi keeps no tags on users/);
    expect(
      sent()
        .map(actionOf)
        .filter((action) => action.includes('Tag')),
    ).toEqual([]);
    await issuer().deleteUser(user, context);
  });

  it('a third key is refused once, and waits', async () => {
    const mark = ownerMark({ name: 'three', uid: '6d1f0c1e-0000-4000-8000-000000000003' });
    const user: KeyUser = { name: issuer().userNameFor(mark), mark, tags: new Map() };
    await issuer().putUser(user, context);
    for (let keys = 0; keys < 2; keys += 1) await issuer().createKey(user, undefined, context);
    for (const code of ['LimitExceeded', 'LimitExceededException']) {
      wasabi.iam.intercept((request) =>
        actionOf(request) === 'CreateAccessKey' ? refuseIam(409, code) : asWasabiIam(request),
      );
      const sent = since(wasabi.iam);
      expect(await faultOf(issuer().createKey(user, undefined, context))).toMatchObject({
        kind: 'waiting',
        reason: 'KeyLimitReached',
      });
      expect(sent().filter((request) => actionOf(request) === 'CreateAccessKey')).toHaveLength(1);
    }
    wasabi.iam.intercept(asWasabiIam);
    await issuer().deleteUser(user, context);
  });

  it('nothing of S3 goes to the address of IAM, and nothing of IAM to that of S3', async () => {
    const mark = ownerMark({ name: 'split' });
    const user: KeyUser = { name: issuer().userNameFor(mark), mark, tags: new Map() };
    const [toS3, toIam] = [since(wasabi.s3), since(wasabi.iam)];
    await freshBucket();
    await issuer().putUser(user, context);
    await issuer().deleteUser(user, context);
    expect(toS3().every(({ path }) => path !== '/')).toBe(true);
    expect(toIam().every((request) => iamActions.has(actionOf(request)))).toBe(true);
  });

  it.each([
    [
      'a redirect with the region in a header',
      () => refuse(301, 'PermanentRedirect', 'use the other endpoint', { 'x-amz-bucket-region': 'eu-central-1' }),
      { state: 'elsewhere', region: 'eu-central-1' },
      (bucket: string) => `Bucket ${bucket} is in region eu-central-1.`,
    ],
    [
      'a redirect to another address',
      () =>
        refuse(307, 'TemporaryRedirect', 'use the other endpoint', {
          location: 'https://s3.eu-central-1.wasabisys.com/',
        }),
      { state: 'elsewhere' },
      (bucket: string) =>
        `The server redirects requests for bucket ${bucket} to https://s3.eu-central-1.wasabisys.com/ without naming its region. Is the endpoint right?`,
    ],
    [
      'a signature for another region',
      () =>
        refuse(400, 'AuthorizationHeaderMalformed', "expecting 'eu-central-1'", {
          'x-amz-bucket-region': 'eu-central-1',
        }),
      { state: 'elsewhere', region: 'eu-central-1' },
      (bucket: string) => `Bucket ${bucket} is in region eu-central-1.`,
    ],
  ])('a bucket of another region is told as such: %s', async (_title, answer, state, message) => {
    const s3 = await freshBucket();
    wasabi.s3.intercept(answer);
    expect(await observeExistence(driver, s3, context)).toEqual({
      ...state,
      message: message(s3.bucket),
    });
    expect(await faultOf(s3.wire.send(new GetBucketTaggingCommand({ Bucket: s3.bucket }), context))).toMatchObject({
      kind: 'waiting',
      reason: 'WrongRegion',
    });
    expect(context.writes()).toEqual([]);
  });

  it('a call beyond the rate is tried again', async () => {
    const s3 = await freshBucket();
    let refusals = 1;
    wasabi.s3.intercept((request) =>
      (refusals -= 1) >= 0 ? refuse(403, 'RequestRateLimitExceeded') : asWasabiS3(request),
    );
    expect(await observeExistence(driver, s3, context)).toMatchObject({ state: 'present' });
  });

  it('a public policy on an account that may have none is told as denied, and the bucket stays as it is', async () => {
    const s3 = await freshBucket();
    wasabi.s3.intercept(({ method, query }) =>
      method === 'PUT' && query.has('policy')
        ? refuse(403, 'AccessDenied', 'Public use is not allowed. Contact Wasabi Customer Support.')
        : undefined,
    );
    const statement = {
      Effect: 'Allow',
      Principal: { AWS: ['*'] },
      Action: 's3:GetObject',
      Resource: `arn:aws:s3:::${s3.bucket}/*`,
    };
    const fault = await faultOf(putBucketPolicy(s3, { Version: '2012-10-17', Statement: [statement] }, context));
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'AccessDenied' });
    expect(fault.message).toContain('Public use is not allowed');
  });

  it('an account that is locked for bad attempts is left alone for longer than the lock lasts', async () => {
    const bad = createWasabiDriver(
      { ...wasabi.connection, credentials: { accessKeyId: 'AKIAWRONG', secretAccessKey: redact('wrong') } },
      driverDeps(),
    );
    let attempts = 0;
    wasabi.s3.intercept((request) => {
      attempts += 1;
      return attempts > 3 ? refuse(403, 'AuthenticationLockout') : asWasabiS3(request);
    });
    for (let times = 0; times < 5; times += 1) {
      const fault = await faultOf(bad.checkHealth(context));
      expect(fault).toMatchObject({ kind: 'waiting', reason: 'AuthFailed' });
      expect(fault.retryAfterMs).toBeGreaterThan(300_000);
    }
    expect(attempts).toBe(5);
    bad.close();
  });
});
