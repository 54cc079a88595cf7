import { readFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CredentialSource } from './credential-source.ts';

/** Where Kubernetes mounts the service account. Source: Kubernetes, accessing the API from a pod. */
const mount = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The service account of the pod that this process runs in; undefined outside of one, or when a kubeconfig is asked for.
 * Read here and not by KubeConfig: it is two variables and two files, and KubeConfig costs each controller 16 MiB.
 */
export const inClusterSource = (
  env: Readonly<Record<string, string | undefined>>,
  root: string = mount,
): CredentialSource | undefined => {
  const { KUBECONFIG = '', KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = env;
  if (KUBECONFIG !== '' || host === '' || !existsSync(join(root, 'token'))) return undefined;
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const namespaceFile = join(root, 'namespace');
  return {
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : undefined,
    async read() {
      const [token, ca] = await Promise.all([
        readFile(join(root, 'token'), 'utf8'), // rotated by the kubelet
        readFile(join(root, 'ca.crt'), 'utf8'),
      ]);
      return { server, headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
    },
  };
};
