import {
  CreateBucketCommand,
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
  HeadBucketCommand,
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
    fake.answer(({ query }) => succeed(query.has('delete') ? '<DeleteResult/>' : ''));
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

  describe('to a server whose clock is far off, or behind a proxy that tells another time', () => {
    const hourMs = 3_600_000;
    const signedMs = (date: string) =>
      Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
    const dateAt = (ms: number) => ({ date: new Date(ms).toUTCString() });
    /** A server that checks the time, its clock `skewMs` ahead. `headers`: of every answer, instead of its own `Date`. */
    const checkTime = (
      skewMs: number,
      headers: () => Readonly<Record<string, string>> = () => dateAt(Date.now() + skewMs),
      answer = tags,
      saysTime = false,
    ) => {
      fake.answer((request) => {
        const nowMs = Date.now() + skewMs;
        const isOff = Math.abs(signedMs(String(request.headers['x-amz-date'])) - nowMs) > 900_000;
        const time = saysTime ? `<ServerTime>${new Date(nowMs).toISOString()}</ServerTime>` : '';
        const told = isOff ? refuse(403, 'RequestTimeTooSkewed', `Too skewed.</Message>${time}<Message>`) : answer;
        return told.kind === 'respond' ? { ...told, headers: { ...told.headers, ...headers() } } : told;
      });
    };

    it('is signed again with its time, which all others then know', async () => {
      checkTime(5 * 365 * 24 * hourMs);
      const wire = pool.wire();
      await Promise.all([wire.send(getTags(), recordingContext()), wire.send(getTags(), recordingContext())]);
      expect(fake.requests).toHaveLength(4);
      const other = pool.wireAs({ accessKeyId: 'other', secretAccessKey: redact('secret') });
      await other.send(getTags(), recordingContext());
      expect(fake.requests).toHaveLength(5);
    });

    it.each([
      ['a HEAD', () => pool.wire().send(new HeadBucketCommand({ Bucket: 'photos' }), recordingContext())],
      [
        'the creation of a bucket',
        () => pool.wire().send(new CreateBucketCommand({ Bucket: 'photos' }), recordingContext()),
      ],
      ['the health check', () => pool.probe.send(getTags(), recordingContext())],
      [
        'the call of another user',
        () =>
          pool.wireAs({ accessKeyId: 'other', secretAccessKey: redact('secret') }).send(getTags(), recordingContext()),
      ],
    ])('is repeated once, also %s', async (_title, send) => {
      checkTime(hourMs);
      await send();
      expect(fake.requests).toHaveLength(2);
    });

    it.each([
      ['no Date', () => ({})],
      ['a Date that is none', () => ({ date: 'yesterday' })],
      ['the Date of a proxy', () => dateAt(Date.now())],
      ['the Date of a cache', () => ({ ...dateAt(Date.now() + hourMs), age: '0' })],
    ])('is signed with the time in its refusal when that has %s', async (_title, headers) => {
      checkTime(hourMs, headers, tags, true);
      await pool.wire().send(getTags(), recordingContext());
      await pool.wire().send(getTags(), recordingContext());
      expect(fake.requests).toHaveLength(3);
    });

    it.each([
      () => dateAt(Date.now() - hourMs),
      () => ({ date: '1' }),
      () => ({ date: 'Sat, 13 Sep 275760 00:00:00 GMT' }),
    ])('is signed with the time of this machine while that is accepted', async (headers) => {
      checkTime(0, headers);
      for (let call = 0; call < 3; call += 1) await pool.wire().send(getTags(), recordingContext());
      expect(fake.requests).toHaveLength(3);
    });

    it('finds back to what works after a refusal that was not of the time', async () => {
      checkTime(0, () => dateAt(Date.now() - hourMs), refuse(403, 'AccessDenied'));
      const head = () => pool.wire().send(new HeadBucketCommand({ Bucket: 'photos' }), recordingContext());
      await expect(head()).rejects.toMatchObject({ reason: 'AccessDenied' });
      await expect(head()).rejects.toMatchObject({ reason: 'AccessDenied' });
      expect(fake.requests).toHaveLength(3);
      checkTime(0, () => dateAt(Date.now() - hourMs));
      await head();
      await pool.wire().send(getTags(), recordingContext());
      expect(fake.requests).toHaveLength(5);
    });

    it('is not repeated after a definite answer', async () => {
      fake.answer(() => refuse(404, 'NoSuchTagSet', 'None.', dateAt(Date.now() + hourMs)));
      await pool.wire().sendOrAbsent(getTags(), ['NoSuchTagSet'], recordingContext());
      expect(fake.requests).toHaveLength(1);
    });
  });
});

describe('an answer', () => {
  const error = '<Error><Code>InternalError</Code><Message>We lost it.</Message></Error>';
  const errors = [
    ['at once', error],
    ['after some time', `<?xml version="1.0"?>\n\n  ${error}`],
    ['after a long time', `${' '.repeat(5_000)}<?xml version="1.0"?>${'\n'.repeat(100_000)}${error}`],
    ['after a comment', `<!-- a --><?xml version="1.0"?><!-- <Tagging/> -->${error}`],
    ['and ends its line', `${error}\n`],
    ['and goes on', `${error}<!-- served by b -->`],
    ['with spaces in its tags', '<Error ><Code>InternalError</Code></Error >'],
    ['as IAM does', `<ErrorResponse>${error}</ErrorResponse>`],
  ] as const;
  const putTags = () => new PutBucketTaggingCommand({ Bucket: 'photos', Tagging });
  const isError = { kind: 'transient', reason: 'ServerError' };

  it.each(errors)('of 200 that says an error %s is that error, and is asked for again', async (_title, body) => {
    fake.answer(() => succeed(body));
    await expect(pool.wire().send(getTags(), recordingContext())).rejects.toMatchObject(isError);
    await expect(pool.wire().send(putTags(), recordingContext())).rejects.toMatchObject(isError);
    expect(fake.requests).toHaveLength(4);
  });

  it.each([
    ['AccessDenied', 'waiting', 'AccessDenied', 1],
    ['SlowDown', 'transient', 'Throttled', 2],
    ['ServiceUnavailable', 'transient', 'Throttled', 2],
    ['OperationAborted', 'transient', 'Conflict', 1],
    ['SomethingNew', 'waiting', 'RequestRefused', 1],
  ])('of 200 that says %s is told by its code and with that status', async (code, kind, reason, requests) => {
    fake.answer(() => succeed(`<Error><Code>${code}</Code></Error>`));
    const message = expect.stringContaining(`(${code} 200)`) as string;
    await expect(pool.wire().send(putTags(), recordingContext())).rejects.toMatchObject({ kind, reason, message });
    expect(fake.requests).toHaveLength(requests);
  });

  it('of 200 whose error has another name for its parts is no success', async () => {
    fake.answer(() => succeed('<s3:Error xmlns:s3="x"><s3:Code>AccessDenied</s3:Code></s3:Error>'));
    await expect(pool.wire().send(putTags(), recordingContext())).rejects.toMatchObject({ reason: 'NotAnS3Server' });
  });

  it('of 200 that is a web page is none of the server, whatever stands before it', async () => {
    for (const page of [
      '<!-- a --><html>',
      '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN">',
    ]) {
      fake.answer(() => succeed(page));
      await expect(pool.wire().send(putTags(), recordingContext())).rejects.toMatchObject({ reason: 'NotAnS3Server' });
    }
  });

  it.each(['', '<CreateBucketResponse/>', '<VersioningConfiguration/>', 'OK', '{}'])(
    'of 200 to a write may be %j: some servers answer so',
    async (body) => {
      fake.answer(() => succeed(body));
      await pool.wire().send(putTags(), recordingContext());
    },
  );

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
    new DeleteObjectsCommand({ ...at, Delete: { Objects: [{ Key: 'a' }] } }),
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
