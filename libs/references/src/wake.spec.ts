import { bucketSpec } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import type { Provider } from './connection.ts';
import type { Bucket } from './references.ts';
import { objectOf, providerOf } from './testing/index.ts';
import { trimReferredBucket } from './referred-bucket.ts';
import { bucketMatters, usable, usableVersion, wokenByBucket, wokenByProvider, wokenByRevocation } from './wake.ts';

const server = { serverIdentity: 'http://s3.test' };
const good = providerOf(server);
const withStatus = (change: object, metadata: object = {}): Provider => ({
  ...good,
  metadata: { ...good.metadata, ...metadata },
  status: { ...good.status, ...change },
});
const notReady = (reason = 'EndpointUnreachable') =>
  good.status?.conditions?.map((condition) => ({ ...condition, status: 'False' as const, reason }));
const away = withStatus({ connected: false, conditions: notReady() });
const deleting = { deletionTimestamp: '2026-05-05T00:00:00Z', generation: 2 };
const fresh: Provider = objectOf('Provider', 'provider', good.spec);

it('a Provider is usable as long as it is there and its version is', () => {
  const isUsable = usable(
    new Map([
      ['n/good', good],
      ['n/away', away],
    ]),
  );
  expect(['n/good', 'n/away', 'n/absent'].map(isUsable)).toEqual([true, false, false]);
});

describe('usableVersion', () => {
  it.each<[string, Provider, string | undefined]>([
    ['Ready', good, '1'],
    ['never looked at', fresh, undefined],
    ['away', away, undefined],
    ['a new spec that was not looked at', withStatus({}, { generation: 2 }), undefined],
    ['being deleted, in use', withStatus({ conditions: notReady('InUse') }, deleting), '1'],
    ['being deleted, away', withStatus({ connected: false, conditions: notReady() }, deleting), undefined],
    ['being deleted, never looked at', { ...fresh, metadata: { ...good.metadata, ...deleting } }, undefined],
  ])('%s', (_title, provider, want) => {
    expect(usableVersion(provider)).toBe(want);
  });
});

describe('wokenByProvider', () => {
  const settled = objectOf('Bucket', 'settled', {}, { status: { conditions: good.status?.conditions ?? [] } });
  const waiting = objectOf('Bucket', 'waiting', {});
  const [nobody, those, all] = [[], [waiting], [settled, waiting]];

  it.each<[string, Provider, Provider | undefined, readonly object[]]>([
    ['an outage', away, good, nobody],
    ['a recovery', good, away, those],
    ['the first sight of a good one', good, undefined, those],
    ['the first sight of one that is away', away, undefined, nobody],
    ['a first verdict that is bad', away, fresh, those],
    ['its first verdict', good, fresh, all],
    ['a count of its users', withStatus({ inUseBy: { buckets: 1, accessKeys: 0 } }), good, nobody],
    ['its end', good, good, nobody],
    ['other credentials that were found good', withStatus({ credentialsVersion: '2' }), good, those],
    ['a new spec, before it was looked at', withStatus({}, { generation: 2 }), good, nobody],
    [
      'a new spec that was found good',
      withStatus({ observedGeneration: 2 }, { generation: 2 }),
      withStatus({}, { generation: 2 }),
      all,
    ],
    [
      'a recovery while it is being deleted',
      withStatus({ conditions: notReady('InUse') }, deleting),
      withStatus({ connected: false, conditions: notReady() }, deleting),
      those,
    ],
  ])('%s', (_title, provider, old, want) => {
    expect(wokenByProvider(provider, old, all)).toEqual(want);
  });

  it.each<[string, Readonly<Record<string, string>>, readonly object[]]>([
    ['a confirmed withdrawal', { 's3.cloud37.dev/confirm-withdrawal': 'other, team-a' }, all],
    ['one of another namespace', { 's3.cloud37.dev/confirm-withdrawal': 'other' }, nobody],
    ['a bucket that is said to be theirs', { 's3.cloud37.dev/confirm-owner': 'team-a/photos/photos' }, all],
    ['any other annotation', { note: 'team-a' }, nobody],
  ])('the word of its owner, once: %s', (_title, annotations, want) => {
    const told = withStatus({}, { annotations });
    expect(wokenByProvider(told, good, all)).toEqual(want);
    expect(wokenByProvider(told, told, all)).toEqual(nobody);
    expect(wokenByProvider(good, told, all)).toEqual(nobody);
  });
});

describe('wokenByRevocation', () => {
  const key = (name: string) => objectOf('AccessKey', name, {});
  const all = ['a', 'b', 'c'].map(key);
  const turnsOf = (...names: readonly string[]) => {
    const since = '2026-05-05T10:00:00.000Z';
    const current = names.map((name) => ({ accessKey: `team-a/${name}`, since }));
    return withStatus({ revocation: { request: 'r', state: 'Running', startedAt: since, total: 3, done: 0, current } });
  };
  it.each<[string, Provider, Provider | undefined, readonly string[]]>([
    ['those whose turn it becomes', turnsOf('a', 'b'), turnsOf('a'), ['b']],
    ['all turns, to a new process', turnsOf('a', 'b'), undefined, ['a', 'b']],
    ['nobody, by progress alone', turnsOf('a'), turnsOf('a', 'b'), []],
    ['nobody, by a stop', good, turnsOf('a'), []],
  ])('%s', (_title, provider, old, want) => {
    expect(wokenByRevocation(provider, old, all).map(({ metadata }) => metadata.name)).toEqual(want);
  });
});

describe('bucketMatters', () => {
  const taking: Bucket = objectOf('Bucket', 'photos', bucketSpec({}), { status: { exists: true } });
  const bucket: Bucket = { ...taking, status: { ...taking.status, conditions: good.status?.conditions ?? [] } };
  const changed = (change: Partial<Bucket>): Bucket => ({ ...bucket, ...change });

  it.each<[string, Bucket, Bucket | undefined, boolean]>([
    ['a new one', bucket, undefined, true],
    ['one that is gone', bucket, bucket, true],
    ['nothing', changed({}), bucket, false],
    ['its conditions', changed({ status: { exists: true, conditions: [] } }), bucket, false],
    ['its tags', changed({ spec: bucketSpec({ tagging: { tags: { a: 'b' } } }) }), bucket, false],
    ['its ownership', changed({ status: { exists: true, ownership: 'Created' } }), bucket, true],
    ['its absence', changed({ status: { exists: false } }), bucket, true],
    ['its grants', changed({ spec: bucketSpec({ allowedNamespaces: { all: true } }) }), bucket, true],
    [
      'whether it lets the public in',
      changed({
        spec: bucketSpec({
          publicAccess: {
            blockPublicAcls: true,
            blockPublicPolicy: false,
            ignorePublicAcls: true,
            restrictPublicBuckets: false,
          },
        }),
      }),
      bucket,
      true,
    ],
    [
      'the word of its owner about a withdrawn grant',
      changed({ metadata: { ...bucket.metadata, annotations: { 's3.cloud37.dev/confirm-withdrawal': 'team-b' } } }),
      bucket,
      true,
    ],
    ['another annotation', changed({ metadata: { ...bucket.metadata, annotations: { note: 'x' } } }), bucket, false],
    ['its deletion', changed({ metadata: { ...bucket.metadata, ...deleting } }), bucket, true],
  ])('%s: %s', (_title, now, old, want) => {
    expect(bucketMatters(now, old)).toBe(want);
  });
});

describe('wokenByBucket', () => {
  const taking: Bucket = objectOf('Bucket', 'photos', bucketSpec({}), { status: { exists: true } });
  const bucket: Bucket = { ...taking, status: { ...taking.status, conditions: good.status?.conditions ?? [] } };
  const doubted: Bucket = { ...bucket, status: { ...bucket.status, conditions: notReady('OwnershipInDoubt') ?? [] } };
  const waits = withStatus({ conditions: notReady() }, { name: 'waits' });
  // As the views have them.
  const names = (now: Bucket, old: Bucket | undefined) =>
    wokenByBucket(trimReferredBucket(now), old && trimReferredBucket(old), [good, waits]).map(
      ({ metadata }) => metadata.name,
    );

  it.each<[string, Bucket, Bucket | undefined, readonly string[]]>([
    ['a new one wakes all', bucket, undefined, ['provider', 'waits']],
    ['one that became well wakes those that are not', bucket, doubted, ['waits']],
    ['its first good verdict wakes those that are not', bucket, taking, ['waits']],
    ['its first bad verdict wakes nobody', doubted, taking, []],
    ['one that became unwell wakes nobody', doubted, bucket, []],
    ['one that stays unwell wakes nobody', doubted, { ...doubted }, []],
    ['one without any verdict wakes nobody', taking, { ...taking }, []],
    ['one that is as it was wakes nobody', { ...bucket }, bucket, []],
  ])('%s', (_title, now, old, want) => {
    expect(names(now, old)).toEqual(want);
  });
});
