import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs kubectl with these arguments and this standard input; returns its output. @throws Error with kubectl's words */
export type Kubectl = (args: readonly string[], input?: string) => Promise<string>;

const run = promisify(execFile);

/** kubectl against one cluster. `signal` ends a call that is under way. */
export const kubectlFor =
  (kubectlPath: string, kubeconfigPath: string, signal?: AbortSignal): Kubectl =>
  async (args, input = '') => {
    const pending = run(kubectlPath, [`--kubeconfig=${kubeconfigPath}`, ...args], {
      maxBuffer: 64 * 1024 * 1024,
      ...(signal ? { signal } : {}),
    });
    pending.child.stdin?.end(input);
    return (await pending).stdout;
  };
