import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Kills what it was last told about when its standard input ends. Input ends with the parent, however that one dies, so no
 * server outlives a crashed or killed parent. Each line is the whole list of pids.
 */
const script = `trap '' INT TERM HUP
while read -r line; do pids=$line; done
[ -z "$pids" ] || kill -KILL $pids`;

const guarded = new Set<number>();
let shell: ChildProcess | undefined;

export function guard(pid: number): void {
  guarded.add(pid);
  tell();
}

export function unguard(pid: number): void {
  guarded.delete(pid);
  tell();
}

function tell(): void {
  shell ??= startShell();
  shell.stdin?.write(`${[...guarded].join(' ')}\n`);
}

function startShell(): ChildProcess {
  const started = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  started.unref();
  // A pipe to a child is a net.Socket, whose type here hides that it can be let go of.
  if (started.stdin && 'unref' in started.stdin && typeof started.stdin.unref === 'function') started.stdin.unref();
  return started;
}
