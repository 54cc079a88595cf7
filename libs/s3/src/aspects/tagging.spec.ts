import { bucketContext, bucketSpec, ownerMark, recordingContext, startFakeDriver, succeed } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import { tagsOfMark } from '../owner-mark.ts';
import { mergeTags, tagging, type TaggingWant } from './tagging.ts';

const mark = Object.fromEntries(tagsOfMark(ownerMark()));
const want = (tags: Record<string, string> | undefined, managedTagKeys: string[] = []): TaggingWant => {
  const desired = tagging.desired(
    bucketSpec(tags === undefined ? {} : { tagging: { tags } }),
    bucketContext({ managedTagKeys }),
  );
  if (desired === undefined) throw new Error('the mark is always wanted');
  return desired;
};
const have = (tags: Record<string, string>): TaggingWant => ({ tags: new Map(Object.entries(tags)), remove: [] });
const written = (found: Record<string, string>, to: TaggingWant | undefined) =>
  to && Object.fromEntries(mergeTags(new Map(Object.entries(found)), to));

describe('tagging', () => {
  it.each([
    ['nothing declared, no tags: the mark', want(undefined), {}, mark],
    ['nothing declared, mark there: nothing', want(undefined), mark, undefined],
    ['nothing declared any more: earlier tags stay', want(undefined, ['team']), { ...mark, team: 'a' }, undefined],
    [
      'declared: added to those of others',
      want({ team: 'a' }),
      { ...mark, cost: '7' },
      { ...mark, cost: '7', team: 'a' },
    ],
    ['changed value: replaced', want({ team: 'b' }, ['team']), { ...mark, team: 'a' }, { ...mark, team: 'b' }],
    ['no longer declared: removed', want({}, ['team']), { ...mark, team: 'a', cost: '7' }, { ...mark, cost: '7' }],
    ['never ours: stays', want({}, []), { ...mark, team: 'a' }, undefined],
    ['all there: nothing', want({ team: 'a' }, ['team']), { ...mark, team: 'a', cost: '7' }, undefined],
    ['somebody else took the mark: ours again', want(undefined), { ...mark, 's3.cloud37.dev/uid': 'x' }, mark],
  ])('%s', (_title, wanted, found, to) => {
    expect(written(found, tagging.diff(wanted, have(found)))).toEqual(to);
  });

  it('takes a key named __proto__ for a key', () => {
    const tags = JSON.parse('{"__proto__": "x"}') as Record<string, string>;
    const to = tagging.diff(want(tags), have(mark));
    expect([...(to?.tags.keys() ?? [])]).toContain('__proto__');
    expect(to && tagging.diff(want(tags), to)).toBeUndefined();
  });

  it('has nothing left to do after a write', () => {
    const wanted = want({ team: 'a' }, ['old']);
    const found = { old: '1', cost: '7' };
    const after = written(found, tagging.diff(wanted, have(found)));
    expect(after && tagging.diff(wanted, have(after))).toBeUndefined();
  });

  it.each([
    ['keeps what others have put there since the look', false, ['GET', 'PUT'], { cost: '7' }],
    ['reads nothing again of a bucket that was made in this pass', true, ['PUT'], {}],
  ])('%s', async (_title, isNew, methods, kept) => {
    const { fake, driver, close } = await startFakeDriver();
    const tagXml = (tags: Record<string, string>) =>
      Object.entries(tags).map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`);
    const there = tagXml({ cost: '7', old: '1' }).join('');
    fake.answer(() => succeed(`<Tagging><TagSet>${there}</TagSet></Tagging>`));
    const s3 = { wire: driver.wire(), bucket: 'photos', tags: new Map(), isNew };
    await tagging.write(s3, { tags: new Map([['team', 'a']]), remove: ['old'] }, recordingContext());
    expect(fake.requests.map(({ method }) => method)).toEqual(methods);
    const body = fake.requests.at(-1)?.body ?? '';
    const sent = [...body.matchAll(/<Key>(.*?)<\/Key><Value>(.*?)<\/Value>/g)].map(([, key, value]) => [key, value]);
    expect(Object.fromEntries(sent)).toEqual({ ...kept, team: 'a' });
    await close();
  });
});
