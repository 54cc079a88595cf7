import {
  DeleteObjectsCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutBucketAccelerateConfigurationCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { redact } from '@operator/outcome';
import {
  connectionTo,
  driverDeps,
  listOfBuckets,
  recordingContext,
  refuse,
  startFakeS3,
  succeed,
  type FakeS3,
} from '@operator/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWirePool, type WirePool } from './wire-pool.ts';

let fake: FakeS3;
let pool: WirePool;
beforeEach(async () => {
  fake = await startFakeS3();
  pool = createWirePool(connectionTo(fake.endpoint), driverDeps());
});
afterEach(async () => {
  pool.close();
  await fake.close();
});

const getTags = () => new GetBucketTaggingCommand({ Bucket: 'photos' });
const Tagging = { TagSet: [{ Key: 'team', Value: 'a' }] };

describe('a request', () => {
  it('has a checksum where the API needs one or the command asks for it, and none elsewhere', async () => {
    fake.answer(() => succeed());
    const wire = pool.wire();
    await wire.send(new PutBucketTaggingCommand({ Bucket: 'photos', Tagging }), recordingContext());
    await wire.send(
      new DeleteObjectsCommand({ Bucket: 'photos', Delete: { Objects: [{ Key: 'a' }] } }),
      recordingContext(),
    );
    const AccelerateConfiguration = { Status: 'Enabled' as const };
    await wire.send(
      new PutBucketAccelerateConfigurationCommand({ Bucket: 'photos', AccelerateConfiguration }),
      recordingContext(),
    );
    const object = { Bucket: 'photos', Key: 'a', Body: 'x' };
    await wire.send(new PutObjectCommand(object), recordingContext());
    await wire.send(new PutObjectCommand({ ...object, ChecksumAlgorithm: 'CRC32' }), recordingContext());
    expect(fake.requests.map(({ headers }) => headers['x-amz-checksum-crc32'])).toEqual([
      expect.stringMatching(/^[\w+/]{6}==$/),
      expect.stringMatching(/^[\w+/]{6}==$/),
      undefined,
      undefined,
      'jNwWgw==',
    ]);
  });

  it('is for the endpoint with its path', async () => {
    fake.answer(() => listOfBuckets());
    const below = createWirePool(connectionTo(`${fake.endpoint}/base/`), driverDeps());
    try {
      await below.wire().send(new ListBucketsCommand(), recordingContext());
      fake.answer(() => succeed());
      await below.wire().send(getTags(), recordingContext());
    } finally {
      below.close();
    }
    expect(fake.requests.map(({ path }) => path.split('?')[0])).toEqual(['/base/', '/base/photos/']);
  });

  it('is signed anew with the time of a server whose clock is far off, once it has told', async () => {
    const serverMs = Date.parse('2031-05-05T10:00:00Z');
    const signedMs = (date: string) =>
      Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
    fake.answer(({ headers }) => {
      const isOff = Math.abs(signedMs(String(headers['x-amz-date'])) - serverMs) > 900_000;
      const date = new Date(serverMs).toUTCString();
      return isOff ? refuse(403, 'RequestTimeTooSkewed', 'Too skewed.', { date }) : succeed('', { date });
    });
    const wire = pool.wire();
    await Promise.all([wire.send(getTags(), recordingContext()), wire.send(getTags(), recordingContext())]);
    expect(fake.requests).toHaveLength(4);
    // Another user's key is tried once: what is known of the server's clock serves it too.
    const other = pool.wireAs({ accessKeyId: 'other', secretAccessKey: redact('secret') });
    await other.send(getTags(), recordingContext());
    expect(fake.requests).toHaveLength(5);
  });
});

describe('an answer', () => {
  it('of 200 that holds an error is that error', async () => {
    fake.answer(() => succeed('<Error><Code>InternalError</Code><Message>We lost it.</Message></Error>'));
    const call = pool.wire().send(getTags(), recordingContext());
    await expect(call).rejects.toMatchObject({ kind: 'transient' });
  });

  it('with an object is a stream of it, whatever it holds', async () => {
    fake.answer(() => succeed('<ListBucketResult></Error>'));
    const { Body } = await pool.wire().send(new GetObjectCommand({ Bucket: 'photos', Key: 'a' }), recordingContext());
    expect(await Body?.transformToString()).toBe('<ListBucketResult></Error>');
  });
});
