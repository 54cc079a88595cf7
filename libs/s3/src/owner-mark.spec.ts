import { asFault } from '@operator/outcome';
import { tagsOfMark } from '@operator/ownership';
import {
  html,
  ownerMark,
  recordingContext,
  refuse,
  startFakeDriver,
  succeed,
  type FakeAnswer,
  type FakeS3,
} from '@operator/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Driver } from './driver.ts';
import { readOwner } from './owner-mark.ts';

let fake: FakeS3;
let driver: Driver;
beforeEach(async () => {
  const started = await startFakeDriver();
  ({ fake, driver } = started);
  return started.close;
});
const look = () => readOwner({ wire: driver.wire(), bucket: 'photos' }, recordingContext());
const tagged = (tags: Iterable<readonly [string, string]>) =>
  succeed(
    `<Tagging><TagSet>${[...tags].map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`).join('')}</TagSet></Tagging>`,
  );
/** Answers the reads of tags so; every other call finds the bucket. */
const answerTags = (answer: FakeAnswer) => {
  fake.answer(({ query }) => (query.has('tagging') ? answer : succeed()));
};

describe('the owner of a bucket', () => {
  const mark = tagsOfMark(ownerMark());
  const foreign = new Map([['team', 'a']]);

  it.each<[string, FakeAnswer, object]>([
    [
      'is marked',
      tagged([...foreign, ...mark]),
      { kind: 'marked', mark: ownerMark(), tags: new Map([...foreign, ...mark]) },
    ],
    ['is unmarked without tags', refuse(404, 'NoSuchTagSet'), { kind: 'unmarked', tags: new Map() }],
    ['is unmarked with the tags of others', tagged(foreign), { kind: 'unmarked', tags: foreign }],
    [
      'is unmarked with a part of a mark',
      tagged([...mark].slice(1)),
      { kind: 'unmarked', tags: new Map([...mark].slice(1)) },
    ],
    ['is unreadable without the right', refuse(403, 'AccessDenied', 'no'), { kind: 'unreadable' }],
    ['is absent with its bucket', refuse(404, 'NoSuchBucket'), { kind: 'absent' }],
  ])('%s', async (_title, answer, want) => {
    answerTags(answer);
    expect(await look()).toMatchObject(want);
    expect(fake.requests).toHaveLength(1);
  });

  it('is not kept on a server that refuses tags itself, again after it has found the bucket', async () => {
    answerTags(refuse(501, 'NotImplemented'));
    expect(driver.marksBuckets).toBe(true);
    expect(await look()).toEqual({ kind: 'notKept' });
    expect(fake.requests.map(({ method }) => method)).toEqual(['GET', 'HEAD', 'GET']);
    expect(driver.marksBuckets).toBe(false);
    expect(await look()).toEqual({ kind: 'notKept' });
    expect(fake.requests).toHaveLength(4);
  });

  it.each<[string, FakeAnswer]>([
    ['a bare 501', { ...succeed(), status: 501 } as FakeAnswer],
    ['a web page with 501', html(501)],
    ['a bare 405', { ...succeed(), status: 405 } as FakeAnswer],
  ])('is unreadable behind a proxy that answers %s, however often', async (_title, answer) => {
    answerTags(answer);
    for (let looks = 0; looks < 3; looks += 1) expect(await look()).toMatchObject({ kind: 'unreadable' });
    expect(driver.marksBuckets).toBe(true);
  });

  it('is unreadable where every call is refused: that may be another server', async () => {
    fake.answer(() => refuse(501, 'NotImplemented'));
    expect(await look()).toMatchObject({ kind: 'unreadable' });
    expect(driver.marksBuckets).toBe(true);
  });

  it('is unreadable where one bucket is refused what others are not', async () => {
    answerTags(refuse(404, 'NoSuchTagSet'));
    await look();
    answerTags(refuse(405, 'MethodNotAllowed'));
    expect(await look()).toMatchObject({ kind: 'unreadable' });
    expect(driver.marksBuckets).toBe(true);
  });

  it.each<[string, FakeAnswer, object]>([
    ['bad credentials', refuse(403, 'InvalidAccessKeyId'), { reason: 'AuthFailed' }],
    ['another region', refuse(301, 'PermanentRedirect'), { reason: 'WrongRegion' }],
    ['a 404 that names nothing', { ...succeed(), status: 404 } as FakeAnswer, { reason: 'BucketMissing' }],
  ])('is a Fault with %s', async (_title, answer, want) => {
    answerTags(answer);
    expect(await look().catch(asFault)).toMatchObject(want);
  });
});

it('tags that one bucket is refused are not taken for none', async () => {
  answerTags({ ...succeed(), status: 405 } as FakeAnswer);
  const seen = await readOwner({ wire: driver.wire(), bucket: 'photos' }, recordingContext());
  expect(seen).toMatchObject({ kind: 'unreadable' });
});
