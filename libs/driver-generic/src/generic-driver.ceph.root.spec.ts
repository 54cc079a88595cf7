import { CreateTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { driverConformance, lackedBy, startUnderTest, surroundings } from '@operator/testing';
import { startCeph, type S3Server } from '@operator/tools/local';
import { createGenericDriver } from './generic-driver.ts';

/** With a topic for notifications. Source: Ceph documentation, "Bucket Notifications", Create a Topic */
const startWithTopic = async (options: Parameters<typeof startCeph>[0]): Promise<S3Server> => {
  const ceph = await startCeph(options);
  const { endpoint, region, accessKey: accessKeyId, secretKey: secretAccessKey } = ceph;
  const sns = new SNSClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  await sns.send(new CreateTopicCommand({ Name: 'events' }));
  sns.destroy();
  return ceph;
};

/** With STS every key that does not sign well is answered AccessDenied, as one without rights is. */
const conformanceOnCeph = (name: string, sts: boolean) =>
  driverConformance({
    name,
    createDriver: createGenericDriver,
    lacks: lackedBy.ceph,
    surroundings: surroundings.ceph,
    issuesKeys: true,
    locksObjects: true,
    deniesUnknownKeys: sts,
    start: startUnderTest((options) => startWithTopic({ ...options, sts })),
  });

conformanceOnCeph('the generic driver on Ceph RGW without STS', false);
conformanceOnCeph('the generic driver on Ceph RGW', true);
