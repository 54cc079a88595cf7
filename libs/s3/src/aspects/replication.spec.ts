import type { ReplicationRule } from '@aws-sdk/client-s3';
import {
  bucketContext,
  bucketSpec,
  recordingContext,
  refuse,
  startFakeDriver,
  succeed,
  type FakeDriver,
} from '@operator/testing';
import type { BucketSpec } from '@operator/api';
import { waiting } from '@operator/outcome';
import { beforeEach, describe, expect, it } from 'vitest';
import type { BucketContext, Input } from '../aspect.ts';
import { bindAspect } from '../bind-aspect.ts';
import { isSameReplication, mergeReplication, type ReplicationWant, type WantedRule } from './replication-rules.ts';
import { replicationByRole } from './replication.ts';

type Rule = NonNullable<BucketSpec['replication']>['rules'][number];

const role = 'arn:aws:iam::123456789012:role/copies';
const rule = (id: string, change: Partial<Rule> = {}): Rule => ({
  id,
  status: 'Enabled',
  destination: { bucketArn: 'arn:aws:s3:::copies' },
  deleteMarkers: false,
  existingObjects: false,
  ...change,
});
const specWith = (rules: readonly Rule[], change: object = {}) =>
  bucketSpec({ replication: { role, rules, others: 'Remove', ...change } });

let fake: FakeDriver['fake'];
let driver: FakeDriver['driver'];
const context = recordingContext();
/** The document that stands at the server; undefined: none. */
let stored: string | undefined;
beforeEach(async () => {
  const started = await startFakeDriver();
  ({ fake, driver } = started);
  stored = undefined;
  context.clear();
  fake.answer(({ method, body }) => {
    if (method === 'GET')
      return stored === undefined ? refuse(404, 'ReplicationConfigurationNotFoundError') : succeed(stored);
    stored = method === 'PUT' ? body : undefined;
    return succeed();
  });
  return started.close;
});

const look = (spec: BucketSpec, bucket: Partial<BucketContext> = {}) =>
  bindAspect(replicationByRole({ serverIdentity: 'fake', keepsAll: false })).look(
    spec,
    bucketContext(bucket),
    { wire: driver.wire(), bucket: 'photos' },
    new Map(),
    context,
  );
const converge = async (spec: BucketSpec, bucket: Partial<BucketContext> = {}) => {
  const view = await look(spec, bucket);
  if (view?.verdict === 'different') await view.step.apply(context);
  return look(spec, bucket);
};
const copies = (change: object = {}): Input =>
  ({ kind: 'Bucket', key: 'team-b/copies', bucket: 'copies', region: 'cn-north-1', driver, ...change }) as Input;

it('a rule is written as it was declared, found again, and goes', async () => {
  const full = rule('full', {
    prefix: 'a/',
    priority: 0,
    status: 'Disabled',
    destination: { bucketArn: 'arn:aws:s3:::copies', storageClass: 'GLACIER' },
    deleteMarkers: true,
    existingObjects: true,
  });
  expect(await converge(specWith([full, rule('rest')]))).toMatchObject({ verdict: 'same', managed: ['full', 'rest'] });
  expect(stored).toContain(`<Role>${role}</Role>`);
  expect(stored).toContain('<StorageClass>GLACIER</StorageClass>');
  expect(stored?.match(/ExistingObjectReplication>/g)).toHaveLength(2);
  expect(await converge(specWith([full]), { managed: { replication: ['full', 'rest'] } })).toMatchObject({
    verdict: 'same',
  });
  expect(stored).not.toContain('rest');
  expect(await converge(specWith([]))).toMatchObject({ verdict: 'same', managed: [] });
  expect(stored).toBeUndefined();
});

it.each([
  ['is put back', [rule('one')]],
  ['is nothing again', []],
])('what was there before %s where the server drops a bound', async (_what, before) => {
  fake.answer(({ method, body }) => {
    if (method === 'GET')
      return stored === undefined ? refuse(404, 'ReplicationConfigurationNotFoundError') : succeed(stored);
    stored = method === 'PUT' ? body.replace('<Prefix>a/</Prefix>', '<Prefix></Prefix>') : undefined;
    return succeed();
  });
  await converge(specWith(before));
  const there = stored;
  const view = await look(specWith([rule('one', { prefix: 'a/' })]));
  if (view?.verdict !== 'different') throw new Error('expected a gap');
  expect(await view.step.apply(context)).toMatchObject({
    end: 'refused',
    message: expect.stringMatching(/keeps something else/) as string,
  });
  expect(stored).toBe(there);
});

it('a rule of which the server drops a bound copies nothing, also when the process is killed before it looks', async () => {
  const bodies: string[] = [];
  let isKilled = false;
  fake.answer(({ method, body }) => {
    if (method === 'GET' && isKilled) return refuse(403, 'AccessDenied');
    if (method === 'GET')
      return stored === undefined ? refuse(404, 'ReplicationConfigurationNotFoundError') : succeed(stored);
    bodies.push(body);
    isKilled = bodies.length === 1;
    stored = method === 'PUT' ? body.replace('<Prefix>a/</Prefix>', '<Prefix></Prefix>') : undefined;
    return succeed();
  });
  const spec = specWith([rule('one', { prefix: 'a/' })]);
  const view = await look(spec);
  if (view?.verdict !== 'different') throw new Error('expected a gap');
  await expect(view.step.apply(context)).rejects.toMatchObject({ reason: 'AccessDenied' });
  isKilled = false;
  const next = await look(spec);
  if (next?.verdict !== 'different') throw new Error('expected the same gap');
  expect(await next.step.apply(context)).toMatchObject({ end: 'refused' });
  expect(bodies.length).toBeGreaterThan(1);
  expect(bodies.join('')).not.toContain('<Status>Enabled</Status>');
});

it('rules that the server has shown go on while others change', async () => {
  const bodies: string[] = [];
  fake.answer(({ method, body }) => {
    if (method === 'GET')
      return stored === undefined ? refuse(404, 'ReplicationConfigurationNotFoundError') : succeed(stored);
    bodies.push(body);
    stored = body;
    return succeed();
  });
  await converge(specWith([rule('one', { prefix: 'a/' })]));
  expect(await converge(specWith([rule('one', { prefix: 'a/' }), rule('two', { prefix: 'b/' })]))).toMatchObject({
    verdict: 'same',
  });
  const enabled = bodies.map((body) => body.match(/<Status>Enabled<\/Status>/g)?.length ?? 0);
  // Deletion markers, of which Status says the same, are off.
  expect(enabled).toEqual([0, 1, 1, 2]);
});

it.each<[string, Partial<Rule>, Partial<Rule>, readonly string[]]>([
  [
    'another class of the copies',
    {},
    { destination: { bucketArn: 'arn:aws:s3:::copies', storageClass: 'GLACIER' } },
    ['Enabled'],
  ],
  ['another number', {}, { priority: 9 }, ['Enabled']],
  ['existing objects', {}, { existingObjects: true }, ['Enabled']],
  ['no delete markers any more', { deleteMarkers: true }, {}, ['Enabled']],
  ['a rule that was off', { status: 'Disabled' }, {}, ['Enabled']],
  ['delete markers', {}, { deleteMarkers: true }, ['Disabled', 'Enabled']],
  ['another prefix', {}, { prefix: 'b/' }, ['Disabled', 'Enabled']],
  ['another destination', {}, { destination: { bucketArn: 'arn:aws:s3:::others' } }, ['Disabled', 'Enabled']],
])('%s is written so that the rule copies nothing but what the server has shown', async (_what, from, to, want) => {
  await converge(specWith([rule('one', { prefix: 'a/', ...from })]));
  context.clear();
  const written: (string | undefined)[] = [];
  fake.answer(({ method, body }) => {
    if (method === 'GET') return succeed(stored ?? '');
    stored = body;
    const own = body.replaceAll(/<(DeleteMarker|ExistingObject)Replication>.*?<\/\1Replication>/g, '');
    written.push(/<Status>(\w+)</.exec(own)?.[1]);
    return succeed();
  });
  expect(await converge(specWith([rule('one', { prefix: 'a/', ...to })]))).toMatchObject({ verdict: 'same' });
  expect(written).toEqual(want);
});

it('is not removed where a server answers of nothing', async () => {
  fake.answer(({ method }) =>
    method === 'GET' ? succeed('<ReplicationConfiguration><Role/></ReplicationConfiguration>') : refuse(500, 'Never'),
  );
  expect(await converge(specWith([]))).toMatchObject({ verdict: 'same' });
  expect(context.writes()).toEqual([]);
});

it('the ARN of the Bucket that a rule names is that of its region', async () => {
  const named = rule('one', { destination: { bucketRef: { name: 'copies' } } });
  const inputs = new Map([['replication.one', copies()]]);
  expect(await converge(specWith([named]), { inputs })).toMatchObject({ verdict: 'same' });
  expect(stored).toContain('<Bucket>arn:aws-cn:s3:::copies</Bucket>');
});

it.each<readonly [string, BucketSpec, () => Partial<BucketContext>, string, RegExp]>([
  [
    'no role is named',
    specWith([rule('one')], { role: undefined }),
    () => ({}),
    'SpecInvalid',
    /Set replication\.role/,
  ],
  [
    'the Provider is lent',
    specWith([rule('one')]),
    () => ({ isBorrowed: true }),
    'ReferenceNotGranted',
    /only Buckets of its own namespace/,
  ],
  [
    'the other Bucket is on another server',
    specWith([rule('one', { destination: { bucketRef: { name: 'copies' } } })]),
    () => ({ inputs: new Map([['replication.one', copies({ driver: { serverIdentity: 'http://other' } })]]) }),
    'SpecInvalid',
    /Bucket team-b\/copies is on http:\/\/other/,
  ],
  [
    'the other Bucket is not there',
    specWith([rule('one', { destination: { bucketRef: { name: 'copies' } } })]),
    () => ({ inputs: new Map([['replication.one', waiting('BucketNotReady', 'It is not there.')]]) }),
    'BucketNotReady',
    /It is not there/,
  ],
])('where %s, that is said, and what is there stays', async (_when, spec, bucket, reason, message) => {
  await converge(specWith([rule('one')]));
  const before = stored;
  const view = await converge(spec, bucket());
  expect(view).toMatchObject({
    verdict: 'blocked',
    fault: { reason, message: expect.stringMatching(message) as string },
  });
  expect(stored).toBe(before);
});

it('a rule ends with what it copied to, and the others stay', async () => {
  const named = rule('one', { destination: { bucketRef: { name: 'copies' } } });
  const spec = specWith([named, rule('two')]);
  await converge(spec, { inputs: new Map([['replication.one', copies()]]) });
  const fault = waiting('BucketNotFound', 'It is gone.');
  const inputs = new Map([['replication.one', { kind: 'Ended', fault } as const]]);
  expect(await converge(spec, { inputs })).toMatchObject({ verdict: 'blocked', fault });
  expect(stored).not.toContain('<ID>one</ID>');
  expect(stored).toContain('<ID>two</ID>');
});

describe('what ended', () => {
  const aspect = bindAspect(replicationByRole({ serverIdentity: 'fake', keepsAll: false }));
  const end = (ended: ReadonlyMap<string, readonly string[]>) =>
    aspect.end?.({ wire: driver.wire(), bucket: 'photos' }, { ended, kept: new Map() }, context);

  it.each<[string, ReadonlyMap<string, readonly string[]>, boolean]>([
    ['goes with the rule that leads to it', new Map([['replication.one', ['copies']]]), true],
    ['goes with its rule where nobody knows where that led', new Map([['replication.one', []]]), true],
    ['leaves a rule that leads elsewhere by now', new Map([['replication.one', ['former']]]), false],
    ['leaves a rule of another reference', new Map([['replication.two', ['copies']]]), false],
  ])('%s', async (_what, ended, goes) => {
    await converge(specWith([rule('one'), rule('rest')]));
    const before = stored;
    context.clear();
    expect(await end(ended)).toBe(goes);
    expect(stored?.includes('<ID>one</ID>')).toBe(!goes);
    expect(stored).toContain('<ID>rest</ID>');
    if (!goes) expect([stored, context.writes()]).toEqual([before, []]);
  });
});

describe('numbers of rules', () => {
  const wanted = (id: string, priority?: number): WantedRule<string> => ({
    id,
    isEnabled: true,
    priority,
    prefix: '',
    place: 'arn',
    storageClass: undefined,
    deleteMarkers: false,
    existingObjects: false,
  });
  const want = (rules: readonly WantedRule<string>[], keepsOthers = false): ReplicationWant<string> => ({
    rules,
    left: [],
    fault: undefined,
    ended: new Map(),
    keepsOthers,
    former: [],
  });
  const numbersOf = (rules: readonly ReplicationRule[]) =>
    Object.fromEntries(rules.map(({ ID = '', Priority }) => [ID, Priority]));
  const theirs = { ID: 'theirs', Status: 'Enabled', Priority: 2, Filter: {}, Destination: { Bucket: 'arn' } } as const;
  const merge = (rules: readonly WantedRule<string>[], keepsOthers = false) =>
    numbersOf(mergeReplication(keepsOthers ? [theirs] : [], want(rules, keepsOthers), (arn) => arn));

  it.each([
    ['fall in the order of the rules', [wanted('a'), wanted('b'), wanted('c')], { a: 3, b: 2, c: 1 }],
    [
      'leave out those that are given',
      [wanted('a'), wanted('b', 1), wanted('c'), wanted('d', 3)],
      { a: 4, b: 1, c: 2, d: 3 },
    ],
    ['may be 0', [wanted('a', 0), wanted('b')], { a: 0, b: 1 }],
  ] as const)('%s', (_how, rules, numbers) => {
    expect(merge(rules)).toEqual(numbers);
  });

  it('leave out those of rules of others that stay', () => {
    expect(merge([wanted('a'), wanted('b')], true)).toEqual({ a: 3, b: 1, theirs: 2 });
  });

  it('that a server leaves out, with all else that is a default, mean the same', () => {
    const [written] = mergeReplication([], want([wanted('a', 0)]), (arn) => arn);
    if (written === undefined) throw new Error('there is a rule');
    const read = { ID: 'a', Status: 'Enabled', Filter: {}, Destination: { Bucket: 'arn' } } as const;
    expect(isSameReplication([written], [read])).toBe(true);
    expect(isSameReplication([written], [{ ...read, Filter: { Tag: { Key: 'a', Value: 'b' } } }])).toBe(false);
    expect(isSameReplication([written], [read, theirs])).toBe(false);
  });
});
