import {
  DeleteBucketPolicyCommand,
  GetPublicAccessBlockCommand,
  PutBucketAclCommand,
  PutBucketPolicyCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { BucketSpec } from '@operator/api';
import { createBucket, lookAtFeatures, putBucketPolicy, type Driver } from '@operator/s3';
import {
  bucketContext,
  bucketSpec,
  driverDeps,
  independentClient,
  recordingContext,
  startUnderTest,
} from '@operator/testing';
import { startCeph } from '@operator/tools/local';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGenericDriver } from './generic-driver.ts';

type Flags = NonNullable<BucketSpec['publicAccess']>;

const context = recordingContext();
const open: Flags = {
  blockPublicAcls: false,
  blockPublicPolicy: false,
  ignorePublicAcls: false,
  restrictPublicBuckets: false,
};

let server: Awaited<ReturnType<ReturnType<typeof startUnderTest>>>;
let driver: Driver;
let independent: S3Client;
beforeAll(async () => {
  server = await startUnderTest(startCeph)();
  driver = createGenericDriver(server.connection, driverDeps());
  const { endpoint, region, credentials } = server.connection;
  const [accessKey, secretKey] = [credentials.accessKeyId, credentials.secretAccessKey.reveal()];
  independent = independentClient({ endpoint, region, accessKey, secretKey });
});
afterAll(async () => {
  independent.destroy();
  driver.close();
  await server.stop();
});

let Bucket: string;
let number = 0;
/** One pass of a controller; `undefined`: publicAccess is left out. */
const converge = async (publicAccess?: Flags) => {
  const spec = bucketSpec(publicAccess === undefined ? {} : { publicAccess });
  const s3 = { wire: driver.wire(), bucket: Bucket };
  const look = () => lookAtFeatures(driver, spec, bucketContext(), s3, context);
  for (const view of await look()) if (view.verdict === 'different') await view.step.apply(context);
  expect(await look()).toContainEqual({ aspect: 'publicAccess', verdict: 'same' });
};
const nameOf = (error: unknown) => (error instanceof Error ? error.name : String(error));
const saysOf = (call: Promise<unknown>): Promise<string> => call.then(() => 'taken', nameOf);

const publicPolicy = () => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` }],
});
const putPolicy = () =>
  saysOf(independent.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify(publicPolicy()) })));
const putAcl = () => saysOf(independent.send(new PutObjectAclCommand({ Bucket, Key: 'letter', ACL: 'public-read' })));
/** The status of a request that nobody has signed. */
const anonymousGet = async () => (await fetch(`${server.connection.endpoint}/${Bucket}/letter`)).status;

beforeEach(async () => {
  number += 1;
  Bucket = `public-${String(number)}`;
  await createBucket(driver, { bucket: Bucket }, context);
  await independent.send(new PutObjectCommand({ Bucket, Key: 'letter', Body: 'content' }));
});

describe('the public access block on Ceph RGW', () => {
  it('is there on a bucket that the operator made, and lets no policy and no ACL open it', async () => {
    await converge();
    const { PublicAccessBlockConfiguration } = await independent.send(new GetPublicAccessBlockCommand({ Bucket }));
    expect(PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    expect(await putPolicy()).toBe('AccessDenied');
    expect(await putAcl()).toBe('AccessDenied');
    expect(await saysOf(independent.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' })))).toBe(
      'AccessDenied',
    );
    const opened = new PutObjectCommand({ Bucket, Key: 'open', Body: 'content', ACL: 'public-read' });
    expect(await saysOf(independent.send(opened))).toBe('AccessDenied');
    expect(await anonymousGet()).toBe(403);
    const s3 = { wire: driver.wire(), bucket: Bucket };
    await expect(putBucketPolicy(s3, publicPolicy(), context)).rejects.toMatchObject({ reason: 'AccessDenied' });
  });

  it('that is declared away lets the policy in, and then anybody', async () => {
    await converge(open);
    expect(await anonymousGet()).toBe(403);
    expect(await putPolicy()).toBe('taken');
    expect(await anonymousGet()).toBe(200);
  });

  it('closes a bucket that is open by a policy, which stays and has no effect', async () => {
    await converge(open);
    await putPolicy();
    await converge({ ...open, restrictPublicBuckets: true });
    expect(await anonymousGet()).toBe(403);
    await converge(open);
    expect(await anonymousGet()).toBe(200);
    await independent.send(new DeleteBucketPolicyCommand({ Bucket }));
    expect(await anonymousGet()).toBe(403);
  });

  it('closes an object that is open by its ACL, and keeps new ones from coming', async () => {
    await converge(open);
    expect(await putAcl()).toBe('taken');
    expect(await anonymousGet()).toBe(200);
    await converge({ ...open, blockPublicAcls: true });
    expect(await anonymousGet()).toBe(200);
    expect(await putAcl()).toBe('AccessDenied');
    await converge({ ...open, ignorePublicAcls: true });
    expect(await anonymousGet()).toBe(403);
  });
});
