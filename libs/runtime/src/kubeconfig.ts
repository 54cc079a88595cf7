import type { RequestOptions as HttpsOptions } from 'node:https';
import type { Dispatcher } from 'undici';
import type { CredentialSource } from './credential-source.ts';

/** Where KubeConfig points when it found nothing. */
const nowhere = 'http://localhost:8080';

/**
 * A kubeconfig with all that it may hold: certificates, tokens, token files, exec plugins, OIDC, proxies. `path`: a file;
 * KUBECONFIG or ~/.kube/config when absent.
 * @throws Error with a readable message when no cluster is configured
 */
export const kubeconfigSource = async (path: string | undefined): Promise<CredentialSource> => {
  // Loaded here and by its file: the package's index brings every typed API.
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const load = () => {
    const config = new KubeConfig();
    if (path === undefined) config.loadFromDefault();
    else config.loadFromFile(path);
    const cluster = config.getCurrentCluster();
    if (cluster === null || cluster.server === nowhere) {
      throw new Error(
        'no cluster is configured: give --kubeconfig, set KUBECONFIG, or run in a pod with a service account',
      );
    }
    return { config, cluster };
  };

  let { config, cluster } = load();
  return {
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    async read(anew) {
      if (anew) ({ config, cluster } = load());
      const https: HttpsOptions & { auth?: string } = {};
      await config.applyToHTTPSOptions(https);
      const { ca, cert, key, servername, rejectUnauthorized } = https;
      return {
        server: cluster.server.replace(/\/+$/, ''),
        headers: headersOf(https),
        tls: { ca, cert, key, servername, rejectUnauthorized },
        proxyUrl: cluster.proxyUrl === '' ? undefined : cluster.proxyUrl,
      };
    },
    async proxied() {
      const made: { dispatcher?: Dispatcher } = {};
      const context = {
        setHeaderParam: () => undefined,
        setDispatcher: (dispatcher: Dispatcher) => void (made.dispatcher = dispatcher),
      };
      // It asks for a whole request, and uses these two of it.
      await config.applySecurityAuthentication(
        context as unknown as Parameters<typeof config.applySecurityAuthentication>[0],
      );
      return made.dispatcher;
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
