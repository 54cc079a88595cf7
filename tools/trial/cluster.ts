import { join } from 'node:path';
import { startControlPlane } from '../local/control-plane.ts';
import { createKindCluster, decideCluster } from '../local/kind.ts';
import { kubectlFor, type Kubectl } from '../local/kubectl.ts';
import { startMinioContainer } from '../local/minio-container.ts';
import { startMinio, type S3Credentials } from '../local/s3-servers.ts';
import { Unobtainable } from '../local/servers/obtain.ts';

export interface TrialCluster {
  readonly kubeconfigPath: string;
  readonly kubectlPath: string;
  readonly kubectl: Kubectl;
  /** Whether a Docker engine answers, so that it may run more than the cluster. */
  readonly hasDocker: boolean;
  stop(): Promise<void>;
}

interface TrialPlace {
  readonly dir: string;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * A Kubernetes API of the trial's own: programs on loopback, or kind when asked for or when the programs cannot be had.
 * @throws Error with what to install; the signal's reason when aborted
 */
export async function startTrialCluster(given: TrialPlace & { readonly wantsKind: boolean }): Promise<TrialCluster> {
  const { dir, log, signal } = given;
  const hasDocker = (await decideCluster({ ...given, also: ['minio'] })) === 'kind';
  const cluster = hasDocker
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
    hasDocker,
    stop: () => cluster.stop(),
  };
}

export interface TrialMinio extends S3Credentials {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** MinIO as a program, or in a container where only Docker can bring it. @throws Error with what to install */
export async function startTrialMinio(given: TrialPlace & { readonly hasDocker: boolean }): Promise<TrialMinio> {
  const { dir, log, signal, hasDocker } = given;
  try {
    return await startMinio({ dir: join(dir, 'minio'), log, signal });
  } catch (error) {
    if (!(error instanceof Unobtainable) || !hasDocker) throw error;
    return startMinioContainer({ log, signal });
  }
}
