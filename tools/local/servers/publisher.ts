import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** For specs: a publisher on loopback, with what it has, and what it was asked for. */
export interface Publisher {
  readonly url: string;
  readonly files: Map<string, Buffer>;
  readonly asked: { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  close(): Promise<void>;
}

/** Serves `files` by path, `Range: bytes=N-` included; a path that it lacks is 404. */
export async function startPublisher(): Promise<Publisher> {
  const files = new Map<string, Buffer>();
  const asked: Publisher['asked'] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push({ path, headers: request.headers });
    const content = files.get(path);
    if (!content) {
      response.writeHead(404).end();
      return;
    }
    const from = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
    if (from === undefined) response.writeHead(200).end(content);
    else if (Number(from) >= content.length) response.writeHead(416).end();
    else response.writeHead(206).end(content.subarray(Number(from)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files,
    asked,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

export const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex');
