import { recordingContext, refuse, startFakeDriver, succeed, type FakeS3 } from '@operator/testing';
import { beforeEach, expect, it } from 'vitest';
import { findContent } from './contents.ts';
import type { Driver } from './driver.ts';

let fake: FakeS3;
let driver: Driver;
beforeEach(async () => {
  const started = await startFakeDriver();
  ({ fake, driver } = started);
  return started.close;
});

const find = () => findContent({ wire: driver.wire(), bucket: 'photos' }, recordingContext());
const versions = (content: string) => succeed(`<ListVersionsResult>${content}</ListVersionsResult>`);
const objects = (content: string) => succeed(`<ListBucketResult>${content}</ListBucketResult>`);
const uploads = (content: string) => succeed(`<ListMultipartUploadsResult>${content}</ListMultipartUploadsResult>`);

it('a bucket is empty when its three lists are', async () => {
  fake.answer(({ query }) => (query.has('versions') ? versions('') : query.has('uploads') ? uploads('') : objects('')));
  expect(await find()).toBeUndefined();
  expect(fake.requests).toHaveLength(3);
});

it('a server without versions and uploads has objects', async () => {
  fake.answer(({ query }) =>
    query.has('versions') || query.has('uploads') ? refuse(501, 'NotImplemented') : objects(''),
  );
  expect(await find()).toBeUndefined();
});

it.each([
  ['versions', versions],
  ['list-type', objects],
  ['uploads', uploads],
])('a bucket is not empty where the pages of %s have no end', async (list, page) => {
  const more = '<IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker>';
  fake.answer(({ query }) => {
    if (query.has(list)) return page(more);
    return query.has('versions') ? versions('') : objects('');
  });
  await expect(find()).rejects.toMatchObject({ kind: 'transient', reason: 'ServerError' });
});

it.each(['versions', 'list-type', 'uploads'])(
  'a bucket is not empty where %s are answered with nothing',
  async (list) => {
    for (const body of ['', '<Health/>']) {
      fake.answer(({ query }) => {
        if (query.has(list)) return succeed(body);
        return query.has('versions') ? versions('') : objects('');
      });
      await expect(find()).rejects.toMatchObject({ kind: 'waiting', reason: 'NotAnS3Server' });
    }
  },
);
