import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { inChroot, refuseChroot } from '../chroot.ts';
import type { DebianInstall, ServerSource } from '../versions.ts';

const run = promisify(execFile);

/** The folder of all versions of a server that came from this suite. A version appears by a rename, whole. */
export const debianFolder = (
  cache: string,
  { family }: Pick<ServerSource, 'family'>,
  { suite }: DebianInstall,
): string => join(cache, family, suite);

/** The folder of the newest version that serves and is in the cache. */
export function findDebianRoot(folder: string, { accepts }: Pick<DebianInstall, 'accepts'>): string | undefined {
  if (!existsSync(folder)) return undefined;
  const versions = readdirSync(folder).filter((version) => accepts.test(version));
  const newest = versions.sort((one, other) => one.localeCompare(other, 'en', { numeric: true })).at(-1);
  return newest === undefined ? undefined : join(folder, newest);
}

/** Why no Debian system can be installed on this machine, in words that follow "cannot be had:"; undefined when one can. */
export async function refuseDebian(): Promise<string | undefined> {
  const refusal = await refuseChroot();
  if (refusal !== undefined) return refusal;
  return readOsRelease()?.id === 'debian' ? undefined : 'it needs Debian, whose package mirror is used';
}

interface OsRelease {
  readonly id: string;
  readonly codename: string;
}

function readOsRelease(): OsRelease | undefined {
  try {
    return parseOsRelease(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return undefined; // no such file: no Debian
  }
}

/** Source: os-release(5). */
export function parseOsRelease(text: string): OsRelease {
  const value = (key: string) => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return { id: value('ID'), codename: value('VERSION_CODENAME') };
}

/**
 * The address of Debian's archive among this machine's package sources: the one that has `main` of the release that runs here.
 * `targets`: lines of `address release component`.
 */
export function findMirror(targets: string, codename: string): string | undefined {
  return targets
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([, release, component]) => release === codename && component === 'main')?.[0];
}

export interface DebianOptions {
  readonly signal?: AbortSignal | undefined;
  /** What is being done, whenever that changed. */
  readonly onProgress?: (text: string) => void;
}

/**
 * Puts a minimal Debian system of a suite, with the packages of a server, into `folder/<version>`. Takes debootstrap from the
 * machine's own packages where it is not there, and everything from the mirror that the machine's own packages come from.
 * Returns the version.
 * @throws Error with the last words of what failed, or with the version when the suite has one that does not serve
 */
export async function installFromDebian(
  install: DebianInstall,
  folder: string,
  { signal, onProgress = () => undefined }: DebianOptions = {},
): Promise<string> {
  const { suite, packages, accepts } = install;
  const codename = readOsRelease()?.codename ?? '';
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const targets = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const mirror = findMirror(targets.stdout, codename);
  if (mirror === undefined) throw new Error(`the machine's package sources do not name an archive of ${codename} main`);
  if (!(await hasDebootstrap())) {
    onProgress('installing debootstrap');
    await runToEnd('apt-get', ['update'], signal);
    await runToEnd('apt-get', ['install', '--yes', '--no-install-recommends', 'debootstrap'], signal);
  }

  mkdirSync(folder, { recursive: true });
  for (const entry of readdirSync(folder))
    if (entry.startsWith('.install-')) await rm(join(folder, entry), { recursive: true, force: true });
  const root = await mkdtemp(join(folder, '.install-'));
  try {
    await chmod(root, 0o755); // users of the system must be able to enter it
    // The script of sid serves every suite that this debootstrap is too old to know.
    const script = '/usr/share/debootstrap/scripts/sid';
    const base = ['--variant=minbase', '--include=ca-certificates', suite, root, mirror, script];
    await runToEnd('debootstrap', base, signal, (line) => onProgress(line.replace(/^I: /, '')));
    // Nothing starts itself in there. Source: Debian Policy, invoke-rc.d and policy-rc.d.
    writeFileSync(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
    // With /proc: without, systemd-tmpfiles fails, and with it the packages whose installation calls it.
    const apt = (...args: readonly string[]) => {
      const call = inChroot(root, ['apt-get', ...args]);
      return runToEnd(call.command, call.args, signal, onProgress, call.env);
    };
    await apt('install', '--yes', '--no-install-recommends', ...packages);
    await apt('clean');
    const version = await upstreamVersion(root, packages[0]);
    if (!accepts.test(version)) throw new Error(`Debian ${suite} has ${packages[0]} ${version} by now`);
    await rm(join(folder, version), { recursive: true, force: true });
    await rename(root, join(folder, version));
    return version;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function hasDebootstrap(): Promise<boolean> {
  return run('debootstrap', ['--version']).then(
    () => true,
    () => false,
  );
}

/** `20.2.4` of `20.2.4+ds-2`. */
export const upstreamVersionOf = (version: string): string => /^(?:\d+:)?(\d+(?:\.\d+)*)/.exec(version)?.[1] ?? version;

async function upstreamVersion(root: string, name: string): Promise<string> {
  const { stdout } = await run('chroot', [root, 'dpkg-query', '--show', '--showformat=${Version}', name]);
  return upstreamVersionOf(stdout);
}

/** Runs a program to its end; each line of its output is told. @throws Error with its last words */
function runToEnd(
  program: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
  onLine: (line: string) => void = () => undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8', ...env },
      ...(signal ? { signal } : {}),
    });
    // debootstrap says on its output what is wrong, apt on its error output.
    const words = { stdout: [] as string[], stderr: [] as string[] };
    for (const stream of ['stdout', 'stderr'] as const)
      createInterface({ input: child[stream] }).on('line', (line) => {
        words[stream].push(line);
        if (words[stream].length > 5) words[stream].shift();
        onLine(line);
      });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else {
        const said = words.stderr.length > 0 ? words.stderr : words.stdout.slice(-1);
        reject(new Error(`${program} ended with status ${code}: ${said.join(' | ')}`));
      }
    });
  });
}
