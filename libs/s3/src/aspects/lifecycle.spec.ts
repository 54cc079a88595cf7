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
import type { Part } from '../aspect.ts';
import { bindAspect } from '../bind-aspect.ts';
import { lifecycle, type LifecycleWant } from './lifecycle.ts';

type Rules = NonNullable<BucketSpec['lifecycle']>['rules'];
type Rule = Rules[number];

const aspect = lifecycle();
const specOf = (rules: Rules, others: 'Keep' | 'Remove' = 'Remove') => bucketSpec({ lifecycle: { rules, others } });
const want = (rules: Rules, others?: 'Keep' | 'Remove', former: readonly string[] = []): LifecycleWant => {
  const desired = aspect.desired(specOf(rules, others), bucketContext({ managed: { lifecycle: former } }));
  if (desired === undefined) throw new Error('it is declared');
  return desired;
};
const rule = (change: Partial<Rule> = {}): Rule => ({ id: 'a', status: 'Enabled', ...change });
const expiring = rule({ expiration: { days: 9 } });
const aborting = rule({ id: 'b', abortIncompleteMultipartUpload: { daysAfterInitiation: 3 } });
const moving = rule({ id: 'c', transitions: [{ days: 3, storageClass: 'COLD' }] });
const sized = rule({ id: 'd', expiration: { days: 5 }, objectSizeGreaterThan: 100 });
const tagged = rule({ id: 'e', expiration: { days: 5 }, tags: { k: 'v', j: 'w' } });
const prefixed = rule({ id: 'g', expiration: { days: 5 }, prefix: 'logs/' });
const keepingTwo = rule({
  id: 'f',
  expiration: { days: 7 },
  noncurrentVersionExpiration: { noncurrentDays: 3, newerNoncurrentVersions: 2 },
});

let fake: FakeDriver['fake'];
let driver: FakeDriver['driver'];
let stored: string | undefined;
/** Of the answer to a GET. */
let told: Readonly<Record<string, string>>;
/** Every document that the server took. */
let taken: string[];
/** What the server makes of a document. */
let keep: (body: string) => string;
/** How it refuses one. */
let refusal: (body: string) => ReturnType<typeof refuse> | undefined;

beforeEach(async () => {
  const started = await startFakeDriver();
  ({ fake, driver } = started);
  stored = undefined;
  told = {};
  taken = [];
  keep = (body) => body;
  refusal = () => undefined;
  fake.answer(({ method, body }) => {
    if (method === 'PUT') {
      const refused = refusal(body);
      if (refused !== undefined) return refused;
      taken.push(body);
      stored = keep(body);
    }
    if (method === 'DELETE') stored = undefined;
    if (method !== 'GET') return succeed();
    return stored === undefined ? refuse(404, 'NoSuchLifecycleConfiguration') : succeed(stored, told);
  });
  return started.close;
});
const s3 = () => ({ wire: driver.wire(), bucket: 'photos' });
const read = () => aspect.read(s3(), recordingContext());
const idsThere = async () => (await read()).map(({ id }) => id).sort();
const without = (element: string) => (body: string) =>
  body.replace(new RegExp(`<${element}>.*?</${element}>`, 'gs'), '');
const document = (...rules: readonly string[]) =>
  `<LifecycleConfiguration>${rules.map((one) => `<Rule>${one}</Rule>`).join('')}</LifecycleConfiguration>`;
const methods = () => fake.requests.map(({ method }) => method);

describe('a lifecycle rule', () => {
  it('is not managed when it is not declared', () => {
    expect(aspect.desired(bucketSpec(), bucketContext())).toBeUndefined();
  });

  const days = '<Status>Enabled</Status><Expiration><Days>9</Days></Expiration>';
  const and = (inner: string) => `<Filter><And>${inner}</And></Filter>`;
  const tag = (key: string, value: string) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`;
  it.each<[string, Rule, string]>([
    ['no filter', expiring, days],
    ['an empty filter', expiring, `${days}<Filter/>`],
    ['an empty prefix', expiring, `${days}<Filter><Prefix></Prefix></Filter>`],
    ['an empty prefix at the rule', expiring, `${days}<Prefix></Prefix>`],
    ['a prefix', { ...expiring, prefix: 'p/' }, `${days}<Filter><Prefix>p/</Prefix></Filter>`],
    ['a prefix at the rule', { ...expiring, prefix: 'p/' }, `${days}<Prefix>p/</Prefix>`],
    ['a prefix below And', { ...expiring, prefix: 'p/' }, `${days}${and('<Prefix>p/</Prefix>')}`],
    ['a tag', { ...expiring, tags: { k: 'v' } }, `${days}<Filter>${tag('k', 'v')}</Filter>`],
    ['an empty tag', { ...expiring, tags: { k: '' } }, `${days}<Filter><Tag><Key>k</Key></Tag></Filter>`],
    [
      'tags in another order',
      { ...expiring, tags: { k: 'v', j: 'w' } },
      `${days}${and(tag('j', 'w') + tag('k', 'v'))}`,
    ],
    [
      'two sizes without And',
      { ...expiring, objectSizeGreaterThan: 0, objectSizeLessThan: 9 },
      `${days}<Filter><ObjectSizeGreaterThan>0</ObjectSizeGreaterThan><ObjectSizeLessThan>9</ObjectSizeLessThan></Filter>`,
    ],
    [
      'a day',
      rule({ expiration: { date: '2030-01-31' } }),
      '<Status>Enabled</Status><Expiration><Date>2030-01-31T00:00:00.000Z</Date></Expiration>',
    ],
    [
      'a marker that is off',
      rule({ status: 'Disabled', noncurrentVersionExpiration: { noncurrentDays: 3 } }),
      '<Status>Disabled</Status><Expiration><ExpiredObjectDeleteMarker>false</ExpiredObjectDeleteMarker></Expiration><NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionExpiration>',
    ],
    [
      'transitions in another order',
      rule({
        transitions: [
          { days: 30, storageClass: 'A' },
          { days: 60, storageClass: 'B' },
        ],
      }),
      '<Status>Enabled</Status><Transition><Days>60</Days><StorageClass>B</StorageClass></Transition><Transition><Days>30</Days><StorageClass>A</StorageClass></Transition>',
    ],
  ])('is the same with %s, as a server says it', async (_title, declared, said) => {
    stored = document(`<ID>a</ID>${said}`);
    const have = await read();
    expect(aspect.diff(want([declared]), have)).toBeUndefined();
    for (const other of [
      { ...declared, id: 'x' },
      { ...declared, prefix: 'other/' },
      { ...declared, abortIncompleteMultipartUpload: { daysAfterInitiation: 1 } },
    ]) {
      expect(aspect.diff(want([other]), have)).toBeDefined();
    }
  });

  it('that stands there twice is not the same', async () => {
    stored = document(`<ID>a</ID>${days}`, `<ID>a</ID>${days}`);
    expect(aspect.diff(want([expiring]), await read())).toBeDefined();
  });

  it.each<[string, Rules]>([
    ['nothing', []],
    ['everything', [expiring, aborting, moving, sized, tagged, keepingTwo]],
    [
      'each kind of action',
      [
        rule({ id: 'date', expiration: { date: '2030-01-31T00:00:00Z' }, prefix: 'p/', tags: { k: '' } }),
        rule({ id: 'marker', status: 'Disabled', expiration: { expiredObjectDeleteMarker: true } }),
        rule({ id: 'day', transitions: [{ date: '2030-01-31', storageClass: 'COLD' }] }),
        rule({ id: 'sizes', expiration: { days: 1 }, objectSizeGreaterThan: 0, objectSizeLessThan: 10 }),
        rule({
          id: 'earlier',
          noncurrentVersionTransitions: [
            { noncurrentDays: 3, newerNoncurrentVersions: 2, storageClass: 'COLD' },
            { noncurrentDays: 0, storageClass: 'WARM' },
          ],
        }),
      ],
    ],
  ])('has nothing left to do after a write of %s', async (_title, rules) => {
    for (const each of [aspect, lifecycle({ keepsAll: true })]) {
      await each.write(s3(), want([rule({ id: 'former', expiration: { days: 1 } })]), recordingContext());
      expect(await each.write(s3(), want(rules), recordingContext())).toMatchObject({ lost: new Map() });
      expect(each.diff(want(rules), await read())).toBeUndefined();
    }
  });

  it('is deleted only where a read has shown some', async () => {
    await aspect.write(s3(), want([]), recordingContext());
    expect(methods()).toEqual(['GET']);
  });
});

describe('lifecycle rules of others', () => {
  const theirs =
    '<ID>theirs</ID><Prefix>old/</Prefix><Status>Enabled</Status><Expiration><Date>2040-05-05T00:00:00.000Z</Date></Expiration>';
  const nameless = '<Filter/><Status>Enabled</Status><Expiration><Days>77</Days></Expiration>';

  it('are drift and go, and the write says which', async () => {
    stored = document(theirs, nameless);
    expect(aspect.diff(want([]), await read())).toBeDefined();
    expect(await aspect.write(s3(), want([expiring]), recordingContext())).toMatchObject({
      note: 'removed rules of others: theirs, one without an id',
    });
    expect(await idsThere()).toEqual(['a']);
  });

  it('stay as they are where the spec keeps them, also those that came since the look', async () => {
    stored = document(theirs, nameless);
    const keeping = want([expiring], 'Keep');
    await aspect.write(s3(), keeping, recordingContext());
    expect(aspect.diff(keeping, await read())).toBeUndefined();
    expect(taken.at(-1)).toContain('<Prefix>old/</Prefix>');
    expect(taken.at(-1)).toContain('2040-05-05T00:00:00');
    expect(await idsThere()).toEqual(['', 'a', 'theirs']);
  });

  it('are told from those of an earlier spec, which go', async () => {
    stored = document(theirs, '<ID>former</ID><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>');
    await aspect.write(s3(), want([], 'Keep', ['former']), recordingContext());
    expect(await idsThere()).toEqual(['theirs']);
  });
});

describe('what a server does not keep of a rule', () => {
  it.each<[string, Rules, string, Part, Rules]>([
    ['aborting uploads', [expiring, aborting], 'AbortIncompleteMultipartUpload', 'lifecycleAbort', [expiring]],
    [
      'aborting beside another action',
      [{ ...aborting, expiration: { days: 1 } }],
      'AbortIncompleteMultipartUpload',
      'lifecycleAbort',
      [rule({ id: 'b', expiration: { days: 1 } })],
    ],
    ['a size', [expiring, sized], 'ObjectSizeGreaterThan', 'lifecycleSizes', [expiring]],
    ['tags', [expiring, tagged], 'Tag', 'lifecycleTags', [expiring]],
    ['a prefix', [expiring, prefixed], 'Prefix', 'lifecyclePrefix', [expiring]],
    ['a prefix, where nothing else is', [prefixed], 'Prefix', 'lifecyclePrefix', []],
    [
      'how many versions stay',
      [keepingTwo],
      'NewerNoncurrentVersions',
      'lifecycleNewerVersions',
      [rule({ id: 'f', expiration: { days: 7 } })],
    ],
    ['transitions', [expiring, moving], 'Transition', 'lifecycleTransitions', [expiring]],
  ])('%s: the rest is there, and it is said', async (_title, rules, element, part, rest) => {
    keep = without(element);
    const written = await aspect.write(s3(), want(rules), recordingContext());
    expect([...(written?.lost?.keys() ?? [])]).toEqual([part]);
    expect(written?.lost?.get(part)).toMatch(/^The server accepts .* in lifecycle rules and drops it/);
    expect(aspect.diff(want(rest), await read())).toBeUndefined();
  });

  it.each([
    ['a size', sized, 'ObjectSizeGreaterThan'],
    ['tags', tagged, 'Tag'],
    ['a prefix', prefixed, 'Prefix'],
    ['how many versions stay', keepingTwo, 'NewerNoncurrentVersions'],
  ])('%s: no rule was ever in force without it', async (_title, declared, element) => {
    keep = without(element);
    // Also where it was in force before, with a narrower reach.
    stored = document(
      `<ID>${declared.id}</ID><Filter><Prefix>p/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>5</Days></Expiration>`,
    );
    await aspect.write(s3(), want([declared]), recordingContext());
    expect(taken.length).toBeGreaterThan(0);
    for (const body of taken.slice(0, 1)) expect(body).toContain('<Status>Disabled</Status>');
    for (const body of taken.filter((one) => one.includes(element)))
      expect(body).not.toContain('<Status>Enabled</Status>');
  });

  it('is asked for carefully only until the server has shown it', async () => {
    await aspect.write(s3(), want([sized]), recordingContext());
    expect(taken.map((body) => /<Status>(\w+)</.exec(body)?.[1])).toEqual(['Disabled', 'Enabled']);
    taken = [];
    await aspect.write(s3(), want([{ ...sized, expiration: { days: 6 } }]), recordingContext());
    expect(taken.map((body) => /<Status>(\w+)</.exec(body)?.[1])).toEqual(['Enabled']);
  });

  it('is what a look says from then on, without a further write', async () => {
    keep = without('AbortIncompleteMultipartUpload');
    const bound = bindAspect(aspect);
    const spec = specOf([expiring, aborting]);
    const at = (now: string) => recordingContext({ now: new Date(now) });
    const look = (now = '2026-05-05T10:00:00Z', wanted = spec) =>
      bound.look(wanted, bucketContext(), s3(), new Map(), at(now));
    const step = async (now?: string, wanted?: BucketSpec) => {
      const view = await look(now, wanted);
      if (view?.verdict !== 'different') throw new Error('expected a gap');
      return view.step.apply(at(now ?? '2026-05-05T10:00:00Z'));
    };
    expect(await step()).toEqual({ end: 'done' });
    const said = {
      verdict: 'unsupported',
      message: expect.stringContaining('abortIncompleteMultipartUpload') as string,
    };
    expect(await look()).toMatchObject(said);
    // A repair of the rest does not make it forget.
    stored = document('<ID>theirs</ID><Filter/><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>');
    expect(await step()).toEqual({ end: 'done', note: 'removed rules of others: theirs' });
    expect(await look()).toMatchObject(said);
    expect(await look('2026-05-05T10:59:00Z')).toMatchObject(said);
    // An hour later it is tried again, and nothing is told as changed.
    expect(await step('2026-05-05T11:00:00Z')).toMatchObject({ end: 'refused' });
    expect(await look('2026-05-05T11:00:01Z')).toMatchObject(said);
    expect(await look(undefined, specOf([expiring]))).toMatchObject({ verdict: 'same' });
    expect(await step(undefined, specOf([{ ...expiring, prefix: 'x' }, aborting]))).toEqual({ end: 'done' });
  });
});

describe('what a server refuses of a rule', () => {
  const refusing = (element: string, status: number, code: string) => (body: string) =>
    body.includes(`<${element}>`) ? refuse(status, code) : undefined;

  it.each<[string, Rules, string, number, string, Rules, RegExp]>([
    [
      'transitions',
      [expiring, moving],
      'Transition',
      501,
      'NotImplemented',
      [expiring],
      /^The server refuses transitions/,
    ],
    [
      'a tier',
      [expiring, moving],
      'Transition',
      400,
      'InvalidStorageClass',
      [expiring],
      /storage classes or tiers COLD\. Create it/,
    ],
    [
      'aborting uploads',
      [expiring, aborting],
      'AbortIncompleteMultipartUpload',
      400,
      'InvalidArgument',
      [expiring],
      /^The server refuses abortIncomplete/,
    ],
    [
      'one of two',
      [aborting, moving, expiring],
      'Transition',
      501,
      'NotImplemented',
      [aborting, expiring],
      /^The server refuses transitions/,
    ],
  ])('%s: the rest is there, and it is said', async (_title, rules, element, status, code, rest, message) => {
    refusal = refusing(element, status, code);
    const written = await aspect.write(s3(), want(rules), recordingContext());
    expect(written?.lost?.size).toBe(1);
    expect([...(written?.lost?.values() ?? [])][0]).toMatch(message);
    expect(aspect.diff(want(rest), await read())).toBeUndefined();
  });

  it('is dropped also where the server refuses it only in a rule that is in force', async () => {
    const both = { ...prefixed, transitions: [{ days: 3, storageClass: 'COLD' }] };
    refusal = (body) =>
      body.includes('Enabled') && body.includes('<Transition>') ? refuse(501, 'NotImplemented') : undefined;
    const written = await aspect.write(s3(), want([both]), recordingContext());
    expect([...(written?.lost?.keys() ?? [])]).toEqual(['lifecycleTransitions']);
    expect(aspect.diff(want([prefixed]), await read())).toBeUndefined();
  });

  it('both of two, and a third is dropped', async () => {
    refusal = (body) =>
      refusing('Transition', 501, 'NotImplemented')(body) ?? refusing('Tag', 400, 'InvalidArgument')(body);
    keep = without('AbortIncompleteMultipartUpload');
    const written = await aspect.write(s3(), want([moving, tagged, aborting, expiring]), recordingContext());
    expect([...(written?.lost?.keys() ?? [])]).toEqual(['lifecycleTransitions', 'lifecycleAbort', 'lifecycleTags']);
    expect(await idsThere()).toEqual(['a']);
  });

  it('leaves what is there of it as it is: a tier that is missing takes no other away', async () => {
    await aspect.write(s3(), want([moving]), recordingContext());
    refusal = (body) => (body.includes('NOWHERE') ? refuse(400, 'InvalidStorageClass') : undefined);
    const lost = { ...moving, id: 'g', transitions: [{ days: 1, storageClass: 'NOWHERE' }], expiration: { days: 9 } };
    await aspect.write(s3(), want([moving, lost]), recordingContext());
    expect(aspect.diff(want([moving, rule({ id: 'g', expiration: { days: 9 } })]), await read())).toBeUndefined();
  });

  it('is all of it: that is thrown as the server says it', async () => {
    refusal = () => refuse(501, 'NotImplemented');
    await expect(aspect.write(s3(), want([moving, expiring]), recordingContext())).rejects.toMatchObject({
      reason: 'Unsupported',
    });
    refusal = () => refuse(400, 'InvalidArgument');
    await expect(aspect.write(s3(), want([expiring]), recordingContext())).rejects.toMatchObject({
      reason: 'RequestRefused',
    });
  });

  it('is told as it is where the server has all parts: then the spec is wrong, and what stands there stays', async () => {
    refusal = refusing('Transition', 400, 'InvalidArgument');
    await expect(
      lifecycle({ keepsAll: true }).write(s3(), want([moving, expiring]), recordingContext()),
    ).rejects.toMatchObject({ reason: 'RequestRefused' });
    expect(methods()).toEqual(['GET', 'PUT']);
  });

  it('is no part where the failure is another', async () => {
    refusal = () => refuse(403, 'AccessDenied');
    await expect(aspect.write(s3(), want([moving]), recordingContext())).rejects.toMatchObject({
      reason: 'AccessDenied',
    });
    expect(methods()).toEqual(['GET', 'PUT']);
  });
});

it.each([
  ['stays as somebody has set it', { 'x-amz-transition-default-minimum-object-size': 'varies_by_storage_class' }],
  ['is not named where the server does not', {}],
])('the size from which objects are moved %s', async (_what, headers) => {
  stored = document('<ID>x</ID><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>');
  told = headers;
  await lifecycle({ keepsAll: true }).write(s3(), want([moving]), recordingContext());
  const put = fake.requests.find(({ method }) => method === 'PUT');
  expect(put?.headers['x-amz-transition-default-minimum-object-size']).toBe(Object.values(headers)[0]);
});
