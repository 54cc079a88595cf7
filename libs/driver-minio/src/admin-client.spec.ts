import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { Fault, redact, type CallContext, type ExternalCall } from '@operator/outcome';
import { createWirePool, type Connection } from '@operator/s3';
import { driverDeps, testCertificate } from '@operator/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAdminClient, type AdminCall } from './admin-client.ts';
import type { DeriveKey } from './derive-key.ts';
import { openContainer, sealContainer } from './encrypted-container.ts';

const secret = 'operator-secret-key';
/** As quick as it is weak: the real derivations have their own tests. */
const deriveKey: DeriveKey = (_derivation, password, salt) =>
  Promise.resolve(createHash('sha256').update(password).update(salt).digest());
const countingBytes = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, index) => index);

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

let server: Server;
let received: Received[];
let answer: (response: ServerResponse, request: Received) => void;
let calls: ExternalCall[];

beforeEach(async () => {
  received = [];
  calls = [];
  answer = (response) => response.writeHead(200).end();
  server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { method = '', url = '', headers } = request;
      received.push({ method, url, headers, body });
      answer(response, { method, url, headers, body });
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

const context = (signal = new AbortController().signal): CallContext => ({
  now: new Date(0),
  signal,
  call: (call, run) => {
    calls.push(call);
    return run();
  },
});

const connect = (
  changes: Partial<Connection> = {},
  { attemptMs = 5_000, pathPrefix = '/minio/admin/v3' }: { attemptMs?: number; pathPrefix?: string } = {},
) => {
  const connection: Connection = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    pathStyle: true,
    credentials: { accessKeyId: 'operator', secretAccessKey: redact(secret) },
    tls: { insecureSkipVerify: false },
    retry: { maxAttempts: 3, backoffStrategy: 'exponential' },
    ...changes,
  };
  const deps = driverDeps({ version: '1.2.3', deadlines: { attemptMs } });
  const { uplink } = createWirePool(connection, deps);
  return createAdminClient({ connection, uplink, deriveKey, randomBytes: countingBytes, pathPrefix });
};

const read: AdminCall = {
  operation: 'GetUserInfo',
  method: 'GET',
  path: '/user-info',
  query: { accessKey: 'a/b c' },
  answer: 'plain',
};
const write: AdminCall = {
  operation: 'AddUser',
  method: 'PUT',
  path: '/add-user',
  query: { accessKey: 'user' },
  body: { secretKey: 'new-secret' },
  sealsBody: true,
};

const hex = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

/** The signature computed from what arrived. Source: AWS Signature Version 4, create a signed request. */
const expectedSignature = ({ method, url, headers, body }: Received): string => {
  const [path = '', query = ''] = url.split('?');
  const signedHeaders = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '')?.[1] ?? '';
  const canonicalHeaders = signedHeaders.split(';').map((name) => `${name}:${String(headers[name])}\n`);
  const request = [
    method,
    path,
    query.split('&').sort().join('&'),
    canonicalHeaders.join(''),
    signedHeaders,
    hex(body),
  ].join('\n');
  const at = String(headers['x-amz-date']);
  const scope = [at.slice(0, 8), 'us-east-1', 's3', 'aws4_request'];
  const toSign = ['AWS4-HMAC-SHA256', at, scope.join('/'), hex(request)].join('\n');
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${secret}`);
  return hmac(key, toSign).toString('hex');
};

const signatureOf = ({ headers }: Received): string | undefined =>
  /Signature=(\w+)/.exec(headers.authorization ?? '')?.[1];

const caught = async (promise: Promise<unknown>): Promise<Fault> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Fault);
  return error as Fault;
};

describe('a request to the admin API', () => {
  it('that the server refuses is counted under the code of the answer, an expected one too', async () => {
    answer = (response) => response.writeHead(404).end('{"Code":"XMinioAdminNoSuchUser","Message":"gone"}');
    const codes: string[] = [];
    const counting: CallContext = {
      ...context(),
      call: (_call, run) =>
        run().catch((error: unknown) => {
          codes.push((error as Error).name);
          throw error;
        }),
    };
    const expecting = connect().sendExpecting(read, ['XMinioAdminNoSuchUser'], counting);
    expect(await expecting).toEqual({ code: 'XMinioAdminNoSuchUser' });
    expect(codes).toEqual(['XMinioAdminNoSuchUser']);
  });

  it('is signed for the service s3 with the hash of its real body', async () => {
    await connect().send(write, context());
    const [request] = received;
    expect(request?.headers.authorization).toMatch(/Credential=operator\/\d{8}\/us-east-1\/s3\/aws4_request/);
    expect(request?.headers['x-amz-content-sha256']).toBe(hex(request?.body ?? ''));
    expect(request?.headers['content-length']).toBe(String(request?.body.length));
    expect(request && signatureOf(request)).toBe(request && expectedSignature(request));
  });

  it('is signed right with an empty body and a query that needs escapes', async () => {
    answer = (response) => response.writeHead(200).end('{}');
    await connect().send(read, context());
    const [request] = received;
    expect(request?.url).toBe('/minio/admin/v3/user-info?accessKey=a%2Fb%20c');
    expect(request && signatureOf(request)).toBe(request && expectedSignature(request));
  });

  it('carries the session token of temporary credentials', async () => {
    const credentials = { accessKeyId: 'operator', secretAccessKey: redact(secret), sessionToken: redact('token') };
    await connect({ credentials }).send(write, context());
    expect(received[0]?.headers['x-amz-security-token']).toBe('token');
  });

  it('goes below the prefix that the factory was given', async () => {
    await connect({}, { pathPrefix: '/rustfs/admin/v3' }).send(write, context());
    expect(received[0]?.url).toBe('/rustfs/admin/v3/add-user?accessKey=user');
  });

  it('seals its body with the secret that signs it', async () => {
    await connect().send(write, context());
    const body = await openContainer(redact(secret), received[0]?.body ?? Buffer.alloc(0), deriveKey);
    expect(body.toString()).toBe('{"secretKey":"new-secret"}');
  });

  it('opens a sealed answer', async () => {
    const sealed = await sealContainer(redact(secret), Buffer.from('{"accounts":[]}'), deriveKey, countingBytes);
    answer = (response) => response.writeHead(200).end(sealed);
    expect(await connect().send({ ...read, answer: 'sealed' }, context())).toEqual({ accounts: [] });
  });

  describe('to a server whose clock is far off', () => {
    const date = 'Mon, 05 May 2031 10:00:00 GMT';
    const isRight = (request: Received) => String(request.headers['x-amz-date']).startsWith('20310505T10');
    const skewed = JSON.stringify({ Code: 'RequestTimeTooSkewed', Message: 'Too skewed.' });

    it('is signed again with its time, and repeated once whatever the retry settings', async () => {
      answer = (response, request) =>
        response.writeHead(isRight(request) ? 200 : 403, { date }).end(isRight(request) ? '{}' : skewed);
      const client = connect({ retry: { maxAttempts: 1, backoffStrategy: 'linear' } });
      await client.send(read, context());
      await client.send(read, context());
      expect(received).toHaveLength(3);
    });

    it('is signed with the time in its refusal, whatever a proxy writes', async () => {
      const time = '<Error><Code>RequestTimeTooSkewed</Code><ServerTime>2031-05-05T10:00:00Z</ServerTime></Error>';
      const proxy = { date: new Date().toUTCString() };
      answer = (response, request) =>
        response.writeHead(isRight(request) ? 200 : 403, proxy).end(isRight(request) ? '{}' : time);
      const client = connect();
      await client.send(read, context());
      await client.send(read, context());
      expect(received).toHaveLength(3);
    });

    it('is not repeated after a definite answer', async () => {
      answer = (response) => response.writeHead(404, { date }).end('{"Code":"XMinioAdminNoSuchUser","Message":"none"}');
      await connect().sendExpecting(read, ['XMinioAdminNoSuchUser'], context());
      expect(received).toHaveLength(1);
    });
  });

  it('is counted by its name and fenced when it writes', async () => {
    answer = (response) => response.writeHead(200).end('{}');
    const client = connect();
    await client.send(read, context());
    await client.send(write, context());
    expect(calls).toMatchObject([
      { service: 'minio-admin', operation: 'GetUserInfo', write: false, endpoint: expect.any(String) as string },
      { service: 'minio-admin', operation: 'AddUser', write: true, endpoint: expect.any(String) as string },
    ]);
    expect(calls.map((call) => call.answer?.())).toMatchObject([{ status: 200 }, { status: 200 }]);
  });

  it('is not sent when the fence refuses it', async () => {
    const lost = new Fault('transient', 'LeadershipLost', 'no longer the leader');
    const fenced: CallContext = { ...context(), call: () => Promise.reject(lost) };
    expect((await caught(connect().send(write, fenced))).reason).toBe('LeadershipLost');
    expect(received).toHaveLength(0);
  });
});

describe('an error of the admin API', () => {
  const refuse =
    (status: number, body: string): typeof answer =>
    (response) =>
      response.writeHead(status).end(body);

  it('that the caller expects is a value', async () => {
    answer = refuse(404, '{"Code":"XMinioAdminNoSuchUser","Message":"none"}');
    expect(await connect().sendExpecting(read, ['XMinioAdminNoSuchUser'], context())).toEqual({
      code: 'XMinioAdminNoSuchUser',
    });
  });

  it.each([
    { status: 403, body: '{"Code":"SignatureDoesNotMatch","Message":"no"}', kind: 'waiting', reason: 'AuthFailed' },
    { status: 403, body: '{"Code":"AccessDenied","Message":"no"}', kind: 'waiting', reason: 'AccessDenied' },
    { status: 403, body: '{"Code":"RequestTimeTooSkewed","Message":"no"}', kind: 'waiting', reason: 'ClockSkew' },
    { status: 403, body: '<Error><Code>AccessDenied</Code></Error>', kind: 'waiting', reason: 'AccessDenied' },
    {
      status: 400,
      body: '{"Code":"XMinioMalformedIAMPolicy","Message":"no"}',
      kind: 'terminal',
      reason: 'PolicyInvalid',
    },
    { status: 400, body: '{"Code":"XMinioIAMPolicyInUse","Message":"no"}', kind: 'transient', reason: 'Conflict' },
    {
      status: 426,
      body: '{"Code":"XMinioAdminVersionMismatch","Message":"no"}',
      kind: 'terminal',
      reason: 'Unsupported',
    },
    { status: 404, body: '<html>not here</html>', kind: 'waiting', reason: 'RequestRefused' },
    { status: 200, body: '<html>a portal</html>', kind: 'waiting', reason: 'RequestRefused' },
  ])('$status $body is $kind $reason', async ({ status, body, kind, reason }) => {
    answer = refuse(status, body);
    expect(await caught(connect().send(read, context()))).toMatchObject({ kind, reason });
  });

  it('has no code where that is no word', async () => {
    answer = refuse(403, JSON.stringify({ Code: `no\nword ${'x'.repeat(40_000)}`, Message: 'no' }));
    const { message } = await caught(connect().send(read, context()));
    expect(message).toContain('(403). The server says: no.');
  });

  it('that may pass is tried again as often as the Provider allows', async () => {
    answer = refuse(503, '{"Code":"XMinioServerNotInitialized","Message":"wait"}');
    const fault = await caught(connect().send(write, context()));
    expect(fault.kind).toBe('transient');
    expect(received).toHaveLength(3);
  });

  it('that passes is not told', async () => {
    answer = (response) => response.writeHead(received.length < 2 ? 503 : 200).end();
    await connect().send(write, context());
    expect(received).toHaveLength(2);
  });

  it('that will not pass is told at once', async () => {
    answer = refuse(403, '{"Code":"AccessDenied","Message":"no"}');
    await caught(connect().send(read, context()));
    expect(received).toHaveLength(1);
  });

  it('has neither the secret that signs nor the one that is sent, however it is printed', async () => {
    answer = refuse(400, '{"Code":"XMinioAdminConfigBadJSON","Message":"no"}');
    const shown = inspect(await caught(connect().send(write, context())), { depth: 10, showHidden: true });
    expect(shown).not.toContain(secret);
    expect(shown).not.toContain('new-secret');
  });

  it('is a Fault when the sealed answer was sealed with another secret', async () => {
    const sealed = await sealContainer(redact('another'), Buffer.from('{}'), deriveKey, countingBytes);
    answer = (response) => response.writeHead(200).end(sealed);
    expect((await caught(connect().send({ ...read, answer: 'sealed' }, context()))).reason).toBe('RequestRefused');
  });
});

describe('a server that gives no answer', () => {
  it('is unreachable when it is silent past the deadline', async () => {
    answer = () => undefined;
    const client = connect({ retry: { maxAttempts: 1, backoffStrategy: 'linear' } }, { attemptMs: 100 });
    expect(await caught(client.send(read, context()))).toMatchObject({
      kind: 'transient',
      reason: 'EndpointUnreachable',
    });
  });

  it('is unreachable when it stops in the middle of an answer', async () => {
    answer = (response) => response.writeHead(200, { 'content-length': '100' }).write('{');
    const client = connect({ retry: { maxAttempts: 1, backoffStrategy: 'linear' } }, { attemptMs: 100 });
    expect(await caught(client.send(read, context()))).toMatchObject({
      kind: 'transient',
      reason: 'EndpointUnreachable',
    });
  });

  it('is unreachable when it sends its answer byte by byte past the deadline', async () => {
    answer = (response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(' '), 10);
      response.once('close', () => clearInterval(timer));
      return undefined;
    };
    const client = connect({ retry: { maxAttempts: 1, backoffStrategy: 'linear' } }, { attemptMs: 200 });
    expect(await caught(client.send(read, context()))).toMatchObject({
      kind: 'transient',
      reason: 'EndpointUnreachable',
    });
  });

  it.each([200, 400])('is ResponseTooLarge when its answer (%i) does not end', async (status) => {
    answer = (response) => {
      response.writeHead(status);
      const pour = (): void => {
        while (!response.destroyed && response.write(' '.repeat(65_536)));
      };
      response.on('drain', pour);
      pour();
      return undefined;
    };
    expect(await caught(connect().send(read, context()))).toMatchObject({
      kind: 'waiting',
      reason: 'ResponseTooLarge',
    });
  });

  it('is DestinationRefused when it is a metadata service', async () => {
    const client = connect({ endpoint: 'http://169.254.169.254' });
    expect(await caught(client.send(read, context()))).toMatchObject({ kind: 'waiting', reason: 'DestinationRefused' });
  });

  it('is unreachable when nothing listens', async () => {
    const client = connect({ endpoint: 'http://127.0.0.1:1', retry: { maxAttempts: 1, backoffStrategy: 'linear' } });
    expect(await caught(client.send(read, context()))).toMatchObject({
      kind: 'transient',
      reason: 'EndpointUnreachable',
    });
  });

  it('is left when the pass ends', async () => {
    answer = () => undefined;
    const pass = new AbortController();
    const sent = connect().send(read, context(pass.signal));
    await expect.poll(() => received.length).toBe(1);
    pass.abort(new Fault('transient', 'LeadershipLost', 'stopped'));
    expect((await caught(sent)).reason).toBe('LeadershipLost');
  });
});

describe('a server with TLS', () => {
  const tlsServer = createTlsServer(testCertificate, (_request, response) => response.writeHead(200).end('{}'));
  beforeEach(() => new Promise<void>((done) => tlsServer.listen(0, '127.0.0.1', done)));
  afterEach(async () => {
    tlsServer.closeAllConnections();
    await new Promise((done) => tlsServer.close(done));
  });
  const connectByTls = (tls: Connection['tls']) =>
    connect({ endpoint: `https://127.0.0.1:${(tlsServer.address() as AddressInfo).port}`, tls });

  it('is trusted by its custom authority', async () => {
    const client = connectByTls({ insecureSkipVerify: false, caCertificate: testCertificate.cert });
    expect(await client.send(read, context())).toEqual({});
  });

  it('is trusted unseen when the Provider says so', async () => {
    expect(await connectByTls({ insecureSkipVerify: true }).send(read, context())).toEqual({});
  });

  it('is refused when nobody vouches for it', async () => {
    const client = connectByTls({ insecureSkipVerify: false });
    expect(await caught(client.send(read, context()))).toMatchObject({ kind: 'waiting', reason: 'TlsFailed' });
  });
});
