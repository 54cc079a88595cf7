import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findDebianRoot } from './debian.ts';
import type { Platform, PythonInstall, ServerSource } from '../versions.ts';

/** Where servers are kept between runs, for every clone of the project: `$XDG_CACHE_HOME` or `~/.cache`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const { XDG_CACHE_HOME: base = '' } = env; // set but empty means unset, by the XDG specification
  return join(base === '' ? join(homedir(), '.cache') : base, 'wasabi-s3-operator');
}

/** Where this server lies in the cache once it is there. It appears by a rename, whole: what exists is complete. */
export function cachedProgram(
  cache: string,
  { family, version, name }: Pick<ServerSource, 'family' | 'version' | 'name'>,
): string {
  return join(cache, family, version, name);
}

/** All places in the cache where a program that serves may lie: what is built, and what its publisher or Debian offers. */
export function cachedPrograms(cache: string, source: ServerSource, platform: Platform | undefined): string[] {
  const offered = platform && source.prebuilt?.(platform)?.version;
  const versions = [source.version, ...(offered === undefined ? [] : [offered])];
  const packaged = source.debianPackage && findDebianRoot(join(cache, source.family), source.debianPackage);
  return [
    ...versions.map((version) => cachedProgram(cache, { ...source, version })),
    ...(packaged === undefined ? [] : [join(packaged, source.name)]),
  ];
}

/** A server from PyPI is a folder of many files; its marker is written last and holds the list it was installed from. */
export interface PythonEnvironment {
  readonly folder: string;
  readonly program: string;
  /** The committed list of pinned packages. */
  readonly requirements: string;
  readonly marker: string;
}

export function pythonEnvironment(
  cache: string,
  { family, version }: Pick<ServerSource, 'family' | 'version'>,
  { program, requirements }: PythonInstall,
): PythonEnvironment {
  const folder = join(cache, family, version);
  return {
    folder,
    program: join(folder, 'bin', program),
    requirements: join(import.meta.dirname, '..', 'python', requirements),
    marker: join(folder, 'installed.txt'),
  };
}

export function isInstalled({ marker, requirements }: PythonEnvironment): boolean {
  return existsSync(marker) && readFileSync(marker, 'utf8') === readFileSync(requirements, 'utf8');
}
