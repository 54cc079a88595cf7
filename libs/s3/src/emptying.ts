import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  type ObjectIdentifier,
} from '@aws-sdk/client-s3';
import { reasons } from '@operator/api';
import { Fault, transient, type CallContext } from '@operator/outcome';
import type { Driver } from './driver.ts';
import type { BucketPlace } from './existence.ts';
import type { Wire } from './wire.ts';

/** An object, version or delete marker that the server refused to remove. */
export interface BlockedObject {
  readonly key: string;
  readonly versionId?: string;
  readonly code: string;
  readonly message: string;
}

/** What one bounded batch of emptying did. */
export interface EmptiedBatch {
  /** Objects, versions and delete markers that were removed. */
  readonly deletedObjects: number;
  readonly abortedUploads: number;
  /** True when something is known to be left. */
  readonly remaining: boolean;
  /** Refused, by object lock or by a policy. With `deletedObjects` 0, another batch at once would find the same. */
  readonly blocked: readonly BlockedObject[];
}

const pageSize = 1000;
// How far a batch looks past pages on which everything is blocked, and how many uploads it aborts.
const pagesAhead = 10;
const uploadsInBatch = 200;
const abortsAtOnce = 8;

const goneCodes: ReadonlySet<string> = new Set(['NoSuchKey', 'NoSuchVersion']);
const passingCodes: ReadonlySet<string> = new Set([
  'InternalError',
  'SlowDown',
  'ServiceUnavailable',
  'OperationAborted',
  'RequestTimeout',
]);

interface Page {
  readonly objects: readonly ObjectIdentifier[];
  readonly next: PageMarker | undefined;
}
type PageMarker = Readonly<Record<string, string | undefined>>;
type PageReader = (marker: PageMarker | undefined) => Promise<Page | undefined>;

const isUnsupported = (error: unknown): boolean => error instanceof Fault && error.reason === reasons.Unsupported;

const readVersions =
  (wire: Wire, bucket: string, context: CallContext): PageReader =>
  async (marker) => {
    const command = new ListObjectVersionsCommand({ Bucket: bucket, MaxKeys: pageSize, ...marker });
    const page = await wire.sendOrAbsent(command, ['NoSuchBucket'], context);
    return (
      page && {
        objects: [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].flatMap(({ Key, VersionId }) =>
          Key === undefined ? [] : [{ Key, ...(VersionId === undefined ? {} : { VersionId }) }],
        ),
        next:
          page.IsTruncated === true
            ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
            : undefined,
      }
    );
  };

const readObjects =
  (wire: Wire, bucket: string, context: CallContext): PageReader =>
  async (marker) => {
    const command = new ListObjectsV2Command({ Bucket: bucket, MaxKeys: pageSize, ...marker });
    const page = await wire.sendOrAbsent(command, ['NoSuchBucket'], context);
    return (
      page && {
        objects: (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [{ Key }])),
        next: page.IsTruncated === true ? { ContinuationToken: page.NextContinuationToken } : undefined,
      }
    );
  };

/** Deletes one page. Governance is never bypassed. */
const deletePage = async (wire: Wire, bucket: string, objects: readonly ObjectIdentifier[], context: CallContext) => {
  const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [...objects], Quiet: true } });
  const { Errors: errors = [] } = await wire.send(command, context);
  // Status 200 says nothing of the single keys.
  const failed = errors.filter(({ Code }) => !goneCodes.has(Code ?? ''));
  const blocked: readonly BlockedObject[] = failed
    .filter(({ Code }) => !passingCodes.has(Code ?? ''))
    .map(({ Key, VersionId, Code, Message }) => ({
      key: Key ?? '',
      ...(VersionId === undefined || VersionId === '' ? {} : { versionId: VersionId }),
      code: Code ?? '',
      message: Message ?? '',
    }));
  return { deleted: objects.length - failed.length, blocked, delayed: failed.length - blocked.length };
};

const deleteObjects = async (read: PageReader, wire: Wire, bucket: string, context: CallContext) => {
  const blocked: BlockedObject[] = [];
  let marker: PageMarker | undefined;
  for (let pages = 0; pages < pagesAhead; pages += 1) {
    const page = await read(marker);
    if (page === undefined) return { deleted: 0, blocked, isTruncated: false, isAbsent: true };
    const outcome =
      page.objects.length === 0
        ? { deleted: 0, blocked: [], delayed: 0 }
        : await deletePage(wire, bucket, page.objects, context);
    blocked.push(...outcome.blocked);
    if (outcome.deleted === 0 && outcome.delayed > 0) {
      throw transient(reasons.Throttled, `The server puts off the deletion of objects in ${bucket}.`);
    }
    const isTruncated = page.next !== undefined || outcome.delayed > 0;
    if (outcome.deleted > 0 || page.next === undefined) {
      return { deleted: outcome.deleted, blocked, isTruncated, isAbsent: false };
    }
    marker = page.next;
  }
  return { deleted: 0, blocked, isTruncated: true, isAbsent: false };
};

const abortUploads = async (wire: Wire, bucket: string, context: CallContext) => {
  const page = await wire.sendOrAbsent(
    new ListMultipartUploadsCommand({ Bucket: bucket, MaxUploads: uploadsInBatch }),
    ['NoSuchBucket', 'NotImplemented', 501],
    context,
  );
  const uploads = page?.Uploads ?? [];
  for (let first = 0; first < uploads.length; first += abortsAtOnce) {
    await Promise.all(
      uploads
        .slice(first, first + abortsAtOnce)
        .map(({ Key, UploadId }) =>
          wire.sendOrAbsent(
            new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }),
            ['NoSuchUpload'],
            context,
          ),
        ),
    );
  }
  return { aborted: uploads.length, isTruncated: page?.IsTruncated === true };
};

/**
 * Removes one bounded batch of a bucket's content: at most 1000 objects, versions and delete markers, and 200 multipart
 * uploads once the versions fit in one page. Absent buckets count as empty. What object lock holds is reported, never forced.
 * @throws Fault `transient` Throttled when the server puts every deletion off; AccessDenied when it lets nothing be listed
 * Source: Amazon S3 API, ListObjectVersions, DeleteObjects, ListMultipartUploads.
 */
export const emptyBucketBatch = async (
  driver: Driver,
  { bucket, region }: BucketPlace,
  context: CallContext,
): Promise<EmptiedBatch> => {
  const wire = driver.wire(region);
  const objects = await deleteObjects(readVersions(wire, bucket, context), wire, bucket, context).catch(
    (error: unknown) => {
      if (!isUnsupported(error)) throw error;
      return deleteObjects(readObjects(wire, bucket, context), wire, bucket, context);
    },
  );
  const uploads =
    objects.isTruncated || objects.isAbsent
      ? { aborted: 0, isTruncated: false }
      : await abortUploads(wire, bucket, context);
  return {
    deletedObjects: objects.deleted,
    abortedUploads: uploads.aborted,
    remaining: objects.isTruncated || objects.blocked.length > 0 || uploads.isTruncated,
    blocked: objects.blocked,
  };
};
