import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { requestOf, send, type FakeAnswer, type FakeRequest } from './fake-s3.ts';

/** What becomes of a request: an answer in the server's place, `lost` when the server gets it and its answer never arrives. */
export type Interception = FakeAnswer | 'lost' | undefined;

/** A real server, with another answer now and then. */
export interface Proxy {
  readonly endpoint: string;
  readonly requests: readonly FakeRequest[];
  /** Decides on all requests from now on; undefined lets one through, after a promise for as long as that takes. */
  intercept(decide: (request: FakeRequest) => Interception | Promise<Interception>): void;
  close(): Promise<void>;
}

/** Stands before a server on plain HTTP. Headers pass as they are, Host included, so that signatures hold. */
export const startProxy = async (upstream: string): Promise<Proxy> => {
  const { hostname, port } = new URL(upstream);
  const requests: FakeRequest[] = [];
  let decide: Parameters<Proxy['intercept']>[0] = () => undefined;

  const forward = (incoming: IncomingMessage, body: Buffer): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { method, url: path, rawHeaders: headers } = incoming;
      const outgoing = httpRequest({ host: hostname, port, method, path, headers, setHost: false }, resolve);
      outgoing.on('error', reject);
      outgoing.end(body);
    });

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(incoming);
    const request = requestOf(incoming, body);
    requests.push(request);
    const decision = await decide(request);
    if (decision !== undefined && decision !== 'lost') {
      send(decision, response);
      return;
    }
    const answer = await forward(incoming, body);
    const whole = await buffer(answer);
    if (decision === 'lost') {
      response.destroy();
      return;
    }
    response.writeHead(answer.statusCode ?? 0, answer.statusMessage, answer.rawHeaders).end(whole);
  };

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    intercept: (next) => {
      decide = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
