import {
  CreateBucketCommand,
  GetBucketTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketTaggingCommand,
} from '@aws-sdk/client-s3';
import { X509Certificate } from 'node:crypto';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { asFault, redact } from '@operator/outcome';
import {
  connectionTo,
  driverDeps,
  html,
  listOfBuckets,
  recordingContext,
  refuse,
  startFakeS3,
  succeed,
  testCertificate,
  type FakeAnswer,
  type FakeS3,
} from '@operator/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from './connection.ts';
import type { DriverDeps } from './deps.ts';
import { parseDestinations } from './destinations.ts';
import { createWirePool, type WirePool } from './wire-pool.ts';
import type { Wire } from './wire.ts';

let fake: FakeS3;
const pools: WirePool[] = [];

beforeEach(async () => {
  fake = await startFakeS3();
});
afterEach(async () => {
  for (const pool of pools.splice(0)) pool.close();
  await fake.close();
});

const poolTo = (connection: Partial<Connection> = {}, deps: Partial<DriverDeps> = {}): WirePool => {
  const pool = createWirePool(connectionTo(fake.endpoint, connection), driverDeps(deps));
  pools.push(pool);
  return pool;
};
const getTags = () => new GetBucketTaggingCommand({ Bucket: 'photos' });
const putTags = () =>
  new PutBucketTaggingCommand({ Bucket: 'photos', Tagging: { TagSet: [{ Key: 'team', Value: 'a' }] } });
const faultOf = async (call: Promise<unknown>) => {
  try {
    await call;
  } catch (error) {
    return asFault(error);
  }
  throw new Error('expected a Fault');
};
const sequence = (...answers: readonly FakeAnswer[]) => {
  let next = 0;
  fake.answer(() => answers[Math.min(next++, answers.length - 1)] ?? html());
};

it('keeps the clients of the regions that were asked for last, and no more', () => {
  const pool = createWirePool(connectionTo('http://s3.test'), driverDeps());
  const first = pool.wire('first');
  expect(pool.wire('first')).toBe(first);
  for (let region = 0; region < 63; region += 1) pool.wire(`region-${String(region)}`);
  expect(pool.wire('first')).toBe(first);
  for (let region = 0; region < 64; region += 1) pool.wire(`region-${String(region)}`);
  expect(pool.wire('first')).not.toBe(first);
  pool.close();
});

describe('a call', () => {
  it('signs for the region, in path style, with our user agent and without newer checksums on reads', async () => {
    fake.answer(() => listOfBuckets());
    await poolTo({ region: 'eu-west-3' }).wire().send(new ListBucketsCommand({}), recordingContext());
    const [request] = fake.requests;
    expect(request?.headers.authorization).toContain('/eu-west-3/s3/aws4_request');
    expect(request?.headers['user-agent']).toContain('wasabi-s3-operator/0.0.0-test');
    expect(Object.keys(request?.headers ?? {}).filter((name) => name.includes('checksum'))).toEqual([]);
  });

  it('goes through the context once for each attempt, under its own name', async () => {
    sequence(refuse(500, 'InternalError'), succeed('<Tagging><TagSet/></Tagging>'));
    const context = recordingContext();
    await poolTo().wire().send(getTags(), context);
    const endpoint = fake.endpoint;
    const attempt = { service: 's3', operation: 'GetBucketTagging', write: false, endpoint, bucket: 'photos' };
    expect(context.calls).toMatchObject([attempt, attempt]);
    expect(context.calls.map(({ answer }) => answer?.())).toEqual([{ status: 500 }, { status: 200 }]);
  });

  it('makes as many attempts as the Provider says, in total', async () => {
    fake.answer(() => refuse(503, 'SlowDown'));
    const fault = await faultOf(
      poolTo({ retry: { maxAttempts: 4, backoffStrategy: 'linear' } })
        .wire()
        .send(putTags(), recordingContext()),
    );
    expect(fault).toMatchObject({ kind: 'transient', reason: 'Throttled' });
    expect(fake.requests).toHaveLength(4);
  });

  it('creates a bucket in one attempt, so that "already yours" never answers its own repetition', async () => {
    sequence(refuse(503, 'SlowDown'), refuse(409, 'BucketAlreadyOwnedByYou'));
    const wire = poolTo({ retry: { maxAttempts: 4, backoffStrategy: 'linear' } }).wire();
    const fault = await faultOf(wire.send(new CreateBucketCommand({ Bucket: 'photos' }), recordingContext()));
    expect(fault).toMatchObject({ kind: 'transient', reason: 'Throttled' });
    expect(fake.requests).toHaveLength(1);
  });

  it('does not repeat a write after the lead was lost between two attempts', async () => {
    let leads = true;
    fake.answer(() => {
      leads = false;
      return refuse(500, 'InternalError');
    });
    const fault = await faultOf(
      poolTo()
        .wire()
        .send(putTags(), recordingContext({ mayWrite: () => leads })),
    );
    expect(fault.reason).toBe('LeadershipLost');
    expect(fake.requests).toHaveLength(1);
  });

  it('sends a conflict once: the workqueue repeats it', async () => {
    fake.answer(() => refuse(409, 'OperationAborted'));
    const fault = await faultOf(poolTo().wire().send(putTags(), recordingContext()));
    expect(fault).toMatchObject({ kind: 'transient', reason: 'Conflict' });
    expect(fake.requests).toHaveLength(1);
  });

  it('stops waiting when the pass is cancelled', async () => {
    fake.answer(() => ({ kind: 'hang' }));
    const controller = new AbortController();
    const call = faultOf(
      poolTo()
        .wire()
        .send(getTags(), recordingContext({ signal: controller.signal })),
    );
    await expect.poll(() => fake.requests.length).toBe(1);
    controller.abort();
    expect(await call).toMatchObject({ kind: 'transient', reason: 'Timeout' });
  });

  it.each([undefined, new Error('stopping')])(
    'stops waiting for the next attempt when the pass is cancelled: %s',
    async (reason) => {
      fake.answer(() => refuse(503, 'SlowDown', 'Later.', { 'retry-after': '60' }));
      const controller = new AbortController();
      const context = recordingContext({ signal: controller.signal });
      const wire = poolTo().wire();
      const call = faultOf(wire.send(getTags(), context));
      await expect.poll(() => wire.serverNow()).toBeDefined();
      controller.abort(reason);
      // At once: the wait would have taken five seconds.
      expect(await Promise.race([call, delay(2_000, 'late')])).toMatchObject({ kind: 'transient', reason: 'Timeout' });
      expect(fake.requests).toHaveLength(1);
    },
  );

  it('answers undefined for the codes and statuses that mean absence', async () => {
    fake.answer(({ method }) => refuse(404, method === 'HEAD' ? '' : 'NoSuchTagSet'));
    const wire = poolTo().wire();
    expect(await wire.sendOrAbsent(getTags(), ['NoSuchTagSet'], recordingContext())).toBeUndefined();
    expect(await wire.sendOrAbsent(new HeadBucketCommand({ Bucket: 'x' }), [404], recordingContext())).toBeUndefined();
  });

  it('has one client for each region', () => {
    const pool = poolTo();
    expect(pool.wire('eu-west-1')).toBe(pool.wire('eu-west-1'));
    expect(pool.wire()).toBe(pool.wire('us-east-1'));
    expect(pool.wire('eu-west-1').region).toBe('eu-west-1');
  });

  it('remembers what the server lacks, once it has said so twice and answered something else between', async () => {
    fake.answer(({ method }) => (method === 'HEAD' ? succeed() : refuse(501, 'NotImplemented')));
    const pool = poolTo();
    const wire = pool.wire();
    expect(await faultOf(wire.send(getTags(), recordingContext()))).toMatchObject({
      kind: 'terminal',
      reason: 'Unsupported',
    });
    expect(wire.lacks('GetBucketTagging')).toBe(false);
    await wire.send(new HeadBucketCommand({ Bucket: 'photos' }), recordingContext());
    await faultOf(wire.send(getTags(), recordingContext()));
    expect([wire.lacks('GetBucketTagging'), pool.lacks('GetBucketTagging')]).toEqual([true, true]);
    expect(fake.requests).toHaveLength(3);
  });
});

describe('Content-MD5', () => {
  it('takes the place of the checksums once a server asks for it, and stays', async () => {
    fake.answer(({ headers }) =>
      headers['content-md5'] === undefined ? refuse(400, 'MissingContentMD5') : succeed('', {}),
    );
    const wire = poolTo().wire();
    await wire.send(putTags(), recordingContext());
    await wire.send(putTags(), recordingContext());
    expect(fake.requests.map(({ headers }) => headers['content-md5'] !== undefined)).toEqual([false, true, true]);
    expect(fake.requests[0]?.headers['x-amz-checksum-crc32']).toBeDefined();
    expect(fake.requests[1]?.headers['x-amz-checksum-crc32']).toBeUndefined();
  });

  it('is sent by every call that was asked for it, also by two at a time', async () => {
    fake.answer(({ headers }) =>
      headers['content-md5'] === undefined ? refuse(400, 'MissingContentMD5') : succeed('', {}),
    );
    const wire = poolTo().wire();
    await Promise.all([wire.send(putTags(), recordingContext()), wire.send(putTags(), recordingContext())]);
    expect(fake.requests).toHaveLength(4);
    expect(fake.requests[3]?.headers['x-amz-sdk-checksum-algorithm']).toBeUndefined();
  });

  it('is tried once: a server that asks again is refused', async () => {
    fake.answer(() => refuse(400, 'MissingContentMD5'));
    const fault = await faultOf(poolTo().wire().send(putTags(), recordingContext()));
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'RequestRefused' });
    expect(fake.requests).toHaveLength(2);
  });
});

describe('an endpoint that', () => {
  const quick = { deadlines: { connectMs: 300, attemptMs: 200, callMs: 2_000 } };

  it('never answers is unreachable after the deadline of each attempt', async () => {
    fake.answer(() => ({ kind: 'hang' }));
    const fault = await faultOf(poolTo({}, quick).wire().send(getTags(), recordingContext()));
    expect(fault).toMatchObject({ kind: 'transient', reason: 'EndpointUnreachable' });
    expect(fake.requests).toHaveLength(2);
  });

  it('sends its answer byte by byte is given up after the deadline of the call', async () => {
    fake.answer(() => ({ kind: 'drip' }));
    const deps = { deadlines: { connectMs: 300, attemptMs: 5_000, callMs: 400 } };
    const fault = await faultOf(poolTo({}, deps).wire().send(getTags(), recordingContext()));
    expect(fault).toMatchObject({ kind: 'transient', reason: 'EndpointUnreachable' });
    expect(fault.message).toContain('within 400 ms');
  });

  const endless = {
    kind: 'flood',
    head: '<ListAllMyBucketsResult><Buckets>',
    chunk: '<Bucket></Bucket>'.repeat(4_000),
  } as const;
  it.each([
    ['an answer', 200],
    ['an error', 400],
  ])('sends %s without end is read no further than 8 MiB', async (_title, status) => {
    fake.answer(() => ({ ...endless, status }));
    const beforeBytes = process.memoryUsage().rss;
    const fault = await faultOf(poolTo().wire().send(new ListBucketsCommand({}), recordingContext()));
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'ResponseTooLarge', retryAfterMs: 300_000 });
    expect(fault.message).toContain('more than 8 MiB');
    expect(process.memoryUsage().rss - beforeBytes).toBeLessThan(64 * 1024 * 1024);
    expect(fake.requests).toHaveLength(1);
  });

  it('answers what is no list is read no further than 1 MiB', async () => {
    fake.answer(() => ({ ...endless, status: 200 }));
    const fault = await faultOf(poolTo().wire().send(getTags(), recordingContext()));
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'ResponseTooLarge' });
    expect(fault.message).toContain('more than 1 MiB');
  });

  const faultAt = async (answer: string) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const pool = poolTo({ endpoint: `http://127.0.0.1:${String(port)}` });
    const fault = await faultOf(pool.probe.send(new ListBucketsCommand({}), recordingContext()));
    server.close();
    return fault;
  };

  it('does not speak HTTP is told as such', async () => {
    const fault = await faultAt('SSH-2.0-OpenSSH_9.9\r\n');
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'NotAnS3Server' });
    expect(fault.message).toContain('does not speak HTTP');
  });

  it.each([
    ['too many headers', `x-a: ${'a'.repeat(20_000)}`, 'headers have more than 16 KiB (HPE_HEADER_OVERFLOW)'],
    ['a malformed header', 'no colon', 'headers is malformed'],
    ['a length, and chunks too', 'content-length: 2\r\ntransfer-encoding: chunked', 'length contradicts itself'],
    ['chunks, and a length too', 'transfer-encoding: chunked\r\ncontent-length: 2', 'contradicts itself'],
    ['two lengths', 'content-length: 2\r\ncontent-length: 3', 'length contradicts itself'],
    ['a length that is no number', 'content-length: two', 'length is no number'],
  ])('answers with %s is told as such', async (_title, headers, words) => {
    const fault = await faultAt(`HTTP/1.1 200 OK\r\n${headers}\r\n\r\nab`);
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'NotAnS3Server' });
    expect(fault.message).toContain('the answer cannot be read');
    expect(fault.message).toContain(words);
  });

  it.each([200, 403])('compresses its answer of %i is told as such, after a write too', async (status) => {
    const headers = { 'content-encoding': 'gzip' };
    fake.answer(() => ({ kind: 'respond', status, headers, body: '\u001f\u008b\b' }));
    const wire = poolTo().wire();
    const calls = [wire.send(getTags(), recordingContext()), wire.send(putTags(), recordingContext())];
    for (const fault of await Promise.all(calls.map(faultOf))) {
      expect(fault).toMatchObject({ kind: 'waiting', reason: 'NotAnS3Server' });
      expect(fault.message).toContain(`the answer (${String(status)}) is compressed (gzip)`);
    }
  });

  it.each([
    ['301', 301, ''],
    ['308', 308, ''],
    ['302 of a web server', 302, '<!DOCTYPE html><html><head><title>Moved</head></html>'],
  ])('redirects with %s is told with where that leads', async (_title, status, body) => {
    const location = 'https://s3.example.com/';
    fake.answer(() => ({ kind: 'respond', status, headers: { location }, body }));
    const fault = await faultOf(poolTo().probe.send(new ListBucketsCommand({}), recordingContext()));
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'NotAnS3Server' });
    expect(fault.message).toContain(location);
  });

  it.each(['http://169.254.169.254', 'http://[fd00:ec2::254]', 'http://[::ffff:169.254.169.254]:8080'])(
    'is %s is never connected to',
    async (endpoint) => {
      const fault = await faultOf(poolTo({ endpoint }).probe.send(new ListBucketsCommand({}), recordingContext()));
      expect(fault).toMatchObject({ kind: 'waiting', reason: 'DestinationRefused', retryAfterMs: 300_000 });
      expect(fault.message).toMatch(/leads to (169\.254\.0\.0\/16|fd00:ec2::254\/128)/);
    },
  );

  it('is a name that resolves to a refused address is never connected to', async () => {
    const endpoint = fake.endpoint.replace('127.0.0.1', 'localhost');
    const refusedDestinations = parseDestinations(['127.0.0.0/8', '::1']);
    const call = poolTo({ endpoint }, { refusedDestinations }).wire().send(getTags(), recordingContext());
    expect(await faultOf(call)).toMatchObject({ kind: 'waiting', reason: 'DestinationRefused' });
    expect(fake.requests).toHaveLength(0);
  });

  it('breaks off the connection is unreachable', async () => {
    fake.answer(() => ({ kind: 'reset' }));
    const fault = await faultOf(poolTo().wire().send(getTags(), recordingContext()));
    expect(fault).toMatchObject({ kind: 'transient', reason: 'EndpointUnreachable' });
    expect(fault.message).toContain('ECONNRESET');
  });

  it('refuses connections is left alone until its circuit lets one trial through', async () => {
    const { endpoint } = fake;
    await fake.close();
    let nowMs = 0;
    const pool = createWirePool(
      connectionTo(endpoint, { retry: { maxAttempts: 1, backoffStrategy: 'linear' } }),
      driverDeps({ elapsedMs: () => nowMs, random: () => 0.5 }),
    );
    pools.push(pool);
    const context = recordingContext();
    for (let call = 0; call < 20; call += 1) await faultOf(pool.wire().send(getTags(), context));
    expect(context.calls).toHaveLength(5);
    const held = await faultOf(pool.wire().send(getTags(), context));
    expect(held).toMatchObject({ kind: 'transient', reason: 'EndpointUnreachable' });
    expect(held.retryAfterMs).toBeGreaterThan(0);
    nowMs += 750;
    await Promise.all(Array.from({ length: 10 }, () => faultOf(pool.wire().send(getTags(), context))));
    expect(context.calls).toHaveLength(6);
  });

  it('comes back is used again once the health check has seen it', async () => {
    let isUp = false;
    fake.answer(() => (isUp ? listOfBuckets() : { kind: 'reset' }));
    const pool = poolTo({ retry: { maxAttempts: 1, backoffStrategy: 'linear' } });
    const list = () => new ListBucketsCommand({});
    for (let call = 0; call < 6; call += 1) await faultOf(pool.wire().send(list(), recordingContext()));
    isUp = true;
    const before = fake.requests.length;
    await faultOf(pool.wire().send(list(), recordingContext()));
    expect(fake.requests).toHaveLength(before);
    await pool.probe.send(list(), recordingContext());
    await pool.wire().send(list(), recordingContext());
    expect(fake.requests).toHaveLength(before + 2);
  });
});

describe('an answer that is longer than it says', () => {
  const overlong = (of: FakeAnswer): FakeAnswer => ({ kind: 'overlong', of });
  const tags = () => succeed('<Tagging><TagSet/></Tagging>');
  const createBucket = () => new CreateBucketCommand({ Bucket: 'photos' });
  const getBlock = () => new GetPublicAccessBlockCommand({ Bucket: 'photos' });
  const noBlock = 'NoSuchPublicAccessBlockConfiguration';

  it.each([
    ['read', (wire: Wire) => wire.send(getTags(), recordingContext())],
    ['write', (wire: Wire) => wire.send(putTags(), recordingContext())],
  ])('costs the next %s on its connection one attempt', async (_title, send) => {
    sequence(overlong(tags()), tags());
    const wire = poolTo().wire();
    await wire.send(getTags(), recordingContext());
    await send(wire);
    expect(fake.requests).toHaveLength(3);
  });

  it('leaves open what came of a creation, which is sent once', async () => {
    sequence(overlong(tags()), succeed());
    const wire = poolTo().wire();
    await wire.send(getTags(), recordingContext());
    const fault = await faultOf(wire.send(createBucket(), recordingContext()));
    expect(fault).toMatchObject({ kind: 'transient', reason: 'EndpointUnreachable' });
    expect(fake.requests).toHaveLength(2);
  });

  it('has no next one on its connection where servers are known for it', async () => {
    sequence(overlong(refuse(404, noBlock)), succeed());
    const wire = poolTo().wire();
    await wire.sendOrAbsent(getBlock(), [noBlock], recordingContext());
    await wire.send(createBucket(), recordingContext());
    expect(fake.requests).toHaveLength(2);
  });

  it('is read as far as it says', async () => {
    const body = `<Error><Code>${noBlock}</Code></Error>`;
    const head = `HTTP/1.1 404 Not Found\r\ncontent-length: ${String(body.length)}\r\n\r\n`;
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write(`${head}${body}<PublicAccessBlockConfiguration/>`));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const wire = poolTo({ endpoint: `http://127.0.0.1:${String(port)}` }).wire();
    for (let call = 0; call < 3; call += 1)
      expect(await wire.sendOrAbsent(getBlock(), [noBlock], recordingContext())).toBeUndefined();
    server.close();
  });
});

describe('a call whose turn does not come within its deadline', () => {
  it('is put off, is never sent, and says nothing against the server', async () => {
    fake.answer(() => listOfBuckets());
    let nowMs = 0;
    const pool = poolTo({ requestsPerSecond: 0.5 }, { deadlines: { callMs: 1_000 }, elapsedMs: () => nowMs });
    const list = () => pool.wire().send(new ListBucketsCommand({}), recordingContext());
    await list();
    const faults = await Promise.all(Array.from({ length: 6 }, () => faultOf(list())));
    for (const fault of faults) expect(fault).toMatchObject({ kind: 'transient', reason: 'Throttled' });
    nowMs = 2_000;
    await list();
    expect(fake.requests).toHaveLength(2);
  });
});

describe('many calls at once', () => {
  it('all reach a server that answers none before it has heard the last', async () => {
    const calls = 120;
    const waiting: ServerResponse[] = [];
    const server = createHttpServer((_request, response) => {
      if (waiting.push(response) < calls) return;
      for (const held of waiting) held.end('<Tagging><TagSet/></Tagging>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const connection = {
      endpoint: `http://127.0.0.1:${String(port)}`,
      retry: { maxAttempts: 1, backoffStrategy: 'linear' } as const,
    };
    const wire = poolTo(connection, { deadlines: { connectMs: 1_500, attemptMs: 20_000 } }).wire();
    const ends = await Promise.allSettled(
      Array.from({ length: calls }, () => wire.send(getTags(), recordingContext())),
    );
    server.closeAllConnections();
    server.close();
    expect(ends.filter(({ status }) => status === 'rejected')).toEqual([]);
  }, 30_000);
});

describe('over TLS', () => {
  let secure: FakeS3;
  beforeEach(async () => {
    secure = await startFakeS3({ tls: testCertificate });
    secure.answer(() => listOfBuckets());
  });
  afterEach(() => secure.close());
  const send = (connection: Partial<Connection>) =>
    poolTo({ endpoint: secure.endpoint, ...connection })
      .wire()
      .send(new ListBucketsCommand({}), recordingContext());

  it('an unknown certificate is refused, in one attempt', async () => {
    const fault = await faultOf(send({}));
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'TlsFailed' });
    expect(fault.message).toContain('SELF_SIGNED_CERT');
    expect(secure.requests).toHaveLength(0);
  });

  it('a custom authority is accepted', async () => {
    await send({ tls: { insecureSkipVerify: false, caCertificate: testCertificate.cert } });
  });

  it('it is known when the certificate ends, once it was seen', async () => {
    const pool = poolTo({
      endpoint: secure.endpoint,
      tls: { insecureSkipVerify: false, caCertificate: testCertificate.cert },
    });
    expect(pool.certificateExpiresAt()).toBeUndefined();
    await pool.wire().send(new ListBucketsCommand({}), recordingContext());
    expect(pool.certificateExpiresAt()).toEqual(new Date(new X509Certificate(testCertificate.cert).validTo));
  });

  it('the check can be skipped for one client, and only for that', async () => {
    await send({ tls: { insecureSkipVerify: true } });
    expect((await faultOf(send({}))).reason).toBe('TlsFailed');
  });

  it('a plain port is told apart', async () => {
    fake.answer(() => listOfBuckets());
    const fault = await faultOf(send({ endpoint: fake.endpoint.replace('http:', 'https:') }));
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'TlsFailed' });
    expect(fault.message).toContain('does not speak TLS');
  });

  it('a TLS port that is spoken to plainly is told apart', async () => {
    const fault = await faultOf(send({ endpoint: secure.endpoint.replace('https:', 'http:') }));
    expect(fault.reason).toBe('EndpointUnreachable');
  });
});

describe('an answer', () => {
  const list = () => poolTo().wire().send(new ListBucketsCommand({}), recordingContext());

  it.each([
    ['403 InvalidAccessKeyId', refuse(403, 'InvalidAccessKeyId'), 'waiting', 'AuthFailed'],
    ['403 SignatureDoesNotMatch', refuse(403, 'SignatureDoesNotMatch'), 'waiting', 'AuthFailed'],
    ['400 ExpiredToken', refuse(400, 'ExpiredToken'), 'waiting', 'AuthFailed'],
    ['403 AuthenticationLockout', refuse(403, 'AuthenticationLockout'), 'waiting', 'AuthFailed'],
    ['403 AccessDenied', refuse(403, 'AccessDenied'), 'waiting', 'AccessDenied'],
    ['403 RequestTimeTooSkewed', refuse(403, 'RequestTimeTooSkewed'), 'waiting', 'ClockSkew'],
    ['301 PermanentRedirect', refuse(301, 'PermanentRedirect'), 'waiting', 'WrongRegion'],
    ['400 AuthorizationHeaderMalformed', refuse(400, 'AuthorizationHeaderMalformed'), 'waiting', 'WrongRegion'],
    ['400 RequestTimeout', refuse(400, 'RequestTimeout'), 'transient', 'Timeout'],
    ['408 without a code', { ...succeed(), status: 408 } as FakeAnswer, 'transient', 'Timeout'],
    ['400 InvalidRegion', refuse(400, 'InvalidRegion'), 'waiting', 'WrongRegion'],
    ['503 SlowDown', refuse(503, 'SlowDown'), 'transient', 'Throttled'],
    ['403 RequestRateLimitExceeded', refuse(403, 'RequestRateLimitExceeded'), 'transient', 'Throttled'],
    ['429 without a code', html(429), 'transient', 'Throttled'],
    ['409 OperationAborted', refuse(409, 'OperationAborted'), 'transient', 'Conflict'],
    ['409 InvalidBucketState', refuse(409, 'InvalidBucketState'), 'waiting', 'RequestRefused'],
    ['503 XMinioServerNotInitialized', refuse(503, 'XMinioServerNotInitialized'), 'transient', 'Throttled'],
    ['500 InternalError', refuse(500, 'InternalError'), 'transient', 'ServerError'],
    ['502 HTML of a gateway', html(502), 'transient', 'ServerError'],
    ['501 of any code', refuse(501, 'AccessDenied'), 'terminal', 'Unsupported'],
    ['405 MethodNotAllowed', refuse(405, 'MethodNotAllowed'), 'terminal', 'Unsupported'],
    ['409 BucketAlreadyExists', refuse(409, 'BucketAlreadyExists'), 'waiting', 'NameTaken'],
    ['409 BucketNotEmpty', refuse(409, 'BucketNotEmpty'), 'waiting', 'BucketNotEmpty'],
    ['400 MalformedPolicy', refuse(400, 'MalformedPolicy'), 'terminal', 'PolicyInvalid'],
    [
      '400 MalformedPolicy for a new user',
      refuse(400, 'MalformedPolicy', 'Invalid principal in policy'),
      'waiting',
      'PolicyInvalid',
    ],
    ['400 of an unknown code', refuse(400, 'SomethingNew'), 'waiting', 'RequestRefused'],
    ['200 HTML', html(200), 'waiting', 'NotAnS3Server'],
    ['404 HTML', html(404), 'waiting', 'NotAnS3Server'],
    ['403 HTML', html(403), 'waiting', 'NotAnS3Server'],
    ['401 of an unknown code', refuse(401, 'Unauthorized'), 'waiting', 'AuthFailed'],
    ['401 without a code', { ...succeed(), status: 401 } as FakeAnswer, 'waiting', 'AuthFailed'],
  ] as const)('%s has its kind and reason', async (_name, answer, kind, reason) => {
    fake.answer(() => answer);
    const fault = await faultOf(list());
    expect({ kind: fault.kind, reason: fault.reason, message: fault.message }).toMatchObject({ kind, reason });
    expect(fault.message).toContain('ListBuckets');
  });

  it.each([html(502), html(404), succeed('{"a":1}')])("never shows the SDK's own advice", async (answer) => {
    fake.answer(() => answer);
    expect((await faultOf(list())).message).not.toMatch(/hidden field|deserialization|aws-sdk/i);
  });

  it("ends the server's words with a stop, so that more can follow", async () => {
    fake.answer(() => refuse(409, 'BucketNotEmpty', 'The bucket is not empty'));
    expect((await faultOf(list())).message).toMatch(/The server says: The bucket is not empty\.$/);
  });

  it("takes control characters out of the server's words", async () => {
    fake.answer(() => refuse(409, 'BucketNotEmpty', 'One&#10;two&#27;[31m&#13;&#10;three'));
    expect((await faultOf(list())).message).toMatch(/The server says: One two \[31m three\.$/);
  });

  const token = `IQoJb3JpZ2luX2VjE${'a'.repeat(300)}`;
  const told = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): FakeAnswer => ({
    kind: 'respond',
    ...{ status, headers, body },
  });
  it.each([
    ['code', told(403, `<Error><Code>${token}</Code></Error>`)],
    ['endless code', told(403, `<Error><Code>${'long '.repeat(8_000)}</Code></Error>`)],
    ['code of two lines', told(403, '<Error><Code>Access&#10;Denied</Code></Error>')],
    [
      'message',
      told(403, `<Error><Code>AccessDenied</Code><Message>${token} ${'long '.repeat(200)}</Message></Error>`),
    ],
    ['region', told(301, '', { 'x-amz-bucket-region': token })],
    [
      'region of two lines',
      told(400, '<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu&#10;x</Region></Error>'),
    ],
    ['redirect', told(301, '', { location: `http://elsewhere.test/${token}` })],
    ['query of a redirect', told(301, '', { location: 'http://elsewhere.test/?X-Amz-Security-Token=IQoJ' })],
  ])('shows of a %s no token, no line end, and no more than a few words', async (_title, answer) => {
    fake.answer(() => answer);
    const { message } = await faultOf(list());
    expect(message.length).toBeLessThan(600);
    expect(message).not.toMatch(/IQoJ|\n/);
  });

  it('names a code of the server that has its own form', async () => {
    fake.answer(() => refuse(404, 'kms:KeyNotFound'));
    expect((await faultOf(list())).message).toContain('(kms:KeyNotFound 404)');
  });

  it('shows its id in one line', async () => {
    fake.answer(() => succeed('', { 'x-amz-request-id': 'A\tB'.padEnd(300, 'x-') }));
    const context = recordingContext();
    await poolTo()
      .wire()
      .send(new HeadBucketCommand({ Bucket: 'photos' }), context);
    expect(context.calls[0]?.answer?.()?.requestId).toBe(`${'A B'.padEnd(127, 'x-')}…`);
  });

  it('names the region that the server expects', async () => {
    fake.answer(() => refuse(301, 'PermanentRedirect', 'use another', { 'x-amz-bucket-region': 'eu-west-1' }));
    expect((await faultOf(list())).message).toContain('eu-west-1');
  });

  it.each([
    ['another', 'eu-west-1', 'WrongRegion', 'expects the region eu-west-1'],
    ['its own', 'us-east-1', 'RequestRefused', 'refused the request (400)'],
  ])('of 400 without a body that names %s region says so', async (_title, region, reason, words) => {
    fake.answer(() => refuse(400, '', '', { 'x-amz-bucket-region': region }));
    const head = poolTo({ region: 'us-east-1' })
      .wire()
      .send(new HeadBucketCommand({ Bucket: 'photos' }), recordingContext());
    const fault = await faultOf(head);
    expect(fault.reason).toBe(reason);
    expect(fault.message).toContain(words);
  });

  it('of 403 without a body says nothing of the credentials', async () => {
    fake.answer(() => refuse(403, ''));
    const head = poolTo()
      .wire()
      .send(new HeadBucketCommand({ Bucket: 'photos' }), recordingContext());
    expect((await faultOf(head)).message).toMatch(
      /^HeadBucket at 127\.0\.0\.1:\d+: the server does not allow this \(403\)\.$/,
    );
  });

  it('names it too where the body tells', async () => {
    fake.answer(() => ({
      kind: 'respond',
      status: 400,
      headers: {},
      body: '<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>',
    }));
    expect((await faultOf(list())).message).toContain('expects the region eu-west-1');
  });

  it('never shows the secret or the session token, even when the server echoes them', async () => {
    const token = 'T'.repeat(200);
    const secret = 'secret-secret-secret';
    fake.answer(({ headers }) => refuse(403, 'AccessDenied', `echo ${headers['x-amz-security-token']}`));
    const credentials = { accessKeyId: 'AK', secretAccessKey: redact(secret), sessionToken: redact(token) };
    const fault = await faultOf(poolTo({ credentials }).wire().send(getTags(), recordingContext()));
    expect(fault.message).not.toContain(token);
    expect(fault.message).not.toContain(secret);
  });
});
