import { PutObjectCommand } from '@aws-sdk/client-s3';
import { createBucket, lookAtFeatures, type Driver } from '@operator/s3';
import {
  bucketContext,
  bucketSpec,
  driverDeps,
  recordingContext,
  startUnderTest,
  startWebhook,
} from '@operator/testing';
import { startMinio } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMinioDriver } from './driver.ts';

/* What conformance cannot see: MinIO tells a target about objects. */

let server: Awaited<ReturnType<ReturnType<typeof startUnderTest>>>;
let webhook: Awaited<ReturnType<typeof startWebhook>>;
let driver: Driver;
const context = recordingContext();
const bucket = 'told';

beforeAll(async () => {
  webhook = await startWebhook();
  server = await startUnderTest(({ dir }) => startMinio({ dir, eventsTo: webhook.url }))();
  driver = createMinioDriver(server.connection, driverDeps());
  await createBucket(driver, { bucket }, context);
});
afterAll(async () => {
  driver.close();
  await server.stop();
  await webhook.close();
});

const look = async (arn: string) => {
  const sqs = [{ arn, events: ['s3:ObjectCreated:*'], prefix: 'in/' }];
  const spec = bucketSpec({ notifications: { sqs, others: 'Keep' } });
  const views = await lookAtFeatures(driver, spec, bucketContext(), { wire: driver.wire(), bucket }, context);
  return views.find(({ aspect }) => aspect === 'notifications');
};
const put = (Key: string) => driver.wire().send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }), context);

it('a webhook gets the event of an object under the prefix, and of no other', async () => {
  const view = await look('arn:minio:sqs::EVENTS:webhook');
  if (view?.verdict !== 'different') throw new Error('expected a gap');
  expect(await view.step.apply(context)).toEqual({ end: 'done' });
  for (const key of ['out/a', 'in/a', 'out/b', 'in/b']) await put(key);
  await expect.poll(() => [...webhook.keys].sort(), { timeout: 20_000 }).toEqual(['in%2Fa', 'in%2Fb']);
});

it('the region in the ARN of a target is no difference', async () => {
  expect((await look('arn:minio:sqs:us-east-1:EVENTS:webhook'))?.verdict).toBe('same');
});

it('a target that does not exist is named, with what to do', async () => {
  const view = await look('arn:minio:sqs::NOBODY:webhook');
  if (view?.verdict !== 'different') throw new Error('expected a gap');
  await expect(view.step.apply(context)).rejects.toMatchObject({
    kind: 'waiting',
    reason: 'RequestRefused',
    message: expect.stringMatching(
      /refuses to send notifications to arn:minio:sqs::NOBODY:webhook\. .*On MinIO it is a target/,
    ) as string,
  });
});
