import { GetBucketReplicationCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import type { BucketSpec } from '@operator/api';
import { createBucket, lookAtFeatures, type Driver } from '@operator/s3';
import {
  bucketContext,
  bucketSpec,
  driverDeps,
  independentClient,
  recordingContext,
  startUnderTest,
} from '@operator/testing';
import { startMoto } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAwsDriver } from './aws-driver.ts';

type Rule = NonNullable<BucketSpec['replication']>['rules'][number];

let server: Awaited<ReturnType<ReturnType<typeof startUnderTest>>>;
let driver: Driver;
const context = recordingContext();

beforeAll(async () => {
  server = await startUnderTest(startMoto)();
  driver = createAwsDriver(server.connection, driverDeps());
});
afterAll(async () => {
  driver.close();
  await server.stop();
});

it('the document of a replication is written with its role, is found as it was written, and goes', async () => {
  const { endpoint, region, credentials } = server.connection;
  const secretKey = credentials.secretAccessKey.reveal();
  const client = independentClient({ endpoint, region, accessKey: credentials.accessKeyId, secretKey });
  for (const Bucket of ['source', 'copies']) {
    await createBucket(driver, { bucket: Bucket }, context);
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  }
  const role = 'arn:aws:iam::123456789012:role/copies';
  const input = {
    kind: 'Bucket',
    key: 'team-a/copies',
    bucket: 'copies',
    region,
    driver,
    credentialsVersion: '1',
    isOfOneKeeper: true,
  } as const;
  const rule: Rule = {
    id: 'all',
    status: 'Enabled',
    destination: { bucketRef: { name: 'copies' } },
    deleteMarkers: false,
    existingObjects: false,
  };
  const s3 = { wire: driver.wire(), bucket: 'source' };
  const look = async (rules: readonly Rule[]) => {
    const spec = bucketSpec({ replication: { role, rules, others: 'Remove' } });
    const bucket = bucketContext({ inputs: new Map([['replication.all', input]]) });
    return lookAtFeatures(driver, spec, bucket, s3, context);
  };
  const converge = async (rules: readonly Rule[]) => {
    for (const view of await look(rules)) if (view.verdict === 'different') await view.step.apply(context);
    return (await look(rules)).find(({ aspect }) => aspect === 'replication');
  };
  const stored = () => client.send(new GetBucketReplicationCommand({ Bucket: 'source' }));
  expect(await converge([rule])).toMatchObject({ verdict: 'same' });
  const whole = {
    Role: role,
    Rules: [{ ID: 'all', Priority: 1, Filter: { Prefix: '' }, Destination: { Bucket: 'arn:aws:s3:::copies' } }],
  };
  expect((await stored()).ReplicationConfiguration).toMatchObject(whole);
  // moto drops the prefix: a rule that would copy more than was declared does not stay.
  const bounded: Rule = { ...rule, prefix: 'a/', status: 'Disabled' };
  expect(await converge([bounded])).toMatchObject({ verdict: 'unsupported' });
  expect((await stored()).ReplicationConfiguration).toMatchObject(whole);
  expect(await converge([])).toMatchObject({ verdict: 'same' });
  await expect(stored()).rejects.toMatchObject({ name: 'ReplicationConfigurationNotFoundError' });
  client.destroy();
});
