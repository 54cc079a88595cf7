import {
  CreateBucketCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';
import { finalizerName, ownerTagKeys, type BucketSpec } from '@operator/api';
import type { KubeObject, Resource } from '@operator/runtime';
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
  const tags = Object.entries(object.spec.tagging?.tags ?? {});
  const status = (fields: Readonly<Record<string, unknown>>) =>
    kube.apply(resource, { metadata, status: fields }, { subresource: 'status' });
  const lookAtTags = () => wire.sendOrAbsent(new GetBucketTaggingCommand({ Bucket }), ['NoSuchTagSet'], context);
  const lookAtVersioning = () => wire.send(new GetBucketVersioningCommand({ Bucket }), context);

  await kube.apply(resource, { metadata: { ...metadata, finalizers: [finalizerName] } });
  await wire.sendOrAbsent(new HeadBucketCommand({ Bucket }), [404], context);
  const managed = { tagging: tags.map(([key]) => key) };
  const base = { bucketName: Bucket, endpoint: driver.serverIdentity, managed };
  await status({ ...base, exists: false, createIntent: { at: new Date().toISOString(), bucketName: Bucket } });
  await wire.send(new CreateBucketCommand({ Bucket }), context);
  tell(object, 'BucketCreated', `Created bucket ${Bucket} in region ${wire.region}.`);
  await lookAtTags();
  await lookAtVersioning();
  await wire.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }), context);
  const mark = { cluster: uid, namespace, name, uid, proof: `v1.${'x'.repeat(43)}` };
  const marks = (['cluster', 'namespace', 'name', 'uid', 'proof'] as const).map((part) => ({
    Key: ownerTagKeys[part],
    Value: mark[part],
  }));
  const all = [...tags.map(([Key, Value]) => ({ Key, Value })), ...marks];
  // As the operator does it: the owner tags first, by themselves.
  for (const TagSet of tags.length === 0 ? [marks] : [marks, all]) {
    await wire.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }), context);
  }
  const facts = {
    ...base,
    exists: true,
    ownership: 'Created',
    region: wire.region,
    arn: `arn:aws:s3:::${Bucket}`,
  };
  await lookAtTags();
  await lookAtVersioning();
  await status({
    ...facts,
    lastSyncTime: new Date().toISOString(),
    observedGeneration: generation,
    conditions: readyConditions(generation),
  });
};
