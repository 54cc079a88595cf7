import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endingOf, removeLeft, type Ending } from './child.ts';
import { identityOf, isRunning, type ProcessIdentity } from '../lock.mjs';
import type { S3Server } from './s3-servers.ts';

export interface RecordedProcess extends ProcessIdentity, Ending {
  /** Program: etcd, kube-apiserver, … */
  readonly name: string;
  readonly logPath: string;
}

export type RecordedServer = Pick<S3Server, 'name' | 'endpoint' | 'region' | 'accessKey' | 'secretKey'>;

/** What `npm run local` has started. Holds credentials: the file is for its owner only. */
export interface LocalState {
  readonly cluster?: { readonly url: string; readonly kind?: string };
  readonly servers: readonly RecordedServer[];
  /** In the order of their start. */
  readonly processes: readonly RecordedProcess[];
}

const nothing: LocalState = { servers: [], processes: [] };

/** The folder of the state, absolute, and what lies in it. */
export function localPaths(folder: string) {
  return {
    folder,
    state: join(folder, 'state.json'),
    kubeconfig: join(folder, 'kubeconfig'),
    lock: join(folder, 'local.lock'),
    data: join(folder, 'servers'),
    /** Shell variables of one S3 server, to be sourced. */
    environmentOf: (server: string) => join(folder, `${server}.env`),
  };
}

export type LocalPaths = ReturnType<typeof localPaths>;

/** One for each state folder: two clones have a cluster each, and `down` in one leaves the other's alone. */
export const kindClusterName = ({ folder }: LocalPaths): string =>
  `wasabi-s3-operator-local-${createHash('sha256').update(folder).digest('hex').slice(0, 8)}`;

/** @throws Error when the file is not ours */
export function readState(paths: LocalPaths): LocalState {
  if (!existsSync(paths.state)) return nothing;
  try {
    const state = JSON.parse(readFileSync(paths.state, 'utf8')) as LocalState;
    if (Array.isArray(state.processes) && Array.isArray(state.servers)) return state;
  } catch {
    // said below
  }
  throw new Error(`${paths.state} cannot be read; end the servers it names by hand and remove it`);
}

/** Replaces the state as a whole, so that an interrupted write leaves the old one. */
export function writeState(paths: LocalPaths, state: LocalState): void {
  mkdirSync(paths.folder, { recursive: true });
  writeOwn(paths.state, `${JSON.stringify(state, undefined, 2)}\n`);
  for (const { name, endpoint, region, accessKey, secretKey } of state.servers) {
    writeOwn(
      paths.environmentOf(name),
      `export AWS_ENDPOINT_URL=${endpoint} AWS_REGION=${region} AWS_ACCESS_KEY_ID=${accessKey} AWS_SECRET_ACCESS_KEY=${secretKey}\n`,
    );
  }
}

function writeOwn(path: string, content: string): void {
  writeFileSync(`${path}.part`, content, { mode: 0o600 });
  renameSync(`${path}.part`, path);
}

/** Adds a process that has just been started. Recorded before it is ready: `down` finds it even if we are killed now. */
export function recordProcess(
  paths: LocalPaths,
  started: { readonly name: string; readonly pid: number; readonly logPath: string } & Ending,
): void {
  const identity = identityOf(started.pid);
  if (!identity) return; // it has ended already; its starter will say so
  const state = readState(paths);
  writeState(paths, {
    ...state,
    processes: [
      ...state.processes,
      { name: started.name, logPath: started.logPath, ...endingOf(started), ...identity },
    ],
  });
}

/**
 * Ends exactly these processes, the last started first, and removes what they left; a pid that belongs to somebody else by now
 * is left alone. `graceMs`: for those that were recorded without one.
 */
export async function endProcesses(processes: readonly RecordedProcess[], graceMs = 10_000): Promise<void> {
  for (const recorded of processes.toReversed()) {
    if (isRunning(recorded)) await endProcess(recorded, recorded.graceMs ?? graceMs);
    await removeLeft(recorded);
  }
}

async function endProcess(recorded: RecordedProcess, graceMs: number): Promise<void> {
  signalTo(recorded.pid, 'SIGTERM');
  const deadline = performance.now() + graceMs;
  while (isRunning(recorded) && performance.now() < deadline) await delay(50);
  while (isRunning(recorded)) {
    signalTo(recorded.pid, 'SIGKILL');
    await delay(50);
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended in between
  }
}

/** Removes all that a past `up` left, but a lock. */
export function removeState(paths: LocalPaths): void {
  for (const { name } of readState(paths).servers) rmSync(paths.environmentOf(name), { force: true });
  for (const path of [paths.data, paths.kubeconfig]) rmSync(path, { recursive: true, force: true });
  rmSync(paths.state, { force: true });
}

/** What `status` prints, and whether everything recorded runs. */
export function describeState(
  state: LocalState,
  paths: LocalPaths,
): { readonly lines: readonly string[]; readonly isWhole: boolean } {
  if (!state.cluster && state.servers.length === 0 && state.processes.length === 0)
    return { lines: ['nothing is up'], isWhole: true };
  const processes = state.processes.map((recorded) => ({ recorded, runs: isRunning(recorded) }));
  const lines = [
    ...(state.cluster
      ? [
          `cluster    ${state.cluster.url}${state.cluster.kind ? ` (kind ${state.cluster.kind})` : ''}`,
          `           KUBECONFIG=${paths.kubeconfig}`,
        ]
      : []),
    ...state.servers.flatMap(({ name, endpoint }) => [
      `${name.padEnd(10)} ${endpoint}`,
      `           credentials: . ${paths.environmentOf(name)}`,
    ]),
    ...processes.map(({ recorded: { name, pid, logPath }, runs }) =>
      runs ? `running    ${name} (pid ${pid})` : `DEAD       ${name} (was pid ${pid}), log ${logPath}`,
    ),
  ];
  return { lines, isWhole: processes.every(({ runs }) => runs) };
}
