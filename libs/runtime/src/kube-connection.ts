import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { RequestOptions as HttpsOptions } from 'node:https';
import { Agent, type Dispatcher } from 'undici';

/** Where to send requests and what to send along. */
export interface KubeCredentials {
  /** Without a trailing slash; may have a path. */
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

export interface KubeConnection {
  /** The namespace that the kubeconfig or the pod names, if any. */
  readonly namespace: string | undefined;
  /** `refresh` reads everything anew, after a 401. @throws when a file or an exec plugin fails */
  credentials(refresh?: boolean): Promise<KubeCredentials>;
  close(): Promise<void>;
}

type Cluster = NonNullable<ReturnType<KubeConfig['getCurrentCluster']>>;

/** Token files rotate, exec and OIDC tokens expire: what was read is used for so long. */
const freshForMs = 30_000;
/** Many requests may meet the same 401; credentials are read anew once in this time. */
const refreshAtMostEveryMs = 5_000;
/** Where KubeConfig points when it found nothing. */
const nowhere = 'http://localhost:8080';

/**
 * Reads addresses, certificates and tokens with KubeConfig (files, in-cluster, exec, OIDC) and keeps one pool of connections
 * for them. `kubeconfig`: a file's path; the usual search (KUBECONFIG, ~/.kube/config, in-cluster) when absent.
 * `monotonicMs`: a clock that never jumps.
 * @throws Error with a readable message when no cluster is configured
 */
export const openKubeConnection = async (options: {
  readonly kubeconfig?: string | undefined;
  readonly monotonicMs: () => number;
}): Promise<KubeConnection> => {
  // Loaded here and by its file: the package's index brings every typed API, 10 MiB that nobody calls.
  const { KubeConfig: Config } = await import('@kubernetes/client-node/dist/config.js');
  const load = (): { config: KubeConfig; cluster: Cluster } => {
    const config = new Config();
    if (options.kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(options.kubeconfig);
    const cluster = config.getCurrentCluster();
    if (cluster === null || cluster.server === nowhere) {
      throw new Error(
        'no cluster is configured: give --kubeconfig, set KUBECONFIG, or run in a pod with a service account',
      );
    }
    return { config, cluster };
  };

  let { config, cluster } = load();
  let current: { readonly credentials: KubeCredentials; readonly tls: string; readonly at: number } | undefined;
  let reading: Promise<KubeCredentials> | undefined;

  const read = async (refresh: boolean): Promise<KubeCredentials> => {
    if (refresh) ({ config, cluster } = load());
    const https: HttpsOptions & { auth?: string } = {};
    await config.applyToHTTPSOptions(https);
    const tls = {
      ca: https.ca,
      cert: https.cert,
      key: https.key,
      servername: https.servername,
      rejectUnauthorized: https.rejectUnauthorized,
    };
    const fingerprint = JSON.stringify([tls, cluster.server, cluster.proxyUrl], (_, value: unknown) =>
      value instanceof Buffer ? value.toString('base64') : value,
    );
    const reused = current?.tls === fingerprint ? current.credentials.dispatcher : undefined;
    const credentials = {
      server: cluster.server.replace(/\/+$/, ''),
      headers: headersOf(https),
      dispatcher: reused ?? (await makeDispatcher(config, cluster, tls)),
    };
    // The former pool ends once its last watch has.
    if (current !== undefined && reused === undefined)
      void current.credentials.dispatcher.close().catch(() => undefined);
    current = { credentials, tls: fingerprint, at: options.monotonicMs() };
    return credentials;
  };

  return {
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    async credentials(refresh = false) {
      if (reading !== undefined) return reading;
      const maxAgeMs = refresh ? refreshAtMostEveryMs : freshForMs;
      if (current !== undefined && options.monotonicMs() - current.at < maxAgeMs) return current.credentials;
      reading = read(refresh).finally(() => {
        reading = undefined;
      });
      return reading;
    },
    async close() {
      await current?.credentials.dispatcher.destroy();
    },
  };
};

const headersOf = (https: HttpsOptions & { auth?: string }): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(https.headers ?? {})) {
    // A token file may end with a line break, which no header may hold.
    if (value !== undefined) headers[name.toLowerCase()] = String(value).trim();
  }
  if (https.auth !== undefined) headers.authorization = `Basic ${Buffer.from(https.auth).toString('base64')}`;
  return headers;
};

type Tls = Partial<Record<'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized', unknown>>;

const makeDispatcher = async (config: KubeConfig, cluster: Cluster, tls: Tls): Promise<Dispatcher> => {
  if (cluster.proxyUrl !== undefined && cluster.proxyUrl !== '') {
    // Proxies are KubeConfig's own business: it builds the dispatcher for them.
    const proxied: { dispatcher?: Dispatcher } = {};
    const context = {
      setHeaderParam: () => undefined,
      setDispatcher: (dispatcher: Dispatcher) => {
        proxied.dispatcher = dispatcher;
      },
    };
    await config.applySecurityAuthentication(
      context as unknown as Parameters<KubeConfig['applySecurityAuthentication']>[0],
    );
    if (proxied.dispatcher !== undefined) return proxied.dispatcher;
  }
  const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
  return new Agent({
    // HTTP/1.1: measured faster than HTTP/2 for many small requests, and one watch cannot hold up another.
    allowH2: false,
    keepAliveTimeout: 60_000,
    bodyTimeout: 0,
    connect: { ...given, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 },
  });
};
