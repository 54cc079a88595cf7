import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createSocketServer, type AddressInfo, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { identifyS3Call } from './traffic.ts';

/** One request that reached the endpoint. */
export interface HostileCall {
  /** As `identifyS3Call` names it. */
  readonly operation: string;
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/**
 * What the endpoint does with a request. `endless`: this text again and again, until the other side hangs up or has taken
 * `limitBytes`. `drip`: this text a character at a time. `silence`: no answer, the connection stays. `drop`: it ends.
 */
export type HostileAnswer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | { readonly endless: string; readonly begin?: string; readonly limitBytes: number }
  | { readonly drip: string; readonly everyMs: number }
  | 'silence'
  | 'drop';

/** Says what to do with a request; undefined: what an honest S3 server would. */
export type Script = (call: HostileCall) => HostileAnswer | undefined;

/** An S3 endpoint in the hands of a tenant. */
export interface HostileEndpoint {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  readonly port: number;
  readonly calls: readonly HostileCall[];
  /** The most bytes of one endless answer that the other side took. */
  mostBytesTaken(): number;
  /** Requests that are open now. */
  open(): number;
  /** From now on; also in place of an earlier script. */
  follow(script: Script): void;
  close(): Promise<void>;
}

interface Held {
  readonly createdAt: Date;
  tags: string | undefined;
  versioning: string | undefined;
}

export interface HostileOptions {
  /** Account that ListBuckets names; none when absent. */
  readonly owner?: string;
  /** Buckets that are there from the start. */
  readonly buckets?: readonly string[];
  readonly script?: Script;
}

const xml = (body: string): HostileAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
});

/** An error as S3 has it. */
export const s3Error = (status: number, code: string, message = code): HostileAnswer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
});

/** A ListBuckets answer. */
const bucketList = (
  owner: string | undefined,
  buckets: Iterable<readonly [name: string, createdAt: Date]>,
): HostileAnswer => {
  const owned = owner === undefined ? '' : `<Owner><ID>${owner}</ID></Owner>`;
  const listed = [...buckets].map(
    ([name, createdAt]) =>
      `<Bucket><Name>${name}</Name><CreationDate>${createdAt.toISOString()}</CreationDate></Bucket>`,
  );
  return xml(`<ListAllMyBucketsResult>${owned}<Buckets>${listed.join('')}</Buckets></ListAllMyBucketsResult>`);
};

/** Plays as much of an S3 server as an operator needs, and believes every signature. */
const honest = (call: HostileCall, buckets: Map<string, Held>, owner: string | undefined): HostileAnswer => {
  const { operation, method, path } = call;
  if (operation === 'ListBuckets') {
    return bucketList(
      owner,
      [...buckets].map(([name, { createdAt }]) => [name, createdAt]),
    );
  }
  const url = new URL(path, 'http://hostile');
  const name = url.pathname.split('/')[1] ?? '';
  const held = buckets.get(name);
  if (operation === 'CreateBucket') {
    if (held !== undefined) return s3Error(409, 'BucketAlreadyOwnedByYou');
    buckets.set(name, { createdAt: new Date(), tags: undefined, versioning: undefined });
    return { status: 200, headers: { location: `/${name}` } };
  }
  if (held === undefined) return method === 'HEAD' ? { status: 404 } : s3Error(404, 'NoSuchBucket');
  switch (operation) {
    case 'HeadBucket':
      return { status: 200 };
    case 'DeleteBucket':
      buckets.delete(name);
      return { status: 204 };
    case 'GetBucketLocation':
      return xml('<LocationConstraint></LocationConstraint>');
    case 'PutBucketTagging':
      held.tags = call.body;
      return { status: 200 };
    case 'GetBucketTagging':
      return held.tags === undefined ? s3Error(404, 'NoSuchTagSet') : xml(held.tags.replace(/^<\?xml[^>]*\?>/, ''));
    case 'PutBucketVersioning':
      held.versioning = call.body;
      return { status: 200 };
    case 'GetBucketVersioning':
      return xml(held.versioning?.replace(/^<\?xml[^>]*\?>/, '') ?? '<VersioningConfiguration/>');
    case 'ListObjectVersions':
      return xml(`<ListVersionsResult><Name>${name}</Name><IsTruncated>false</IsTruncated></ListVersionsResult>`);
    case 'ListObjects':
      return xml(`<ListBucketResult><Name>${name}</Name><IsTruncated>false</IsTruncated></ListBucketResult>`);
    case 'ListMultipartUploads':
      return xml(
        `<ListMultipartUploadsResult><Bucket>${name}</Bucket><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>`,
      );
    case 'GetBucketPolicy':
      return s3Error(404, 'NoSuchBucketPolicy');
    default:
      return s3Error(501, 'NotImplemented');
  }
};

/** Starts one on a free port of 127.0.0.1. */
export async function startHostileEndpoint(options: HostileOptions = {}): Promise<HostileEndpoint> {
  const buckets = new Map<string, Held>(
    (options.buckets ?? []).map((name) => [name, { createdAt: new Date(), tags: undefined, versioning: undefined }]),
  );
  const calls: HostileCall[] = [];
  let script = options.script ?? (() => undefined);
  let mostBytesTaken = 0;
  let open = 0;

  const stream = async (response: ServerResponse, answer: Extract<HostileAnswer, { endless: string }>) => {
    response.writeHead(200, { 'content-type': 'application/xml' });
    const { socket } = response;
    const before = socket?.bytesWritten ?? 0;
    const taken = () => (socket?.bytesWritten ?? 0) - before - (socket?.writableLength ?? 0);
    response.write(answer.begin ?? '');
    while (!response.destroyed && taken() < answer.limitBytes) {
      if (!response.write(answer.endless)) {
        const waiting = new AbortController();
        await Promise.race(
          ['drain', 'close'].map((event) => once(response, event, { signal: waiting.signal })),
        ).finally(() => waiting.abort());
      }
      mostBytesTaken = Math.max(mostBytesTaken, taken());
    }
    response.end();
  };
  const drip = (response: ServerResponse, { drip: text, everyMs }: Extract<HostileAnswer, { drip: string }>) => {
    response.writeHead(200, { 'content-type': 'application/xml', 'content-length': String(text.length) });
    let sent = 0;
    const timer = setInterval(() => {
      response.write(text.charAt(sent));
      sent += 1;
      if (sent === text.length) response.end();
    }, everyMs);
    response.once('close', () => clearInterval(timer));
  };

  const server = createServer({ keepAliveTimeout: 5_000 }, (incoming, response) => {
    open += 1;
    response.once('close', () => (open -= 1));
    buffer(incoming).then(
      (whole) => {
        const { method = 'GET', url: path = '/', headers } = incoming;
        const body = whole.toString('utf8');
        const call = { ...identifyS3Call(method, path, headers, body), method, path, headers, body };
        calls.push(call);
        const answer = script(call) ?? honest(call, buckets, options.owner);
        if (answer === 'silence') return;
        if (answer === 'drop') response.socket?.destroy();
        else if ('endless' in answer) void stream(response, answer);
        else if ('drip' in answer) drip(response, answer);
        else {
          response.writeHead(answer.status, answer.headers);
          response.end(answer.body);
        }
      },
      () => response.destroy(), // who asked has hung up
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    calls,
    mostBytesTaken: () => mostBytesTaken,
    open: () => open,
    follow: (next) => (script = next),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A port of 127.0.0.1 where another protocol is spoken: each connection gets these words, and stays. */
export async function startBanner(words: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createSocketServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    socket.write(words);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
