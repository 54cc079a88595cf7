import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identityOf, isRunning } from '../../lock.mjs';

const root = '/sys/fs/cgroup';
const prefix = 'wasabi-s3-operator-';
/** Below the group of a machine: the group of its first process, by which it is seen to run. */
const keeper = 'machine';

/** The folder of each hierarchy: one of version 2, or one for each controller of version 1. Source: cgroups(7). */
const hierarchies = (): readonly string[] =>
  existsSync(join(root, 'cgroup.controllers'))
    ? [root]
    : readdirSync(root)
        .map((entry) => join(root, entry))
        .filter((folder) => existsSync(join(folder, 'cgroup.procs')));

/** Where a process can be put without more ado: a new group of the controller cpuset takes none. */
const placeOf = (name: string): string | undefined =>
  hierarchies()
    .filter((folder) => !folder.endsWith('/cpuset'))
    .map((folder) => join(folder, name, keeper))
    .find((folder) => existsSync(folder));

/** Makes a control group in every hierarchy; returns its name. What machines that were killed have left is removed. */
export function createCgroup(): string {
  const existing = new Set(
    hierarchies()
      .flatMap((folder) => readdirSync(folder))
      .filter((entry) => entry.startsWith(prefix)),
  );
  for (const name of existing) if (!isInUse(name)) removeNow(name);
  const { pid, startedAt } = identityOf(process.pid) ?? { pid: process.pid, startedAt: '' };
  const name = ['', '-2', '-3', '-4']
    .map((end) => `${prefix}${pid}-${startedAt}${end}`)
    .find((one) => !existing.has(one));
  if (name === undefined) throw new Error('this process has made four control groups already');
  for (const folder of hierarchies()) mkdirSync(join(folder, name, keeper), { recursive: true });
  const shared = join(root, 'cgroup.subtree_control');
  if (existsSync(shared)) writeFileSync(shared, '+cpu +cpuset +io +memory +pids');
  return name;
}

/** Puts the first process of a machine there: while it runs, nobody takes the group for one that was left. */
export function enterCgroup(name: string, pid: number): void {
  const place = placeOf(name);
  if (place === undefined) throw new Error(`the control group ${name} is gone`);
  writeFileSync(join(place, 'cgroup.procs'), String(pid));
}

/** Removes a control group and those below, once their processes are gone. @throws Error when they stay */
export async function removeCgroup(name: string, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      removeNow(name);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(50);
    }
  }
}

/** Whether its machine runs, or whoever made it is still at it. */
function isInUse(name: string): boolean {
  const [, pid, startedAt = ''] = /^(\d+)-(\d+)/.exec(name.slice(prefix.length)) ?? [];
  if (pid !== undefined && isRunning({ pid: Number(pid), startedAt })) return true;
  const place = placeOf(name);
  return place !== undefined && readFileSync(join(place, 'cgroup.procs'), 'utf8') !== '';
}

function removeNow(name: string): void {
  for (const folder of hierarchies()) removeTree(join(folder, name));
}

function removeTree(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(folder, entry.name));
  rmdirSync(folder);
}
