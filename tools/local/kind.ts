import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { narrate } from '../narrate.ts';
import { dockerAnswers } from './docker.ts';
import { obtainServers, Unobtainable } from './servers/obtain.ts';
import type { ServerName } from './versions.ts';

const run = promisify(execFile);

/** Where the Kubernetes API comes from: programs of ours on loopback, or kind in a Docker engine. */
export type ClusterKind = 'loopback' | 'kind';

/**
 * What to use. `wish`: what the caller asked for; `loopbackFault`: why loopback is out of the question, when it is.
 * @throws Error with one line when there is nothing to use
 */
export function chooseCluster(given: {
  readonly wish: ClusterKind | undefined;
  readonly dockerAnswers: boolean;
  readonly loopbackFault?: string;
}): ClusterKind {
  if (given.wish === 'kind') {
    if (given.dockerAnswers) return 'kind';
    throw new Error('--kind needs a Docker engine, and none answers: start Docker, or leave --kind out');
  }
  if (given.loopbackFault === undefined) return 'loopback';
  if (given.dockerAnswers && given.wish === undefined) return 'kind';
  throw new Error(`${given.loopbackFault}\n(or start a Docker engine: then kind is used)`);
}

/**
 * Gets the programs of a loopback cluster unless kind is asked for, and decides by what came of it.
 * @throws Error with what to install when there is nothing to use; the signal's reason when aborted
 */
export async function decideCluster(given: {
  readonly wantsKind: boolean;
  /** What else will be needed: got in one go, so that what is told of the builds is of all. */
  readonly more?: readonly ServerName[];
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}): Promise<ClusterKind> {
  const { wantsKind, more = [], log, signal } = given;
  if (wantsKind) return chooseCluster({ wish: 'kind', dockerAnswers: await dockerAnswers() });
  try {
    await obtainServers(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl', ...more], { log, signal });
    return 'loopback';
  } catch (error) {
    if (!(error instanceof Unobtainable)) throw error;
    const loopbackFault = error.message;
    const choice = chooseCluster({ wish: undefined, dockerAnswers: await dockerAnswers(), loopbackFault });
    log(`using kind, as a Docker engine answers and:\n${loopbackFault}`);
    return choice;
  }
}

export interface KindCluster {
  readonly name: string;
  readonly url: string;
  readonly kubeconfigPath: string;
  readonly kubectlPath: string;
  /** Removes the cluster. */
  stop(): Promise<void>;
}

/** A kind cluster of its own; its kubeconfig goes to `kubeconfigPath` and nowhere else. @throws Error with kind's last words */
export async function createKindCluster(given: {
  readonly name: string;
  readonly kubeconfigPath: string;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}): Promise<KindCluster> {
  const { name, kubeconfigPath, log, signal } = given;
  const { kind, kubectl } = await obtainServers(['kind', 'kubectl'], { log, ...(signal ? { signal } : {}) });
  const remove = () => removeKindCluster(name, kubeconfigPath);
  try {
    await narrate(`creating kind cluster ${name}`, log, (say) =>
      runKind(
        kind,
        ['create', 'cluster', '--name', name, '--kubeconfig', kubeconfigPath, '--wait', '120s'],
        say,
        signal,
      ),
    );
    const { stdout } = await run(kubectl, [
      '--kubeconfig',
      kubeconfigPath,
      'config',
      'view',
      '-o',
      'jsonpath={.clusters[0].cluster.server}',
    ]);
    return { name, url: stdout, kubeconfigPath, kubectlPath: kubectl, stop: remove };
  } catch (error) {
    await remove().catch(() => log(`what there is of the kind cluster ${name} could not be removed`));
    throw error;
  }
}

export async function removeKindCluster(name: string, kubeconfigPath: string): Promise<void> {
  const { kind } = await obtainServers(['kind']);
  await run(kind, ['delete', 'cluster', '--name', name, '--kubeconfig', kubeconfigPath]);
}

function runKind(
  kind: string,
  args: readonly string[],
  say: (text: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(kind, [...args], { stdio: ['ignore', 'ignore', 'pipe'], ...(signal ? { signal } : {}) });
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words += text;
      const line = text.trim().split('\n').at(-1) ?? '';
      if (line !== '') say(line);
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`kind: ${words.trim().split('\n').slice(-5).join(' | ')}`)),
    );
  });
}
