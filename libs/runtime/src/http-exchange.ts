import { type Agent, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';

export interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly agent: Agent;
  /** Ends the exchange at any time, while the body is read too. */
  readonly signal: AbortSignal;
}

/** A host that drops packets is told from a slow answer by the time in which a connection must stand. */
const connectTimeoutMs = 10_000;

/**
 * Sends one request over Node's own HTTP/1.1, which the S3 clients use too; a second stack costs each controller 15 MiB. Resolves
 * with the head of the answer; its body must be read, or destroyed. `url`: http:// or https://.
 * @throws Error when no answer came; whatever `signal` aborted with
 */
export const exchangeHttp = (
  url: string,
  { body, headers, ...options }: HttpRequest,
): Promise<IncomingMessage & { readonly statusCode: number }> =>
  new Promise((resolve, reject) => {
    // Said here, for Node says it by itself only for methods that commonly have a body, and DELETE is not one of them.
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const request = url.startsWith('https:') ? requestTls : requestPlain;
    const outgoing = request(url, { ...options, headers: { ...headers, ...length } });
    outgoing.on('error', reject);
    outgoing.once('response', (incoming) => resolve(incoming as IncomingMessage & { statusCode: number }));
    outgoing.once('socket', (socket) => {
      if (!socket.connecting) return;
      const giveUp = () => outgoing.destroy(new Error(`no connection within ${connectTimeoutMs} ms`));
      const timer = setTimeout(giveUp, connectTimeoutMs);
      for (const event of ['secureConnect', 'close'] as const) socket.once(event, () => clearTimeout(timer));
      if (!url.startsWith('https:')) socket.once('connect', () => clearTimeout(timer));
    });
    outgoing.end(body);
  });
