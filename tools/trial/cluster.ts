import { join } from 'node:path';
import { chooseCluster, createKindCluster, dockerAnswers } from '../local/kind.ts';
import { kubectlFor, type Kubectl } from '../local/kubectl.ts';
import { startControlPlane } from '../local/control-plane.ts';
import { obtainServers, Unobtainable } from '../local/servers/obtain.ts';

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
  readonly kind: boolean;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}): Promise<TrialCluster> {
  const { dir, log, signal } = given;
  let loopbackFault: string | undefined;
  if (!given.kind) {
    try {
      // MinIO is wanted either way: asked for together, all are got side by side.
      await obtainServers(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl', 'minio'], { log, signal });
    } catch (error) {
      if (!(error instanceof Unobtainable)) throw error;
      loopbackFault = error.message;
    }
  }
  const asks = given.kind || loopbackFault !== undefined;
  const choice = chooseCluster({
    wish: given.kind ? 'kind' : undefined,
    dockerAnswers: asks && (await dockerAnswers()),
    ...(loopbackFault === undefined ? {} : { loopbackFault }),
  });
  if (choice === 'kind') {
    if (loopbackFault !== undefined) log(`using kind, as a Docker engine answers and: ${loopbackFault}`);
    const cluster = await createKindCluster({
      name: 'wasabi-s3-operator-trial',
      kubeconfigPath: join(dir, 'kubeconfig'),
      log,
      signal,
    });
    const { kubeconfigPath, kubectlPath } = cluster;
    return {
      kubeconfigPath,
      kubectlPath,
      kubectl: kubectlFor(kubectlPath, kubeconfigPath, signal),
      stop: () => cluster.remove(),
    };
  }
  const controlPlane = await startControlPlane({ dir: join(dir, 'control-plane'), log, signal });
  const { kubeconfigPath, kubectlPath } = controlPlane;
  return {
    kubeconfigPath,
    kubectlPath,
    kubectl: kubectlFor(kubectlPath, kubeconfigPath, signal),
    stop: () => controlPlane.stop(),
  };
}
