import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { NodeCluster } from '../local/node/start.ts';

/**
 * Reaches a Service from this machine while `use` runs, as a person does with `kubectl port-forward`: `endpoint` is
 * http://127.0.0.1:PORT.
 * @throws Error with kubectl's words when there is nothing to reach; what `use` throws
 */
export async function withForwarded<T>(
  { kubectlPath, kubeconfigPath }: Pick<NodeCluster, 'kubectlPath' | 'kubeconfigPath'>,
  { namespace, service, port }: { readonly namespace: string; readonly service: string; readonly port: number },
  use: (endpoint: string) => Promise<T>,
): Promise<T> {
  const args = [`--kubeconfig=${kubeconfigPath}`, 'port-forward', `--namespace=${namespace}`, `service/${service}`];
  const child = spawn(kubectlPath, [...args, `:${port}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text));
  try {
    const endpoint = await new Promise<string>((resolve, reject) => {
      // Source: kubectl port-forward, "Forwarding from 127.0.0.1:PORT -> PORT".
      createInterface({ input: child.stdout }).on('line', (line) => {
        const [, address] = /^Forwarding from (127\.0\.0\.1:\d+) /.exec(line) ?? [];
        if (address !== undefined) resolve(`http://${address}`);
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`kubectl port-forward: ${words.trim()}`)));
    });
    return await use(endpoint);
  } finally {
    child.kill();
  }
}
