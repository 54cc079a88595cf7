import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CreateAccessKeyCommand, IAMClient } from '@aws-sdk/client-iam';
import type { AccessKeySpec, AccessKeyStatus } from '@operator/api';
import { createBench, createTestWorld, objectOf, testCluster } from '@operator/references/testing';
import type { Connection, Driver } from '@operator/s3';
import { driverDeps, recordingContext, startUnderTest } from '@operator/testing';
import { obtainServers, startMinio, startMoto, startSeaweedfs } from '@operator/tools/local';
import { expect, it } from 'vitest';
import { createCandidates } from './candidates.ts';
import { makePair } from './pair.ts';
import { createUserPlaces } from './places.ts';
import { accessKeyReconciler } from './reconciler.ts';

/** An AccessKey on a real server, and what its user has there. */
const keyOn = (driver: Driver, spec: Partial<AccessKeySpec> = {}) => {
  const { keys } = driver;
  if (typeof keys === 'string') throw new Error(keys);
  const world = createTestWorld(driver);
  const bench = createBench<AccessKeySpec, AccessKeyStatus>({
    writes: world.writes,
    object: objectOf('AccessKey', 'app', { providerRef: { name: 'provider' }, ...spec }),
    reconciler: () =>
      accessKeyReconciler({
        kube: world.kube.client,
        references: world.references(),
        ownership: world.ownership,
        places: createUserPlaces(),
        candidates: createCandidates(),
        newPair: () => makePair(randomBytes),
      }),
  });
  const mark = { cluster: testCluster, namespace: 'team-a', name: 'app', uid: 'uid-app' };
  const user = { name: keys.userNameFor(mark), mark, tags: new Map<string, string>() };
  const idsAtServer = async () =>
    ((await keys.observeUser(user, recordingContext()))?.keys ?? []).map(({ accessKeyId }) => accessKeyId).sort();
  return { bench, userName: user.name, idsAtServer };
};

const readsOwn: NonNullable<AccessKeySpec['policy']> = {
  version: '2012-10-17',
  statement: [{ effect: 'Allow', action: 's3:GetObject', resource: 'arn:aws:s3:::photos/*' }],
};

/** Somebody else makes a key for our user: it is told and stays, until all keys are revoked. */
const tryForeignKey = async (driver: Driver, makeKey: (userName: string) => Promise<string>): Promise<void> => {
  const { bench, userName, idsAtServer } = keyOn(driver, { policy: readsOwn });
  await bench.run();
  const [own = ''] = await idsAtServer();
  const theirs = await makeKey(userName);
  expect((await bench.run()).result).toBe('settled');
  expect(bench.conditions()).toEqual(['Ready=True Ready', 'ForeignKeys=True ForeignKeys']);
  expect(bench.facts()).toMatchObject({ accessKeyId: own, foreignKeys: [theirs] });
  expect(await bench.pass()).toMatchObject({ writes: [], events: [] });
  // A process that knows nothing but the status does not take it for a stray of its own.
  bench.restart();
  bench.annotate({ 's3.cloud37.dev/rotate-requested-at': 'now' });
  await bench.run();
  expect(await idsAtServer()).toContain(theirs);

  bench.annotate({ 's3.cloud37.dev/revoke-requested-at': 'now' });
  await bench.run();
  expect(bench.conditions()).toEqual(['Ready=True Ready']);
  expect(await idsAtServer()).toEqual([bench.facts().accessKeyId]);
  expect(bench.facts().accessKeyId).not.toBe(own);
  bench.delete();
  expect(await bench.run()).toMatchObject({ result: 'gone' });
};

const makeByIam =
  ({ endpoint, iamEndpoint = endpoint, region, credentials }: Connection) =>
  async (UserName: string): Promise<string> => {
    const { accessKeyId, secretAccessKey } = credentials;
    const iam = new IAMClient({
      endpoint: iamEndpoint,
      region,
      credentials: { accessKeyId, secretAccessKey: secretAccessKey.reveal() },
    });
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    iam.destroy();
    return AccessKey?.AccessKeyId ?? '';
  };

it.each([
  ['moto', startMoto, async () => (await import('@operator/driver-aws')).createAwsDriver],
  ['SeaweedFS', startSeaweedfs, async () => (await import('@operator/driver-generic')).createGenericDriver],
] as const)('a key of somebody else on %s', async (_server, start, load) => {
  const createDriver = await load();
  const server = await startUnderTest(start)();
  const driver = createDriver(server.connection, driverDeps());
  try {
    await tryForeignKey(driver, makeByIam(server.connection));
  } finally {
    driver.close();
    await server.stop();
  }
});

/**
 * The official client of another language for MinIO's administration: it makes a key for a user and puts that into a group, and reads back what
 * there is. Its own call for a new key knows no other user than its own.
 */
const minioAdmin = `
import json, sys
from minio.credentials import StaticProvider
from minio.crypto import decrypt, encrypt
from minio.minioadmin import MinioAdmin, _COMMAND
host, key, secret, user, make = sys.argv[1:]
admin = MinioAdmin(endpoint=host, credentials=StaticProvider(key, secret), secure=False)
if make:
    body = encrypt(json.dumps({"targetUser": user, "name": "theirs"}).encode(), secret)
    answer = admin._url_open(method="PUT", command=_COMMAND.SERVICE_ACCOUNT_ADD, body=body, preload_content=False)
    print(decrypt(answer, secret).decode())
    admin.group_add("staff", [user])
else:
    keys = json.loads(admin.list_service_account(user))["accounts"]
    print(json.dumps({
        "user": json.loads(admin.user_info(user)),
        "policy": json.loads(admin.policy_info(user)),
        "keys": [json.loads(admin.get_service_account(one["accessKey"])) for one in keys],
    }))
`;

it('a key of somebody else on MinIO, whose own client reads back what the operator made', async () => {
  const { aws } = await obtainServers(['aws']);
  const server = await startUnderTest(startMinio)();
  const { connection } = server;
  const { createMinioDriver } = await import('@operator/driver-minio');
  const driver = createMinioDriver(connection, driverDeps());
  const { accessKeyId, secretAccessKey } = connection.credentials;
  const admin = async (user: string, make = ''): Promise<Record<string, unknown>> => {
    const args = ['-c', minioAdmin, new URL(connection.endpoint).host, accessKeyId, secretAccessKey.reveal()];
    const { stdout } = await promisify(execFile)(join(dirname(aws), 'python'), [...args, user, make]);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  try {
    const { bench, userName, idsAtServer } = keyOn(driver, { policy: readsOwn });
    await bench.run();
    const [id] = await idsAtServer();
    const seen = await admin(userName);
    expect(seen).toMatchObject({
      user: { status: 'enabled', policyName: userName },
      policy: { ID: `s3.cloud37.dev/${testCluster}/team-a/app/uid-app` },
      keys: [{ parentUser: userName, impliedPolicy: true, accountStatus: 'on', name: 'k8s-team-a-app' }],
    });
    expect(JSON.stringify(seen)).toContain('arn:aws:s3:::photos/*');
    bench.delete();
    await bench.run();

    await tryForeignKey(driver, async (user) => {
      const { credentials } = await admin(user, 'yes');
      // The group is left at once: it gives rights that nobody declared.
      expect(await admin(user)).toMatchObject({ user: { memberOf: ['staff'] } });
      return (credentials as { accessKey: string }).accessKey;
    });
    expect(id).toBeDefined();
  } finally {
    driver.close();
    await server.stop();
  }
});
