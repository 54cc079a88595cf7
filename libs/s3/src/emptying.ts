import { AbortMultipartUploadCommand, DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3';
import { reasons } from '@operator/api';
import { clean, Fault, oneLine, transient, waiting, type CallContext } from '@operator/outcome';
import type { BucketWire } from './aspect.ts';
import {
  readObjects,
  readUploads,
  withVersionsOrObjects,
  type Entry,
  type PageMarker,
  type PageReader,
} from './contents.ts';
import type { Driver } from './driver.ts';
import type { BucketPlace } from './existence.ts';
import { answerOf, answerOfFault, codeIn } from './wire-answer.ts';

/** An object, version or delete marker that the server refused to remove. */
export interface BlockedObject {
  readonly key: string;
  readonly versionId?: string;
  readonly code: string;
  readonly message: string;
}

/** What one bounded run of emptying did. */
export interface EmptiedBatch {
  /** Objects, versions and delete markers that were deleted and that a later list no longer showed. */
  readonly deletedObjects: number;
  /** Multipart uploads, likewise. */
  readonly abortedUploads: number;
  /** True when something is known to be left. */
  readonly remaining: boolean;
  /** Refused, by object lock or by a policy. With `deletedObjects` 0, another run at once would find the same. */
  readonly blocked: readonly BlockedObject[];
  /** What ended the run before its bound, after it had done something; a run that did nothing throws it. */
  readonly fault?: Fault;
}

/** Of one run; a batch is one page and its deletion. */
const mostBatches = 10;
const objectsInBatch = 1000;
const uploadsInBatch = 200;
// How far a run looks past pages on which everything is blocked.
const pagesAhead = 10;
const callsAtOnce = 8;

const goneCodes = ['NoSuchKey', 'NoSuchVersion', 'NoSuchUpload'];
const passingCodes: ReadonlySet<string> = new Set([
  'InternalError',
  'SlowDown',
  'ServiceUnavailable',
  'OperationAborted',
  'RequestTimeout',
]);
/** By which servers refuse a whole DeleteObjects that they cannot read, or do not have. */
const unreadableBatch: ReadonlySet<string> = new Set(['MalformedXML', 'InvalidRequest', 'NotImplemented']);

// Source: Extensible Markup Language (XML) 1.0, Char. A carriage return reaches some servers as a line feed.
const beyondXml = /[\0-\x08\x0b-\x1f\ufffe\uffff]|\p{Surrogate}/u;

/** How the server took a deletion. The rest of what was asked for was deleted, says the server. */
interface Removal {
  readonly blocked: readonly (readonly [Entry, BlockedObject])[];
  /** Put off: neither deleted nor refused. */
  readonly delayed: readonly Entry[];
}

/** One kind of content: how to list it and how to remove it. */
interface Content {
  readonly read: PageReader;
  readonly size: number;
  /** Undefined when the server does not take so many at once. */
  readonly removeMany: (entries: readonly Entry[]) => Promise<Removal | undefined>;
  /** Removes one under that key. */
  readonly removeOne: (entry: Entry, key: string) => Promise<BlockedObject | undefined>;
  /** Keys under which to try an entry that is still listed, in order. */
  readonly spellings: (entry: Entry) => Promise<readonly string[]>;
}

/** What a run has done so far; it stands also when the run ends by a Fault. */
interface Tally {
  removed: number;
  batches: number;
}

const idOf = ({ shown, versionId = '', uploadId = '' }: Entry): string => JSON.stringify([shown, versionId, uploadId]);

const inChunks = async <T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> => {
  for (let first = 0; first < items.length; first += callsAtOnce) {
    await Promise.all(items.slice(first, first + callsAtOnce).map(run));
  }
};

/**
 * Removes page by page, from the start as long as that shrinks, past pages on which all is blocked. An entry counts as removed
 * once a list no longer shows it; one that is still listed is tried by itself, under each of its spellings.
 * @throws Fault `waiting` RequestRefused for what the server says it has deleted and lists still
 */
const sweep = async (content: Content, tally: Tally) => {
  const blocked = new Map<string, BlockedObject>();
  const untried = new Map<string, string[]>();
  const stuck = new Map<string, Entry>();
  let takesMany = true;
  let from: PageMarker | undefined;
  let ahead = 0;
  let asked: readonly Entry[] = [];

  const removeSingly = async (entries: readonly Entry[]): Promise<void> =>
    inChunks(entries, async (entry) => {
      const key = untried.get(idOf(entry))?.shift() ?? entry.key;
      const refusal = await content.removeOne(entry, key);
      if (refusal !== undefined) blocked.set(idOf(entry), refusal);
    });

  /** @returns what the server says it has deleted */
  const remove = async (entries: readonly Entry[]): Promise<readonly Entry[]> => {
    const isSingle = (entry: Entry) => !takesMany || untried.has(idOf(entry)) || beyondXml.test(entry.key);
    const many = entries.filter((entry) => !isSingle(entry));
    let delayed: readonly Entry[] = [];
    if (many.length > 0) {
      const removal = await content.removeMany(many);
      takesMany = removal !== undefined;
      for (const [entry, refusal] of removal?.blocked ?? []) blocked.set(idOf(entry), refusal);
      delayed = removal?.delayed ?? [];
    }
    await removeSingly(entries.filter(isSingle));
    const left = new Set(delayed.map(idOf));
    const deleted = entries.filter((entry) => !left.has(idOf(entry)) && !blocked.has(idOf(entry)));
    if (deleted.length === 0 && delayed.length > 0) {
      throw transient(reasons.Throttled, 'The server puts off the deletion of objects.');
    }
    return deleted;
  };

  for (;;) {
    const page = await content.read(content.size, from);
    const shown = new Set(page?.entries.map(idOf));
    const survivors = asked.filter((entry) => shown.has(idOf(entry)));
    tally.removed += asked.length - survivors.length;
    asked = [];
    if (page === undefined) return { blocked: [], isTruncated: false, isAbsent: true };
    for (const entry of survivors) {
      const id = idOf(entry);
      if (!untried.has(id)) untried.set(id, [...(await content.spellings(entry))]);
      if (untried.get(id)?.length === 0) stuck.set(id, entry);
    }
    const open = page.entries.filter((entry) => !blocked.has(idOf(entry)) && !stuck.has(idOf(entry)));
    if (open.length > 0) {
      if (tally.batches >= mostBatches) return { blocked: [...blocked.values()], isTruncated: true, isAbsent: false };
      tally.batches += 1;
      asked = await remove(open);
      continue;
    }
    ahead += 1;
    if (page.next !== undefined && ahead < pagesAhead) {
      from = page.next;
      continue;
    }
    const [entry] = stuck.values();
    if (entry !== undefined) throw stillListed(entry, stuck.size);
    return { blocked: [...blocked.values()], isTruncated: page.next !== undefined, isAbsent: false };
  }
};

const stillListed = ({ shown }: Entry, count: number): Fault =>
  waiting(
    reasons.RequestRefused,
    `The server answers that it has deleted ${JSON.stringify(oneLine(shown, 200))}, and lists it still (${String(count)} of that kind). ` +
      "Its key may have characters that the server's lists cannot show. Remove it with the server's own tools.",
    { retryAfterMs: 300_000 },
  );

/** What a single call was refused for good; throws what concerns the connection, the credentials or the moment. */
const refusalOf = (error: unknown, { versionId }: Entry, key: string): BlockedObject => {
  const isRefusal =
    error instanceof Fault && (error.reason === reasons.AccessDenied || error.reason === reasons.RequestRefused);
  if (!isRefusal) throw error;
  const { code = '', message = '' } = answerOf(error.cause) ?? {};
  return { key, ...(versionId === undefined ? {} : { versionId }), code, message: clean(message, 400) };
};

/** Governance is never bypassed. */
const objectsOf = (s3: BucketWire, read: PageReader, context: CallContext): Content => {
  const { wire, bucket: Bucket } = s3;
  return {
    read,
    size: objectsInBatch,
    async removeMany(entries) {
      const Objects = entries.map(({ key, versionId }) => ({
        Key: key,
        ...(versionId === undefined ? {} : { VersionId: versionId }),
      }));
      const command = new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } });
      const answer = await wire.send(command, context).catch((error: unknown) => {
        if (unreadableBatch.has(answerOfFault(error)?.code ?? '')) return undefined;
        throw error;
      });
      if (answer === undefined) return undefined;
      // Status 200 says nothing of the single keys.
      const failures = new Map(
        (answer.Errors ?? [])
          .filter(({ Code }) => !goneCodes.includes(Code ?? ''))
          .map((failure) => [JSON.stringify([failure.Key, failure.VersionId ?? '']), failure]),
      );
      const failed = entries.flatMap((entry) => {
        const { key, versionId = '' } = entry;
        const failure = failures.get(JSON.stringify([key, versionId])) ?? failures.get(JSON.stringify([key, '']));
        return failure === undefined
          ? []
          : [{ entry, code: codeIn(failure.Code ?? ''), message: failure.Message ?? '' }];
      });
      return {
        delayed: failed.filter(({ code }) => passingCodes.has(code)).map(({ entry }) => entry),
        blocked: failed
          .filter(({ code }) => !passingCodes.has(code))
          .map(({ entry, code, message }) => {
            const { key, versionId = '' } = entry;
            return [entry, { key, ...(versionId === '' ? {} : { versionId }), code, message: clean(message, 400) }];
          }),
      };
    },
    async removeOne(entry, key) {
      const VersionId = entry.versionId;
      const command = new DeleteObjectCommand({ Bucket, Key: key, ...(VersionId === undefined ? {} : { VersionId }) });
      try {
        await wire.sendOrAbsent(command, goneCodes, context);
        return undefined;
      } catch (error) {
        return refusalOf(error, entry, key);
      }
    },
    spellings: async (entry) => [entry.key, ...(await trueKeys(s3, entry, context))],
  };
};

/** How a list that is not encoded shows a key: what XML cannot carry is replaced, and line ends become one kind. */
const asShown = (key: string): string => key.replace(/\r\n?/g, '\n').replace(new RegExp(beyondXml, 'gu'), '\ufffd');

/**
 * Keys that a list without encoding would show as this one: of versions many servers send none, of objects more do.
 * One page, of what begins alike.
 */
const trueKeys = async (s3: BucketWire, { shown, key }: Entry, context: CallContext): Promise<readonly string[]> => {
  if (shown !== key) return [shown];
  const page = await readObjects(s3, context, shown.split(/[\ufffd\n]/, 1)[0])(objectsInBatch);
  return (page?.entries ?? []).map((entry) => entry.key).filter((other) => other !== key && asShown(other) === shown);
};

const uploadsOf = ({ wire, bucket: Bucket, ...rest }: BucketWire, context: CallContext): Content => ({
  read: readUploads({ wire, bucket: Bucket, ...rest }, context),
  size: uploadsInBatch,
  removeMany: () => Promise.resolve(undefined),
  async removeOne(entry, key) {
    const command = new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: entry.uploadId });
    try {
      await wire.sendOrAbsent(command, goneCodes, context);
      return undefined;
    } catch (error) {
      return refusalOf(error, entry, key);
    }
  },
  spellings: ({ key, shown }) => Promise.resolve(key === shown ? [] : [shown]),
});

/**
 * Removes a bucket's content, as long as it makes progress, in a run of at most ten batches: 1000 objects, versions and delete
 * markers each, then 200 multipart uploads each. Absent buckets count as empty. What object lock holds is reported, never
 * forced. Every call goes through `context.call`, so that a process that no longer leads stops at its next write.
 * @throws Fault that ended a run before it had removed anything: `transient` Throttled when the server puts every deletion
 * off; `waiting` RequestRefused for what it says it has deleted and lists still; AccessDenied when it lets nothing be listed
 * Source: Amazon S3 API, ListObjectVersions, DeleteObjects, ListMultipartUploads.
 */
export const emptyBucketBatch = async (
  driver: Driver,
  { bucket, region }: BucketPlace,
  context: CallContext,
): Promise<EmptiedBatch> => {
  const s3 = { wire: driver.wire(region), bucket };
  const objects: Tally = { removed: 0, batches: 0 };
  const uploads: Tally = { removed: 0, batches: 0 };
  const done = () => ({ deletedObjects: objects.removed, abortedUploads: uploads.removed });
  try {
    const versions = await withVersionsOrObjects(s3, context, (read) => sweep(objectsOf(s3, read, context), objects));
    if (versions.isAbsent || versions.isTruncated) {
      return { ...done(), remaining: versions.isTruncated, blocked: versions.blocked };
    }
    const rest = await sweep(uploadsOf(s3, context), uploads);
    const blocked = [...versions.blocked, ...rest.blocked];
    return { ...done(), remaining: rest.isTruncated || blocked.length > 0, blocked };
  } catch (error) {
    const hasDone = objects.removed + uploads.removed > 0;
    if (!(error instanceof Fault) || !hasDone || context.signal.aborted) throw error;
    return { ...done(), remaining: true, blocked: [], fault: error };
  }
};
