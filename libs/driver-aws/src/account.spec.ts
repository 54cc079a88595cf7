import { HeadBucketCommand, ListBucketsCommand } from '@aws-sdk/client-s3';
import {
  connectionTo,
  driverDeps,
  html,
  listOfBuckets,
  recordingContext,
  refuseIam,
  startFakeS3,
  succeed,
  type FakeAnswer,
  type FakeS3,
} from '@operator/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAwsDriver } from './aws-driver.ts';

let fake: FakeS3;
let nowMs = 0;
beforeEach(async () => {
  nowMs = 0;
  fake = await startFakeS3();
});
afterEach(() => fake.close());

const identity = (account: string): FakeAnswer =>
  succeed(
    `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>${account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
  );

/** Two looks for a bucket, at once; the account that each named, and how often it was asked for. */
const look = async (sts: FakeAnswer) => {
  fake.answer(({ method }) => (method === 'POST' ? sts : succeed()));
  const driver = createAwsDriver(connectionTo(fake.endpoint), driverDeps({ elapsedMs: () => nowMs }));
  const head = () => driver.wire().send(new HeadBucketCommand({ Bucket: 'photos' }), recordingContext());
  const named = () =>
    fake.requests.flatMap(({ method, headers }) => (method === 'HEAD' ? [headers['x-amz-expected-bucket-owner']] : []));
  const asked = () => fake.requests.filter(({ method }) => method === 'POST').length;
  await Promise.all([head(), head()]);
  return { driver, head, named, asked };
};

describe('the account of the credentials', () => {
  it('is asked for once, and named in each call about a bucket', async () => {
    const { head, named, asked } = await look(identity('123456789012'));
    await head();
    expect(named()).toEqual(['123456789012', '123456789012', '123456789012']);
    expect(asked()).toBe(1);
  });

  it('is not named where no bucket is', async () => {
    fake.answer(() => listOfBuckets());
    const driver = createAwsDriver(connectionTo(fake.endpoint), driverDeps());
    await driver.wire().send(new ListBucketsCommand({}), recordingContext());
    expect(fake.requests.map(({ method, headers }) => [method, headers['x-amz-expected-bucket-owner']])).toEqual([
      ['GET', undefined],
    ]);
  });

  it.each<[string, FakeAnswer]>([
    ['a refusal', refuseIam(403, 'AccessDenied')],
    ['a web page', html()],
    ['no account number', identity('minio')],
    ['no answer', { kind: 'reset' }],
  ])('is left out where %s comes back, and asked for again after ten minutes', async (_title, answer) => {
    const { head, named, asked } = await look(answer);
    await head();
    expect(named()).toEqual([undefined, undefined, undefined]);
    expect(asked()).toBe(1);
    fake.answer(({ method }) => (method === 'POST' ? identity('123456789012') : succeed()));
    nowMs += 600_000;
    await head();
    expect(named().at(-1)).toBe('123456789012');
  });
});
