import { PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { createBucket, lookAtFeatures, type Driver } from '@operator/s3';
import { bucketContext, bucketSpec, driverDeps, recordingContext, startUnderTest } from '@operator/testing';
import { startMoto } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAwsDriver } from './aws-driver.ts';

/* What conformance cannot see: events of objects arrive in a queue. */

let server: Awaited<ReturnType<ReturnType<typeof startUnderTest>>>;
let driver: Driver;
let queues: SQSClient;
const context = recordingContext();
const bucket = 'told';

beforeAll(async () => {
  server = await startUnderTest(startMoto)();
  driver = createAwsDriver(server.connection, driverDeps());
  const { endpoint, region, credentials } = server.connection;
  const { accessKeyId, secretAccessKey } = credentials;
  queues = new SQSClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey: secretAccessKey.reveal() } });
  await createBucket(driver, { bucket }, context);
});
afterAll(async () => {
  driver.close();
  queues.destroy();
  await server.stop();
});

it('a queue gets the event of an object under the prefix, and of no other', async () => {
  const { QueueUrl } = await queues.send(new CreateQueueCommand({ QueueName: 'events' }));
  const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] });
  const arn = (await queues.send(asked)).Attributes?.QueueArn ?? '';
  const sqs = [{ arn, events: ['s3:ObjectCreated:*'], prefix: 'in/' }];
  const spec = bucketSpec({ notifications: { sqs, others: 'Keep' } });
  const s3 = { wire: driver.wire(), bucket };
  const look = async () =>
    (await lookAtFeatures(driver, spec, bucketContext(), s3, context)).find(({ aspect }) => aspect === 'notifications');
  const view = await look();
  if (view?.verdict !== 'different') throw new Error('expected a gap');
  expect(await view.step.apply(context)).toEqual({ end: 'done' });
  expect((await look())?.verdict).toBe('same');

  for (const Key of ['out/a', 'in/a']) {
    await s3.wire.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }), context);
  }
  const keys: string[] = [];
  const receive = async () => {
    const { Messages = [] } = await queues.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    for (const { Body = '{}' } of Messages) {
      // The first message of all is a test of the destination, without records.
      const { Records = [] } = JSON.parse(Body) as { Records?: { s3: { object: { key: string } } }[] };
      keys.push(...Records.map(({ s3: { object } }) => decodeURIComponent(object.key)));
    }
    return keys;
  };
  await expect.poll(receive, { timeout: 20_000 }).toEqual(['in/a']);
});
