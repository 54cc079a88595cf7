import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { serverSources, type ServerName } from '../versions.ts';

export interface ObtainOptions {
  readonly log?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The paths of these servers' programs.
 * @throws Error with one line for each that cannot be had, and what to install
 */
export async function obtainServers<N extends ServerName>(names: readonly N[], _options: ObtainOptions = {}): Promise<Record<N, string>> {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'wasabi-s3-operator');
  const found = names.map((name) => {
    const { family, version } = serverSources[name];
    const path = join(cache, family, version, name === 'moto' ? 'bin/moto_server' : name);
    if (!existsSync(path)) throw new Error(`${name} is not at ${path}`);
    return [name, path] as const;
  });
  return Promise.resolve(Object.fromEntries(found) as Record<N, string>);
}
