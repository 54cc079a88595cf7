import { asFault } from '@operator/outcome';
import { recordingContext, refuse, startFakeDriver, succeed, type FakeRequest, type FakeS3 } from '@operator/testing';
import { beforeEach, expect, it } from 'vitest';
import type { Driver } from './driver.ts';
import { emptyBucketBatch } from './emptying.ts';

let fake: FakeS3;
let driver: Driver;
beforeEach(async () => {
  const started = await startFakeDriver();
  ({ fake, driver } = started);
  return started.close;
});

interface Version {
  readonly key: string;
  readonly isLocked?: boolean;
}

/** A bucket that holds versions in pages of two and gives locked ones up never. */
const holding = (versions: Version[], listing: 'versions' | 'objects' = 'versions') => {
  const left = [...versions];
  const list = (request: FakeRequest) => {
    const isVersions = request.query.has('versions');
    const after = request.query.get(isVersions ? 'key-marker' : 'continuation-token') ?? '';
    const rest = left.filter(({ key }) => key > after);
    const page = rest.slice(0, 2);
    const last = page.at(-1)?.key ?? '';
    const tail = `<IsTruncated>${rest.length > 2}</IsTruncated>`;
    return isVersions
      ? succeed(
          `<ListVersionsResult>${tail}<NextKeyMarker>${last}</NextKeyMarker>${page.map(({ key }) => `<Version><Key>${key}</Key><VersionId>v1</VersionId></Version>`).join('')}</ListVersionsResult>`,
        )
      : succeed(
          `<ListBucketResult>${tail}<NextContinuationToken>${last}</NextContinuationToken>${page.map(({ key }) => `<Contents><Key>${key}</Key></Contents>`).join('')}</ListBucketResult>`,
        );
  };
  const remove = ({ body }: FakeRequest) => {
    const keys = [...body.matchAll(/<Key>(.*?)<\/Key>/g)].map((match) => match[1] ?? '');
    const locked = keys.filter((wanted) => left.some(({ key, isLocked }) => key === wanted && isLocked === true));
    for (const key of keys) {
      if (!locked.includes(key))
        left.splice(
          left.findIndex((version) => version.key === key),
          1,
        );
    }
    return succeed(
      `<DeleteResult>${locked.map((key) => `<Error><Key>${key}</Key><VersionId>v1</VersionId><Code>AccessDenied</Code><Message>locked</Message></Error>`).join('')}</DeleteResult>`,
    );
  };
  fake.answer((request) => {
    if (request.query.has('uploads')) return refuse(501, 'NotImplemented');
    if (request.method === 'POST') return remove(request);
    return request.query.has('versions') && listing === 'objects' ? refuse(501, 'NotImplemented') : list(request);
  });
  return left;
};
const batch = () => emptyBucketBatch(driver, { bucket: 'photos' }, recordingContext());
const blocked = (...keys: string[]) =>
  keys.map((key) => ({ key, versionId: 'v1', code: 'AccessDenied', message: 'locked' }));

it('one batch is one page, and says that more remains', async () => {
  const left = holding([{ key: 'a' }, { key: 'b' }, { key: 'c' }]);
  expect(await batch()).toEqual({ deletedObjects: 2, abortedUploads: 0, remaining: true, blocked: [] });
  expect(await batch()).toEqual({ deletedObjects: 1, abortedUploads: 0, remaining: false, blocked: [] });
  expect(left).toEqual([]);
});

it('what is locked is reported and does not keep the rest from going', async () => {
  const left = holding([{ key: 'a', isLocked: true }, { key: 'b', isLocked: true }, { key: 'c' }]);
  expect(await batch()).toEqual({ deletedObjects: 1, abortedUploads: 0, remaining: true, blocked: blocked('a', 'b') });
  expect(await batch()).toEqual({ deletedObjects: 0, abortedUploads: 0, remaining: true, blocked: blocked('a', 'b') });
  expect(left.map(({ key }) => key)).toEqual(['a', 'b']);
  expect(fake.requests.every(({ headers }) => !('x-amz-bypass-governance-retention' in headers))).toBe(true);
});

it('without version listing the objects are listed instead', async () => {
  holding([{ key: 'a' }], 'objects');
  expect(await batch()).toEqual({ deletedObjects: 1, abortedUploads: 0, remaining: false, blocked: [] });
});

it('objects that the server puts off are no progress: the batch fails and is tried later', async () => {
  holding([{ key: 'a' }]);
  const listing = succeed(
    '<ListVersionsResult><Version><Key>a</Key><VersionId>v1</VersionId></Version></ListVersionsResult>',
  );
  fake.answer(({ method }) =>
    method === 'POST'
      ? succeed('<DeleteResult><Error><Key>a</Key><Code>SlowDown</Code></Error></DeleteResult>')
      : listing,
  );
  expect(await batch().catch(asFault)).toMatchObject({ kind: 'transient', reason: 'Throttled' });
});

it('an absent bucket is empty', async () => {
  fake.answer(() => refuse(404, 'NoSuchBucket'));
  expect(await batch()).toEqual({ deletedObjects: 0, abortedUploads: 0, remaining: false, blocked: [] });
});
