import { CreateBucketCommand, PutBucketTaggingCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { BucketPolicySpec, BucketPolicyStatus, BucketSpec } from '@operator/api';
import { createBench, createTestWorld, objectOf, ownerTags } from '@operator/references/testing';
import { publicAccess, type Driver, type DriverFactory } from '@operator/s3';
import { bucketSpec, driverDeps, independentClient, recordingContext, startUnderTest } from '@operator/testing';
import { startMinio, startMoto, startSeaweedfs, startVersitygw } from '@operator/tools/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BucketPolicy } from './deps.ts';
import { policyReconciler } from './reconciler.ts';
import { trimRival } from './rivals.ts';
import { createWriteMemory } from './write-memory.ts';

const open: NonNullable<BucketSpec['publicAccess']> = {
  blockPublicAcls: false,
  blockPublicPolicy: false,
  ignorePublicAcls: false,
  restrictPublicBuckets: false,
};

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

describe.each(servers)('a public policy on $name', ({ start, factory, hasBlocks }) => {
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

  /** A bucket of ours with an object in it, a Bucket that does not declare publicAccess, and a public BucketPolicy. */
  const begin = async () => {
    const bucketName = `public-${String((made += 1))}`;
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
        policy: {
          version: '2012-10-17',
          statement: [
            { effect: 'Allow', principal: '*', action: 's3:GetObject', resource: 'arn:aws:s3:::${bucket}/*' },
          ],
        },
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
    return { bench, declare, anonymousGet, s3: { wire: driver.wire(), bucket: bucketName } };
  };

  if (hasBlocks)
    it('waits for the public access block of the bucket, and is then left to the server', async () => {
      const { bench, s3 } = await begin();
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
    it('is refused by the operator until the Bucket lets it in, and nobody gets in before', async () => {
      const { bench, declare, anonymousGet } = await begin();
      expect(await bench.run()).toMatchObject({ result: 'waiting', reason: 'PublicPolicyBlocked' });
      expect(await anonymousGet()).toBe(403);
      declare({ publicAccess: open });
      expect(await bench.run()).toMatchObject({ result: 'settled' });
      expect(await anonymousGet()).toBe(200);
    });
});
