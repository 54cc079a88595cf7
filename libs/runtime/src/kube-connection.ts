import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { CredentialSource, KubeAccess } from './credential-source.ts';

/** Where to send requests and what to send along. */
export interface KubeCredentials {
  /** Without a trailing slash; may have a path. */
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: Agent;
}

export interface KubeConnection {
  /** The namespace that the kubeconfig or the pod names, if any. */
  readonly namespace: string | undefined;
  /** `refresh` reads everything anew, after a 401. @throws when a file or an exec plugin fails */
  credentials(refresh?: boolean): Promise<KubeCredentials>;
  close(): void;
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
      agent: before?.tls === tls ? before.credentials.agent : openPool(access),
    };
    // Of a former pool each connection ends once it is idle, a watch's with its watch.
    current = { credentials, tls, at: monotonicMs() };
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
    close() {
      current?.credentials.agent.destroy();
    },
  };
};

const fingerprint = ({ server, proxy, tls }: KubeAccess): string => JSON.stringify([server, proxy?.url, tls]);

/** Shorter than the API server's own patience with an idle connection, 90 s, so that none is used as it ends. */
const idleMs = 60_000;

const openPool = ({ server, proxy, tls }: KubeAccess): Agent => {
  if (proxy !== undefined) return proxy.agent;
  const options = { keepAlive: true, keepAliveMsecs: 30_000, timeout: idleMs };
  if (!server.startsWith('https:')) return new Agent(options);
  return new TlsAgent({
    ...options,
    ...Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined)),
  });
};
