import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asFault, Fault, onlyFault, redact, type CallContext } from '@operator/outcome';
import { samePolicy } from '@operator/policy';
import {
  createBucket,
  createWirePool,
  lookAtFeatures,
  type Part,
  putBucketPolicy,
  readBucketPolicy,
  readOwner,
  verifyKey,
  type Connection,
  type Credentials,
  type Driver,
  type Input,
  type RenderedPolicy,
  type KeyIssuer,
  type KeyPair,
  type KeyUser,
} from '@operator/s3';
import { bucketContext, bucketSpec, driverDeps, ownerMark } from '@operator/testing';
import { startMinio, type S3Server } from '@operator/tools/local';
import { Client } from 'minio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addServiceAccount,
  addUser,
  attachPolicy,
  deleteServiceAccount,
  getCannedPolicy,
  getUser,
  listServiceAccounts,
  putCannedPolicy,
  removeCannedPolicy,
  removeUser,
} from './admin-api.ts';
import { createAdminClient, type AdminClient } from './admin-client.ts';
import { serialKeyDerivation } from './derive-key.ts';
import { createMinioDriver } from './driver.ts';

const dir = mkdtempSync(join(tmpdir(), 'driver-minio-'));
const deps = driverDeps({ random: () => 0.5, version: '0.0.0' });
const bucket = 'reports';
let server: S3Server;
let root: Credentials;
let driver: Driver;
let keys: KeyIssuer;
/** The server as root sees it. */
let admin: AdminClient;
let rootClient: Client;

const connectionWith = (credentials: Credentials): Connection => ({
  endpoint: server.endpoint,
  region: server.region,
  pathStyle: true,
  credentials,
  tls: { insecureSkipVerify: false },
  retry: { maxAttempts: 2, backoffStrategy: 'exponential' },
});

const context: CallContext = {
  signal: new AbortController().signal,
  now: new Date(0),
  call: (_call, run) => run(),
};

const issuerOf = ({ keys: issuer }: Driver): KeyIssuer => {
  if (typeof issuer === 'string') throw new Error(issuer);
  return issuer;
};

/** The npm client, which knows nothing of ours. */
const clientOf = ({ accessKeyId, secretAccessKey }: KeyPair): Client => {
  const { hostname, port } = new URL(server.endpoint);
  const secretKey = secretAccessKey.reveal();
  return new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey: accessKeyId,
    secretKey,
    region: server.region,
  });
};

beforeAll(async () => {
  server = await startMinio({ dir });
  root = { accessKeyId: server.accessKey, secretAccessKey: redact(server.secretKey) };
  driver = createMinioDriver(connectionWith(root), deps);
  keys = issuerOf(driver);
  const { uplink } = createWirePool(connectionWith(root), deps);
  admin = createAdminClient({
    connection: connectionWith(root),
    uplink,
    deriveKey: serialKeyDerivation(),
    randomBytes,
    pathPrefix: '/minio/admin/v3',
  });
  rootClient = clientOf(root);
  await rootClient.makeBucket(bucket);
  await rootClient.putObject(bucket, 'open/one', 'one');
  await rootClient.putObject(bucket, 'closed/two', 'two');
});

afterAll(async () => {
  driver.close();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
});

let made = 0;
const newUser = (): KeyUser => {
  made += 1;
  const mark = { cluster: 'cluster-uid', namespace: 'team-a', name: `key-${made}`, uid: `uid-${made}` };
  return { name: keys.userNameFor(mark), mark, tags: new Map() };
};

const newPair = (): KeyPair => ({
  accessKeyId: randomBytes(10).toString('hex').toUpperCase(),
  secretAccessKey: redact(randomBytes(20).toString('hex')),
});

const allow = (action: string, resource = `arn:aws:s3:::${bucket}/open/*`): RenderedPolicy => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: [action], Resource: [resource] }],
});

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => String((error as { code?: unknown }).code),
  );

const reads = (pair: KeyPair, name: string): Promise<string> =>
  codeOf(
    clientOf(pair)
      .getObject(bucket, name)
      .then((body) => body.toArray()),
  );

const disableUser = (name: string): Promise<unknown> =>
  admin.send(
    {
      operation: 'SetUserStatus',
      method: 'PUT',
      path: '/set-user-status',
      query: { accessKey: name, status: 'disabled' },
    },
    context,
  );

const disableKey = (accessKeyId: string): Promise<unknown> =>
  admin.send(
    {
      operation: 'UpdateServiceAccount',
      method: 'POST',
      path: '/update-service-account',
      query: { accessKey: accessKeyId },
      body: { newStatus: 'off' },
      sealsBody: true,
    },
    context,
  );

/** All that the server holds of users, policies and keys. */
const everything = async () => {
  const users = Object.keys(
    (await admin.send(
      { operation: 'ListUsers', method: 'GET', path: '/list-users', answer: 'sealed' },
      context,
    )) as object,
  );
  const policies = Object.keys(
    (await admin.send(
      { operation: 'ListCannedPolicies', method: 'GET', path: '/list-canned-policies', answer: 'plain' },
      context,
    )) as object,
  );
  const bulk = await admin.send(
    {
      operation: 'ListAccessKeys',
      method: 'GET',
      path: '/list-access-keys-bulk',
      query: { listType: 'all', all: 'true' },
      answer: 'sealed',
    },
    context,
  );
  const accounts = Object.values(bulk as Record<string, { serviceAccounts: { accessKey: string }[] | null }>)
    .flatMap(({ serviceAccounts }) => serviceAccounts ?? [])
    .map(({ accessKey }) => accessKey);
  return { users: users.sort(), policies: policies.sort(), accounts: accounts.sort() };
};

const issue = async (
  issuer: KeyIssuer,
  user: KeyUser,
  policy: RenderedPolicy | undefined,
  pair: KeyPair,
  within = context,
): Promise<void> => {
  await issuer.putUser(user, within);
  await issuer.putPolicy(user, policy, within);
  await issuer.createKey(user, pair, within);
};

describe('a key on MinIO', () => {
  it('has exactly its rights, has siblings, and leaves nothing behind', async () => {
    const before = await everything();
    const user = newUser();
    const [first, second] = [newPair(), newPair()];
    expect(await keys.observeUser(user, context)).toBeUndefined();

    await issue(keys, user, allow('s3:GetObject'), first);
    expect(await verifyKey(driver, first, context)).toBe('accepted');
    expect(await reads(first, 'open/one')).toBe('done');
    expect(await reads(first, 'closed/two')).toBe('AccessDenied');
    expect(await codeOf(clientOf(first).putObject(bucket, 'open/three', 'three'))).toBe('AccessDenied');
    expect(await codeOf(clientOf(first).removeObject(bucket, 'open/one'))).toBe('AccessDenied');
    expect(await keys.observeUser(user, context)).toEqual({
      arn: `arn:aws:iam:::user/${user.name}`,
      isOurs: true,
      policy: allow('s3:GetObject'),
      keys: [{ accessKeyId: first.accessKeyId, isActive: true, isMarked: true }],
      needsUpdate: false,
    });

    await keys.createKey(user, second, context);
    expect(await reads(second, 'open/one')).toBe('done');
    await keys.putPolicy(user, allow('s3:PutObject'), context);
    expect(await reads(second, 'open/one')).toBe('AccessDenied');
    expect(await codeOf(clientOf(second).putObject(bucket, 'open/three', 'three'))).toBe('done');

    await keys.deleteKey(user, first.accessKeyId, context);
    await keys.deleteKey(user, first.accessKeyId, context);
    expect(await reads(first, 'open/one')).toBe('InvalidAccessKeyId');
    expect((await keys.observeUser(user, context))?.keys).toEqual([
      { accessKeyId: second.accessKeyId, isActive: true, isMarked: true },
    ]);

    await keys.deleteUser(user, context);
    expect(await reads(second, 'open/one')).toBe('InvalidAccessKeyId');
    expect(await keys.observeUser(user, context)).toBeUndefined();
    expect(await everything()).toEqual(before);
    await keys.deleteUser(user, context);
  });

  it('is found by its keys where it has no rights, and not by what its name does not confirm', async () => {
    const [without, empty, forged] = [newUser(), newUser(), newUser()];
    for (const user of [without, empty, forged]) await keys.putUser(user, context);
    await keys.createKey(without, newPair(), context);
    // Somebody else's words on a user of ours.
    await putCannedPolicy(
      admin,
      forged.name,
      { ...allow('s3:GetObject'), ID: 's3.cloud37.dev/cluster-uid/a/b/c' },
      context,
    );
    const { users } = await keys.listUsers('cluster-uid', () => false, context);
    const names = users.map(({ name }) => name);
    expect(users).toContainEqual({ name: without.name, mark: without.mark });
    expect(names).not.toContain(empty.name);
    expect(names).not.toContain(forged.name);
    for (const user of [without, empty, forged]) await keys.deleteUser(user, context);
  });

  it('tells the display name of its object, also one that it got later', async () => {
    const user = newUser();
    const pair = newPair();
    await issue(keys, user, allow('s3:GetObject'), pair);
    const renamed = { ...user, displayName: 'Reports' };
    expect(await keys.observeUser(renamed, context)).toMatchObject({ needsUpdate: true });
    await keys.putUser(renamed, context);
    expect(await keys.observeUser(renamed, context)).toMatchObject({ needsUpdate: false });
    expect(await reads(pair, 'open/one')).toBe('done');
    await keys.deleteUser(user, context);
  });

  it('without a policy may do nothing, not even where it could before', async () => {
    const user = newUser();
    const pair = newPair();
    await issue(keys, user, undefined, pair);
    expect(await verifyKey(driver, pair, context)).toBe('accepted');
    expect(await reads(pair, 'open/one')).toBe('AccessDenied');
    expect(await codeOf(clientOf(pair).listBuckets())).toBe('AccessDenied');

    await keys.putPolicy(user, allow('s3:GetObject'), context);
    expect(await reads(pair, 'open/one')).toBe('done');
    await keys.putPolicy(user, undefined, context);
    expect(await reads(pair, 'open/one')).toBe('AccessDenied');
    expect(await keys.observeUser(user, context)).toMatchObject({ policy: undefined, needsUpdate: false });
    await keys.deleteUser(user, context);
  });

  it('has all the rights of its parent where it has no policy, so its parent is a user with none but those of the AccessKey', async () => {
    const ofRoot = newPair();
    await addServiceAccount(
      admin,
      { ...ofRoot, parent: server.accessKey, name: 'trap', description: 'made by root, without a policy' },
      context,
    );
    expect(await codeOf(clientOf(ofRoot).listBuckets())).toBe('done');
    const user = newUser();
    const pair = newPair();
    await issue(keys, user, allow('s3:GetObject'), pair);
    expect((await listServiceAccounts(admin, user.name, context)).map(({ accessKeyId }) => accessKeyId)).toEqual([
      pair.accessKeyId,
    ]);
    expect(await codeOf(clientOf(pair).listBuckets())).toBe('AccessDenied');
    await keys.deleteUser(user, context);
    await deleteServiceAccount(admin, ofRoot.accessKeyId, context);
  });

  it('cannot make further keys for its user', async () => {
    const user = newUser();
    const pair = newPair();
    await issue(keys, user, allow('s3:*', 'arn:aws:s3:::*'), pair);
    const asKey = issuerOf(createMinioDriver(connectionWith(pair), deps));
    await expect(asKey.createKey(user, newPair(), context)).rejects.toMatchObject({ reason: 'AccessDenied' });
    // What it is that holds it back: with the bare policy it can.
    await putCannedPolicy(admin, user.name, allow('s3:*', 'arn:aws:s3:::*'), context);
    await asKey.createKey(user, newPair(), context);
    expect(await listServiceAccounts(admin, user.name, context)).toHaveLength(2);
    await keys.deleteUser(user, context);
  });

  it('made a second time with another secret has the new one', async () => {
    const user = newUser();
    const pair = newPair();
    await issue(keys, user, allow('s3:GetObject'), pair);
    const again = { ...pair, secretAccessKey: newPair().secretAccessKey };
    expect(await keys.createKey(user, again, context)).toBe(again);
    expect(await reads(again, 'open/one')).toBe('done');
    expect(await reads(pair, 'open/one')).toBe('SignatureDoesNotMatch');
    await keys.deleteUser(user, context);
  });

  it("is not taken from, nor given to, somebody else's user", async () => {
    const [user, other] = [newUser(), newUser()];
    const pair = newPair();
    await issue(keys, other, allow('s3:GetObject'), pair);
    await keys.putUser(user, context);
    await expect(keys.createKey(user, pair, context)).rejects.toMatchObject({ kind: 'waiting', reason: 'NameTaken' });
    await keys.deleteKey(user, pair.accessKeyId, context);
    expect(await reads(pair, 'open/one')).toBe('done');
    await keys.deleteUser(user, context);
    await keys.deleteUser(other, context);
  });

  it('of the longest policy is issued', async () => {
    const user = newUser();
    const short = JSON.stringify(allow('s3:GetObject')).length;
    const policy = allow(
      's3:GetObject',
      `arn:aws:s3:::${bucket}/open/*`.padEnd(keys.maxPolicyBytes - short + `arn:aws:s3:::${bucket}/open/*`.length, '*'),
    );
    expect(JSON.stringify(policy)).toHaveLength(keys.maxPolicyBytes);
    await keys.putUser(user, context);
    await keys.putPolicy(user, policy, context);
    expect(await keys.observeUser(user, context)).toMatchObject({ policy });
    await keys.deleteUser(user, context);
  });

  it('of a policy that MinIO does not accept is refused for good', async () => {
    const user = newUser();
    await keys.putUser(user, context);
    await expect(keys.putPolicy(user, allow('s3:GetObjectt'), context)).rejects.toMatchObject({
      kind: 'terminal',
      reason: 'PolicyInvalid',
    });
    await keys.deleteUser(user, context);
  });
});

/** Puts a user in a group that may do everything. */
const joinGroup = async (user: string, group = 'staff'): Promise<void> => {
  const members = { group, members: [user], isRemove: false };
  await admin.send(
    { operation: 'UpdateGroupMembers', method: 'PUT', path: '/update-group-members', body: members },
    context,
  );
  await admin
    .send(
      {
        operation: 'AttachPolicy',
        method: 'POST',
        path: '/idp/builtin/policy/attach',
        body: { policies: ['readwrite'], group },
        sealsBody: true,
      },
      context,
    )
    .catch((error: unknown) => {
      // It has it from an earlier call.
      if (!(error instanceof Fault) || error.reason !== 'RequestRefused') throw error;
    });
};

describe('what somebody changed behind our back', () => {
  const changes = [
    {
      what: 'a membership of a group',
      change: ({ name }: KeyUser) => joinGroup(name),
      found: { isOurs: true, needsUpdate: true },
    },
    {
      what: 'a further policy attached',
      change: ({ name }: KeyUser) => attachPolicy(admin, name, 'readwrite', context),
      found: { isOurs: true, needsUpdate: true },
    },
    {
      what: 'a policy without mark and guard',
      change: ({ name }: KeyUser) => putCannedPolicy(admin, name, allow('s3:GetObject'), context),
      found: { isOurs: true, needsUpdate: true },
    },
    {
      what: 'other rights in the policy',
      change: (user: KeyUser) => keys.putPolicy(user, allow('s3:*'), context),
      found: { isOurs: true, needsUpdate: false, policy: allow('s3:*') },
    },
  ];

  it.each(changes)('$what is seen and mended', async ({ change, found }) => {
    const user = newUser();
    const pair = newPair();
    await issue(keys, user, allow('s3:GetObject'), pair);
    const settled = await keys.observeUser(user, context);
    await change(user);
    expect(await keys.observeUser(user, context)).toMatchObject(found);
    await keys.putUser(user, context);
    await keys.putPolicy(user, allow('s3:GetObject'), context);
    expect(await keys.observeUser(user, context)).toEqual(settled);
    expect(await reads(pair, 'open/one')).toBe('done');
    expect(await reads(pair, 'closed/two')).toBe('AccessDenied');
    await keys.deleteUser(user, context);
  });

  it.each([
    { what: 'key', disable: (_user: KeyUser, pair: KeyPair) => disableKey(pair.accessKeyId) },
    { what: 'user', disable: (user: KeyUser) => disableUser(user.name) },
  ])('a disabled $what is told, left as it is, and can be deleted', async ({ disable }) => {
    const before = await everything();
    const user = newUser();
    const pair = newPair();
    await issue(keys, user, allow('s3:GetObject'), pair);
    await disable(user, pair);
    expect(await keys.observeUser(user, context)).toMatchObject({
      keys: [{ accessKeyId: pair.accessKeyId, isActive: false }],
      needsUpdate: false,
    });
    await keys.putUser(user, context);
    expect(await reads(pair, 'open/one')).not.toBe('done');
    await keys.deleteUser(user, context);
    expect(await everything()).toEqual(before);
  });

  it("a user of our name with another owner's mark is not ours", async () => {
    const user = newUser();
    await issue(keys, user, allow('s3:GetObject'), newPair());
    const stranger = { ...user, mark: { ...user.mark, cluster: 'another' } };
    expect(await keys.observeUser(stranger, context)).toMatchObject({ isOurs: false });
    await keys.deleteUser(user, context);
  });
});

class Killed extends Error {}

/** The process dies when that many writes were done, before it reads the answer of the last. Reads change nothing: no need to die at them. */
const killedAfter = (writes: number): { context: CallContext; died: () => boolean } => {
  let seen = 0;
  let isDead = false;
  const mortal: CallContext = {
    now: new Date(0),
    signal: context.signal,
    async call(call, run) {
      if (isDead) throw new Killed();
      const result = await run();
      if (call.write) seen += 1;
      isDead = seen === writes;
      if (isDead) throw new Killed();
      return result;
    },
  };
  return { context: mortal, died: () => isDead };
};

describe('a process killed between any two calls', () => {
  const policy = allow('s3:GetObject');
  const pair = newPair();
  interface Scene {
    readonly name: string;
    /** The writes it takes: so many deaths are died. */
    readonly writes: number;
    readonly prepare: (user: KeyUser) => Promise<void>;
    readonly run: (user: KeyUser, within: CallContext) => Promise<unknown>;
  }
  const issued = (user: KeyUser): Promise<void> => issue(keys, user, policy, pair);
  const scenes: readonly Scene[] = [
    {
      name: 'issuing',
      writes: 4,
      prepare: () => Promise.resolve(),
      run: (user, within) => issue(keys, user, policy, pair, within),
    },
    {
      name: 'deleteKey',
      writes: 1,
      prepare: issued,
      run: (user, within) => keys.deleteKey(user, pair.accessKeyId, within),
    },
    {
      name: 'taking all rights',
      writes: 2,
      prepare: issued,
      run: (user, within) => keys.putPolicy(user, undefined, within),
    },
    { name: 'deleteUser', writes: 3, prepare: issued, run: (user, within) => keys.deleteUser(user, within) },
  ];

  /** All that an AccessKey may have on the server. */
  const ownState = async ({ name }: KeyUser) => ({
    user: await getUser(admin, name, context),
    policy: (await getCannedPolicy(admin, name, context)) !== undefined,
    accounts: await listServiceAccounts(admin, name, context),
  });

  it.each(scenes)('ends $name right when started again', async ({ writes, prepare, run }) => {
    const user = newUser();
    await prepare(user);
    await run(user, context);
    const wanted = await ownState(user);
    await keys.deleteUser(user, context);

    for (let done = 1; ; done += 1) {
      await prepare(user);
      const doomed = killedAfter(done);
      await run(user, doomed.context).catch((error: unknown) => {
        if (!doomed.died()) throw error;
      });
      if (!doomed.died()) {
        expect(done - 1).toBe(writes);
        break;
      }
      await run(user, context);
      expect(await ownState(user)).toEqual(wanted);
      await keys.deleteUser(user, context);
    }
    await keys.deleteUser(user, context);
  });

  it('leaves no trace of an issue that is called off half way', async () => {
    const before = await everything();
    for (let writes = 1; ; writes += 1) {
      const user = newUser();
      const doomed = killedAfter(writes);
      await issue(keys, user, policy, pair, doomed.context).catch((error: unknown) => {
        if (!doomed.died()) throw error;
      });
      // Whoever finds no user need not look further.
      if ((await keys.observeUser(user, context)) !== undefined) await keys.deleteUser(user, context);
      expect(await everything()).toEqual(before);
      if (!doomed.died()) break;
    }
  });
});

describe('tags that MinIO refuses', () => {
  it.each([
    ['a key that is not ASCII', { Zuständig: 'x' }, /the tags Zuständig:/],
    ['a value with a comma', { team: 'a, b' }, /the tags team:/],
  ])('%s: SpecInvalid that names it, and the bucket bears its mark', async (_title, tags, words) => {
    const name = `tagged-${randomBytes(4).toString('hex')}`;
    await createBucket(driver, { bucket: name }, context);
    const s3 = { wire: driver.wire(), bucket: name };
    const views = await lookAtFeatures(driver, bucketSpec({ tagging: { tags } }), bucketContext(), s3, context);
    const steps = views.flatMap((view) => (view.verdict === 'different' ? [view.step] : []));
    const fault = await steps[0]?.apply(context).catch(asFault);
    expect(fault).toMatchObject({ kind: 'terminal', reason: 'SpecInvalid' });
    expect(asFault(fault).message).toMatch(words);
    expect(await readOwner(s3, context)).toMatchObject({ kind: 'marked', mark: ownerMark() });
  });
});

describe('a bucket policy on MinIO', () => {
  const everything = { Action: ['s3:GetObject'], Resource: [`arn:aws:s3:::${bucket}/*`] };
  const everybody = { AWS: ['*'] };
  const put = async (statement: object) => {
    const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] };
    await putBucketPolicy({ wire: driver.wire(), bucket }, policy, context);
    const kept = await readBucketPolicy({ wire: driver.wire(), bucket }, context);
    return kept !== undefined && samePolicy(kept, policy) ? 'kept' : 'changed';
  };

  it.each<[Part, object, string]>([
    [
      'policyNotAction',
      { ...everything, Action: undefined, NotAction: ['s3:PutObject'], Principal: everybody },
      'ServerError',
    ],
    ['policyNotPrincipal', { ...everything, NotPrincipal: everybody }, 'PolicyInvalid'],
    ['policyPrincipalKinds', { ...everything, Principal: { Service: ['a.amazonaws.com'] } }, 'PolicyInvalid'],
    ['policyPrincipalKinds', { ...everything, Principal: { ...everybody, Service: ['a.amazonaws.com'] } }, 'changed'],
  ])('cannot have what %s stands for', async (part, statement, end) => {
    expect(driver.unsupported.has(part)).toBe(true);
    const told = await put(statement).catch((error: unknown) => (error as Fault).reason);
    expect(told).toBe(end);
    await rootClient.setBucketPolicy(bucket, '');
  });

  it('can say which resources are not meant', async () => {
    const statement = { ...everything, Resource: undefined, NotResource: [`arn:aws:s3:::${bucket}/closed/*`] };
    expect(await put({ ...statement, Principal: everybody })).toBe('kept');
    const [open, closed] = await Promise.all(
      ['open/one', 'closed/two'].map((key) => fetch(`${server.endpoint}/${bucket}/${key}`)),
    );
    expect([open?.status, closed?.status]).toEqual([200, 403]);
    await rootClient.setBucketPolicy(bucket, '');
  });

  it('says nothing about the requests of users, whatever its principal', async () => {
    const user = newUser();
    const pair = newPair();
    await issue(keys, user, allow('s3:ListBucket', `arn:aws:s3:::${bucket}`), pair);
    for (const principal of [`arn:aws:iam:::user/${user.name}`, user.name, pair.accessKeyId, '*']) {
      const statement = { Principal: { AWS: [principal] }, Action: ['s3:*'], Resource: [`arn:aws:s3:::${bucket}/*`] };
      const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] };
      await rootClient.setBucketPolicy(bucket, JSON.stringify(policy));
      expect(await reads(pair, 'open/one')).toBe('AccessDenied');
      const anonymous = await fetch(`${server.endpoint}/${bucket}/open/one`);
      expect(anonymous.status).toBe(principal === '*' ? 200 : 403);
    }
    await rootClient.setBucketPolicy(bucket, '');
    await keys.deleteUser(user, context);
  });
});

describe('the credentials of the Provider', () => {
  it('with a wrong secret are refused as such', async () => {
    const wrong = createMinioDriver(connectionWith({ ...root, secretAccessKey: redact('wrong-secret') }), deps);
    const refused = { kind: 'waiting', reason: 'AuthFailed' };
    await expect(wrong.checkHealth(context)).rejects.toMatchObject(refused);
    await expect(issuerOf(wrong).observeUser(newUser(), context)).rejects.toMatchObject(refused);
    await expect(issuerOf(wrong).putUser(newUser(), context)).rejects.toMatchObject(refused);
    wrong.close();
  });

  it('of root tell the version of the server', async () => {
    expect(await driver.checkHealth(context)).toEqual({
      listDenied: false,
      accountId: expect.any(String) as string,
      serverVersion: expect.stringMatching(/./) as string,
    });
    expect(await driver.probe(context)).toMatchObject({
      accessKeys: 'Supported',
      versioning: 'Supported',
      tagging: 'Supported',
      cors: 'Unsupported',
      mfaDelete: 'Unsupported',
    });
  });

  it('of an ordinary key are healthy, without a version and without a say about keys', async () => {
    const user = newUser();
    const pair = newPair();
    await issue(keys, user, allow('s3:GetObject'), pair);
    const modest = createMinioDriver(connectionWith(pair), deps);
    expect(await modest.checkHealth(context)).not.toHaveProperty('serverVersion');
    expect(await modest.probe(context)).toMatchObject({ accessKeys: 'Unknown' });
    await expect(issuerOf(modest).observeUser(user, context)).rejects.toMatchObject({ reason: 'AccessDenied' });
    modest.close();
    await keys.deleteUser(user, context);
  });
});

describe('the policy that docs/providers/minio.md gives the operator', () => {
  const page = readFileSync(new URL('../../../docs/providers/minio.md', import.meta.url), 'utf8');
  const documented = JSON.parse(/```json\n([^`]+)```/.exec(page)?.[1] ?? '') as {
    Version: string;
    Statement: readonly { Action: readonly string[] }[];
  };
  const operator = { accessKeyId: 'operator', secretAccessKey: redact('operator-secret-key') };
  let limited: Driver;

  beforeAll(async () => {
    await addUser(admin, operator.accessKeyId, operator.secretAccessKey, context);
    await putCannedPolicy(admin, 'operator', documented, context);
    await attachPolicy(admin, operator.accessKeyId, 'operator', context);
    limited = createMinioDriver(connectionWith(operator), deps);
  });

  afterAll(async () => {
    limited.close();
    await removeUser(admin, operator.accessKeyId, context);
    await removeCannedPolicy(admin, 'operator', context);
  });

  /** All that features of a bucket do by the admin API: one with a quota, whose objects are copied to another one. */
  const features = async (): Promise<void> => {
    const [source, copies] = ['limited', 'copies'];
    const versioning = { enabled: true, mfaDelete: false };
    const rule = {
      id: 'all',
      status: 'Enabled',
      destination: { bucketRef: { name: copies } },
      deleteMarkers: true,
      existingObjects: true,
    } as const;
    const input: Input = {
      kind: 'Bucket',
      key: `team-a/${copies}`,
      bucket: copies,
      region: server.region,
      driver: limited,
      credentialsVersion: '1',
      isOfOneKeeper: true,
    };
    const inputs = new Map([['replication.all', input]]);
    for (const [bucket, spec] of [
      [copies, { versioning }],
      [source, { versioning }],
      [source, { versioning, quota: { maxBytes: 1_000_000 }, replication: { rules: [rule], others: 'Remove' } }],
      [source, { versioning, quota: { maxBytes: 0 }, replication: { rules: [], others: 'Remove' } }],
    ] as const) {
      await createBucket(limited, { bucket }, context).catch(onlyFault);
      const s3 = { wire: limited.wire(), bucket };
      for (const view of await lookAtFeatures(limited, bucketSpec(spec), bucketContext({ inputs }), s3, context)) {
        if (view.verdict === 'blocked') throw view.fault;
        if (view.verdict === 'different') await view.step.apply(context);
      }
    }
  };

  /** All that we ever do with users and keys. */
  const wholeLife = async (user: KeyUser, pair: KeyPair): Promise<void> => {
    const issuer = issuerOf(limited);
    await issue(issuer, user, allow('s3:GetObject'), pair);
    await joinGroup(user.name);
    await issuer.putUser(user, context);
    await issuer.observeUser(user, context);
    await issuer.createKey(user, pair, context);
    await issuer.deleteKey(user, pair.accessKeyId, context);
    await issuer.listUsers(user.mark.cluster, () => false, context);
    await issuer.deleteUser(user, context);
    await features();
    expect((await limited.checkHealth(context)).serverVersion).toEqual(expect.any(String));
  };

  it("is enough for a key's whole life, and for the features of a bucket", async () => {
    const user = newUser();
    await wholeLife(user, newPair());
    expect(await getUser(admin, user.name, context)).toBeUndefined();
  });

  it.each(documented.Statement.flatMap(({ Action }) => Action).filter((action) => action.startsWith('admin:')))(
    'needs %s',
    async (missing) => {
      const narrowed = documented.Statement.map((statement) => ({
        ...statement,
        Action: statement.Action.filter((action) => action !== missing),
      }));
      await putCannedPolicy(
        admin,
        'operator',
        { ...documented, Statement: narrowed.filter(({ Action }) => Action.length > 0) },
        context,
      );
      limited.close();
      limited = createMinioDriver(connectionWith(operator), deps); // the former remembers the version
      const user = newUser();
      await expect(wholeLife(user, newPair())).rejects.toSatisfy((error) =>
        error instanceof Fault ? error.reason === 'AccessDenied' : missing === 'admin:ServerInfo',
      );
      await keys.deleteUser(user, context);
    },
  );
});
