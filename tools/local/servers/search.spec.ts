import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverSources } from '../versions.ts';
import { cachedProgram } from './cache.ts';
import { searchServer } from './search.ts';

const { etcd } = serverSources;
const platform = { os: 'linux', arch: 'amd64' } as const;
let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'search-'))));
afterEach(() => rmSync(dir, { recursive: true }));

/** A program that tells this version, in a folder of the test. */
function plant(folder: string, version: string, mode = 0o755): string {
  return plantAt(join(dir, folder, 'etcd'), `#!/bin/sh\necho "etcd Version: ${version}"\n`, mode);
}

function plantAt(path: string, script: string, mode = 0o755): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, script, { mode });
  return path;
}

async function search(env: Record<string, string>) {
  const told: string[] = [];
  const cache = join(dir, 'cache');
  const path = await searchServer(etcd, { env, cache, platform, log: (line) => told.push(line) });
  return { path, told };
}

const inCache = () => plantAt(cachedProgram(join(dir, 'cache'), etcd), '#!/bin/sh\nexit 1\n');
const at = (...folders: string[]) => folders.map((folder) => join(dir, folder)).join(':');

describe('searchServer', () => {
  it('takes KUBEBUILDER_ASSETS before PATH before the cache', async () => {
    const cached = inCache();
    expect((await search({ PATH: at('bin') })).path).toBe(cached);
    const onPath = plant('bin', '3.6.1');
    expect((await search({ PATH: at('bin'), KUBEBUILDER_ASSETS: at('assets') })).path).toBe(onPath);
    const asset = plant('assets', '3.6.2');
    expect((await search({ PATH: at('bin'), KUBEBUILDER_ASSETS: at('assets') })).path).toBe(asset);
  });

  it('passes over another version and takes the cache, silently', async () => {
    plant('assets', '3.5.0');
    plant('bin', '3.4.30');
    const cached = inCache();
    expect(await search({ PATH: at('bin'), KUBEBUILDER_ASSETS: at('assets') })).toEqual({ path: cached, told: [] });
  });

  it('finds in the cache what is built, else what came in the archive of another version', async () => {
    const downloaded = plantAt(join(dir, 'cache', 'etcd', 'envtest-v1.36.0', 'etcd'), '#!/bin/sh\nexit 1\n');
    expect((await search({})).path).toBe(downloaded);
    const built = inCache();
    expect((await search({})).path).toBe(built);
  });

  it('tells what it passed over when nothing fits', async () => {
    const onPath = plant('bin', '3.4.30');
    const { path, told } = await search({ PATH: at('bin') });
    expect(path).toBeUndefined();
    expect(told).toEqual([
      `etcd in PATH (${onPath}) is passed over: it says "etcd Version: 3.4.30"; wanted ${etcd.version}`,
    ]);
  });

  it('asks only the program of PATH that a shell would take', async () => {
    plant('first', '3.4.30');
    plant('second', '3.6.1');
    expect((await search({ PATH: at('first', 'second') })).path).toBeUndefined();
  });

  it('takes no folder and no file that cannot be run', async () => {
    mkdirSync(join(dir, 'bin', 'etcd'), { recursive: true });
    plant('plain', '3.6.1', 0o644);
    expect(await search({ PATH: at('bin', 'plain'), KUBEBUILDER_ASSETS: '' })).toEqual({ path: undefined, told: [] });
  });

  it('passes over a program that fails to tell its version', async () => {
    plantAt(join(dir, 'bin', 'etcd'), '#!/bin/sh\nexit 3\n');
    expect((await search({ PATH: at('bin') })).told[0]).toContain('it does not tell its version');
  });
});
