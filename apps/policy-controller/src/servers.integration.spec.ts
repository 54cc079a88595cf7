import {
  CreateBucketCommand,
  GetBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { BucketPolicySpec, BucketPolicyStatus, BucketSpec, PolicyStatement } from '@operator/api';
import { createBench, createTestWorld, objectOf, ownerTags } from '@operator/references/testing';
import { publicAccess, type Driver, type DriverFactory } from '@operator/s3';
import { bucketSpec, driverDeps, independentClient, recordingContext, startUnderTest } from '@operator/testing';
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
const open: NonNullable<BucketSpec['publicAccess']> = {
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

interface Server {
  readonly name: string;
  readonly start: ReturnType<typeof startUnderTest>;
  readonly factory: () => Promise<DriverFactory>;
  readonly hasBlocks: boolean;
}
const custom = async () => (await import('@operator/driver-generic')).createGenericDriver;
const servers: readonly Server[] = [
  {
    name: 'minio',
    start: startUnderTest(startMinio),
    factory: async () => (await import('@operator/driver-minio')).createMinioDriver,
    hasBlocks: false,
  },
  { name: 'versitygw', start: startUnderTest(startVersitygw), factory: custom, hasBlocks: false },
  { name: 'seaweedfs', start: startUnderTest(startSeaweedfs), factory: custom, hasBlocks: false },
  {
    name: 'moto',
    start: startUnderTest(startMoto),
    factory: async () => (await import('@operator/driver-aws')).createAwsDriver,
    hasBlocks: true,
  },
];

describe.each(servers)('a policy on $name', ({ start, factory, hasBlocks }) => {
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

  /** A bucket of ours with an object in it, a Bucket that does not declare publicAccess, and a BucketPolicy. */
  const begin = async (statement: readonly PolicyStatement[]) => {
    const bucketName = `policy-${String((made += 1))}`;
    await client.send(new CreateBucketCommand({ Bucket: bucketName }));
    const TagSet = [...ownerTags({ name: bucketName })].map(([Key, Value]) => ({ Key, Value }));
    await client.send(new PutBucketTaggingCommand({ Bucket: bucketName, Tagging: { TagSet } }));
    await client.send(new PutObjectCommand({ Bucket: bucketName, Key: 'letter', Body: 'content' }));
    const world = createTestWorld(driver);
    const status = { bucketName, exists: true, endpoint: driver.serverIdentity, ownership: 'Created' as const };
    const declare = (spec: Partial<BucketSpec>) =>
      world.buckets.set(
        `team-a/${bucketName}`,
        objectOf('Bucket', bucketName, bucketSpec({ name: bucketName, ...spec }), { status }),
      );
    declare({});
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
    /** The status of a request that nobody has signed. */
    const anonymousGet = async () => (await fetch(`${server.connection.endpoint}/${bucketName}/letter`)).status;
    const stored = async () => (await client.send(new GetBucketPolicyCommand({ Bucket: bucketName }))).Policy;
    return { bench, declare, anonymousGet, stored, s3: { wire: driver.wire(), bucket: bucketName } };
  };

  it.each(documents)('never loops, whatever the server makes of it: %s', async (_title, statement) => {
    const { bench, declare, stored } = await begin(statement);
    declare({ publicAccess: open });
    expect(await bench.run()).toMatchObject({ result: 'settled' });
    expect(await stored()).toBeDefined();
    for (const restarts of [false, false, true, false]) {
      if (restarts) bench.restart();
      bench.advance(600_000);
      const { result, writes } = await bench.pass();
      expect({ result, writes }).toEqual({ result: 'settled', writes: [] });
    }
  });

  if (hasBlocks)
    it('waits, where it is public, for the public access block of the bucket, and is then left to the server', async () => {
      const { bench, s3 } = await begin([everybody]);
      expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'BucketNotReady' });
      await publicAccess.write(
        s3,
        { ...open, blockPublicPolicy: true, restrictPublicBuckets: true },
        recordingContext(),
      );
      // moto keeps no policy off by its blocks.
      expect(await bench.run()).toMatchObject({ result: 'settled' });
    });
  else
    it('is refused by the operator, where it is public, until the Bucket lets it in, and nobody gets in before', async () => {
      const { bench, declare, anonymousGet } = await begin([everybody]);
      expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'PublicPolicyBlocked' });
      expect(await anonymousGet()).toBe(403);
      declare({ publicAccess: open });
      expect(await bench.run()).toMatchObject({ result: 'settled' });
      expect(await anonymousGet()).toBe(200);
    });
});
