import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A request as the fake saw it. */
export interface FakeRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How the fake answers one request; the misbehaviours are those that real servers and proxies show. */
export type FakeAnswer =
  | {
      readonly kind: 'respond';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  /** Breaks the connection off. */
  | { readonly kind: 'reset' }
  /** Breaks it off in the middle of the answer, or right after the head where that has no body. */
  | { readonly kind: 'half'; readonly of: FakeAnswer }
  /** Answers, and sends more on the same connection once the next request has come. */
  | { readonly kind: 'overlong'; readonly of: FakeAnswer }
  /** Sends `head` and then `chunk`, again and again, as fast as it is read, without end. */
  | { readonly kind: 'flood'; readonly status: number; readonly head: string; readonly chunk: string }
  /** Sends the head at once and then a byte every 20 ms, without end. */
  | { readonly kind: 'drip' };

const xml = { 'content-type': 'application/xml' };

/** 200 with an XML body; empty when absent. */
export const succeed = (body = '', headers: Readonly<Record<string, string>> = {}): FakeAnswer => ({
  kind: 'respond',
  status: 200,
  headers: { ...xml, ...headers },
  body,
});

/** An error as S3 tells it. For HEAD the body is left out by HTTP. */
export const refuse = (
  status: number,
  code: string,
  message = 'told by the fake',
  headers: Readonly<Record<string, string>> = {},
): FakeAnswer => ({
  kind: 'respond',
  status,
  headers: { ...xml, ...headers },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message><RequestId>1</RequestId></Error>`,
});

/** An error as IAM tells it. */
export const refuseIam = (status: number, code: string, message = 'told by the fake'): FakeAnswer => ({
  kind: 'respond',
  status,
  headers: { 'content-type': 'text/xml' },
  body: `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
});

/** What a web server that is no S3 server says. */
export const html = (status = 200): FakeAnswer => ({
  kind: 'respond',
  status,
  headers: { 'content-type': 'text/html' },
  body: '<!DOCTYPE html><html><head><meta charset="utf-8"><title>Welcome</title></head><body><br>It works!</body></html>',
});

/** An answer to ListBuckets. */
export const listOfBuckets = (...names: readonly string[]): FakeAnswer =>
  succeed(
    `<ListAllMyBucketsResult><Owner><ID>account-1</ID></Owner><Buckets>${names
      .map((name) => `<Bucket><Name>${name}</Name><CreationDate>2026-01-02T03:04:05.000Z</CreationDate></Bucket>`)
      .join('')}</Buckets></ListAllMyBucketsResult>`,
  );

/** A server on loopback whose every answer the test decides. */
export interface FakeS3 {
  readonly endpoint: string;
  readonly requests: readonly FakeRequest[];
  /** Answers all requests from now on. */
  answer(respond: (request: FakeRequest) => FakeAnswer): void;
  close(): Promise<void>;
}

export const requestOf = (request: IncomingMessage, body: Buffer): FakeRequest => {
  const url = new URL(request.url ?? '/', 'http://fake');
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
    body: body.toString(),
  };
};

export const send = (answer: FakeAnswer, response: ServerResponse): void => {
  switch (answer.kind) {
    case 'respond':
      response.writeHead(answer.status, answer.headers).end(answer.body);
      return;
    case 'overlong':
      send(answer.of, response);
      return;
    case 'reset':
      response.destroy();
      return;
    case 'half': {
      const { status, headers, body } =
        answer.of.kind === 'respond' ? answer.of : { status: 200, headers: xml, body: '' };
      response.writeHead(status, { ...headers, 'content-length': String(body.length + 1) });
      response.write(body.slice(0, body.length / 2));
      response.flushHeaders();
      setTimeout(() => response.destroy(), 10);
      return;
    }
    case 'flood': {
      response.writeHead(answer.status, xml).write(answer.head);
      const pour = (): void => {
        while (!response.destroyed && response.write(answer.chunk));
      };
      response.on('drain', pour);
      pour();
      return;
    }
    case 'drip': {
      response.writeHead(200, xml);
      const timer = setInterval(() => response.write(' '), 20);
      response.once('close', () => clearInterval(timer));
      return;
    }
    case 'hang':
  }
};

/** Starts the fake; it answers 500 until `answer` is called. `tls`: the certificate and key that it shows. */
export const startFakeS3 = async ({
  tls,
}: { readonly tls?: { readonly cert: string; readonly key: string } } = {}): Promise<FakeS3> => {
  const requests: FakeRequest[] = [];
  let respond: (request: FakeRequest) => FakeAnswer = () => refuse(500, 'InternalError');
  const overlong = new WeakSet<Socket>();
  const listener: RequestListener = (incoming, response) => {
    void buffer(incoming).then(
      (body) => {
        const request = requestOf(incoming, body);
        requests.push(request);
        if (overlong.has(incoming.socket)) incoming.socket.write('<More/>');
        const answer = respond(request);
        if (answer.kind === 'overlong') overlong.add(incoming.socket);
        send(answer, response);
      },
      () => response.destroy(),
    );
  };
  const server = tls === undefined ? createHttpServer(listener) : createHttpsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    answer: (next) => {
      respond = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
