import {
  AbortMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { runTag, tagsOf } from './bench.ts';
import { failureOf } from './target.ts';

/** Namespaces of runs begin so: by it the owner tags of a run are told from those of anybody else's operator. */
export const namespacePrefix = 'conformance-run-';

const namespaceTag = 's3.cloud37.dev/namespace';

/** Pure: whether the tags say that a run of the suite made the bucket. */
export const isOfRun = (tags: Readonly<Record<string, string>>): boolean =>
  [tags[namespaceTag], tags[runTag]].some((namespace) => namespace?.startsWith(namespacePrefix) === true);

const namesWith = async (client: S3Client, prefix: string): Promise<readonly string[]> => {
  const names: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await client.send(
      new ListBucketsCommand(ContinuationToken === undefined ? {} : { ContinuationToken }),
    );
    names.push(...(page.Buckets ?? []).flatMap(({ Name }) => Name ?? []));
    ContinuationToken = page.ContinuationToken;
  } while (ContinuationToken !== undefined);
  return names.filter((name) => name.startsWith(prefix));
};

/** What is in a bucket. A server without versions is asked for objects. */
const contentsOf = async (client: S3Client, Bucket: string) => {
  try {
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
    return [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
  } catch {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
    return Contents.map(({ Key }) => ({ Key, VersionId: undefined }));
  }
};

const removeBucket = async (client: S3Client, Bucket: string, isLocked: boolean): Promise<void> => {
  for (let found = await contentsOf(client, Bucket); found.length > 0; found = await contentsOf(client, Bucket)) {
    for (const { Key, VersionId } of found) {
      await client.send(
        new DeleteObjectCommand({
          Bucket,
          Key,
          ...(VersionId === undefined ? {} : { VersionId }),
          ...(isLocked ? { BypassGovernanceRetention: true } : {}),
        }),
      );
    }
  }
  const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket })).catch(() => ({ Uploads: [] }));
  for (const { Key, UploadId } of uploads.Uploads ?? [])
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  await client.send(new DeleteBucketCommand({ Bucket }));
};

/**
 * Removes the buckets whose names begin so, with all that is in them, and says what it removed and what it left. `ofThisRun`: the
 * prefix has the random name of this run, which is proof enough; else only buckets with the tags of a run go.
 * @returns how many could not be removed
 */
export const clean = async (
  client: S3Client,
  prefix: string,
  { ofThisRun, log }: { readonly ofThisRun: boolean; readonly log: (line: string) => void },
): Promise<number> => {
  let left = 0;
  for (const name of await namesWith(client, prefix)) {
    if (!ofThisRun && !isOfRun(await tagsOf(client, name))) {
      log(`left alone: ${name} has no owner tags of a conformance run`);
      continue;
    }
    try {
      await removeBucket(client, name, false).catch(() => removeBucket(client, name, true));
      log(`removed bucket ${name}`);
    } catch (error) {
      // One that is on its way out already counts as removed.
      const isGone = await client.send(new HeadBucketCommand({ Bucket: name })).then(
        () => false,
        (refusal: unknown) => failureOf(refusal).endsWith('404'),
      );
      if (isGone) continue;
      left += 1;
      log(`bucket ${name} could not be removed: ${failureOf(error)}. Remove it manually.`);
    }
  }
  return left;
};
