import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetBucketReplicationCommand, PutBucketReplicationCommand, type S3Client } from '@aws-sdk/client-s3';
import { Fault, redact, waiting } from '@operator/outcome';
import {
  bindAspect,
  birthOf,
  createBucket,
  createS3Driver,
  lookAtFeatures,
  versioning,
  type Aspect,
  type BucketContext,
  type Driver,
  type Input,
} from '@operator/s3';
import {
  bucketContext,
  bucketSpec,
  connectionTo,
  driverDeps,
  independentClient,
  recordingContext,
} from '@operator/testing';
import { startMoto, type S3Server } from '@operator/tools/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/* What a later feature needs of the seam, each by a small aspect that works on a real server. */

let dir: string;
let moto: S3Server;
let client: S3Client;
const drivers: Driver[] = [];
const context = recordingContext();

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'seam-'));
  moto = await startMoto({ dir });
  client = independentClient(moto);
});
afterAll(async () => {
  for (const driver of drivers) driver.close();
  client.destroy();
  await moto.stop();
  await rm(dir, { recursive: true });
});

const driverWith = (aspects: () => Driver['aspects']): Driver => {
  const credentials = { accessKeyId: moto.accessKey, secretAccessKey: redact(moto.secretKey) };
  const driver = createS3Driver(connectionTo(moto.endpoint, { region: moto.region, credentials }), driverDeps(), {
    aspects,
    unsupported: new Map(),
    serverIdentity: moto.endpoint,
    isCertain: false,
    keys: () => 'none',
  });
  drivers.push(driver);
  return driver;
};

let made = 0;
const freshBucket = async (driver: Driver, spec = bucketSpec(), bucket: BucketContext = bucketContext()) => {
  const name = `seam-${String((made += 1))}`;
  await createBucket(driver, { bucket: name, born: birthOf(driver, spec, bucket).input }, context);
  return { wire: driver.wire(), bucket: name };
};

type S3 = Awaited<ReturnType<typeof freshBucket>>;
/** Applies all steps; then nothing is left to do. */
const converge = async (driver: Driver, s3: S3, spec: ReturnType<typeof bucketSpec>, bucket = bucketContext()) => {
  for (const view of await lookAtFeatures(driver, spec, bucket, s3, context))
    if (view.verdict === 'different') expect(await view.step.apply(context)).toEqual({ end: 'done' });
  const views = await lookAtFeatures(driver, spec, bucket, s3, context);
  expect(views.map(({ verdict }) => verdict)).toEqual(views.map(() => 'same'));
};

describe('a feature that needs a second bucket', () => {
  const destination = 'replication.destination';
  const replication: Aspect<string, string | undefined, string> = {
    name: 'replication',
    refersTo: ({ replication: declared }) =>
      (declared?.rules ?? []).flatMap(({ destination: { bucketRef } }) =>
        bucketRef === undefined ? [] : [{ as: destination, kind: 'Bucket', ref: bucketRef } as const],
      ),
    desired({ replication: declared }, { inputs }) {
      const input = inputs.get(destination);
      const found = input instanceof Fault || input?.kind !== 'Bucket' ? undefined : input;
      return declared && found && `arn:aws:s3:::${found.bucket}`;
    },
    async read({ wire, bucket }, within) {
      const command = new GetBucketReplicationCommand({ Bucket: bucket });
      const found = await wire.sendOrAbsent(command, ['ReplicationConfigurationNotFoundError'], within);
      return found?.ReplicationConfiguration?.Rules?.[0]?.Destination?.Bucket;
    },
    isSet: (have) => have !== undefined,
    diff: (want, have) => (want === have ? undefined : want),
    async write({ wire, bucket }, arn, within) {
      const Rules = [
        {
          ID: 'one',
          Status: 'Enabled',
          Priority: 1,
          Filter: {},
          Destination: { Bucket: arn },
          DeleteMarkerReplication: { Status: 'Disabled' },
        } as const,
      ];
      const Role = 'arn:aws:iam::123456789012:role/copies';
      await wire.send(
        new PutBucketReplicationCommand({ Bucket: bucket, ReplicationConfiguration: { Role, Rules } }),
        within,
      );
    },
  };
  const spec = bucketSpec({
    versioning: { enabled: true, mfaDelete: false },
    replication: {
      rules: [
        {
          id: 'one',
          status: 'Enabled',
          destination: { bucketRef: { name: 'copies' } },
          deleteMarkers: false,
          existingObjects: false,
        },
      ],
    },
  });
  const withInput = (input: Input | Fault) => bucketContext({ inputs: new Map([[destination, input]]) });

  it('is blocked while that one is not there, and the rest converges; then it follows', async () => {
    const driver = driverWith(() => [bindAspect(replication), bindAspect(versioning)]);
    const [s3, other] = [await freshBucket(driver), await freshBucket(driver)];
    const missing = withInput(waiting('BucketNotFound', 'Bucket team-a/copies does not exist.'));
    for (const view of await lookAtFeatures(driver, spec, missing, s3, context))
      if (view.verdict === 'different') await view.step.apply(context);
    expect(await lookAtFeatures(driver, spec, missing, s3, context)).toMatchObject([
      { aspect: 'versioning', verdict: 'same' },
      { aspect: 'replication', verdict: 'blocked', fault: { reason: 'BucketNotFound' } },
    ]);
    const found = { kind: 'Bucket', bucket: other.bucket, region: moto.region, driver } as const;
    await converge(driver, other, bucketSpec({ versioning: { enabled: true, mfaDelete: false } }));
    await converge(driver, s3, spec, withInput(found));
    const seen = await client.send(new GetBucketReplicationCommand({ Bucket: s3.bucket }));
    expect(seen.ReplicationConfiguration?.Rules?.[0]?.Destination?.Bucket).toBe(`arn:aws:s3:::${other.bucket}`);
  });
});
