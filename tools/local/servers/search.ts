import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Platform, ServerSource } from '../versions.ts';
import { debianFolder, findDebianRoot } from './debian.ts';
import { cachedPrograms, isInstalled, pythonEnvironment } from './cache.ts';

export interface SearchPlaces {
  /** `KUBEBUILDER_ASSETS` and `PATH` are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cache: string;
  readonly platform: Platform | undefined;
  /** Told, in one line, of a program that was passed over for its version when nothing else was found. */
  readonly log: (line: string) => void;
}

/**
 * The path of this server's program: from KUBEBUILDER_ASSETS, else PATH, else the cache. What the first two offer must tell a
 * version that serves; the cache has the version in its path. Of a server that Debian packages: the root folder of its system. Undefined when nothing fits.
 */
export async function searchServer(source: ServerSource, places: SearchPlaces): Promise<string | undefined> {
  if (source.python) {
    const environment = pythonEnvironment(places.cache, source, source.python);
    return isInstalled(environment) ? environment.program : undefined;
  }
  if (source.debian) return findDebianRoot(debianFolder(places.cache, source, source.debian), source.debian);
  const assets = places.env.KUBEBUILDER_ASSETS;
  const offered = [
    ...(assets ? [{ where: 'KUBEBUILDER_ASSETS', path: join(assets, source.name) }] : []),
    ...(places.env.PATH ?? '')
      .split(delimiter)
      .filter((folder) => folder !== '')
      .map((folder) => ({ where: 'PATH', path: join(folder, source.name) })),
  ];
  const passedOver: string[] = [];
  for (const { where, path } of offered) {
    if (!isProgram(path)) continue;
    const verdict = await checkVersion(source, path);
    if (verdict === 'serves') return path;
    passedOver.push(`${source.name} in ${where} (${path}) is passed over: ${verdict}; wanted ${source.version}`);
    if (where === 'PATH') break; // the shell would take this one too, none behind it
  }
  const cached = cachedPrograms(places.cache, source, places.platform).find(isProgram);
  if (cached !== undefined) return cached;
  passedOver.forEach(places.log);
  return undefined;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // absent, or not ours to run
  }
}

async function checkVersion({ probe }: ServerSource, path: string): Promise<string> {
  if (!probe) return 'it cannot tell its version';
  try {
    const { stdout, stderr } = await promisify(execFile)(path, [...probe.args], { timeout: 10_000 });
    const told = `${stdout}${stderr}`.trim();
    return probe.accepts.test(told) ? 'serves' : `it says ${JSON.stringify(told.split('\n')[0] ?? '')}`;
  } catch (error) {
    return `it does not tell its version (${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)})`;
  }
}
