import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { containerUser, dockerAnswers } from '../docker.ts';
import { goImage, type GoBuild, type Platform, type ServerName } from '../versions.ts';

export interface GoProgram {
  readonly name: ServerName;
  readonly build: GoBuild;
  /** Where it goes, by a rename. */
  readonly target: string;
}

/** Go as a program of this machine, or that of the official image in a Docker engine. */
export type Go =
  | { readonly in: 'machine' }
  | {
      readonly in: 'docker';
      /** What the programs are to run on. */
      readonly platform: Platform;
      /** Modules and compiled packages are kept here between builds. Made when absent. */
      readonly cache: string;
      /** Whom the files are to belong to, as `docker run --user` takes it; its own choice when absent. */
      readonly user?: string | undefined;
    };

export interface GoBuildOptions {
  readonly go: Go;
  readonly signal?: AbortSignal | undefined;
  /** How far the build is, in words, whenever that changed; and in packages, once they are counted. */
  readonly onProgress?: (text: string, packages?: { readonly compiled: number; readonly total: number }) => void;
  /** Gets all that Go says, for a person to read after a failure. Begun anew by each build. */
  readonly logPath: string;
}

const run = promisify(execFile);
const modules = join(import.meta.dirname, '..', 'go');

/**
 * The Go to build with: 1.21 or newer on the PATH (from there on Go fetches the newer toolchain that a module asks for), else
 * that in Docker, where an engine answers. Undefined when there is neither. `platform`: of this machine; `cache`: the project's.
 */
export async function findGo(platform: Platform | undefined, cache: string): Promise<Go | undefined> {
  if (await isGoOnPath()) return { in: 'machine' };
  if (platform === undefined || !(await dockerAnswers())) return undefined;
  return { in: 'docker', platform, cache: join(cache, 'go'), user: await containerUser() };
}

async function isGoOnPath(): Promise<boolean> {
  try {
    const { stdout } = await run('go', ['version'], { timeout: 10_000 });
    const minor = /go1\.(\d+)/.exec(stdout)?.[1];
    return minor !== undefined && Number(minor) >= 21;
  } catch {
    return false; // not on the PATH
  }
}

/**
 * Builds programs of one wrapper module. What an interrupted build compiled stays in Go's cache, so the next goes on there.
 * @throws Error with Go's last words, or Docker's, and where the rest is
 */
export async function buildGoPrograms(programs: readonly GoProgram[], options: GoBuildOptions): Promise<void> {
  const [first] = programs;
  if (!first) return;
  const { go, signal, onProgress, logPath } = options;
  mkdirSync(dirname(logPath), { recursive: true });
  const log = createWriteStream(logPath);
  // A full disk, or last words after an interrupted build, must not end the process.
  log.on('error', (error) => onProgress?.(`its log cannot be written (${error.message})`));
  const aside = await mkdtempBeside(first.target);
  const place = { module: join(modules, first.build.module), out: aside };
  const bench = go.in === 'machine' ? onMachine(place) : inDocker(place, go);
  const packages = programs.map(({ build }) => build.package);
  try {
    onProgress?.(`fetching ${go.in === 'docker' ? `${goImage} and ` : ''}modules`);
    const list = bench.command(['list', '-deps', '-f', '{{.ImportPath}}', ...packages]);
    let total = 0;
    await runToEnd(list, signal, { log, onOutput: () => (total += 1) });
    // One build for all programs of a module: they share most of their packages. A folder as output names each after its package.
    const output = programs.length === 1 ? join(bench.out, first.name) : `${bench.out}/`;
    const flags = ['-v', '-trimpath', ...compilerFlags, '-ldflags', linkerFlags(first.build), '-o', output];
    let compiled = 0;
    await runToEnd(bench.command(['build', ...flags, ...packages]), signal, {
      log,
      onPackage: () => {
        compiled += 1;
        onProgress?.(`${compiled} of at most ${total} packages compiled`, { compiled, total });
      },
    });
    for (const { name, target } of programs) await rename(join(aside, name), target);
  } finally {
    log.end();
    await bench.clear();
    await rm(aside, { recursive: true, force: true });
  }
}

/** The linker leaves out what debuggers need; to make it is a fifth of a build's CPU time. */
const compilerFlags = ['-gcflags=all=-dwarf=false'];

const linkerFlags = ({ values = {} }: GoBuild) =>
  ['-s', '-w', ...Object.entries(values).map(([name, value]) => `-X ${name}=${value}`)].join(' ');

/** On the same file system as the target, so that the rename is one. */
async function mkdtempBeside(target: string): Promise<string> {
  mkdirSync(dirname(target), { recursive: true });
  return mkdtemp(join(dirname(target), '.build-'));
}

interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
}

/** Where Go runs. */
interface Bench {
  /** The output folder, as Go sees it. */
  readonly out: string;
  command(goArgs: readonly string[]): Command;
  /** Ends what may still run there. Never rejects. */
  clear(): Promise<void>;
}

interface Place {
  /** The wrapper module's folder. */
  readonly module: string;
  readonly out: string;
}

const onMachine = ({ module, out }: Place): Bench => ({
  out,
  command: (args) => ({ file: 'go', args, cwd: module }),
  clear: () => Promise.resolve(),
});

/** Taken from our environment where they are set: where modules come from, and how the network is reached. */
const passedOn = ['GOPROXY', 'GOSUMDB', 'GOPRIVATE', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

function inDocker({ module, out }: Place, { platform, cache, user }: Go & { in: 'docker' }): Bench {
  const folders = { modules: join(cache, 'modules'), build: join(cache, 'build') };
  // Docker would make an absent one, as root.
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });
  const name = `wasabi-s3-operator-go-${randomBytes(4).toString('hex')}`;
  const mount = (source: string, target: string, ...more: readonly string[]) => [
    '--mount',
    ['type=bind', `source=${source}`, `target=${target}`, ...more].join(','),
  ];
  const variables = {
    GOOS: platform.os,
    GOARCH: platform.arch,
    CGO_ENABLED: '0',
    GOMODCACHE: '/modules',
    GOCACHE: '/build',
    GOFLAGS: '-modcacherw', // whoever empties the cache need not make it writable first
    HOME: '/tmp', // the user has none in the image
  };
  return {
    out: '/out',
    command: (args) => ({
      file: 'docker',
      args: [
        // With an init, as Go would not heed a SIGTERM as the first process of a container.
        ...['run', '--rm', '--init', '--name', name],
        ...(user === undefined ? [] : ['--user', user]),
        ...mount(module, '/module', 'readonly'),
        ...mount(folders.modules, '/modules'),
        ...mount(folders.build, '/build'),
        ...mount(out, '/out'),
        ...['--workdir', '/module'],
        ...Object.entries(variables).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
        ...passedOn.flatMap((key) => ['--env', key]),
        ...[goImage, 'go', ...args],
      ],
    }),
    async clear() {
      // Only a build that was cut short has left a container; for any other name this says that there is none.
      await run('docker', ['rm', '--force', name]).catch(() => undefined);
    },
  };
}

interface Hearing {
  /** Gets every line of its standard error. */
  readonly log: WriteStream;
  /** For each line of its output. */
  readonly onOutput?: () => void;
  /** For each package compiled. */
  readonly onPackage?: () => void;
}

/** Runs a command of Go's to its end. */
function runToEnd(
  { file, args, cwd }: Command,
  signal: AbortSignal | undefined,
  { log, onOutput = () => undefined, onPackage = () => undefined }: Hearing,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
      ...(signal ? { signal } : {}),
    });
    const words: string[] = [];
    createInterface({ input: child.stdout }).on('line', onOutput);
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.write(`${line}\n`);
      // `-v` writes one import path a line; all else is worth keeping for an error.
      if (/^[\w.-]+(\/[\w.~-]+)*$/.test(line)) onPackage();
      else if (!line.startsWith('go: downloading')) words.push(line);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new Error(
            `go ${file === 'go' ? '' : 'in Docker '}ended with status ${code}: ${words.slice(-5).join(' | ')}; all it said is in ${String(log.path)}`,
          ),
        );
    });
  });
}
