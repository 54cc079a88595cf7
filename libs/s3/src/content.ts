import { ListMultipartUploadsCommand, ListObjectsV2Command, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { reasons } from '@operator/api';
import { Fault, type CallContext } from '@operator/outcome';
import type { Driver } from './driver.ts';
import type { BucketPlace } from './existence.ts';

/** What a bucket holds that a deletion of the bucket would lose. */
export type BucketContent = 'objects' | 'uploads';

const isUnsupported = (caught: unknown): boolean => caught instanceof Fault && caught.reason === reasons.Unsupported;

/**
 * Looks whether a bucket holds anything: a version, a delete marker, an object, or an upload that nobody completed. Two calls
 * when it is empty. An absent bucket counts as empty.
 * @throws Fault of the connection and the credentials, AccessDenied among them
 * Source: Amazon S3 API, ListObjectVersions, ListObjectsV2, ListMultipartUploads.
 */
export const findContent = async (
  driver: Driver,
  { bucket, region }: BucketPlace,
  context: CallContext,
): Promise<BucketContent | undefined> => {
  const wire = driver.wire(region);
  const hasVersions = async (): Promise<boolean> => {
    const command = new ListObjectVersionsCommand({ Bucket: bucket, MaxKeys: 1 });
    const page = await wire.sendOrAbsent(command, ['NoSuchBucket'], context);
    return (page?.Versions?.length ?? 0) + (page?.DeleteMarkers?.length ?? 0) > 0;
  };
  const hasObjects = async (): Promise<boolean> => {
    const command = new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 });
    const page = await wire.sendOrAbsent(command, ['NoSuchBucket'], context);
    return (page?.Contents?.length ?? 0) > 0;
  };
  const hasUploads = async (): Promise<boolean> => {
    const command = new ListMultipartUploadsCommand({ Bucket: bucket, MaxUploads: 1 });
    const page = await wire.sendOrAbsent(command, ['NoSuchBucket', 'NotImplemented', 501], context);
    return (page?.Uploads?.length ?? 0) > 0;
  };
  const isFilled = await hasVersions().catch((caught: unknown) => {
    if (!isUnsupported(caught)) throw caught;
    return hasObjects();
  });
  if (isFilled) return 'objects';
  return (await hasUploads()) ? 'uploads' : undefined;
};
