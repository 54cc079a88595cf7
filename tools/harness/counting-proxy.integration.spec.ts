import { createServer, type Server } from 'node:http';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCountingProxy, type CountingProxy } from './counting-proxy.ts';
import { Traffic } from './traffic.ts';

/** Answers with what it got; `/stream` answers in two parts, the second when asked for. */
let upstream: Server;
let received: string[];
let sendRest: () => void;
let proxy: CountingProxy;
let traffic: Traffic;
let secretTexts: string[];

beforeEach(async () => {
  received = [];
  secretTexts = [];
  traffic = new Traffic();
  upstream = createServer((incoming, response) => {
    void buffer(incoming).then((body) => {
      received.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
      if (incoming.url?.startsWith('/stream')) {
        response.write('first ');
        sendRest = () => response.end('rest');
        return;
      }
      response.setHeader('x-host', incoming.headers.host ?? '');
      response.end(`${incoming.headers.authorization ?? ''}|${body.toString()}`);
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  proxy = await startCountingProxy({
    name: 'test',
    side: 's3',
    upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    traffic,
    onSecretText: (text) => secretTexts.push(text),
  });
});

afterEach(async () => {
  await proxy.close();
  upstream.closeAllConnections();
  upstream.close();
});

const send = (method: string, path: string, body = '', headers: Record<string, string> = {}) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest(`${proxy.url}${path}`, { method, headers, agent: false }, resolve).on('error', reject).end(body);
  });

describe('counting proxy', () => {
  it('passes Host, Authorization and body on as they came, and notes the call with its status', async () => {
    const answer = await send('PUT', '/mine?tagging', 'the body', { host: 'named.example', authorization: 'signed' });
    expect(await text(answer)).toBe('signed|the body');
    expect(answer.headers['x-host']).toBe('named.example');
    expect(traffic.calls).toEqual([
      {
        side: 's3',
        proxy: 'test',
        method: 'PUT',
        path: '/mine?tagging',
        operation: 'PutBucketTagging',
        effect: 'write',
        status: 200,
      },
    ]);
  });

  it('hands the first part of a stream over before the rest is there', async () => {
    const answer = await send('GET', '/stream');
    const parts = answer[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    expect(String((await parts.next()).value)).toBe('first ');
    sendRest();
    expect(String((await parts.next()).value)).toBe('rest');
  });

  it('drops the nth call before the server sees it', async () => {
    traffic.onCall(
      ({ operation }) => operation === 'CreateBucket',
      2,
      'before',
      () => 'drop',
    );
    await text(await send('PUT', '/one'));
    await expect(send('PUT', '/two')).rejects.toThrow();
    expect(await text(await send('PUT', '/three'))).toBe('|');
    expect(received).toEqual(['PUT /one', 'PUT /three']);
  });

  it('drops the nth call after the server has done it', async () => {
    const trap = traffic.onCall(
      ({ effect }) => effect === 'write',
      1,
      'after',
      () => {
        expect(received).toEqual(['PUT /one']);
        return 'drop';
      },
    );
    await expect(send('PUT', '/one')).rejects.toThrow();
    expect(trap.isSprung()).toBe(true);
    expect(received).toEqual(['PUT /one']);
  });

  it('answers in place of the server', async () => {
    traffic.onCall(
      () => true,
      1,
      'before',
      () => ({ status: 503, body: 'slow down' }),
    );
    const answer = await send('GET', '/mine?tagging');
    expect([answer.statusCode, await text(answer)]).toEqual([503, 'slow down']);
    expect(received).toEqual([]);
  });

  it('shows what IAM answers, and nothing else', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    await text(await send('POST', '/', 'Action=CreateAccessKey&UserName=a', form));
    await text(await send('PUT', '/mine', 'no secret'));
    expect(secretTexts).toEqual(['|Action=CreateAccessKey&UserName=a']);
    expect(traffic.calls.map(({ operation }) => operation)).toEqual(['iam:CreateAccessKey', 'CreateBucket']);
  });
});
