import type { BucketSpec } from '@operator/api';
import {
  bucketContext,
  bucketSpec,
  recordingContext,
  refuse,
  startFakeDriver,
  succeed,
  type FakeDriver,
} from '@operator/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { cors, mergeRules, type CorsRule, type CorsWant } from './cors.ts';

type Rules = NonNullable<BucketSpec['cors']>['rules'];
const want = (rules: Rules, others: 'Keep' | 'Remove' = 'Remove', former: readonly string[] = []): CorsWant => {
  const desired = cors.desired(bucketSpec({ cors: { rules, others } }), bucketContext({ managed: { cors: former } }));
  if (desired === undefined) throw new Error('it is declared');
  return desired;
};
const get = {
  id: 'get',
  allowedOrigins: ['https://a.example', 'https://b.example'],
  allowedMethods: ['GET', 'HEAD'],
} as const;
const put = {
  allowedOrigins: ['*'],
  allowedMethods: ['PUT'],
  allowedHeaders: ['X-One', 'content-type'],
  maxAgeSeconds: 5,
} as const;
const foreign: CorsRule = {
  id: 'theirs',
  origins: ['https://c.example'],
  methods: ['DELETE'],
  headers: [],
  exposed: [],
};
/** As a server that keeps no ids has them. */
const nameless = (rules: readonly CorsRule[]): readonly CorsRule[] =>
  rules.map(({ origins, methods, headers, exposed, maxAgeSeconds }) => ({
    origins,
    methods,
    headers,
    exposed,
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
  }));

describe('cors', () => {
  it('is not managed when it is not declared', () => {
    expect(cors.desired(bucketSpec(), bucketContext())).toBeUndefined();
  });

  const both = want([get, put]);
  it.each<[string, CorsWant, readonly CorsRule[], boolean]>([
    ['as wanted', both, both.rules, true],
    ['as wanted, by a server that keeps no ids', both, nameless(both.rules), true],
    ['in another order: another rule may match first', both, [...both.rules].reverse(), false],
    ['nothing there', both, [], false],
    ['a rule of others, which are removed', both, [...both.rules, foreign], false],
    ['a rule of others, which are kept', want([get, put], 'Keep'), [foreign, ...both.rules], true],
    ['none wanted, none there', want([]), [], true],
    ['none wanted, some there', want([]), [foreign], false],
    ['none wanted, and those of others kept', want([], 'Keep'), [foreign], true],
    [
      'the same content under another’s id',
      want([get]),
      [{ ...want([get]).rules[0], id: 'theirs' } as CorsRule],
      false,
    ],
  ])('%s', (_title, wish, have, isSame) => {
    expect(cors.diff(wish, have) === undefined).toBe(isSame);
    expect(cors.diff(wish, mergeRules(have, wish))).toBeUndefined();
  });

  it('takes no notice of the order within a list, and of the case of a header', () => {
    const shuffled = want([
      { ...put, allowedHeaders: ['Content-Type', 'x-one'] },
      { ...get, allowedMethods: ['HEAD', 'GET'] },
    ]);
    expect(cors.diff(want([put, get]), shuffled.rules)).toBeUndefined();
  });

  it.each([
    ['with their ids', (rules: readonly CorsRule[]) => rules],
    ['by their content where a server keeps no ids', nameless],
  ])('removes the rules of an earlier spec beside those of others, known %s', (_how, stored) => {
    const former = cors.owns?.(both) ?? [];
    const have = stored([...both.rules, foreign]);
    const wish = want([put], 'Keep', former);
    const after = mergeRules(have, wish);
    const others = stored([foreign]);
    expect(after).toEqual([...wish.rules, ...others]);
  });

  let fake: FakeDriver['fake'];
  let driver: FakeDriver['driver'];
  let stored: string | undefined;
  beforeEach(async () => {
    const started = await startFakeDriver();
    ({ fake, driver } = started);
    stored = undefined;
    fake.answer(({ method, body }) => {
      if (method === 'PUT') stored = body;
      if (method === 'DELETE') stored = undefined;
      if (method !== 'GET') return succeed();
      return stored === undefined ? refuse(404, 'NoSuchCORSConfiguration') : succeed(stored);
    });
    return started.close;
  });
  const s3 = () => ({ wire: driver.wire(), bucket: 'photos' });

  it.each([both, want([]), want([get], 'Keep')])('has nothing left to do after a write', async (wish) => {
    await cors.write(s3(), want([put]), recordingContext());
    const merged = { ...wish, former: cors.owns?.(want([put])) ?? [] };
    await cors.write(s3(), merged, recordingContext());
    expect(cors.diff(merged, await cors.read(s3(), recordingContext()))).toBeUndefined();
  });

  it('keeps what others have put there since the look', async () => {
    await cors.write(s3(), { rules: [foreign], keepsOthers: false, former: [] }, recordingContext());
    await cors.write(s3(), want([get], 'Keep'), recordingContext());
    expect((await cors.read(s3(), recordingContext())).map(({ id }) => id)).toEqual(['get', 'theirs']);
    await cors.write(s3(), want([], 'Keep', ['get']), recordingContext());
    expect((await cors.read(s3(), recordingContext())).map(({ id }) => id)).toEqual(['theirs']);
  });

  it('is deleted only where a read has shown rules', async () => {
    await cors.write(s3(), want([]), recordingContext());
    expect(fake.requests.map(({ method }) => method)).toEqual(['GET']);
  });
});
