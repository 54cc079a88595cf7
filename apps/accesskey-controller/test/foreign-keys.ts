import { CreateAccessKeyCommand, IAMClient } from '@aws-sdk/client-iam';
import type { AccessKeySpec, AccessKeyStatus } from '@operator/api';
import { createBench, createTestWorld, objectOf, testCluster } from '@operator/references/testing';
import type { Connection, Driver } from '@operator/s3';
import { recordingContext } from '@operator/testing';
import { expect } from 'vitest';
import { reconcilerOf } from './reconciler-of.ts';

/** An AccessKey on a real server, and what its user has there. */
export const keyOn = (driver: Driver, spec: Partial<AccessKeySpec> = {}) => {
  const { keys } = driver;
  if (typeof keys === 'string') throw new Error(keys);
  const world = createTestWorld(driver);
  const bench = createBench<AccessKeySpec, AccessKeyStatus>({
    writes: world.writes,
    object: objectOf('AccessKey', 'app', { providerRef: { name: 'provider' }, ...spec }),
    reconciler: () => reconcilerOf(world),
  });
  const mark = { cluster: testCluster, namespace: 'team-a', name: 'app', uid: 'uid-app' };
  const user = { name: keys.userNameFor(mark), mark, tags: new Map<string, string>() };
  const idsAtServer = async () =>
    ((await keys.observeUser(user, recordingContext()))?.keys ?? []).map(({ accessKeyId }) => accessKeyId).sort();
  return { bench, kube: world.kube, userName: user.name, idsAtServer };
};

export const readsOwn: NonNullable<AccessKeySpec['policy']> = {
  version: '2012-10-17',
  statement: [{ effect: 'Allow', action: 's3:GetObject', resource: 'arn:aws:s3:::photos/*' }],
};

/** Somebody else makes a key for our user: it is told and stays, until all keys are revoked. `policy`: of the AccessKey. */
export const tryForeignKey = async (
  driver: Driver,
  makeKey: (userName: string) => Promise<string>,
  policy = readsOwn,
): Promise<void> => {
  const { bench, userName, idsAtServer } = keyOn(driver, { policy });
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

/** Makes a key with the credentials of the Provider, past the operator. */
export const makeByIam =
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
