import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { testCluster } from '@operator/references/testing';
import { driverDeps, startUnderTest } from '@operator/testing';
import { obtainServers, startMinio, startMoto, startSeaweedfs } from '@operator/tools/local';
import { expect, it } from 'vitest';
import { keyOn, makeByIam, readsOwn, tryForeignKey } from '../test/foreign-keys.ts';

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
