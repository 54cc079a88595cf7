import { Agent, type Dispatcher } from 'undici';
import type { CredentialSource, KubeAccess } from './credential-source.ts';

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

/** Token files rotate, exec and OIDC tokens expire: what was read is used for so long. */
const freshForMs = 30_000;
/** Many requests may meet the same 401; credentials are read anew once in this time. */
const refreshAtMostEveryMs = 5_000;

/** One pool of connections for what the source says, replaced when its certificates change. `monotonicMs`: a clock that never jumps. */
export const openKubeConnection = (source: CredentialSource, monotonicMs: () => number): KubeConnection => {
  let current: { readonly credentials: KubeCredentials; readonly tls: string; readonly at: number } | undefined;
  let reading: Promise<KubeCredentials> | undefined;

  const read = async (anew: boolean): Promise<KubeCredentials> => {
    const access = await source.read(anew);
    const tls = fingerprint(access);
    const before = current;
    const credentials = {
      server: access.server,
      headers: access.headers,
      dispatcher: before?.tls === tls ? before.credentials.dispatcher : await makeDispatcher(source, access),
    };
    current = { credentials, tls, at: monotonicMs() };
    // The former pool ends once its last watch has.
    if (before !== undefined && before.tls !== tls) void before.credentials.dispatcher.close().catch(() => undefined);
    return credentials;
  };

  return {
    namespace: source.namespace,
    async credentials(refresh = false) {
      if (reading !== undefined) return reading;
      const maxAgeMs = refresh ? refreshAtMostEveryMs : freshForMs;
      if (current !== undefined && monotonicMs() - current.at < maxAgeMs) return current.credentials;
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

const fingerprint = ({ server, proxyUrl, tls }: KubeAccess): string => JSON.stringify([server, proxyUrl, tls]);

const makeDispatcher = async (source: CredentialSource, { tls, proxyUrl }: KubeAccess): Promise<Dispatcher> => {
  const proxied = proxyUrl === undefined ? undefined : await source.proxied?.();
  if (proxied !== undefined) return proxied;
  const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
  return new Agent({
    // HTTP/1.1: measured faster than HTTP/2 for many small requests, and one watch cannot hold up another.
    allowH2: false,
    keepAliveTimeout: 60_000,
    bodyTimeout: 0,
    connect: { ...given, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 },
  });
};
