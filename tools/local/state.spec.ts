import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  describeState,
  endProcesses,
  kindClusterName,
  localPaths,
  readState,
  recordProcess,
  removeState,
  writeState,
  type LocalPaths,
} from './state.ts';

let dir: string;
let paths: LocalPaths;
const children: ChildProcessWithoutNullStreams[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'state-'));
  paths = localPaths(join(dir, '.local'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dir, { recursive: true });
});

async function start(name: string, script = 'exec sleep 60') {
  const child = spawn('/bin/sh', ['-c', script]);
  children.push(child);
  await once(child, 'spawn');
  const started = { name, pid: child.pid ?? 0, logPath: join(dir, `${name}.log`) };
  return { child, started, ended: once(child, 'exit') };
}

const server = {
  name: 'minio',
  endpoint: 'http://127.0.0.1:1',
  region: 'us-east-1',
  accessKey: 'access',
  secretKey: 'hush',
} as const;

describe('the state of npm run local', () => {
  it('is empty before anything is up', () => {
    expect(describeState(readState(paths), paths)).toEqual({ lines: ['nothing is up'], isWhole: true });
  });

  it('keeps credentials for their owner only', () => {
    writeState(paths, { servers: [server], processes: [] });
    expect(statSync(paths.state).mode & 0o777).toBe(0o600);
    expect(statSync(paths.environmentOf('minio')).mode & 0o777).toBe(0o600);
    expect(describeState(readState(paths), paths).lines.join('\n')).not.toContain('hush');
  });

  it('remembers processes in the order of their start', async () => {
    const first = await start('etcd');
    const second = await start('kube-apiserver');
    recordProcess(paths, first.started);
    recordProcess(paths, second.started);
    expect(readState(paths).processes.map(({ name, pid }) => [name, pid])).toEqual([
      ['etcd', first.started.pid],
      ['kube-apiserver', second.started.pid],
    ]);
  });

  it('says honestly that a process died', async () => {
    const { child, started, ended } = await start('etcd');
    recordProcess(paths, started);
    expect(describeState(readState(paths), paths)).toEqual({
      lines: [`running    etcd (pid ${started.pid})`],
      isWhole: true,
    });
    child.kill('SIGKILL');
    await ended;
    expect(describeState(readState(paths), paths)).toEqual({
      lines: [`DEAD       etcd (was pid ${started.pid}), log ${started.logPath}`],
      isWhole: false,
    });
  });

  it('refuses a file that it cannot read instead of forgetting what runs', () => {
    writeState(paths, { servers: [], processes: [] });
    writeFileSync(paths.state, '{"processes": [');
    expect(() => readState(paths)).toThrow(/cannot be read/);
  });

  it('removes what it wrote', () => {
    writeState(paths, { servers: [server], processes: [] });
    removeState(paths);
    expect([paths.state, paths.environmentOf('minio')].filter((path) => existsSync(path))).toEqual([]);
  });
});

describe('endProcesses', () => {
  it('ends exactly the recorded processes', async () => {
    const mine = await start('etcd');
    const other = await start('somebody else');
    recordProcess(paths, mine.started);
    const stranger = { name: 'etcd', logPath: '', pid: other.started.pid, startedAt: 'long ago' };
    await endProcesses([...readState(paths).processes, stranger]);
    expect(await mine.ended).toEqual([null, 'SIGTERM']);
    expect(other.child.exitCode ?? other.child.signalCode).toBeNull();
  });

  it('kills what does not heed SIGTERM', async () => {
    const deaf = await start('deaf', 'trap "" TERM; echo ready; while :; do sleep 1; done');
    await once(deaf.child.stdout, 'data');
    recordProcess(paths, deaf.started);
    await endProcesses(readState(paths).processes, 100);
    expect(await deaf.ended).toEqual([null, 'SIGKILL']);
  });

  it('waits as long as was recorded, and removes what a process leaves, one that has died too', async () => {
    const leaves = [join(dir, 'socket')];
    const deaf = await start('deaf', 'trap "" TERM; echo ready; while :; do sleep 1; done');
    await once(deaf.child.stdout, 'data');
    recordProcess(paths, { ...deaf.started, graceMs: 100, leaves });
    for (const run of ['running', 'dead']) {
      writeFileSync(join(dir, 'socket'), run);
      await endProcesses(readState(paths).processes, 60_000);
      expect(existsSync(join(dir, 'socket')), run).toBe(false);
    }
    expect(await deaf.ended).toEqual([null, 'SIGKILL']);
  });
});

describe('kindClusterName', () => {
  it('is the same for one folder and another for every other', () => {
    const other = localPaths(join(dir, 'other'));
    expect(kindClusterName(localPaths(paths.folder))).toBe(kindClusterName(paths));
    expect(kindClusterName(other)).not.toBe(kindClusterName(paths));
  });

  it('leaves room for what kind appends, in a host name', () => {
    expect(kindClusterName(paths)).toMatch(/^wasabi-s3-operator-local-[0-9a-f]{8}$/);
    expect(`${kindClusterName(paths)}-control-plane`.length).toBeLessThanOrEqual(63);
  });
});
