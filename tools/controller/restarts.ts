import { spawn, type ChildProcess } from 'node:child_process';
import { guard, unguard } from '../local/watchdog.ts';

export interface ProgramOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
  /** Aborted: the program is ended, and not begun again. */
  readonly signal: AbortSignal;
  /** Calls back whenever the program is to begin again; returns the way to stop that. */
  readonly onChange: (changed: (what: string) => void) => () => Promise<void>;
  /** Gets its standard output; that goes to ours when absent. */
  readonly output?: NodeJS.WritableStream | undefined;
  /** How long the program may take after SIGTERM. Default 30 000. */
  readonly graceMs?: number;
}

/** It ended because it was told what it cannot do, or did what it was asked for: `--help`. A change of the sources does not help. */
const isDone = (code: number | null): boolean => code === 0 || code === 2;

/**
 * Runs a program, and again whenever something changes, until the signal or until it ends well or for wrong flags. After a crash it
 * waits for the next change. It has our standard input and error, and it does not outlive this process, however that ends.
 * Returns its exit status, 1 after a crash or a signal.
 */
export async function runWithRestarts(options: ProgramOptions): Promise<number> {
  const { signal, log, graceMs = 30_000 } = options;
  let wake: () => void = () => undefined;
  let hasChanged = false;
  const wasChanged = (): boolean => hasChanged;
  let running: ChildProcess | undefined;
  let killing: NodeJS.Timeout | undefined;
  const end = () => {
    if (running === undefined || killing !== undefined) return;
    const child = running;
    child.kill('SIGTERM');
    killing = setTimeout(() => child.kill('SIGKILL'), graceMs);
  };
  const stopWatching = options.onChange((what) => {
    if (!hasChanged) log(`${what} has changed: starting again`);
    hasChanged = true;
    end();
    wake();
  });
  const stop = () => {
    end();
    wake();
  };
  signal.addEventListener('abort', stop);
  try {
    for (;;) {
      hasChanged = false;
      const { file, args, env, output } = options;
      const child = spawn(file, [...args], {
        stdio: ['inherit', output === undefined ? 'inherit' : 'pipe', 'inherit'],
        env: { ...env },
      });
      if (output !== undefined) child.stdout?.pipe(output, { end: false });
      running = child;
      const code = await endOf(child);
      running = undefined;
      clearTimeout(killing);
      killing = undefined;
      if (isAborted(signal) || (isDone(code) && !wasChanged())) return code ?? 1;
      if (!wasChanged()) {
        log(`it ended ${code === null ? 'by a signal' : `with status ${code}`}: waiting for a change of the sources`);
        await new Promise<void>((resolve) => (wake = resolve));
        if (isAborted(signal)) return code ?? 1;
      }
    }
  } finally {
    signal.removeEventListener('abort', stop);
    await stopWatching();
  }
}

const isAborted = (signal: AbortSignal): boolean => signal.aborted;

/** The exit status; null after a signal. @throws Error when it does not start */
function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => {
      if (child.pid !== undefined) guard(child.pid);
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (child.pid !== undefined) unguard(child.pid);
      resolve(code);
    });
  });
}
