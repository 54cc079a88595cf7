import { GetBucketPolicyCommand, GetBucketTaggingCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { finalizerName, type BucketPolicySpec } from '@operator/api';
import type { KubeObject, Resource } from '@operator/runtime';
import { readyConditions, type Raw } from './order.ts';

/** The policy that `publicPolicySpec` declares, put on the bucket that has the name of the object. */
export const writeBucketPolicy = async (
  object: KubeObject<BucketPolicySpec>,
  resource: Resource,
  { kube, driver, context, tell }: Raw,
): Promise<void> => {
  const { name, namespace, uid, generation } = object.metadata;
  const metadata = { name, namespace, uid };
  const wire = driver.wire();
  const Bucket = name;
  const status = (fields: Readonly<Record<string, unknown>>) =>
    kube.apply(resource, { metadata, status: fields }, { subresource: 'status' });
  // Whose the bucket is, and what it has.
  const look = async () => {
    await wire.send(new GetBucketTaggingCommand({ Bucket }), context);
    return wire.sendOrAbsent(new GetBucketPolicyCommand({ Bucket }), ['NoSuchBucketPolicy'], context);
  };

  await kube.apply(resource, { metadata: { ...metadata, finalizers: [finalizerName] } });
  await look();
  const hash = '0'.repeat(64);
  const base = { bucketName: Bucket, providerRef: { name: 'minio', namespace }, region: wire.region };
  await status({ ...base, applied: false, pendingHash: hash });
  const statement = {
    Sid: 'one',
    Effect: 'Allow',
    Principal: { AWS: ['*'] },
    Action: ['s3:GetObject'],
    Resource: [`arn:aws:s3:::${Bucket}/*`],
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await wire.send(new PutBucketPolicyCommand({ Bucket, Policy }), context);
  tell(object, 'PolicyApplied', `Applied the policy to bucket ${Bucket}.`);
  await look();
  await status({
    ...base,
    applied: true,
    appliedHash: hash,
    lastSyncTime: new Date().toISOString(),
    observedGeneration: generation,
    conditions: readyConditions(generation),
  });
};
