import { tagsOfMark } from '@operator/ownership';
import { asFault } from '@operator/outcome';
import {
  bucketContext,
  bucketSpec,
  ownerMark,
  recordingContext,
  refuse,
  startFakeDriver,
  succeed,
  type FakeDriver,
  type FakeS3,
} from '@operator/testing';
import { describe, expect, it } from 'vitest';
import { mergeTags, tagging, type TaggingWant } from './tagging.ts';

const mark = Object.fromEntries(tagsOfMark(ownerMark()));
const want = (tags: Record<string, string> | undefined, managedTagKeys: string[] = []): TaggingWant => {
  const desired = tagging.desired(
    bucketSpec(tags === undefined ? {} : { tagging: { tags } }),
    bucketContext({ managed: { tagging: managedTagKeys } }),
  );
  if (desired === undefined) throw new Error('the mark is always wanted');
  return desired;
};
const have = (tags: Record<string, string>): ReadonlyMap<string, string> => new Map(Object.entries(tags));
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
    ['the proof alone is wrong: signed again', want(undefined), { ...mark, 's3.cloud37.dev/proof': 'v1.x' }, mark],
  ])('%s', (_title, wanted, found, to) => {
    expect(written(found, tagging.diff(wanted, have(found)))).toEqual(to);
  });

  it('takes a key named __proto__ for a key', () => {
    const tags = JSON.parse('{"__proto__": "x"}') as Record<string, string>;
    const to = tagging.diff(want(tags), have(mark));
    expect([...(to?.tags.keys() ?? [])]).toContain('__proto__');
    expect(to && tagging.diff(want(tags), to.tags)).toBeUndefined();
  });

  it('has nothing left to do after a write', () => {
    const wanted = want({ team: 'a' }, ['old']);
    const found = { old: '1', cost: '7' };
    const after = written(found, tagging.diff(wanted, have(found)));
    expect(after && tagging.diff(wanted, have(after))).toBeUndefined();
  });

  const tagXml = (tags: Record<string, string>) =>
    `<Tagging><TagSet>${Object.entries(tags)
      .map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`)
      .join('')}</TagSet></Tagging>`;
  const tagsIn = (body: string) =>
    Object.fromEntries(
      [...body.matchAll(/<Key>(.*?)<\/Key><Value>(.*?)<\/Value>/g)].map(([, key, value]) => [key ?? '', value ?? '']),
    );
  const withFake = async (run: (started: FakeDriver) => Promise<void>) => {
    const started = await startFakeDriver();
    await run(started).finally(started.close);
  };
  const puts = ({ requests }: FakeS3) =>
    requests.filter(({ method }) => method === 'PUT').map(({ body }) => tagsIn(body));

  it.each([
    ['keeps what others have put there since the look', false, ['GET', 'PUT'], { cost: '7' }],
    ['reads nothing again of a bucket that was made in this pass', true, ['PUT'], {}],
  ])('%s', (_title, isNew, methods, kept) =>
    withFake(async ({ fake, driver }) => {
      fake.answer(() => succeed(tagXml({ cost: '7', old: '1', ...mark })));
      const s3 = { wire: driver.wire(), bucket: 'photos', tags: new Map(isNew ? Object.entries(mark) : []), isNew };
      await tagging.write(s3, want({ team: 'a' }, ['old']), recordingContext());
      expect(fake.requests.map(({ method }) => method)).toEqual(methods);
      expect(puts(fake).at(-1)).toEqual({ ...kept, ...mark, team: 'a' });
    }),
  );

  it('writes the mark and the tags of the spec at once', () =>
    withFake(async ({ fake, driver }) => {
      fake.answer(() => succeed(tagXml({ cost: '7', old: '1' })));
      await tagging.write({ wire: driver.wire(), bucket: 'photos' }, want({ team: 'a' }, ['old']), recordingContext());
      expect(puts(fake)).toEqual([{ cost: '7', ...mark, team: 'a' }]);
    }));

  it('writes nothing where somebody has put all of it there since the look', () =>
    withFake(async ({ fake, driver }) => {
      fake.answer(() => succeed(tagXml({ ...mark, team: 'a' })));
      await tagging.write({ wire: driver.wire(), bucket: 'photos' }, want({ team: 'a' }), recordingContext());
      expect(puts(fake)).toEqual([]);
    }));

  it('writes once where only the mark is missing, or only a tag', () =>
    withFake(async ({ fake, driver }) => {
      fake.answer(() => succeed(tagXml({ cost: '7' })));
      const s3 = { wire: driver.wire(), bucket: 'photos' };
      await tagging.write(s3, want(undefined), recordingContext());
      fake.answer(() => succeed(tagXml({ cost: '7', ...mark })));
      await tagging.write(s3, want({ team: 'a' }), recordingContext());
      expect(puts(fake)).toEqual([
        { cost: '7', ...mark },
        { cost: '7', ...mark, team: 'a' },
      ]);
    }));

  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`other-${n}`, 'x']));
  it.each([
    ['names those with unusual characters', {}, { team: 'a', Zuständig: 'b' }, /the tags Zuständig:/],
    ['names those with unusual values', {}, { team: 'ä', plain: 'b' }, /the tags team:/],
    ['names all where none stands out', {}, { team: 'a', stage: 'b' }, /the tags team, stage\./],
    ['counts them where they are too many', many(45), { team: 'a' }, /would have 51 tags/],
  ])('that the server refuses are terminal SpecInvalid, which %s; the mark stays', (_title, others, declared, words) =>
    withFake(async ({ fake, driver }) => {
      fake.answer(({ method, body }) => {
        if (method === 'GET') return succeed(tagXml(others));
        const isMore = Object.keys(tagsIn(body)).some((key) => key in declared);
        return isMore ? refuse(400, 'MalformedXML', 'no such tags') : succeed();
      });
      const s3 = { wire: driver.wire(), bucket: 'photos' };
      const fault = await tagging.write(s3, want(declared), recordingContext()).catch(asFault);
      expect(fault).toMatchObject({ kind: 'terminal', reason: 'SpecInvalid' });
      expect(asFault(fault).message).toMatch(words);
      expect(asFault(fault).message).toContain('no such tags');
      expect(puts(fake)).toEqual([
        { ...others, ...mark, ...declared },
        { ...others, ...mark },
      ]);
    }),
  );

  it.each([
    ['a status that is no refusal of tags', () => refuse(500, 'InternalError'), 2],
    ['a server that is busy', () => refuse(503, 'SlowDown'), 1],
  ])('after %s the mark goes alone only where that may help', (_title, answer, times) =>
    withFake(async ({ fake, driver }) => {
      fake.answer(({ method, body }) =>
        method === 'GET' ? succeed(tagXml({})) : 'team' in tagsIn(body) ? answer() : succeed(),
      );
      const write = tagging.write({ wire: driver.wire(), bucket: 'photos' }, want({ team: 'a' }), recordingContext());
      expect(await write.catch(asFault)).toMatchObject({ kind: 'transient' });
      expect(new Set(puts(fake).map((tags) => JSON.stringify(tags))).size).toBe(times);
    }),
  );

  it('of others that leave no room for the mark are counted, too', () =>
    withFake(async ({ fake, driver }) => {
      fake.answer(({ method }) => (method === 'GET' ? succeed(tagXml(many(46))) : refuse(400, 'BadRequest')));
      const write = tagging.write({ wire: driver.wire(), bucket: 'photos' }, want(undefined), recordingContext());
      const fault = asFault(await write.catch(asFault));
      expect(fault).toMatchObject({ kind: 'terminal', reason: 'SpecInvalid' });
      expect(fault.message).toMatch(/would have 51 tags .* remove some that others put there/);
    }));

  it('that go make room for the mark in the very same write', () =>
    withFake(async ({ fake, driver }) => {
      fake.answer(() => succeed(tagXml({ ...many(45), old: '1' })));
      await tagging.write({ wire: driver.wire(), bucket: 'photos' }, want({}, ['old']), recordingContext());
      expect(puts(fake)).toEqual([{ ...many(45), ...mark }]);
    }));

  it('are not blamed for a refusal of the mark itself', () =>
    withFake(async ({ fake, driver }) => {
      fake.answer(({ method }) => (method === 'GET' ? succeed(tagXml({})) : refuse(400, 'MalformedXML')));
      const write = tagging.write({ wire: driver.wire(), bucket: 'photos' }, want({ team: 'a' }), recordingContext());
      expect(await write.catch(asFault)).toMatchObject({ kind: 'waiting', reason: 'RequestRefused' });
    }));
});
