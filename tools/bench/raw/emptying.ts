import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketTaggingCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
} from '@aws-sdk/client-s3';
import type { BucketSpec } from '@operator/api';
import type { KubeObject, Resource } from '@operator/runtime';
import type { Raw } from './order.ts';

/** Removes what a Bucket that is being deleted holds, a thousand versions at a time, the bucket, and the finalizer. */
export const emptyBucket = async (
  object: KubeObject<BucketSpec>,
  resource: Resource,
  { kube, driver, context, tell }: Raw,
): Promise<void> => {
  const { name, namespace, uid } = object.metadata;
  const wire = driver.wire();
  const Bucket = object.spec.name;
  await wire.send(new HeadBucketCommand({ Bucket }), context);
  await wire.send(new GetBucketTaggingCommand({ Bucket }), context);
  for (;;) {
    const list = new ListObjectVersionsCommand({ Bucket, MaxKeys: 1_000, EncodingType: 'url' });
    const { Versions = [], DeleteMarkers = [] } = await wire.send(list, context);
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key = '', VersionId }) => ({
      Key: decodeURIComponent(Key.replaceAll('+', ' ')),
      VersionId,
    }));
    if (Objects.length === 0) break;
    await wire.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }), context);
  }
  await wire.send(new ListMultipartUploadsCommand({ Bucket, EncodingType: 'url' }), context);
  await wire.send(new DeleteBucketCommand({ Bucket }), context);
  tell(object, 'BucketDeleted', `Deleted bucket ${Bucket}.`);
  await kube.apply(resource, { metadata: { name, namespace, uid } });
};
