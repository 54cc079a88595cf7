import {
  DeleteObjectsCommand,
  GetBucketAccelerateConfigurationCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketLoggingCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketReplicationCommand,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetBucketWebsiteCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  PutBucketAccelerateConfigurationCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  type ServiceInputTypes,
  type ServiceOutputTypes,
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
import type { S3Command } from './wire.ts';

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
const tags = succeed('<Tagging><TagSet/></Tagging>');
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
      fake.answer(() => tags);
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
      const dated = { date };
      return isOff
        ? refuse(403, 'RequestTimeTooSkewed', 'Too skewed.', dated)
        : succeed('<Tagging><TagSet/></Tagging>', dated);
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
  it.each([
    ['at once', '<Error><Code>InternalError</Code><Message>We lost it.</Message></Error>'],
    ['after some time', '<?xml version="1.0"?>\n\n  <Error><Code>InternalError</Code></Error>'],
    ['and ends its line', '<Error><Code>InternalError</Code></Error>\n'],
  ])('of 200 that says an error %s is that error', async (_title, body) => {
    fake.answer(() => succeed(body));
    const call = pool.wire().send(getTags(), recordingContext());
    await expect(call).rejects.toMatchObject({ kind: 'transient', reason: 'Throttled' });
  });

  const at = { Bucket: 'photos' };
  const reads = [
    new GetBucketAccelerateConfigurationCommand(at),
    new GetBucketCorsCommand(at),
    new GetBucketEncryptionCommand(at),
    new GetBucketLifecycleConfigurationCommand(at),
    new GetBucketLocationCommand(at),
    new GetBucketLoggingCommand(at),
    new GetBucketNotificationConfigurationCommand(at),
    new GetBucketOwnershipControlsCommand(at),
    new GetBucketPolicyCommand(at),
    new GetBucketReplicationCommand(at),
    new GetBucketRequestPaymentCommand(at),
    new GetBucketTaggingCommand(at),
    new GetBucketVersioningCommand(at),
    new GetBucketWebsiteCommand(at),
    new GetObjectLockConfigurationCommand(at),
    new GetPublicAccessBlockCommand(at),
    new ListBucketsCommand({}),
    new ListMultipartUploadsCommand(at),
    new ListObjectVersionsCommand(at),
    new ListObjectsV2Command(at),
  ].map((command) => [command.constructor.name.replace(/Command$/, ''), command] as const);
  const send = (command: (typeof reads)[number][1]) =>
    pool
      .wire()
      .send<ServiceInputTypes, ServiceOutputTypes>(
        command as S3Command<ServiceInputTypes, ServiceOutputTypes>,
        recordingContext(),
      );

  it.each(reads)(
    'to %s that is empty, or another document, does not say that nothing is there',
    async (_name, command) => {
      for (const body of [
        '',
        '\n',
        '<?xml version="1.0"?>',
        '<Health><Status>ok</Status></Health>',
        '<s3:Tagging/>',
        'OK',
        '[]',
      ]) {
        fake.answer(() => succeed(body));
        await expect(send(command)).rejects.toMatchObject({ kind: 'waiting', reason: 'NotAnS3Server' });
      }
    },
  );

  it('that is a list of the bucket says that the server has no other one', async () => {
    fake.answer(() => succeed('<ListBucketResult><Name>photos</Name></ListBucketResult>'));
    for (const command of [new ListObjectVersionsCommand(at), new ListMultipartUploadsCommand(at)])
      await expect(send(command)).rejects.toMatchObject({ kind: 'terminal', reason: 'Unsupported' });
  });

  it.each([
    '<Tagging/>',
    '<?xml version="1.0"?>\r\n<!-- of -- a <proxy> --><Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></Tagging>',
  ])('is read where it begins as %s', async (body) => {
    fake.answer(() => succeed(body));
    expect(await pool.wire().send(getTags(), recordingContext())).not.toHaveProperty('TagSet');
  });

  it('with an object is a stream of it, whatever it holds', async () => {
    fake.answer(() => succeed('<ListBucketResult></Error>'));
    const { Body } = await pool.wire().send(new GetObjectCommand({ Bucket: 'photos', Key: 'a' }), recordingContext());
    expect(await Body?.transformToString()).toBe('<ListBucketResult></Error>');
  });
});
