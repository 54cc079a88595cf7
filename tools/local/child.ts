import { spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { removeCgroup } from './node/cgroup.ts';
import { guard, unguard } from './watchdog.ts';

/** `parent`: ends with this process, however that one ends. `detached`: stays until somebody stops it. */
export type Lifetime = 'parent' | 'detached';

/** How a program is ended, by whoever ends it. */
export interface Ending {
  /** How long it may take after SIGTERM, before SIGKILL. Default 5 000. */
  readonly graceMs?: number;
  /** Files outside its folder that it does not remove itself, at the latest after SIGKILL. */
  readonly leaves?: readonly string[];
  /** A control group of its own, that is removed when it is gone. */
  readonly cgroup?: string;
}

export interface ChildSpec extends Ending {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to this process's environment; `undefined` removes. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Standard output and error are appended here. */
  readonly logPath: string;
  readonly lifetime: Lifetime;
}

export interface Child extends Ending {
  readonly name: string;
  readonly pid: number;
  readonly logPath: string;
  /** How it ended, once it has; `undefined` while it runs. */
  ended(): string | undefined;
  /** Settles when it has ended, with what `ended()` says. Never rejects. */
  readonly exited: Promise<string>;
  /** SIGTERM, and SIGKILL after `graceMs` (its own when absent). Resolves when it is gone; a second call is harmless. */
  stop(graceMs?: number): Promise<void>;
}

/**
 * Starts a program with its output in a log file. On node:child_process alone: what execa adds (output as text, pipes, graceful ends of a
 * parent that still lives) is of no use to a server with a log and a session of its own, and it would bring twelve packages.
 * @throws Error when the program cannot be started at all
 */
export async function startChild(spec: ChildSpec): Promise<Child> {
  mkdirSync(dirname(spec.logPath), { recursive: true });
  const log = openSync(spec.logPath, 'a', 0o600);
  // Each in a session of its own: Ctrl-C reaches us alone, and we stop things in order.
  const started = spawn(spec.command, [...spec.args], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...spec.env },
    ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    started.once('spawn', resolve);
    started.once('error', (error) =>
      reject(new Error(`${spec.name} does not start: ${error.message}`, { cause: error })),
    );
  });
  const pid = started.pid;
  if (pid === undefined) throw new Error(`${spec.name} started without a pid`);
  if (spec.lifetime === 'parent') guard(pid);
  else started.unref();

  let end: string | undefined;
  const exited = new Promise<string>((resolve) => {
    started.once('exit', (code, signal) => {
      end = signal === null ? `ended with status ${code}` : `was ended by ${signal}`;
      if (spec.lifetime === 'parent') unguard(pid);
      resolve(end);
    });
  });
  return {
    name: spec.name,
    pid,
    logPath: spec.logPath,
    ended: () => end,
    exited,
    ...endingOf(spec),
    async stop(graceMs = spec.graceMs ?? defaultGraceMs) {
      if (end === undefined) {
        started.kill('SIGTERM');
        const patience = new AbortController();
        await Promise.race([
          exited,
          delay(graceMs, undefined, { signal: patience.signal }).then(
            () => started.kill('SIGKILL'),
            () => undefined, // it ended in time
          ),
        ]);
        patience.abort();
        await exited;
      }
      await removeLeft(spec);
    },
  };
}

const defaultGraceMs = 5_000;

/** The ending alone, of what has one. */
export const endingOf = ({ graceMs, leaves, cgroup }: Ending): Ending => ({
  ...(graceMs === undefined ? {} : { graceMs }),
  ...(leaves === undefined ? {} : { leaves }),
  ...(cgroup === undefined ? {} : { cgroup }),
});

/** Removes what a program that has ended left behind. */
export async function removeLeft({ leaves = [], cgroup }: Ending): Promise<void> {
  for (const path of leaves) rmSync(path, { force: true });
  if (cgroup !== undefined) await removeCgroup(cgroup);
}

/** The last `lines` lines of a log, from its last 64 KiB; empty when there is none. */
export function logTail(path: string, lines = 15): string {
  if (!existsSync(path)) return '';
  const file = openSync(path, 'r');
  try {
    const end = Buffer.alloc(Math.min(fstatSync(file).size, 65_536));
    readSync(file, end, 0, end.length, Math.max(0, fstatSync(file).size - end.length));
    return end.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    closeSync(file);
  }
}

/** The server ended before it answered. `portTaken`: another program was faster on its port. */
export class StartFailed extends Error {
  readonly portTaken: boolean;
  constructor(child: Child, why: string) {
    const tail = logTail(child.logPath);
    super(`${child.name} ${why}; the end of ${child.logPath}:\n${tail}`);
    this.portTaken = /address already in use|port .* is (already )?in use/i.test(tail);
  }
}

/**
 * Polls every `everyMs` (50) until `answers` is true. A rejected look counts as "not yet".
 * @throws StartFailed when the child ends or `timeoutMs` (60 000) is over; the signal's reason when aborted
 */
export async function waitUntilReady(
  child: Child,
  answers: () => Promise<boolean>,
  options: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number; readonly everyMs?: number } = {},
): Promise<void> {
  const { timeoutMs = 60_000, everyMs = 50 } = options;
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    options.signal?.throwIfAborted();
    const ended = child.ended();
    if (ended !== undefined) throw new StartFailed(child, ended);
    try {
      if (await answers()) return;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      const look = last instanceof Error ? ` (last look: ${last.message})` : '';
      throw new StartFailed(child, `did not answer within ${timeoutMs / 1000} s${look}`);
    }
    await delay(everyMs, undefined, { signal: options.signal });
  }
}

/** Tries `start` anew, with other ports, as long as it loses the race for one: at most three times. */
export async function retryPortRaces<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof StartFailed) || !error.portTaken || attempt === 3) throw error;
    }
  }
}
