import {
  CreateBucketCommand,
  GetBucketPolicyCommand,
  PutBucketTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { BucketPolicySpec, BucketPolicyStatus, PolicyStatement } from '@operator/api';
import { createBench, createTestWorld, objectOf, ownerTags } from '@operator/references/testing';
import type { Driver, DriverFactory } from '@operator/s3';
import { bucketSpec, driverDeps, independentClient, startUnderTest } from '@operator/testing';
import { startMinio, startMoto, startSeaweedfs, startVersitygw } from '@operator/tools/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BucketPolicy } from './deps.ts';
import { policyReconciler } from './reconciler.ts';
import { trimRival } from './rivals.ts';
import { createWriteMemory } from './write-memory.ts';

const everybody: PolicyStatement = {
  effect: 'Allow',
  principal: '*',
  action: 's3:GetObject',
  resource: 'arn:aws:s3:::${bucket}/*',
};
/** Lets a public policy in. */
const open = {
  blockPublicAcls: false,
  blockPublicPolicy: false,
  ignorePublicAcls: false,
  restrictPublicBuckets: false,
};
const within = (operator: string, key: string, value: unknown): PolicyStatement => ({
  ...everybody,
  condition: { [operator]: { [key]: value } } as NonNullable<PolicyStatement['condition']>,
});

/** Documents that a server may store in other words. */
const documents: readonly (readonly [string, readonly PolicyStatement[]])[] = [
  ['scalars', [everybody]],
  ['lists out of order, and twice', [{ ...everybody, action: ['s3:PutObject', 's3:GetObject', 's3:PutObject'] }]],
  ['a principal in a list', [{ ...everybody, principal: { AWS: ['*'] } }]],
  ['runs of stars', [{ ...everybody, action: 's3:Get**', resource: 'arn:aws:s3:::${bucket}/**' }]],
  ['a sid', [{ ...everybody, sid: 'Read1' }]],
  [
    'two statements, one a repetition',
    [everybody, { ...everybody, effect: 'Deny', action: 's3:DeleteObject' }, everybody],
  ],
  ['an address without a length', [within('IpAddress', 'aws:SourceIp', '203.0.113.7')]],
  [
    'a network by one of its addresses',
    [within('IpAddress', 'aws:SourceIp', ['203.0.113.7/24', '2001:DB8:0:0::1/64'])],
  ],
  ['a boolean', [within('Bool', 'aws:SecureTransport', true)]],
  ['an instant', [within('DateGreaterThan', 'aws:CurrentTime', '2026-01-01T01:00:00+01:00')]],
  [
    'a number',
    [
      {
        ...within('NumericLessThanEquals', 's3:max-keys', 10),
        action: 's3:ListBucket',
        resource: 'arn:aws:s3:::${bucket}',
      },
    ],
  ],
];

const servers: readonly (readonly [string, ReturnType<typeof startUnderTest>, () => Promise<DriverFactory>])[] = [
  ['minio', startUnderTest(startMinio), async () => (await import('@operator/driver-minio')).createMinioDriver],
  ['moto', startUnderTest(startMoto), async () => (await import('@operator/driver-aws')).createAwsDriver],
  [
    'versitygw',
    startUnderTest(startVersitygw),
    async () => (await import('@operator/driver-generic')).createGenericDriver,
  ],
  [
    'seaweedfs',
    startUnderTest(startSeaweedfs),
    async () => (await import('@operator/driver-generic')).createGenericDriver,
  ],
];

describe.each(servers)('what %s makes of a document', (_name, start, factory) => {
  let server: Awaited<ReturnType<typeof start>>;
  let driver: Driver;
  let client: S3Client;
  let made = 0;
  beforeAll(async () => {
    server = await start();
    driver = (await factory())(server.connection, driverDeps());
    const { endpoint, region, credentials } = server.connection;
    const [accessKey, secretKey] = [credentials.accessKeyId, credentials.secretAccessKey.reveal()];
    client = independentClient({ endpoint, region, accessKey, secretKey });
  });
  afterAll(async () => {
    client.destroy();
    driver.close();
    await server.stop();
  });

  const begin = async (statement: readonly PolicyStatement[]) => {
    const bucketName = `policy-${String((made += 1))}`;
    await client.send(new CreateBucketCommand({ Bucket: bucketName }));
    const TagSet = [...ownerTags({ name: bucketName })].map(([Key, Value]) => ({ Key, Value }));
    await client.send(new PutBucketTaggingCommand({ Bucket: bucketName, Tagging: { TagSet } }));
    const world = createTestWorld(driver);
    const status = {
      bucketName,
      exists: true,
      endpoint: driver.serverIdentity,
      ownership: 'Created' as const,
    };
    world.buckets.set(
      `team-a/${bucketName}`,
      objectOf('Bucket', bucketName, bucketSpec({ name: bucketName, publicAccess: open }), { status }),
    );
    const policies = new Map<string, BucketPolicy>();
    const bench = createBench<BucketPolicySpec, BucketPolicyStatus>({
      writes: world.writes,
      store: policies,
      live: (_resource, key) => world.buckets.get(key),
      object: objectOf('BucketPolicy', 'read', {
        bucketRef: { name: bucketName },
        policy: { version: '2012-10-17', statement: [...statement] },
      }),
      reconciler: () =>
        policyReconciler({
          references: world.references(),
          ownership: world.ownership,
          bucketAt: world.referredBucket,
          policiesOf: () => [...policies.values()].map(trimRival),
          policiesAt: () => [...policies.values()].map(trimRival),
          livePolicies: () => Promise.resolve([...policies.values()]),
          lookAgain: () => undefined,
          accessKeyAt: () => undefined,
          labelsOf: () => Promise.resolve({}),
          writes: createWriteMemory(),
        }),
    });
    const stored = async () => (await client.send(new GetBucketPolicyCommand({ Bucket: bucketName }))).Policy;
    return { bench, stored };
  };

  it.each(documents)('never loops: %s', async (_title, statement) => {
    const { bench, stored } = await begin(statement);
    expect(await bench.run()).toMatchObject({ result: 'settled' });
    expect(await stored()).toBeDefined();
    for (const restarts of [false, false, true, false]) {
      if (restarts) bench.restart();
      bench.advance(600_000);
      const { result, writes } = await bench.pass();
      expect({ result, writes }).toEqual({ result: 'settled', writes: [] });
    }
  });
});
