import { copyFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { acquireLock, isRunning } from '../lock.mjs';
import { localFolder } from '../paths.ts';
import { untilSignal } from '../signals.ts';
import { parseLocalCommand, type UpCommand } from './command.ts';
import { controlPlaneProcesses, startControlPlane } from './control-plane.ts';
import { installCrds } from './crds.ts';
import { createKindCluster, decideCluster, removeKindCluster } from './kind.ts';
import { kubectlFor } from './kubectl.ts';
import { nodeClusterProcesses, startNodeCluster } from './node/start.ts';
import { processesOf, s3Starters } from './starters.ts';
import type { Child, Ending } from './child.ts';
import {
  describeState,
  endProcesses,
  kindClusterName,
  localPaths,
  readState,
  recordProcess,
  removeState,
  writeState,
  type LocalPaths,
} from './state.ts';

const log = (line: string) => console.log(line);
const { signal } = untilSignal();

try {
  const command = parseLocalCommand(process.argv.slice(2));
  const paths = localPaths(command.state === undefined ? localFolder : resolve(command.state));
  if (command.verb === 'status') status(paths);
  else {
    const release = await acquireLock(paths.lock, {
      onWait: (pid) => log(`process ${pid} is at work on ${paths.folder}: waiting for it`),
      signal,
    });
    try {
      if (command.verb === 'up') await up(paths, command);
      else await down(paths);
    } finally {
      release();
    }
  }
} catch (error) {
  console.error(signal.aborted ? 'interrupted' : error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function status(paths: LocalPaths): void {
  const { lines, isWhole } = describeState(readState(paths), paths);
  lines.forEach(log);
  if (!isWhole) process.exitCode = 1;
}

async function down(paths: LocalPaths): Promise<void> {
  const { cluster, processes } = readState(paths);
  const before = processes.filter(isRunning).length;
  await endProcesses(processes);
  if (cluster?.kind) await removeKindCluster(cluster.kind, paths.kubeconfig);
  removeState(paths);
  log(`down: ${before} of ${processes.length} recorded processes were running and are ended`);
}

/** Starts what is not up yet. A server whose process died begins anew, empty. */
async function up(paths: LocalPaths, { servers, node, kind: wantsKind }: UpCommand): Promise<void> {
  const before = readState(paths);
  const started: number[] = [];
  const common = {
    lifetime: 'detached' as const,
    log,
    signal,
    onStart: (child: Pick<Child, 'name' | 'pid' | 'logPath' | keyof Ending>) => {
      started.push(child.pid);
      recordProcess(paths, child);
    },
  };
  try {
    const parts = node ? nodeClusterProcesses : controlPlaneProcesses;
    const hasCluster = before.cluster !== undefined && (before.cluster.kind !== undefined || runs(paths, parts));
    if (!hasCluster) await startCluster();
    for (const name of servers) {
      if (runs(paths, processesOf(name))) continue;
      await forget(paths, [name, ...processesOf(name)]);
      const server = await s3Starters[name]({ dir: freshFolder(paths, name), ...common });
      const { endpoint, region, accessKey, secretKey } = server;
      const state = readState(paths);
      writeState(paths, { ...state, servers: [...state.servers, { name, endpoint, region, accessKey, secretKey }] });
    }
    status(paths);

    async function startCluster(): Promise<void> {
      if (node) return startOnLoopback(startNodeCluster);
      if ((await decideCluster({ wantsKind, log, signal })) === 'kind') {
        const cluster = await createKindCluster({
          name: kindClusterName(paths),
          kubeconfigPath: paths.kubeconfig,
          log,
          signal,
        });
        writeState(paths, { ...readState(paths), cluster: { url: cluster.url, kind: cluster.name } });
        await installCrds(kubectlFor(cluster.kubectlPath, cluster.kubeconfigPath, signal));
        return;
      }
      await startOnLoopback(startControlPlane);
    }

    async function startOnLoopback(start: typeof startControlPlane): Promise<void> {
      await forget(paths, nodeClusterProcesses);
      const controlPlane = await start({ dir: freshFolder(paths, 'control-plane'), ...common });
      copyFileSync(controlPlane.kubeconfigPath, paths.kubeconfig);
      await installCrds(controlPlane.kubectl);
      writeState(paths, { ...readState(paths), cluster: { url: controlPlane.url } });
    }
  } catch (error) {
    const state = readState(paths);
    // Only what this call started ends with it.
    const mine = state.processes.filter(({ pid }) => started.includes(pid));
    await endProcesses(mine);
    const cluster = state.cluster?.kind ? state.cluster : before.cluster; // a new kind cluster stays, for `down`
    writeState(paths, {
      ...(cluster ? { cluster } : {}),
      servers: before.servers.filter(({ endpoint }) => state.servers.some((server) => server.endpoint === endpoint)),
      processes: state.processes.filter((recorded) => !mine.includes(recorded)),
    });
    throw error;
  }
}

function runs(paths: LocalPaths, names: readonly string[]): boolean {
  const { processes } = readState(paths);
  return names.every((name) => processes.some((recorded) => recorded.name === name && isRunning(recorded)));
}

/** Ends what is left of these servers and processes, and strikes them from the state. */
async function forget(paths: LocalPaths, names: readonly string[]): Promise<void> {
  const state = readState(paths);
  await endProcesses(state.processes.filter(({ name }) => names.includes(name)));
  writeState(paths, {
    ...state,
    servers: state.servers.filter(({ name }) => !names.includes(name)),
    processes: state.processes.filter(({ name }) => !names.includes(name)),
  });
}

function freshFolder(paths: LocalPaths, name: string): string {
  const folder = join(paths.data, name);
  rmSync(folder, { recursive: true, force: true });
  return folder;
}
