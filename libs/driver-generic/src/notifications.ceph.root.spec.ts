import { CreateTopicCommand, SNSClient } from '@aws-sdk/client-sns';
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
import { startCeph } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGenericDriver } from './generic-driver.ts';

/* What conformance cannot see: Ceph RGW tells a topic about objects. */

let server: Awaited<ReturnType<ReturnType<typeof startUnderTest>>>;
let webhook: Awaited<ReturnType<typeof startWebhook>>;
let driver: Driver;
let topics: SNSClient;
const context = recordingContext();
const bucket = 'told';

beforeAll(async () => {
  webhook = await startWebhook();
  server = await startUnderTest(startCeph)();
  driver = createGenericDriver(server.connection, driverDeps());
  const { endpoint, region, credentials } = server.connection;
  const { accessKeyId, secretAccessKey } = credentials;
  topics = new SNSClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey: secretAccessKey.reveal() } });
  await createBucket(driver, { bucket }, context);
});
afterAll(async () => {
  driver.close();
  topics.destroy();
  await server.stop();
  await webhook.close();
});

const makeTopic = async (Name: string): Promise<string> => {
  const made = await topics.send(new CreateTopicCommand({ Name, Attributes: { 'push-endpoint': webhook.url } }));
  return made.TopicArn ?? '';
};
const look = async (arn: string) => {
  const sns = [{ id: 'created', arn, events: ['s3:ObjectCreated:*'], prefix: 'in/' }];
  const spec = bucketSpec({ notifications: { sns, others: 'Keep' } });
  const views = await lookAtFeatures(driver, spec, bucketContext(), { wire: driver.wire(), bucket }, context);
  return views.find(({ aspect }) => aspect === 'notifications');
};
const converge = async (arn: string) => {
  const view = await look(arn);
  if (view?.verdict !== 'different') throw new Error('expected a gap');
  expect(await view.step.apply(context)).toEqual({ end: 'done' });
  expect((await look(arn))?.verdict).toBe('same');
};
const put = (Key: string) => driver.wire().send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }), context);

it('a topic gets the event of an object under the prefix, and of no other', async () => {
  await converge(await makeTopic('first'));
  for (const key of ['out/a', 'in/a', 'out/b', 'in/b']) await put(key);
  await expect.poll(() => [...webhook.keys].sort(), { timeout: 20_000 }).toEqual(['in/a', 'in/b']);
});

it('a notification that gets another topic leaves the first one, although a PUT only adds', async () => {
  await converge(await makeTopic('second'));
  await put('in/c');
  await expect.poll(() => webhook.keys.filter((key) => key === 'in/c').length, { timeout: 20_000 }).toBe(1);
});

it('a topic that does not exist is named, with what to do', async () => {
  const arn = (await makeTopic('second')).replace(/second$/, 'nobodys');
  const view = await look(arn);
  if (view?.verdict !== 'different') throw new Error('expected a gap');
  await expect(view.step.apply(context)).rejects.toMatchObject({
    kind: 'waiting',
    reason: 'RequestRefused',
    message: expect.stringContaining(`refuses to send notifications to ${arn}. Each destination must exist`) as string,
  });
});
