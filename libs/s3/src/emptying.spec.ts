import { asFault } from '@operator/outcome';
import {
  recordingContext,
  refuse,
  startFakeDriver,
  succeed,
  type FakeAnswer,
  type FakeRequest,
  type FakeS3,
} from '@operator/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Driver } from './driver.ts';
import { emptyBucketBatch } from './emptying.ts';

let fake: FakeS3;
let driver: Driver;
beforeEach(async () => {
  const started = await startFakeDriver();
  ({ fake, driver } = started);
  return started.close;
});

interface Options {
  readonly pageSize?: number;
  /** What the server knows to list. */
  readonly listing?: 'versions' | 'objects';
  /** Lists that are URL-encoded when that is asked for. */
  readonly encodes?: readonly ('versions' | 'objects')[];
  /** Keys that it refuses to remove. */
  readonly locked?: readonly string[];
  /** Keys that DeleteObjects claims to have deleted and does not. */
  readonly keptByMany?: readonly string[];
  /** Keys that no call removes, whatever it answers. */
  readonly eternal?: readonly string[];
  /** Answers a DeleteObjects instead. */
  readonly many?: () => FakeAnswer | undefined;
  readonly uploads?: string[];
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const unescaped = (text: string) => text.replaceAll('&lt;', '<').replaceAll('&amp;', '&');
/** As Go's XML encoder: what XML cannot carry is replaced. */
const inXml = (text: string) => escaped(text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd'));

/** A bucket that holds one version of each key, in pages of two, and behaves as told. */
const holding = (keys: readonly string[], options: Options = {}) => {
  const { pageSize = 2, listing = 'versions', encodes = ['versions', 'objects'], uploads } = options;
  const { locked = [], keptByMany = [], eternal = [] } = options;
  const left = new Set(keys);
  const list = ({ query }: FakeRequest) => {
    const kind = query.has('versions') ? 'versions' : 'objects';
    const after = query.get(kind === 'versions' ? 'key-marker' : 'continuation-token') ?? '';
    const rest = [...left].filter((key) => key > after && key.startsWith(query.get('prefix') ?? ''));
    const page = rest.slice(0, pageSize);
    const isEncoded = encodes.includes(kind) && query.get('encoding-type') === 'url';
    const shown = (key: string) => (isEncoded ? encodeURIComponent(key).replaceAll('%20', '+') : inXml(key));
    const head = `<IsTruncated>${rest.length > pageSize}</IsTruncated>${isEncoded ? '<EncodingType>url</EncodingType>' : ''}`;
    return kind === 'versions'
      ? succeed(
          `<ListVersionsResult>${head}<NextKeyMarker>${shown(page.at(-1) ?? '')}</NextKeyMarker>${page.map((key) => `<Version><Key>${shown(key)}</Key><VersionId>v1</VersionId></Version>`).join('')}</ListVersionsResult>`,
        )
      : succeed(
          `<ListBucketResult>${head}<NextContinuationToken>${escaped(page.at(-1) ?? '')}</NextContinuationToken>${page.map((key) => `<Contents><Key>${shown(key)}</Key></Contents>`).join('')}</ListBucketResult>`,
        );
  };
  const removeMany = ({ body }: FakeRequest) => {
    const answer = options.many?.();
    if (answer !== undefined) return answer;
    const asked = [...body.matchAll(/<Key>(.*?)<\/Key>/g)].map((match) => unescaped(match[1] ?? ''));
    const refused = asked.filter((key) => locked.includes(key));
    for (const key of asked) {
      if (![...refused, ...keptByMany, ...eternal].includes(key)) left.delete(key);
    }
    return succeed(
      `<DeleteResult>${refused.map((key) => `<Error><Key>${key}</Key><VersionId>v1</VersionId><Code>AccessDenied</Code><Message>locked</Message></Error>`).join('')}</DeleteResult>`,
    );
  };
  fake.answer((request) => {
    const { method, path, query } = request;
    const key = decodeURIComponent(path.replace('/photos/', ''));
    if (query.has('uploads')) {
      return uploads === undefined
        ? refuse(501, 'NotImplemented')
        : succeed(
            `<ListMultipartUploadsResult>${uploads.map((upload) => `<Upload><Key>${upload}</Key><UploadId>u</UploadId></Upload>`).join('')}</ListMultipartUploadsResult>`,
          );
    }
    if (query.has('uploadId')) {
      if (!uploads?.includes(key)) return refuse(404, 'NoSuchUpload');
      uploads.splice(uploads.indexOf(key), 1);
      return succeed();
    }
    if (method === 'POST') return removeMany(request);
    if (method === 'DELETE') {
      if (locked.includes(key)) return refuse(403, 'AccessDenied', 'locked');
      if (!eternal.includes(key)) left.delete(key);
      return succeed();
    }
    return query.has('versions') && listing === 'objects' ? refuse(501, 'NotImplemented') : list(request);
  });
  return left;
};
const batch = () => emptyBucketBatch(driver, { bucket: 'photos' }, recordingContext());
const blocked = (...keys: string[]) =>
  keys.map((key) => ({ key, versionId: 'v1', code: 'AccessDenied', message: 'locked' }));
const nothingLeft = { abortedUploads: 0, remaining: false, blocked: [] };
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `k${String(n).padStart(3, '0')}`);
const calls = (method: string) => fake.requests.filter((request) => request.method === method).length;

describe('a run', () => {
  it('goes on page by page until nothing is left, with one list more than deletions', async () => {
    const left = holding(numbered(7));
    expect(await batch()).toEqual({ deletedObjects: 7, ...nothingLeft });
    expect(left.size).toBe(0);
    expect(calls('POST')).toBe(4);
    // The last two find no versions and no uploads.
    expect(calls('GET')).toBe(4 + 2);
  });

  it('ends after ten batches, and says that more remains', async () => {
    const left = holding(numbered(23));
    expect(await batch()).toEqual({ deletedObjects: 20, ...nothingLeft, remaining: true });
    expect(left.size).toBe(3);
    expect(await batch()).toEqual({ deletedObjects: 3, ...nothingLeft });
  });

  it('shows in one line why the server refuses', async () => {
    const error =
      '<Error><Key>a</Key><VersionId>v1</VersionId><Code>no word</Code><Message>one&#10;two</Message></Error>';
    holding(['a'], { many: () => succeed(`<DeleteResult>${error}</DeleteResult>`) });
    expect(await batch()).toMatchObject({ blocked: [{ key: 'a', code: '', message: 'one two' }] });
  });

  it('reports what is locked, and removes the rest', async () => {
    const left = holding(['a', 'b', 'c'], { locked: ['a', 'b'] });
    expect(await batch()).toEqual({
      deletedObjects: 1,
      abortedUploads: 0,
      remaining: true,
      blocked: blocked('a', 'b'),
    });
    expect(await batch()).toEqual({
      deletedObjects: 0,
      abortedUploads: 0,
      remaining: true,
      blocked: blocked('a', 'b'),
    });
    expect([...left]).toEqual(['a', 'b']);
    expect(fake.requests.every(({ headers }) => !('x-amz-bypass-governance-retention' in headers))).toBe(true);
  });

  it('lists objects where the server does not list versions', async () => {
    holding(['a'], { listing: 'objects' });
    expect(await batch()).toEqual({ deletedObjects: 1, ...nothingLeft });
  });

  it('aborts uploads, and counts those that are listed no longer', async () => {
    const uploads = ['a', 'b', 'c'];
    holding([], { uploads });
    expect(await batch()).toEqual({ deletedObjects: 0, abortedUploads: 3, remaining: false, blocked: [] });
    expect(uploads).toEqual([]);
  });

  it('takes an absent bucket for an empty one', async () => {
    fake.answer(() => refuse(404, 'NoSuchBucket'));
    expect(await batch()).toEqual({ deletedObjects: 0, ...nothingLeft });
  });

  it('that made progress ends with what it did and the Fault that stopped it', async () => {
    let asked = 0;
    holding(numbered(6), {
      many: () => {
        asked += 1;
        return asked < 3 ? undefined : refuse(403, 'AccessDenied');
      },
    });
    expect(await batch()).toMatchObject({ deletedObjects: 4, remaining: true, fault: { reason: 'AccessDenied' } });
  });

  it('that the server puts off has made no progress, and fails', async () => {
    holding(['a'], {
      many: () =>
        succeed(
          '<DeleteResult><Error><Key>a</Key><VersionId>v1</VersionId><Code>SlowDown</Code></Error></DeleteResult>',
        ),
    });
    expect(await batch().catch(asFault)).toMatchObject({ kind: 'transient', reason: 'Throttled' });
  });
});

describe('only a list that shrank is believed', () => {
  it('what DeleteObjects claims and does not delete is deleted by itself', async () => {
    const left = holding(numbered(6), { keptByMany: ['k001', 'k004'] });
    expect(await batch()).toEqual({ deletedObjects: 6, ...nothingLeft });
    expect(left.size).toBe(0);
    expect(calls('DELETE')).toBe(2);
  });

  it('what no call removes is a Fault, not an endless loop, and the rest is removed', async () => {
    const left = holding(numbered(6), { eternal: ['k002'] });
    expect(await batch()).toMatchObject({ deletedObjects: 5, remaining: true, fault: { reason: 'RequestRefused' } });
    expect([...left]).toEqual(['k002']);
    const fault = await batch().catch(asFault);
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'RequestRefused', retryAfterMs: 300_000 });
    expect(asFault(fault).message).toContain('"k002"');
  });
});

describe('keys that XML cannot carry', () => {
  const odd = ['a b+c&d', 'v\x0bt', 'w\x10x', 'z\ufffe'];

  it('are read from an encoded list, and deleted one by one beside the batch of all others', async () => {
    const left = holding(odd, { pageSize: 10 });
    expect(await batch()).toEqual({ deletedObjects: 4, ...nothingLeft });
    expect(left.size).toBe(0);
    expect([calls('POST'), calls('DELETE')]).toEqual([1, 3]);
    expect(
      fake.requests.filter(({ method }) => method === 'DELETE').map(({ query }) => query.get('versionId')),
    ).toEqual(['v1', 'v1', 'v1']);
  });

  it('are found in the list of objects where that of versions is not encoded', async () => {
    const left = holding(odd, { pageSize: 10, encodes: ['objects'] });
    expect(await batch()).toEqual({ deletedObjects: 4, ...nothingLeft });
    expect(left.size).toBe(0);
  });

  it('are a Fault that shows them where no list is encoded', async () => {
    const left = holding(odd, { pageSize: 10, encodes: [] });
    expect(await batch()).toMatchObject({ deletedObjects: 1, fault: { reason: 'RequestRefused' } });
    expect(left.size).toBe(3);
    expect(asFault(await batch().catch(asFault)).message).toContain('v\ufffdt');
  });

  it.each(['MalformedXML', 'NotImplemented'])('do not matter where DeleteObjects is refused as %s', async (code) => {
    const left = holding(numbered(3), { many: () => refuse(code === 'NotImplemented' ? 501 : 400, code) });
    expect(await batch()).toEqual({ deletedObjects: 3, ...nothingLeft });
    expect(left.size).toBe(0);
    expect(calls('POST')).toBe(1);
  });
});
