import { type IncomingMessage, type Server, createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import type { KubeObject, Resource } from '../src/index.ts';
import { openKubeConnection } from '../src/kube-connection.ts';
import { createKubeClient } from '../src/kube-requests.ts';
import { kubeconfigSource } from '../src/kubeconfig.ts';

/** A kind that exists only to try the runtime on. */
export const widgets: Resource = { group: 'runtime.test', version: 'v1', kind: 'Widget', plural: 'widgets' };

export interface WidgetSpec {
  readonly size: number;
  /** How long a write to the outside takes. */
  readonly writeMs?: number;
  /** Whether the size is recorded before it is written outside. */
  readonly records?: boolean;
  /** A ConfigMap of the same namespace that every look reads past the cache. */
  readonly shelf?: string;
  /** What the reconciler shall fail with, instead of looking. */
  readonly fault?: { readonly kind: 'transient' | 'waiting' | 'terminal'; readonly reason: string };
}

export interface WidgetStatus {
  readonly size?: number;
}

export type Widget = KubeObject<WidgetSpec, WidgetStatus>;

export const finalizer = 'runtime.test/finalizer';

const widgetCrd = JSON.stringify({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.runtime.test' },
  spec: {
    group: widgets.group,
    scope: 'Namespaced',
    names: { kind: widgets.kind, plural: widgets.plural, singular: 'widget' },
    versions: [
      {
        name: widgets.version,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              status: {
                type: 'object',
                'x-kubernetes-preserve-unknown-fields': true,
                // As the CRDs of the operator have it.
                default: { observedGeneration: -1 },
                properties: { observedGeneration: { type: 'integer', format: 'int64', minimum: -1, default: -1 } },
              },
            },
          },
        },
      },
    ],
  },
});

/** What this folder needs of a control plane. */
export interface Plane {
  readonly url: string;
  readonly ca: string;
  readonly kubeconfigPath: string;
  kubectl(args: readonly string[], input?: string): Promise<string>;
}

export const installWidgets = async (plane: Plane): Promise<void> => {
  await plane.kubectl(['apply', '-f', '-'], widgetCrd);
  await plane.kubectl(['wait', '--for=condition=Established', 'crd/widgets.runtime.test', '--timeout=30s']);
};

/** Polls until `check` returns something, and returns it. */
export const eventually = async <T>(
  what: string,
  check: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 20_000,
): Promise<T> => {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};

/** What an answer of the proxy is, when it is not the server's own. */
export interface Fault {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `mute`: the stream stays open and tells nothing. */
export type Interception = Fault | 'mute' | 'refuse' | undefined;

export interface FaultProxy {
  readonly kubeconfigPath: string;
  /** Requests since the last reset: method and path with query. */
  readonly requests: { readonly method: string; readonly url: string }[];
  /** Decides about each request; undefined lets it through. */
  intercept: (method: string, url: string) => Interception;
  /** Breaks every connection that is open. */
  cut(): void;
  stop(): void;
}

/** Stands before the API server, passes requests on, and does what it is told to some of them. */
export const startFaultProxy = async (plane: Plane, dir: string): Promise<FaultProxy> => {
  const agent = new Agent({ connect: { ca: plane.ca }, allowH2: false, bodyTimeout: 0 });
  const proxy: FaultProxy = {
    kubeconfigPath: join(dir, 'proxy.kubeconfig'),
    requests: [],
    intercept: () => undefined,
    cut: () => server.closeAllConnections(),
    stop: () => {
      server.close();
      server.closeAllConnections();
      void agent.destroy();
    },
  };
  const server: Server = createServer((incoming, outgoing) => {
    const method = incoming.method ?? '';
    const url = incoming.url ?? '';
    proxy.requests.push({ method, url });
    const interception = proxy.intercept(method, url);
    if (interception === 'refuse') {
      incoming.socket.destroy();
    } else if (interception === 'mute') {
      outgoing.writeHead(200, { 'content-type': 'application/json' });
      outgoing.flushHeaders();
    } else if (interception !== undefined) {
      outgoing.writeHead(interception.status, { 'content-type': 'application/json', ...interception.headers });
      outgoing.end(interception.body);
    } else {
      const gone = new AbortController();
      outgoing.on('close', () => gone.abort());
      forward(plane, agent, incoming, gone.signal).then(
        async ({ statusCode, headers, body }) => {
          outgoing.writeHead(statusCode, headers as Record<string, string>);
          outgoing.flushHeaders();
          body.on('error', () => outgoing.destroy());
          body.pipe(outgoing);
        },
        () => incoming.socket.destroy(),
      );
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const kubeconfig = JSON.parse(readFileSync(plane.kubeconfigPath, 'utf8')) as { clusters: [{ cluster: object }] };
  kubeconfig.clusters[0].cluster = { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
  writeFileSync(proxy.kubeconfigPath, JSON.stringify(kubeconfig), { mode: 0o600 });
  return proxy;
};

const forward = async (plane: Plane, agent: Agent, incoming: IncomingMessage, signal: AbortSignal) => {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).filter(([name]) => name !== 'host' && name !== 'connection'),
  );
  return request(`${plane.url}${incoming.url ?? ''}`, {
    method: (incoming.method ?? 'GET') as 'GET',
    dispatcher: agent,
    signal,
    headers,
    body: chunks.length === 0 ? null : Buffer.concat(chunks),
  });
};

/** A refusal as the API server words it. */
export const refusal = (
  code: number,
  reason: string,
  message: string,
  headers: Record<string, string> = {},
): Fault => ({
  status: code,
  body: JSON.stringify({ apiVersion: 'v1', kind: 'Status', status: 'Failure', code, reason, message }),
  headers,
});

/** A client of the API server as the runtime makes it. */
export const openKube = async (kubeconfig: string) => {
  const monotonicMs = () => performance.now();
  const connection = openKubeConnection(await kubeconfigSource(kubeconfig), monotonicMs);
  return { connection, kube: createKubeClient({ connection, userAgent: 'runtime-test', monotonicMs }) };
};

export interface Effect {
  readonly method: string;
  readonly key: string;
  readonly by: string;
  readonly at: number;
}

/** The world outside of Kubernetes: one number for each key, and a record of who changed it when. */
export interface Outside {
  readonly url: string;
  readonly sizes: Map<string, number>;
  /** Writes, in the order in which they were made. */
  readonly effects: Effect[];
  readonly reads: { count: number };
  /** While true every write is refused with 503. */
  refuseWrites: boolean;
  readonly refused: { count: number };
  /** Told when a write has begun, before it takes effect. */
  onWriteBegun: (key: string) => void;
  stop(): void;
}

export const startOutside = async (): Promise<Outside> => {
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const url = new URL(incoming.url ?? '', 'http://outside');
      const key = url.pathname.slice(1);
      const method = incoming.method ?? '';
      if (method === 'GET') {
        outside.reads.count += 1;
      } else if (outside.refuseWrites) {
        outside.refused.count += 1;
        outgoing.writeHead(503).end();
        return;
      } else {
        outside.onWriteBegun(key);
        await new Promise((resolve) => setTimeout(resolve, Number(url.searchParams.get('ms') ?? 0)));
        if (incoming.destroyed && incoming.errored) return;
        outside.effects.push({ method, key, by: url.searchParams.get('by') ?? '', at: performance.now() });
        if (method === 'DELETE') outside.sizes.delete(key);
        else outside.sizes.set(key, Number(url.searchParams.get('size')));
      }
      const size = outside.sizes.get(key);
      outgoing.writeHead(size === undefined ? 404 : 200).end(String(size ?? ''));
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const outside: Outside = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sizes: new Map(),
    effects: [],
    reads: { count: 0 },
    refuseWrites: false,
    refused: { count: 0 },
    onWriteBegun: () => undefined,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return outside;
};
