import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { isWatchdog } from '../local/watchdog.ts';
import { projectRoot } from '../paths.ts';
import { processesWith, type RunningProcess } from './proc.ts';
import { until } from './until.ts';

/** One of the project's commands, as `npm start` or `npm run …` start it: a foreground job of its own. */
export interface Command {
  readonly pid: number;
  /** Standard output and error so far. */
  output(): string;
  /**
   * The exit status; null after a signal. Settles when the output has been read to its end, or 5 s after the exit where a
   * process left behind holds it open.
   */
  readonly ended: Promise<number | null>;
  /** Everything it started that runs, itself included. */
  processes(): Promise<RunningProcess[]>;
  /** Sends a signal to it alone. */
  kill(signal: NodeJS.Signals): void;
  /** What Ctrl-C does: SIGINT to every process of the foreground job. */
  interrupt(): void;
  /** Waits until its output holds this. @throws Error with the output when it takes too long or the command ends */
  untilSaid(words: string | RegExp, timeoutMs?: number): Promise<void>;
  /** Waits until nothing it ever started runs. @throws Error that names what still does */
  untilGone(timeoutMs?: number): Promise<void>;
  /** For the end of a test: kills whatever is left. */
  destroy(): Promise<void>;
}

/**
 * Starts `node tools/bootstrap.mjs <args>`. `tmp`: a folder of its own for temporary files; by it alone its descendants are
 * known.
 */
export function startCommand(
  args: readonly string[],
  { tmp, env = {} }: { readonly tmp: string; readonly env?: Readonly<Record<string, string>> },
): Command {
  const child = spawn(process.execPath, [join(projectRoot, 'tools', 'bootstrap.mjs'), ...args], {
    detached: true, // a process group of its own, as a shell gives to a job
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env, TMPDIR: tmp },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the command does not start');
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  let hasEnded = false;
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (status) => setTimeout(resolve, 5_000, status).unref());
    child.once('close', resolve);
  }).finally(() => (hasEnded = true));
  const processes = () => processesWith('TMPDIR', tmp);
  return {
    pid,
    output: () => output,
    ended,
    processes,
    kill: (signal) => child.kill(signal),
    interrupt: () => process.kill(-pid, 'SIGINT'),
    async untilSaid(words, timeoutMs = 120_000) {
      const isSaid = () => (typeof words === 'string' ? output.includes(words) : words.test(output));
      await until(
        () => isSaid() || hasEnded,
        (holds) => holds,
        { what: `the command says ${String(words)}`, timeoutMs, show: () => output },
      );
      if (!isSaid()) throw new Error(`the command ended without saying ${String(words)}:\n${output}`);
    },
    async untilGone(timeoutMs = 10_000) {
      await until(processes, (left) => left.length === 0, { what: 'no process is left', timeoutMs });
    },
    async destroy() {
      for (const left of await processes()) {
        // It ends what does not have our TMPDIR, as soon as whoever started that is gone.
        if (isWatchdog(left.command)) continue;
        try {
          process.kill(left.pid, 'SIGKILL');
        } catch {
          // ended in between
        }
      }
    },
  };
}
