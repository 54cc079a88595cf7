import { spawn } from 'node:child_process';
import { projectRoot } from './paths.ts';

/** Runs a program of the project to its end, its output being ours; `env` is all that it sees. Its exit status; null after a signal. */
export const runProgram = (
  program: string,
  args: readonly string[],
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<number | null> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { cwd: projectRoot, stdio: ['ignore', 'inherit', 'inherit'], env });
    const stop = () => child.kill('SIGTERM');
    signal.addEventListener('abort', stop);
    child.once('error', reject);
    child.once('exit', (code) => {
      signal.removeEventListener('abort', stop);
      resolve(code);
    });
  });
