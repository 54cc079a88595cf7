import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { Fault, type CallContext } from '@operator/outcome';
import type { Driver } from './driver.ts';
import type { BlockedObject } from './emptying.ts';
import type { BucketPlace } from './existence.ts';

/** What keeps an object from being deleted. */
export interface ObjectHold {
  /** Absent without a retention. */
  readonly retention?: { readonly mode: string; readonly until: Date };
  readonly hasLegalHold: boolean;
}

/**
 * What object lock says of an object that the server refuses to delete; undefined when it says nothing, or may not be asked: then the
 * refusal has another reason, or one that cannot be seen.
 * @throws Fault `transient`, when nothing is known of the server
 * Source: Amazon S3 API, HeadObject.
 */
export const readHold = async (
  driver: Driver,
  { bucket, region }: BucketPlace,
  { key, versionId }: BlockedObject,
  context: CallContext,
): Promise<ObjectHold | undefined> => {
  const command = new HeadObjectCommand({
    Bucket: bucket,
    Key: key,
    ...(versionId === undefined ? {} : { VersionId: versionId }),
  });
  const found = await driver
    .wire(region)
    .send(command, context)
    .catch((caught: unknown) => {
      if (caught instanceof Fault && caught.kind !== 'transient') return undefined;
      throw caught;
    });
  const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until, ObjectLockLegalHoldStatus } = found ?? {};
  const retention = mode === undefined || until === undefined || until <= context.now ? undefined : { mode, until };
  const hasLegalHold = ObjectLockLegalHoldStatus === 'ON';
  if (retention === undefined && !hasLegalHold) return undefined;
  return { hasLegalHold, ...(retention === undefined ? {} : { retention }) };
};
