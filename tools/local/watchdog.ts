import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

/**
 * Kills what it was last told about when its standard input ends. Input ends with the parent, however that one dies, so no
 * server outlives a crashed or killed parent. Each line is the whole list of pids.
 */
const script = `trap '' INT TERM HUP
while read -r line; do pids=$line; done
[ -z "$pids" ] || kill -KILL $pids`;

/** True for the command line of such a watchdog: whoever kills that leaves running what it is to end. */
export const isWatchdog = (command: string): boolean => command.includes(script);

const guarded = new Set<number>();
let input: Socket | undefined;

/** Has this process killed when ours is gone. */
export function guard(pid: number): void {
  guarded.add(pid);
  tell();
}

/** Forgets a process that has ended: its pid may be somebody else's soon. */
export function unguard(pid: number): void {
  guarded.delete(pid);
  tell();
}

function tell(): void {
  input ??= startShell();
  input.write(`${[...guarded].join(' ')}\n`);
}

function startShell(): Socket {
  const shell = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const pipe = shell.stdin;
  if (!(pipe instanceof Socket)) throw new Error('a pipe to a child is expected to be a Socket');
  // Neither may keep this process alive.
  shell.unref();
  pipe.unref();
  pipe.on('error', () => {
    input = undefined; // somebody killed the shell: the next list goes to a new one
  });
  return pipe;
}
