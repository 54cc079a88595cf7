import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { goImage, serverSources, type ServerName } from '../versions.ts';
import { buildGoPrograms, findGo, type Go, type GoProgram } from './go-build.ts';

// With programs on the PATH that stand in for Go and for Docker, and note how they are called.

const platform = { os: 'linux', arch: 'arm64' } as const;
let dir: string;
let logPath: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'go-build-'));
  logPath = join(dir, 'logs', 'build.log');
  mkdirSync(join(dir, 'bin'));
  vi.stubEnv('PATH', [join(dir, 'bin'), '/usr/bin', '/bin'].join(delimiter));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});

/** A program on the PATH that appends its arguments, one line for each call, to a file, and then does this. */
function plant(name: string, script: string): void {
  const note = `{ printf '%s\\t' "$@"; echo; } >> '${join(dir, `${name}-calls`)}'\n`;
  writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${note}${script}`, { mode: 0o755 });
}
function calls(name: string): string[][] {
  const path = join(dir, `${name}-calls`);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').replace(/\n$/, '').split('\n');
  return lines.map((line) => line.split('\t').slice(0, -1));
}

const go = (version: string) => plant('go', `echo "go version ${version} linux/amd64"\n`);

/** What Docker says of its engine; what `docker run` does. */
const docker = ({ options = '["name=seccomp,profile=builtin"]', run = '' }) =>
  plant('docker', `case $1 in version) echo 29.0.0 ;; info) echo '${options}' ;; run) ${run}\n;; esac\n`);
const noEngine = () => plant('docker', 'echo "Cannot connect to the Docker daemon" >&2; exit 1\n');

const us = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;

describe('findGo', () => {
  const find = () => findGo(platform, '/cache');

  it('takes a Go on the PATH that can fetch newer ones, and asks no Docker', async () => {
    go('go1.21.0');
    docker({});
    expect(await find()).toEqual({ in: 'machine' });
    expect(calls('docker')).toEqual([]);
  });

  it('takes the one in Docker where Go is too old', async () => {
    go('go1.20.14');
    docker({});
    expect(await find()).toEqual({ in: 'docker', platform, cache: '/cache/go', user: us });
  });

  it('leaves the user to an engine that runs as an ordinary one', async () => {
    go('go1.20.14');
    docker({ options: '["name=seccomp,profile=builtin","name=rootless"]' });
    expect(await find()).toEqual({ in: 'docker', platform, cache: '/cache/go', user: undefined });
  });

  it('finds none where Go is too old and no Docker engine answers', async () => {
    go('go1.20.14');
    noEngine();
    expect(await find()).toBeUndefined();
  });

  it('finds none in Docker for a machine that the servers do not exist for', async () => {
    go('go1.20.14');
    docker({});
    expect(await findGo(undefined, '/cache')).toBeUndefined();
  });
});

describe('buildGoPrograms', () => {
  const programs = (...names: ServerName[]): GoProgram[] =>
    names.flatMap((name) => {
      const build = serverSources[name].go;
      return build ? [{ name, build, target: join(dir, 'cache', 'family', 'v1', name) }] : [];
    });
  const inDocker = (): Go => ({ in: 'docker', platform, cache: join(dir, 'cache', 'go'), user: us });
  const build = async (names: readonly ServerName[], where: Go, signal?: AbortSignal) => {
    const told: string[] = [];
    await buildGoPrograms(programs(...names), { go: where, signal, logPath, onProgress: (text) => told.push(text) });
    return told;
  };
  const leftovers = () => readdirSync(join(dir, 'cache', 'family', 'v1'));

  /** Stands in for the engine: gives the mounted folders their names on this machine, then does what Go would. */
  const engine = (last = '') => `
    for word in "$@"; do case $word in
      type=bind,source=*,target=/out) out=\${word#*source=}; out=\${out%%,*} ;;
    esac; done
    case "$*" in
      *' go list '*) printf 'internal/cpu\\nk8s.io/one\\nk8s.io/two\\n' ;;
      *' go build '*) ${last}
        printf 'internal/cpu\\ngo: downloading k8s.io/one v1.0.0\\nk8s.io/two\\n' >&2
        for target; do case $target in /out/|/out/*|*/cmd/*) name=\${target##*/}; [ -z "$name" ] || echo program > "$out/$name" ;; esac; done ;;
    esac`;

  it('runs the same build in the image of Go, with the module readable and the caches and the target ours', async () => {
    docker({ run: engine() });
    const told = await build(['minio'], inDocker());
    expect(leftovers()).toEqual(['minio']);
    expect(told).toEqual([
      `fetching ${goImage} and modules`,
      '1 of at most 3 packages compiled',
      '2 of at most 3 packages compiled',
    ]);

    const [list = [], made = [], clear = []] = calls('docker');
    const name = list[list.indexOf('--name') + 1] ?? '';
    const out = /source=([^,]*),target=\/out$/.exec(list.find((word) => word.endsWith('target=/out')) ?? '')?.[1] ?? '';
    expect(name).toMatch(/^wasabi-s3-operator-go-[0-9a-f]{8}$/);
    expect(out.startsWith(join(dir, 'cache', 'family', 'v1', '.build-'))).toBe(true);
    const container = [
      ...['run', '--rm', '--init', '--name', name, '--user', us],
      ...['--mount', `type=bind,source=${join(import.meta.dirname, '../go/minio')},target=/module,readonly`],
      ...['--mount', `type=bind,source=${join(dir, 'cache/go/modules')},target=/modules`],
      ...['--mount', `type=bind,source=${join(dir, 'cache/go/build')},target=/build`],
      ...['--mount', `type=bind,source=${out},target=/out`, '--workdir', '/module'],
      ...['--env', 'GOOS=linux', '--env', 'GOARCH=arm64', '--env', 'CGO_ENABLED=0'],
      ...[
        '--env',
        'GOMODCACHE=/modules',
        '--env',
        'GOCACHE=/build',
        '--env',
        'GOFLAGS=-modcacherw',
        '--env',
        'HOME=/tmp',
      ],
      ...['GOPROXY', 'GOSUMDB', 'GOPRIVATE', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((key) => ['--env', key]),
      goImage,
    ];
    const what = 'github.com/minio/minio';
    expect(list).toEqual([...container, 'go', 'list', '-deps', '-f', '{{.ImportPath}}', what]);
    const flags = ['-v', '-trimpath', '-gcflags=all=-dwarf=false', '-ldflags', '-s -w', '-o', '/out/minio'];
    expect(made).toEqual([...container, 'go', 'build', ...flags, what]);
    expect(clear).toEqual(['rm', '--force', name]);
    for (const folder of ['modules', 'build'])
      expect(statSync(join(dir, 'cache/go', folder)).uid).toBe(process.getuid?.());
  });

  it('builds the programs of one module in one go', async () => {
    docker({ run: engine() });
    await build(['kube-apiserver', 'kubectl'], inDocker());
    const [, made = []] = calls('docker');
    expect(made.slice(made.indexOf('-o'))).toEqual([
      ...['-o', '/out/', 'k8s.io/kubernetes/cmd/kube-apiserver', 'k8s.io/kubernetes/cmd/kubectl'],
    ]);
    expect(leftovers()).toEqual(['kube-apiserver', 'kubectl']);
  });

  it('tells the last words of a build that failed, and leaves nothing half-built', async () => {
    docker({ run: engine('echo half > "$out/minio"; echo "no space left" >&2; exit 1') });
    await expect(build(['minio'], inDocker())).rejects.toThrow(
      `go in Docker ended with status 1: no space left; all it said is in ${logPath}`,
    );
    expect(readFileSync(logPath, 'utf8')).toBe('no space left\n');
    expect(leftovers()).toEqual([]);
  });

  it('removes the container of a build that was interrupted', async () => {
    docker({ run: engine(`touch '${join(dir, 'building')}'; exec sleep 60;`) });
    const stop = new AbortController();
    const building = expect(build(['minio'], inDocker(), stop.signal)).rejects.toThrow(/abort/i);
    await vi.waitUntil(() => existsSync(join(dir, 'building')), { timeout: 10_000 });
    stop.abort();
    await building;
    const [, made = []] = calls('docker');
    expect(calls('docker').at(-1)).toEqual(['rm', '--force', made[made.indexOf('--name') + 1]]);
    expect(leftovers()).toEqual([]);
  });

  it('runs the Go of the machine in the module, and no Docker', async () => {
    noEngine();
    plant(
      'go',
      `pwd >> '${join(dir, 'folders')}'; case $1 in list) echo github.com/minio/minio ;; build) while [ "$1" != -o ]; do shift; done; echo program > "$2" ;; esac\n`,
    );
    await build(['minio'], { in: 'machine' });
    expect(calls('docker')).toEqual([]);
    expect(calls('go').map(([verb]) => verb)).toEqual(['list', 'build']);
    const module = join(import.meta.dirname, '../go/minio');
    expect(readFileSync(join(dir, 'folders'), 'utf8')).toBe(`${module}\n${module}\n`);
    expect(leftovers()).toEqual(['minio']);
  });
});
