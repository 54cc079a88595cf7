import { join } from 'node:path';
import { startControlPlane } from '../local/control-plane.ts';
import { createKindCluster, decideCluster } from '../local/kind.ts';
import { kubectlFor, type Kubectl } from '../local/kubectl.ts';
import { obtainServers } from '../local/servers/obtain.ts';

export interface TrialCluster {
  readonly kubeconfigPath: string;
  readonly kubectlPath: string;
  readonly kubectl: Kubectl;
  stop(): Promise<void>;
}

/**
 * A Kubernetes API of the trial's own: programs on loopback, or kind when asked for or when the programs cannot be had.
 * @throws Error with what to install; the signal's reason when aborted
 */
export async function startTrialCluster(given: {
  readonly dir: string;
  readonly wantsKind: boolean;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}): Promise<TrialCluster> {
  const { dir, log, signal } = given;
  // If MinIO cannot be had, that is known before anything runs.
  const choice = await decideCluster({ ...given, more: ['minio'] });
  if (choice === 'kind') await obtainServers(['minio'], { log, signal });
  const cluster =
    choice === 'kind'
      ? await createKindCluster({
          name: 'wasabi-s3-operator-trial',
          kubeconfigPath: join(dir, 'kubeconfig'),
          log,
          signal,
        })
      : await startControlPlane({ dir: join(dir, 'control-plane'), log, signal });
  const { kubeconfigPath, kubectlPath } = cluster;
  return {
    kubeconfigPath,
    kubectlPath,
    kubectl: kubectlFor(kubectlPath, kubeconfigPath, signal),
    stop: () => cluster.stop(),
  };
}
