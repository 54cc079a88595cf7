import { randomBytes } from 'node:crypto';
import { GetBucketLocationCommand, GetBucketTaggingCommand } from '@aws-sdk/client-s3';
import { finalizerName, type AccessKeySpec } from '@operator/api';
import { redact } from '@operator/outcome';
import type { KubeObject, Resource } from '@operator/runtime';
import { readyConditions, type Raw } from './order.ts';

const secrets: Resource = { group: '', version: 'v1', kind: 'Secret', plural: 'secrets' };

/** A user with rights in one bucket and a key of its own, which goes into a Secret and is tried. */
export const writeAccessKey = async (
  object: KubeObject<AccessKeySpec>,
  resource: Resource,
  { kube, driver, context, tell }: Raw,
): Promise<void> => {
  const { keys } = driver;
  if (typeof keys === 'string') throw new Error(keys);
  const { name, namespace, uid, generation } = object.metadata;
  const metadata = { name, namespace, uid };
  const mark = { cluster: uid, namespace, name, uid };
  const user = { name: keys.userNameFor(mark), mark, tags: new Map<string, string>() };
  const pair = {
    accessKeyId: randomBytes(10).toString('hex').toUpperCase(),
    secretAccessKey: redact(randomBytes(20).toString('hex')),
  };
  const secret = { namespace, name: `${name}-credentials` };
  const status = (fields: Readonly<Record<string, unknown>>) =>
    kube.apply(resource, { metadata, status: fields }, { subresource: 'status' });

  await kube.apply(resource, { metadata: { ...metadata, finalizers: [finalizerName] } });
  const bucket = object.spec.access?.[0]?.bucketRef.name ?? name;
  // Whose the bucket is in which rights are given.
  const lookAtBucket = () => driver.wire().send(new GetBucketTaggingCommand({ Bucket: bucket }), context);
  await kube.get(secrets, secret);
  await keys.observeUser(user, context);
  await lookAtBucket();
  const keyIntent = { accessKeyId: pair.accessKeyId, at: new Date().toISOString(), userName: user.name };
  await status({ userName: user.name, keyIntent });
  await keys.putUser(user, context);
  const statement = {
    Sid: 'one',
    Effect: 'Allow',
    Action: ['s3:GetBucketLocation', 's3:ListBucket', 's3:GetObject', 's3:PutObject', 's3:DeleteObject'],
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
  };
  await keys.putPolicy(user, { Version: '2012-10-17', Statement: [statement] }, context);
  const encoded = (text: string) => Buffer.from(text).toString('base64');
  await kube.create(secrets, {
    type: 'Opaque',
    metadata: secret,
    data: {
      'access-key-id': encoded(pair.accessKeyId),
      'secret-access-key': encoded(pair.secretAccessKey.reveal()),
      endpoint: encoded(driver.serverIdentity),
      region: encoded(driver.wire().region),
    },
  });
  await keys.createKey(user, pair, context);
  tell(object, 'AccessKeyCreated', `Issued key ${pair.accessKeyId} for user ${user.name}.`);
  const facts = {
    userName: user.name,
    accessKeyId: pair.accessKeyId,
    secretName: secret.name,
    policyHash: '0'.repeat(64),
    lastRotateTime: keyIntent.at,
  };
  await kube.get(secrets, secret);
  await keys.observeUser(user, context);
  await lookAtBucket();
  const wire = driver.wireAs(pair);
  await wire.send(new GetBucketLocationCommand({ Bucket: bucket }), context);
  await status({
    ...facts,
    created: true,
    userArn: `arn:aws:iam:::user/${user.name}`,
    observedGeneration: generation,
    conditions: readyConditions(generation),
  });
};
