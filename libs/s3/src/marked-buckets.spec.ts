import { tagsOfOwner } from '@operator/ownership';
import { ownerMark, recordingContext, startFakeDriver, succeed, type FakeS3 } from '@operator/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Driver } from './driver.ts';
import { findMarkedBuckets } from './marked-buckets.ts';

let fake: FakeS3;
let driver: Driver;
beforeEach(async () => {
  const started = await startFakeDriver();
  ({ fake, driver } = started);
  return started.close;
});

const mark = ownerMark();
const page = (names: readonly string[], token = '') =>
  succeed(
    `<ListAllMyBucketsResult><Buckets>${names.map((name) => `<Bucket><Name>${name}</Name></Bucket>`).join('')}</Buckets>` +
      `<ContinuationToken>${token}</ContinuationToken></ListAllMyBucketsResult>`,
  );
const ownerTags = succeed(
  `<Tagging><TagSet>${[...tagsOfOwner(mark)].map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`).join('')}</TagSet></Tagging>`,
);
const search = () => findMarkedBuckets(driver, (name) => name === 'known', recordingContext());
const names = ({ buckets }: Awaited<ReturnType<typeof search>>) => buckets.map(({ name }) => name);
const lists = () => fake.requests.filter(({ query }) => !query.has('tagging'));

describe('a search for buckets with owner tags', () => {
  it('reads all pages, and no tags of what is known', async () => {
    fake.answer(({ query }) => {
      if (query.has('tagging')) return ownerTags;
      return query.has('continuation-token') ? page(['c', 'known']) : page(['known', 'b'], 'next');
    });
    const found = await search();
    expect([names(found), found.isComplete]).toEqual([['b', 'c'], true]);
    expect(fake.requests).toHaveLength(4);
  });

  it('ends at a page that repeats its token, names each bucket once, and says that there may be more', async () => {
    fake.answer(({ query }) => (query.has('tagging') ? ownerTags : page(['b'], 'same')));
    const found = await search();
    expect([names(found), found.isComplete]).toEqual([['b'], false]);
    expect(lists()).toHaveLength(2);
  });

  it('ends after twenty pages, and says that there may be more', async () => {
    fake.answer(({ query }) => page([], `after-${query.get('continuation-token') ?? ''}`));
    expect(await search()).toEqual({ buckets: [], isComplete: false });
    expect(lists()).toHaveLength(20);
  });
});
