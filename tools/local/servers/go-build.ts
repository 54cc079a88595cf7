import { execFile, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { GoBuild, ServerName } from '../versions.ts';

export interface GoProgram {
  readonly name: ServerName;
  readonly build: GoBuild;
  /** Where it goes, by a rename. */
  readonly target: string;
}

export interface GoBuildOptions {
  readonly signal?: AbortSignal | undefined;
  /** How far the build is, in words, whenever that changed. */
  readonly onProgress?: (text: string) => void;
}

const run = promisify(execFile);
const modules = join(import.meta.dirname, '..', 'go');

/** What `go version` says, if it is 1.21 or newer: from there on Go fetches the newer toolchain that a module asks for. */
export async function goVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await run('go', ['version'], { timeout: 10_000 });
    const minor = /go1\.(\d+)/.exec(stdout)?.[1];
    return minor !== undefined && Number(minor) >= 21 ? stdout.trim() : undefined;
  } catch {
    return undefined; // not on the PATH
  }
}

/**
 * Builds programs of one wrapper module. What an interrupted build compiled stays in Go's own cache, so the next goes on there.
 * @throws Error with Go's last words
 */
export async function buildGoPrograms(programs: readonly GoProgram[], options: GoBuildOptions = {}): Promise<void> {
  const [first] = programs;
  if (!first) return;
  const cwd = join(modules, first.build.module);
  const aside = await mkdtempBeside(first.target);
  const packages = programs.map(({ build }) => build.package);
  try {
    options.onProgress?.('fetching modules');
    const { stdout } = await run('go', ['list', '-deps', '-f', '{{.ImportPath}}', ...packages], {
      cwd,
      maxBuffer: 16 * 1024 * 1024,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    const total = stdout.trim().split('\n').length;
    // One build for all programs of a module: they share most of their packages. A folder as output names each after its package.
    const only = programs.length === 1;
    let compiled = 0;
    await runGo(
      [
        'build',
        '-v',
        '-trimpath',
        '-ldflags',
        linkerFlags(first.build),
        '-o',
        only ? join(aside, first.name) : `${aside}/`,
        ...packages,
      ],
      cwd,
      options.signal,
      () => {
        compiled += 1;
        options.onProgress?.(`${compiled} of at most ${total} packages compiled`);
      },
    );
    for (const { name, target } of programs) await rename(join(aside, name), target);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

const linkerFlags = ({ values = {} }: GoBuild) =>
  ['-s', '-w', ...Object.entries(values).map(([name, value]) => `-X ${name}=${value}`)].join(' ');

/** On the same file system as the target, so that the rename is one. */
async function mkdtempBeside(target: string): Promise<string> {
  mkdirSync(dirname(target), { recursive: true });
  return mkdtemp(join(dirname(target), '.build-'));
}

function runGo(
  args: readonly string[],
  cwd: string,
  signal: AbortSignal | undefined,
  onPackage: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', [...args], { cwd, stdio: ['ignore', 'ignore', 'pipe'], ...(signal ? { signal } : {}) });
    const words: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      // `-v` writes one import path a line; all else is worth keeping for an error.
      if (/^[\w.-]+(\/[\w.~-]+)*$/.test(line)) onPackage();
      else if (!line.startsWith('go: downloading')) words.push(line);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`go build ended with status ${code}: ${words.slice(-5).join(' | ')}`));
    });
  });
}
