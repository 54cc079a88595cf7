import {
  createServer,
  request as httpRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest, Agent as HttpsAgent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { identifyKubeCall, identifyS3Call, isStreamedList, type Call, type Traffic, type Verdict } from './traffic.ts';

export interface ProxyOptions {
  /** Who calls, or which server is called; `Call.proxy`. */
  readonly name: string;
  readonly side: 'kube' | 's3';
  /** http:// or https://, without path. */
  readonly upstream: string;
  /** PEM; what the upstream's certificate is checked with. */
  readonly ca?: string;
  readonly traffic: Traffic;
  /** Gets each text in which a secret may be made: bodies of Secrets written, answers of IAM. */
  readonly onSecretText?: (text: string) => void;
}

export interface CountingProxy {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Stands before a server on 127.0.0.1, in plain HTTP, and notes every call. Bodies stream both ways, watches too; headers
 * pass unchanged, Host included, so that signatures hold. A trap's verdict replaces the answer.
 */
export async function startCountingProxy(options: ProxyOptions): Promise<CountingProxy> {
  const upstream = new URL(options.upstream);
  const secure = upstream.protocol === 'https:';
  const agent = secure ? new HttpsAgent({ keepAlive: true, ca: options.ca }) : new HttpAgent({ keepAlive: true });

  const forward = (incoming: IncomingMessage, response: ServerResponse, body: Buffer | undefined) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = (secure ? httpsRequest : httpRequest)(
        {
          agent,
          host: upstream.hostname,
          port: upstream.port,
          method: incoming.method,
          path: incoming.url,
          headers: incoming.rawHeaders,
          setHost: false,
        },
        resolve,
      );
      outgoing.on('error', reject);
      // Who hangs up on us hangs up on the server: a watch ends so.
      response.once('close', () => {
        if (!response.writableFinished) outgoing.destroy();
      });
      if (body === undefined) pipeline(incoming, outgoing).catch(reject);
      else outgoing.end(body);
    });

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = incoming.method ?? 'GET';
    const path = incoming.url ?? '/';
    const makesSecret = options.side === 'kube' && method !== 'GET' && path.includes('/secrets');
    // Only where the body names the call, or may hold a secret, is it read before it is forwarded.
    const body = method === 'POST' || makesSecret ? await buffer(incoming) : undefined;
    const text = body?.toString('utf8') ?? '';
    if (makesSecret) options.onSecretText?.(text);
    const identity =
      options.side === 'kube' ? identifyKubeCall(method, path) : identifyS3Call(method, path, incoming.headers, text);
    const call: Call = { ...identity, side: options.side, proxy: options.name, method, path };

    const trapped = options.traffic.note(call);
    const verdict = await trapped.before();
    if (verdict !== 'pass') {
      conclude(response, verdict);
      return;
    }
    const answer = await forward(incoming, response, body);
    call.status = answer.statusCode ?? 0;
    const isIam = identity.operation.startsWith('iam:');
    if (trapped.after === undefined && !isIam) {
      response.writeHead(call.status, answer.statusMessage, answer.rawHeaders);
      response.flushHeaders();
      await pipeline(answer, response);
      return;
    }
    // A streamed list goes on for as long as its reader likes: its answer is what it begins with.
    const whole = isStreamedList(path) ? undefined : await buffer(answer);
    if (isIam) options.onSecretText?.(whole?.toString('utf8') ?? '');
    const afterthought = (await trapped.after?.()) ?? 'pass';
    if (afterthought !== 'pass') {
      conclude(response, afterthought);
      return;
    }
    response.writeHead(call.status, answer.statusMessage, answer.rawHeaders);
    if (whole === undefined) await pipeline(answer, response);
    else response.end(whole);
  };

  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
    // Whichever side ends first, the other one sees its connection end, as it would without a proxy between. A response that was
    // ended has let go of its connection.
    serve(incoming, response).catch(() => response.socket?.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        agent.destroy();
      }),
  };
}

const conclude = (response: ServerResponse, verdict: Exclude<Verdict, 'pass'>): void => {
  if (verdict === 'drop') {
    response.socket?.destroy();
    return;
  }
  response.writeHead(verdict.status, verdict.headers);
  response.end(verdict.body);
};
