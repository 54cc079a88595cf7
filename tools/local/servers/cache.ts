import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Platform, ServerSource } from '../versions.ts';

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

/** All places in the cache where a program that serves may lie: what is built, and what its publisher offers. */
export function cachedPrograms(cache: string, source: ServerSource, platform: Platform | undefined): string[] {
  const offered = platform && source.prebuilt?.(platform)?.version;
  const versions = [source.version, ...(offered === undefined ? [] : [offered])];
  return versions.map((version) => cachedProgram(cache, { ...source, version }));
}

/** moto is a folder of many files; its marker is written last and holds the list it was installed from. */
export interface MotoEnvironment {
  readonly folder: string;
  readonly program: string;
  readonly marker: string;
}

export function motoEnvironment(cache: string, version: string): MotoEnvironment {
  const folder = join(cache, 'moto', version);
  return { folder, program: join(folder, 'bin', 'moto_server'), marker: join(folder, 'installed.txt') };
}

export const motoRequirementsPath = join(import.meta.dirname, '..', 'python', 'requirements.txt');

export function isMotoInstalled({ marker }: MotoEnvironment): boolean {
  return existsSync(marker) && readFileSync(marker, 'utf8') === readFileSync(motoRequirementsPath, 'utf8');
}
