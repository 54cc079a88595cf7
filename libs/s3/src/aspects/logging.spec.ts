import type { BucketSpec } from '@operator/api';
import { waiting } from '@operator/outcome';
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
import type { BoundAspect, BucketContext, Input } from '../aspect.ts';
import { bindAspect } from '../bind-aspect.ts';
import { logging } from './logging.ts';

type Declared = NonNullable<BucketSpec['logging']>;

let fake: FakeDriver['fake'];
let driver: FakeDriver['driver'];
let aspect: BoundAspect;
const context = recordingContext();
/** The document that stands at the server, and what the server makes of one that is put. */
let stored: string;
let keeps: (body: string) => string;
const off = '<BucketLoggingStatus/>';
beforeEach(async () => {
  const started = await startFakeDriver();
  ({ fake, driver } = started);
  aspect = bindAspect(logging({ serverIdentity: driver.serverIdentity, keepsAll: false }));
  stored = off;
  keeps = (body) => body;
  context.clear();
  fake.answer(({ method, body }) => {
    if (method === 'GET') return succeed(stored);
    stored = keeps(body);
    return succeed();
  });
  return started.close;
});
const puts = () => fake.requests.filter(({ method }) => method === 'PUT');

const specWith = (declared: Partial<Declared>) =>
  bucketSpec({ logging: { enabled: true, targetPrefix: '', ...declared } });
const look = (spec: BucketSpec, bucket: Partial<BucketContext> = {}) =>
  aspect.look(spec, bucketContext(bucket), { wire: driver.wire(), bucket: 'photos' }, new Map(), context);
const converge = async (spec: BucketSpec, bucket: Partial<BucketContext> = {}) => {
  const view = await look(spec, bucket);
  if (view?.verdict === 'different') await view.step.apply(context);
  return look(spec, bucket);
};
const enabled = (content: string) =>
  `<BucketLoggingStatus><LoggingEnabled>${content}</LoggingEnabled></BucketLoggingStatus>`;
const toLogs = enabled('<TargetBucket>logs</TargetBucket><TargetPrefix>a/</TargetPrefix>');

const byName = specWith({ targetBucket: 'logs', targetPrefix: 'a/' });
const byRef = specWith({ targetBucketRef: { name: 'logs', namespace: 'team-b' }, targetPrefix: 'a/' });
const found = (change: object = {}): Partial<BucketContext> => ({
  inputs: new Map([
    ['logging.target', { kind: 'Bucket', key: 'team-b/logs', bucket: 'logs', driver, ...change } as Input],
  ]),
});

describe('logging', () => {
  it('is not ours to manage when the spec is silent', async () => {
    expect(await look(bucketSpec())).toBeUndefined();
    expect(fake.requests).toEqual([]);
  });

  it.each<[string, Partial<Declared>, string]>([
    ['to a prefix', { targetPrefix: 'a/' }, '<TargetPrefix>a/</TargetPrefix>'],
    ['to no prefix', {}, '<TargetPrefix></TargetPrefix>|<TargetPrefix/>'],
    [
      'in folders',
      { targetObjectKeyFormat: { partitionedPrefix: { partitionDateSource: 'EventTime' } } },
      '<PartitionedPrefix><PartitionDateSource>EventTime</PartitionDateSource></PartitionedPrefix>',
    ],
    ['in no folders', { targetObjectKeyFormat: { simplePrefix: {} } }, '^(?!.*TargetObjectKeyFormat)'],
  ])('%s: nothing is left to do once it was written, and the other way round', async (_title, declared, document) => {
    const spec = specWith({ targetBucket: 'logs', ...declared });
    expect(await converge(spec)).toMatchObject({ verdict: 'same' });
    expect(stored).toMatch(new RegExp(document));
    expect(stored).toContain('<TargetBucket>logs</TargetBucket>');
    expect(await converge(specWith({ enabled: false }))).toMatchObject({ verdict: 'same' });
    expect(stored).not.toContain('LoggingEnabled');
    expect(puts()).toHaveLength(2);
  });

  it.each([
    ['another bucket', toLogs.replace('logs', 'others')],
    ['another prefix', toLogs.replace('a/', 'b/')],
    [
      'folders',
      toLogs.replace(
        '</LoggingEnabled>',
        '<TargetObjectKeyFormat><PartitionedPrefix><PartitionDateSource>DeliveryTime</PartitionDateSource></PartitionedPrefix></TargetObjectKeyFormat></LoggingEnabled>',
      ),
    ],
    [
      'somebody else who may read them',
      toLogs.replace(
        '</LoggingEnabled>',
        '<TargetGrants><Grant><Grantee><ID>x</ID></Grantee><Permission>READ</Permission></Grant></TargetGrants></LoggingEnabled>',
      ),
    ],
    ['none', off],
  ])('%s is drift', async (_title, there) => {
    stored = there;
    expect(await look(byName)).toMatchObject({ verdict: 'different' });
    expect(await converge(byName)).toMatchObject({ verdict: 'same' });
    expect(stored).not.toMatch(/Grant|Partition/);
  });

  it('a simple format that the server names is the default', async () => {
    stored = toLogs.replace(
      '</LoggingEnabled>',
      '<TargetObjectKeyFormat><SimplePrefix/></TargetObjectKeyFormat><LoggingType>Standard</LoggingType></LoggingEnabled>',
    );
    expect(await look(byName)).toMatchObject({ verdict: 'same' });
  });

  it('a server that drops the folders is told of once, and the rest is there', async () => {
    keeps = (body) => body.replace(/<TargetObjectKeyFormat>.*<\/TargetObjectKeyFormat>/, '');
    const partitioned = specWith({
      targetBucket: 'logs',
      targetObjectKeyFormat: { partitionedPrefix: { partitionDateSource: 'EventTime' } },
    });
    const message = expect.stringMatching(/^The server accepts .*partitionedPrefix and does not keep it/) as string;
    expect(await converge(partitioned)).toMatchObject({ verdict: 'unsupported', message });
    expect(await converge(partitioned)).toMatchObject({ verdict: 'unsupported' });
    expect(stored).toContain('<TargetBucket>logs</TargetBucket>');
    expect(puts()).toHaveLength(1);
  });
});

describe('the bucket that gets the logs', () => {
  it('is that of the Bucket that is named, on the same server', async () => {
    expect(aspect.refersTo(byRef)).toEqual([
      { as: 'logging.target', kind: 'Bucket', ref: { name: 'logs', namespace: 'team-b' } },
    ]);
    // Whoever has the Provider: the grant of that Bucket decides.
    expect(await converge(byRef, { ...found(), isBorrowed: true })).toMatchObject({ verdict: 'same' });
    expect(stored).toContain('<TargetBucket>logs</TargetBucket>');
  });

  it('is not asked for while logging is off', () => {
    const disabled = specWith({ enabled: false, targetBucketRef: { name: 'logs' } });
    expect(aspect.refersTo(disabled)).toEqual([]);
    expect(aspect.refersTo(byName)).toEqual([]);
  });

  const elsewhere = () => found({ driver: { serverIdentity: 'https://elsewhere.example' } });
  const notYet = waiting('BucketNotReady', 'Bucket team-b/logs does not have its bucket.');
  it.each<[string, BucketSpec, () => Partial<BucketContext>, string, RegExp]>([
    [
      'is on another server',
      byRef,
      elsewhere,
      'SpecInvalid',
      /Bucket team-b\/logs is on https:\/\/elsewhere\.example, and/,
    ],
    [
      'cannot be used yet',
      byRef,
      () => ({ inputs: new Map([['logging.target', notYet]]) }),
      'BucketNotReady',
      /does not have its bucket/,
    ],
    [
      'is named by a Bucket whose Provider is lent',
      byName,
      () => ({ isBorrowed: true }),
      'ReferenceNotGranted',
      /only Buckets of its own namespace may name logging\.targetBucket\. Name a Bucket by/,
    ],
  ])('%s: what is there stays as it is, and the reason is said', async (_title, spec, bucket, reason, message) => {
    for (const there of [off, toLogs.replace('logs', 'former')]) {
      stored = there;
      expect(await converge(spec, bucket())).toMatchObject({
        verdict: 'blocked',
        fault: { reason, message: expect.stringMatching(message) as string },
      });
      expect(stored).toBe(there);
    }
  });

  it('gets no more logs once it is gone or was taken back', async () => {
    await converge(byRef, found());
    const fault = waiting('ReferenceNotGranted', 'Bucket team-b/logs may not be referred to.');
    const ended = { inputs: new Map([['logging.target', { kind: 'Ended', fault } as const]]) };
    expect(await converge(byRef, ended)).toMatchObject({
      verdict: 'blocked',
      fault: { reason: 'ReferenceNotGranted' },
    });
    expect(stored).not.toContain('LoggingEnabled');
  });

  const end = (buckets: readonly string[]) =>
    aspect.end?.(
      { wire: driver.wire(), bucket: 'photos' },
      { ended: new Map([['logging.target', buckets]]), kept: new Map() },
      context,
    );
  it.each([
    ['', ['former', 'logs']],
    [' and nobody knows its name any more', []],
  ])('gets no more logs either once its reference ended while nobody looks at the spec%s', async (_and, buckets) => {
    expect(await end(buckets)).toBe(false);
    await converge(byRef, found());
    expect(await end(buckets)).toBe(true);
    expect(stored).not.toContain('LoggingEnabled');
    expect(puts()).toHaveLength(2);
  });

  it('is not the one that ended, where somebody has sent the logs elsewhere since', async () => {
    stored = toLogs;
    expect(await end(['former'])).toBe(false);
    expect(stored).toBe(toLogs);
  });

  const stands = new Map([['logging.target', ['logs']]]);
  const disabled = specWith({ enabled: false });
  it.each<[string, BucketSpec, () => Partial<BucketContext>]>([
    ['ended', disabled, () => ({})],
    ['ended, after logs of its own', disabled, () => ({ stands: new Map([['logging.target', ['own']]]) })],
    ['sent to another bucket', byRef, () => found({ bucket: 'own' })],
  ])('of a lender is not %s by a borrower', async (_how, spec, bucket) => {
    stored = toLogs;
    expect(await converge(spec, { ...bucket(), isBorrowed: true })).toMatchObject({
      verdict: 'blocked',
      fault: {
        reason: 'ReferenceNotGranted',
        message: expect.stringMatching(/^The logs go to bucket logs, which this Bucket has not set\./) as string,
      },
    });
    expect(stored).toBe(toLogs);
    // The owner of the Provider may do both.
    expect(await converge(spec, bucket())).toMatchObject({ verdict: 'same' });
    expect(stored).not.toBe(toLogs);
  });

  it.each<[string, BucketSpec, () => Partial<BucketContext>]>([
    ['ends', disabled, () => ({})],
    ['changes', byRef, () => found()],
  ])('of a borrower is what it %s itself', async (_how, spec, bucket) => {
    stored = toLogs.replace('a/', 'b/');
    expect(await converge(spec, { ...bucket(), stands, isBorrowed: true })).toMatchObject({ verdict: 'same' });
    expect(puts()).toHaveLength(1);
  });

  it.each([
    [400, 'InvalidTargetBucketForLogging', 'RequestRefused', /arn:aws:s3:::logs\/a\/\* in its BucketPolicy\. Put/],
    [404, 'NoSuchKey', 'RequestRefused', /refuses to send logs to bucket logs\. It must be in the same account/],
    [403, 'CrossLocationLoggingProhibitted', 'RequestRefused', /in the same account and region/],
    [403, 'AccessDenied', 'AccessDenied', /The credentials of the Provider need s3:PutBucketLogging\./],
    [409, 'OperationAborted', 'Conflict', /another operation/],
  ])('is refused with %s %s: what it must be is said', async (status, code, reason, message) => {
    const view = await look(byName);
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    fake.answer(() => refuse(status, code));
    await expect(view.step.apply(context)).rejects.toMatchObject({
      reason,
      message: expect.stringMatching(message) as string,
    });
  });
});
