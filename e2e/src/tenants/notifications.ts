import {
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
} from '@aws-sdk/client-s3';
import { s3View } from '@operator/tools/harness';
import { Found, lent, undisclosed, type Attempt, type Case, type Lent } from './case.ts';

/** A queue at each server that may get events of any bucket there. */
const queues: Readonly<Record<Lent['name'], string>> = {
  shared: 'arn:minio:sqs::EVENTS:webhook',
  'shared-aws': 'arn:aws:sqs:us-east-1:123456789012:of-the-tenant',
};
const events = ['s3:ObjectCreated:*' as const];

const queuesOf = async (given: Case, through: Lent['name'], bucket: string): Promise<readonly unknown[]> => {
  const { sdk } = s3View(given.world.server(lent[through].server));
  const found = await sdk.send(new GetBucketNotificationConfigurationCommand({ Bucket: bucket }));
  sdk.destroy();
  return (found.QueueConfigurations ?? []).map(({ QueueArn }) => QueueArn);
};

/** A Bucket of somebody else's that is lent to the tenant, and a key of the tenant's with all rights in it. */
const lentBucket = async (given: Case, through: Lent['name']) => {
  const name = await given.lentBucket('lent', through);
  const access = [{ bucketRef: { name, namespace: undisclosed }, level: 'Admin' }];
  const policy = { statement: [{ effect: 'Allow', action: 's3:*', resource: ['arn:aws:s3:::${bucket}'] }] };
  await given.key(name, through, [], { access, policy });
  await given.admin.untilReady('AccessKey', given.namespace, name, 60_000);
  const pair = await given.pairOf(name);
  await given.lawfulAccess(pair, name, through);
  return { bucket: name, pair };
};

const throughEach = Object.keys(queues) as Lent['name'][];

export const notifications: readonly Attempt[] = [
  {
    threat: 'T146',
    title: 'the events of a lent bucket are sent to a queue of the tenant, by a Bucket of its name and by a key',
    async act(given) {
      for (const through of throughEach) {
        const { bucket, pair } = await lentBucket(given, through);
        const sqs = [{ arn: queues[through], events }];
        await given.bucket(bucket, through, bucket, { adoptionPolicy: 'Always', notifications: { sqs } });
        await given.verdict('Bucket', bucket);
        await given.again('Bucket', bucket);
        given.refuse('Bucket', bucket);
        const { sdk } = given.as(pair, lent[through].server);
        const QueueConfigurations = [{ QueueArn: queues[through], Events: events }];
        const put = { Bucket: bucket, NotificationConfiguration: { QueueConfigurations } };
        const code = await sdk.send(new PutBucketNotificationConfigurationCommand(put)).then(
          () => 'done',
          (error: unknown) => (error as Error).name,
        );
        sdk.destroy();
        const found = await queuesOf(given, through, bucket);
        if (found.length > 0) throw new Found('harm', `${through}: the events go to ${found.join(', ')}`);
        if (code !== 'AccessDenied') throw new Found('broken', `${through}: the key is not refused, but ${code}`);
      }
    },
    async twin(given) {
      for (const through of throughEach) {
        const { name, bucket } = await given.lawfulBucket(through);
        await given.again('Bucket', name, { notifications: { sqs: [{ arn: queues[through], events }] } });
        await given.admin.untilReady('Bucket', given.namespace, name, 60_000);
        const found = await queuesOf(given, through, bucket);
        if (found[0] !== queues[through]) throw new Error(`${bucket} is Ready, and its events go nowhere`);
      }
    },
  },
];
