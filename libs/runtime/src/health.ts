import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { reasons } from '@operator/api';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Address } from './config.ts';

export interface HealthOptions {
  readonly healthAddress: Address | undefined;
  readonly metricsAddress: Address | undefined;
  readonly registry: Registry;
  /** True once the caches are complete; a replica that stands by is ready. */
  readonly isReady: () => boolean;
  readonly log: Logger;
}

/** Serves /healthz, /readyz and /metrics. Returns the way to stop. @throws when an address cannot be had */
export const serveHealth = async (options: HealthOptions): Promise<() => void> => {
  const { healthAddress, metricsAddress, registry, log } = options;
  const health = {
    '/healthz': () => plain(200, 'ok'),
    '/readyz': () => (options.isReady() ? plain(200, 'ok') : plain(503, 'caches are not complete')),
  };
  const metrics = {
    '/metrics': async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }),
  };
  const isShared =
    healthAddress !== undefined &&
    metricsAddress !== undefined &&
    healthAddress.port !== 0 &&
    healthAddress.host === metricsAddress.host &&
    healthAddress.port === metricsAddress.port;
  const wanted: [Address | undefined, Routes][] = isShared
    ? [[healthAddress, { ...health, ...metrics }]]
    : [
        [healthAddress, health],
        [metricsAddress, metrics],
      ];
  const servers: Server[] = [];
  for (const [address, routes] of wanted) {
    if (address !== undefined) servers.push(await listen(address, routes, log));
  }
  return () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  };
};

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

type Routes = Readonly<Record<string, () => Answer | Promise<Answer>>>;

const plain = (status: number, body: string): Answer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});

const listen = async (address: Address, routes: Routes, log: Logger): Promise<Server> => {
  const server = createServer((request, response) => {
    answer(request, routes).then(
      (given) => send(response, given),
      (caught: unknown) => {
        log.error({ event: 'serve', err: caught, reason: reasons.InternalError }, `cannot serve ${request.url ?? ''}`);
        send(response, plain(500, 'failed'));
      },
    );
  });
  server.listen(address.port, address.host);
  await once(server, 'listening');
  const bound = server.address();
  const port = typeof bound === 'object' ? bound?.port : address.port;
  log.info({ event: 'listening', host: address.host, port, paths: Object.keys(routes) }, `listening on port ${port}`);
  return server;
};

const answer = async (request: IncomingMessage, routes: Routes): Promise<Answer> => {
  const path = (request.url ?? '').split('?')[0] ?? '';
  if (request.method !== 'GET' || !Object.hasOwn(routes, path)) return plain(404, 'not found');
  return (await routes[path]?.()) ?? plain(404, 'not found');
};

const send = (response: ServerResponse, { status, type, body }: Answer): void => {
  response.writeHead(status, { 'content-type': type }).end(body);
};
