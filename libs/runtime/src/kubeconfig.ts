import { readFile } from 'node:fs/promises';
import type { Agent } from 'node:http';
import type { RequestOptions as HttpsOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
// By its file: the package's index brings every typed API.
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { parse } from 'yaml';
import type { CredentialSource } from './credential-source.ts';

/** Where KubeConfig points when it found nothing. */
const nowhere = 'http://localhost:8080';

/**
 * A kubeconfig with all that it may hold: certificates, tokens, token files, exec plugins, OIDC, proxies. `path`: a file;
 * KUBECONFIG or ~/.kube/config when absent.
 * @throws Error with a readable message when no cluster is configured
 */
export const kubeconfigSource = async (path: string | undefined): Promise<CredentialSource> => {
  const load = async () => {
    const config = new KubeConfig();
    if (path === undefined) config.loadFromDefault();
    else config.loadFromFile(path);
    const cluster = config.getCurrentCluster();
    if (cluster === null || cluster.server === nowhere) {
      throw new Error(
        'no cluster is configured: give --kubeconfig, set KUBECONFIG, or run in a pod with a service account',
      );
    }
    const user = config.getCurrentUser();
    const tokenFile = path === undefined || user === null ? undefined : await tokenFileOf(path, user.name);
    // KubeConfig does not know the field, but reads and re-reads such a file for a pod.
    if (user !== null && tokenFile !== undefined) {
      Object.assign(user, { token: undefined, authProvider: { name: 'tokenFile', config: { tokenFile } } });
    }
    return { config, cluster };
  };

  let { config, cluster } = await load();
  return {
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    async read(anew) {
      if (anew) ({ config, cluster } = await load());
      const https: HttpsOptions & { auth?: string } = {};
      await config.applyToHTTPSOptions(https);
      const { ca, cert, key, servername, rejectUnauthorized } = https;
      const { proxyUrl = '' } = cluster;
      return {
        server: cluster.server.replace(/\/+$/, ''),
        headers: headersOf(https),
        tls: { ca, cert, key, servername, rejectUnauthorized },
        proxy: proxyUrl === '' ? undefined : { url: proxyUrl, agent: https.agent as Agent },
      };
    },
  };
};

/** The `tokenFile` of a user, as an absolute path. Source: Kubernetes, kubeconfig v1, AuthInfo. */
const tokenFileOf = async (path: string, userName: string): Promise<string | undefined> => {
  const text = await readFile(path, 'utf8');
  if (!text.includes('tokenFile')) return undefined;
  const { users = [] } = parse(text) as { users?: { name?: string; user?: { tokenFile?: string } }[] };
  const tokenFile = users.find(({ name }) => name === userName)?.user?.tokenFile;
  return tokenFile === undefined ? undefined : resolve(dirname(path), tokenFile);
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
