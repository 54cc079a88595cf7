// Plain JavaScript, and no package: bootstrap.mjs needs it on Node 18, before anything is installed. Who gets servers after the install uses
// the same, as it is there: the packages for it judge a lock by its age (proper-lockfile, last released in 2021), which a machine that
// slept gets wrong; this one asks whether the holder still runs.
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A pid alone may be a stranger's by now; a pid with its start time is one process for ever. */
export function identityOf(pid) {
  const startedAt = process.platform === 'linux' ? startTicks(pid) : startDate(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export function isRunning(identity) {
  return identityOf(identity.pid)?.startedAt === identity.startedAt;
}

/** Source: proc(5), /proc/pid/stat: field 3 is the state, 22 the start time in ticks since boot. */
function startTicks(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before it may hold spaces and brackets
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined; // no such process
  }
}

function startDate(pid) {
  try {
    const [state, ...date] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .trim()
      .split(/\s+/);
    return state.startsWith('Z') ? undefined : date.join(' ');
  } catch {
    return undefined; // ps exits 1 for an unknown pid
  }
}

/** Waits until the lock file is ours and returns its release. A lock whose holder is gone is taken over. */
export async function acquireLock(path, { onWait = () => {}, signal } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  const ours = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  let hasWaited = false;
  for (;;) {
    signal?.throwIfAborted();
    if (tryTake(path, ours)) return () => rmSync(path, { force: true });
    const holder = readHolder(path);
    if (holder && !isRunning(holder)) removeStale(path, ours, holder);
    else {
      if (!hasWaited && holder) onWait(holder.pid);
      hasWaited = hasWaited || holder !== undefined;
      await delay(250, undefined, { signal });
    }
  }
}

/** A link appears with its whole content or not at all, so no reader meets a half-written lock. */
function tryTake(path, ours) {
  writeFileSync(ours, JSON.stringify(identityOf(process.pid)));
  try {
    linkSync(ours, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(ours, { force: true });
  }
}

function readHolder(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw new Error(`${path} is no lock of ours; remove it and try again`, { cause: error });
  }
}

/** Two may find the same stale lock: only what was judged stale is thrown away, a fresh one goes back. */
function removeStale(path, ours, stale) {
  const aside = `${ours}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  const moved = readHolder(aside);
  if (moved.pid !== stale.pid || moved.startedAt !== stale.startedAt) linkSync(aside, path);
  rmSync(aside, { force: true });
}
