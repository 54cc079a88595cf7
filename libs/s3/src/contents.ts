import { ListMultipartUploadsCommand, ListObjectVersionsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { reasons } from '@operator/api';
import { Fault, transient, type CallContext } from '@operator/outcome';
import type { BucketWire } from './aspect.ts';

/** An object, a version, a delete marker or a multipart upload, as a list of the server shows it. */
export interface Entry {
  /** Decoded, where the list is encoded. */
  readonly key: string;
  /** The key as the list has it. */
  readonly shown: string;
  readonly versionId?: string;
  readonly uploadId?: string;
}

/** One page of a list. `next`: where the following one begins; undefined on the last. */
export interface Page {
  readonly entries: readonly Entry[];
  readonly next: PageMarker | undefined;
}
export type PageMarker = Readonly<Record<string, string | undefined>>;

/** Reads a page of at most `size` entries; undefined when there is no such bucket. */
export type PageReader = (size: number, from?: PageMarker) => Promise<Page | undefined>;

/**
 * Decodes what a list encodes. XML cannot carry every key, so lists are asked for in URL encoding; many servers do not know
 * that, and SeaweedFS says so of uploads and does not do it: what has other characters than an encoding has is not encoded.
 */
const decoder = (encodingType: string | undefined): ((shown: string) => string) => {
  if (encodingType !== 'url') return (shown) => shown;
  return (shown) => {
    if (!/^[!-~]*$/.test(shown)) return shown;
    try {
      return decodeURIComponent(shown.replaceAll('+', ' '));
    } catch {
      return shown; // not UTF-8, so there is no other spelling of it
    }
  };
};

interface Listed {
  readonly Key?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly UploadId?: string | undefined;
}

const entriesOf = (listed: readonly Listed[], decode: (shown: string) => string): readonly Entry[] =>
  listed.flatMap(({ Key, VersionId, UploadId }) =>
    Key === undefined
      ? []
      : [
          {
            key: decode(Key),
            shown: Key,
            ...(VersionId === undefined ? {} : { versionId: VersionId }),
            ...(UploadId === undefined ? {} : { uploadId: UploadId }),
          },
        ],
  );

const decoded = (marker: string | undefined, decode: (shown: string) => string): string | undefined =>
  marker === undefined ? undefined : decode(marker);

/**
 * Lists all versions and delete markers; on servers without versions the objects.
 * @throws Fault `terminal` Unsupported where the server does not list versions
 * Source: Amazon S3 API, ListObjectVersions.
 */
const readVersions =
  ({ wire, bucket }: BucketWire, context: CallContext): PageReader =>
  async (size, from) => {
    const input = { Bucket: bucket, MaxKeys: size, EncodingType: 'url' as const, ...from };
    const page = await wire.sendOrAbsent(new ListObjectVersionsCommand(input), ['NoSuchBucket'], context);
    if (page === undefined) return undefined;
    const decode = decoder(page.EncodingType);
    return {
      entries: entriesOf([...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])], decode),
      next:
        page.IsTruncated === true
          ? { KeyMarker: decoded(page.NextKeyMarker, decode), VersionIdMarker: page.NextVersionIdMarker }
          : undefined,
    };
  };

/** Lists the objects. `prefix`: only those whose keys begin so. Source: Amazon S3 API, ListObjectsV2. */
export const readObjects =
  ({ wire, bucket }: BucketWire, context: CallContext, prefix?: string): PageReader =>
  async (size, from) => {
    const input = {
      Bucket: bucket,
      MaxKeys: size,
      EncodingType: 'url' as const,
      ...(prefix === undefined || prefix === '' ? {} : { Prefix: prefix }),
      ...from,
    };
    const page = await wire.sendOrAbsent(new ListObjectsV2Command(input), ['NoSuchBucket'], context);
    return (
      page && {
        entries: entriesOf(page.Contents ?? [], decoder(page.EncodingType)),
        next: page.IsTruncated === true ? { ContinuationToken: page.NextContinuationToken } : undefined,
      }
    );
  };

/** Lists the multipart uploads that are under way; none on servers without them. Source: Amazon S3 API, ListMultipartUploads. */
export const readUploads =
  ({ wire, bucket }: BucketWire, context: CallContext): PageReader =>
  async (size, from) => {
    const input = { Bucket: bucket, MaxUploads: size, EncodingType: 'url' as const, ...from };
    const absent = ['NoSuchBucket', 'NotImplemented', 501];
    const page = await wire.sendOrAbsent(new ListMultipartUploadsCommand(input), absent, context);
    if (page === undefined) return undefined;
    const decode = decoder(page.EncodingType);
    return {
      entries: entriesOf(page.Uploads ?? [], decode),
      next:
        page.IsTruncated === true
          ? { KeyMarker: decoded(page.NextKeyMarker, decode), UploadIdMarker: page.NextUploadIdMarker }
          : undefined,
    };
  };

/** Tries to list versions, and lists objects where the server does not know those. */
export const withVersionsOrObjects = async <T>(
  s3: BucketWire,
  context: CallContext,
  run: (read: PageReader) => Promise<T>,
): Promise<T> => {
  try {
    return await run(readVersions(s3, context));
  } catch (error) {
    if (!(error instanceof Fault) || error.reason !== reasons.Unsupported) throw error;
    return run(readObjects(s3, context));
  }
};

// A page may be empty though others follow; so many in a row mean that the server does not read its own markers.
const mostEmptyPages = 100;

/** @throws Fault `transient` ServerError when only empty pages come, without an end */
const firstEntry = async (read: PageReader): Promise<Entry | undefined> => {
  let from: PageMarker | undefined;
  for (let pages = 0; pages < mostEmptyPages; pages += 1) {
    const page = await read(1, from);
    if (page?.entries[0] !== undefined) return page.entries[0];
    if (page?.next === undefined) return undefined;
    from = page.next;
  }
  throw transient(
    reasons.ServerError,
    `The server lists the bucket in ${String(mostEmptyPages)} empty pages and says that more follow, so nothing shows what it holds.`,
  );
};

/**
 * Something that a bucket holds: a version, a delete marker, an object or a multipart upload; undefined when it is empty or
 * absent. Three calls when it is empty.
 * @throws Fault `waiting` AccessDenied when the credentials may not look; `transient` ServerError when the lists have no end
 */
export const findContent = async (s3: BucketWire, context: CallContext): Promise<Entry | undefined> =>
  (await withVersionsOrObjects(s3, context, firstEntry)) ??
  (await firstEntry(readObjects(s3, context))) ??
  (await firstEntry(readUploads(s3, context)));
