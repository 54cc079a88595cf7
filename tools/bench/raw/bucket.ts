import { CreateBucketCommand, HeadBucketCommand, PutBucketTaggingCommand } from '@aws-sdk/client-s3';
import { finalizerName, ownerTagKeys, type BucketSpec } from '@operator/api';
import type { KubeObject, Resource } from '@operator/runtime';
import { featuresOf } from './features.ts';
import { readyConditions, type Raw } from './order.ts';

/** The calls of docs/calls.md, "First convergence of one Bucket". */
export const writeBucket = async (
  object: KubeObject<BucketSpec>,
  resource: Resource,
  { kube, driver, context, tell }: Raw,
): Promise<void> => {
  const { name, namespace, uid, generation } = object.metadata;
  const metadata = { name, namespace, uid };
  const wire = driver.wire();
  const Bucket = object.spec.name;
  const tags = Object.entries(object.spec.tagging?.tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  const status = (fields: Readonly<Record<string, unknown>>) =>
    kube.apply(resource, { metadata, status: fields }, { subresource: 'status' });
  const features = featuresOf(object.spec, driver);
  const at = { wire, context, Bucket };
  // As the operator does it: reads side by side, writes one after the other.
  const look = () => Promise.all(features.map((feature) => feature.look(at)));

  await kube.apply(resource, { metadata: { ...metadata, finalizers: [finalizerName] } });
  await wire.sendOrAbsent(new HeadBucketCommand({ Bucket }), [404], context);
  const managed = { tagging: tags.map(({ Key }) => Key) };
  const base = { bucketName: Bucket, endpoint: driver.serverIdentity, managed };
  await status({ ...base, exists: false, createIntent: { at: new Date().toISOString(), bucketName: Bucket } });
  const mark = { cluster: uid, namespace, name, uid, proof: `v1.${'x'.repeat(43)}` };
  const marks = (['cluster', 'namespace', 'name', 'uid', 'proof'] as const).map((part) => ({
    Key: ownerTagKeys[part],
    Value: mark[part],
  }));
  const marksAtCreation = driver.creationTags?.areTaken() === true;
  await wire.send(
    new CreateBucketCommand({
      Bucket,
      ...(marksAtCreation ? { CreateBucketConfiguration: { Tags: marks } } : {}),
    }),
    context,
  );
  tell(object, 'BucketCreated', `Created bucket ${Bucket} in region ${wire.region}.`);
  // Where a creation that is granted proves that there was no such bucket, nothing is to be seen of it yet.
  if (driver.refusesRecreation !== true) await look();
  const isTagged = marksAtCreation && tags.length === 0;
  const TagSet = [...tags, ...marks];
  if (!isTagged) await wire.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }), context);
  for (const { write } of features) await write?.(at);
  const facts = {
    ...base,
    exists: true,
    ownership: 'Created',
    region: wire.region,
    arn: `arn:aws:s3:::${Bucket}`,
  };
  await look();
  await status({
    ...facts,
    lastSyncTime: new Date().toISOString(),
    observedGeneration: generation,
    conditions: readyConditions(generation),
  });
};

/** The calls of a look at one that is as declared. */
export const lookAtBucket = async (
  { spec }: KubeObject<BucketSpec>,
  _resource: Resource,
  { driver, context }: Raw,
): Promise<void> => {
  const at = { wire: driver.wire(), context, Bucket: spec.name };
  await Promise.all(featuresOf(spec, driver).map((feature) => feature.look(at)));
};
