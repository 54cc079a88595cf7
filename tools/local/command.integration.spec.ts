import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCommand, type Command } from '../harness/command.ts';
import { until } from '../harness/until.ts';
import { isRunning } from '../lock.mjs';
import { kubectlFor } from './kubectl.ts';
import { listsBuckets } from './s3-servers.ts';
import { obtainServers } from './servers/obtain.ts';
import { localPaths, readState } from './state.ts';

let tmp: string;
let last: Command;
const folder = () => join(tmp, 'state');
const paths = () => localPaths(folder());

beforeAll(() => (tmp = mkdtempSync(join(tmpdir(), 'local-command-'))));
afterAll(async () => {
  await last.destroy();
  rmSync(tmp, { recursive: true });
});

/** Runs `npm run local -- <args>` to its end. */
async function local(...args: string[]) {
  last = startCommand(['local', ...args, '--state', folder()], { tmp });
  return { status: await last.ended, output: last.output() };
}

const upAll = () => local('up', '--servers', 'minio,moto,versitygw,seaweedfs');
const recorded = () => Object.fromEntries(readState(paths()).processes.map(({ name, pid }) => [name, pid]));
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const isForOwnerOnly = (path: string) => (statSync(path).mode & 0o077) === 0;

/** The variables that an `.env` file exports. */
function exported(path: string): Record<string, string> {
  const words = readFileSync(path, 'utf8').trim().split(' ').slice(1);
  return Object.fromEntries(words.map((word) => word.split(/=(.*)/s).slice(0, 2)) as [string, string][]);
}

/** Files that another user of the machine can read. */
function readableByOthers(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.isFile())
    .map((entry) => ({ entry, at: join(path, entry.name) }))
    .filter(({ at }) => !isForOwnerOnly(at))
    .flatMap(({ entry, at }) => (entry.isDirectory() ? readableByOthers(at) : [at]));
}

// Each goes on where the one before it stopped.
describe('npm run local', () => {
  it('brings up a control plane and the servers asked for, and says where they are', { timeout: 300_000 }, async () => {
    const { status, output } = await upAll();
    expect(status, output).toBe(0);
    const { cluster, servers, processes } = readState(paths());
    const names = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'minio', 'moto', 'versitygw', 'seaweedfs'];
    expect(processes.map(({ name }) => name)).toEqual(names);
    expect(processes.every(isRunning)).toBe(true);
    const { output: told, status: whole } = await local('status');
    expect(whole).toBe(0);
    for (const { name, pid } of processes) expect(told).toContain(`running    ${name} (pid ${pid})`);
    for (const { name, endpoint } of servers) expect(told).toMatch(new RegExp(`^${name} +${endpoint}$`, 'm'));
    expect(told).toContain(`cluster    ${cluster?.url ?? ''}\n           KUBECONFIG=${paths().kubeconfig}`);
  });

  it('leaves a kubeconfig that works, the four kinds installed', async () => {
    const { kubectl } = await obtainServers(['kubectl']);
    const crds = await kubectlFor(kubectl, paths().kubeconfig)(['get', 'crds', '-o', 'name']);
    expect(crds.trim().split('\n')).toEqual(
      ['accesskeys', 'bucketpolicies', 'buckets', 'providers'].map(
        (kind) => `customresourcedefinition.apiextensions.k8s.io/${kind}.s3.cloud37.dev`,
      ),
    );
  });

  it.each(['minio', 'moto', 'versitygw', 'seaweedfs'])('leaves variables with which %s answers', async (server) => {
    const variables = exported(paths().environmentOf(server));
    const { AWS_ENDPOINT_URL = '', AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = variables;
    const credentials = { accessKey: AWS_ACCESS_KEY_ID, secretKey: AWS_SECRET_ACCESS_KEY };
    expect(await listsBuckets(AWS_ENDPOINT_URL, credentials)).toBe(true);
    await expect(listsBuckets(AWS_ENDPOINT_URL, { ...credentials, secretKey: 'wrong' })).rejects.toThrow();
  });

  it('shows no credentials to other users, neither in a file nor on a command line', async () => {
    const { state, kubeconfig, environmentOf } = paths();
    const { servers } = readState(paths());
    const files = [state, kubeconfig, ...servers.map(({ name }) => environmentOf(name))];
    expect(files.map(modeOf)).toEqual(files.map(() => '600'));
    const token = /"token": "(\S+)"/.exec(readFileSync(kubeconfig, 'utf8'))?.[1] ?? '';
    const secrets = [token, 'PRIVATE KEY', ...servers.map(({ secretKey }) => secretKey)];
    expect(secrets.every((secret) => secret.length > 10)).toBe(true);
    const shown = [
      ...readableByOthers(folder()).map((path) => ({ where: path, text: readFileSync(path, 'latin1') })),
      ...(await last.processes()).map(({ pid, command }) => ({ where: `process ${pid}`, text: command })),
    ];
    expect(shown.filter(({ text }) => secrets.some((secret) => text.includes(secret)))).toEqual([]);
  });

  it('tells a dead server, and `up` brings back that one alone', { timeout: 120_000 }, async () => {
    const before = recorded();
    process.kill(before.minio ?? 0, 'SIGKILL');
    await until(
      () => local('status'),
      ({ status, output }) => status === 1 && output.includes('DEAD       minio'),
      { what: 'status tells that minio is dead' },
    );
    expect((await upAll()).status).toBe(0);
    const { minio, ...others } = recorded();
    expect(minio).not.toBe(before.minio);
    expect({ ...others, minio: before.minio }).toEqual(before);
  });

  it('leaves no process and no file after `down`', { timeout: 120_000 }, async () => {
    const count = readState(paths()).processes.length;
    const { status, output } = await local('down');
    expect(status, output).toBe(0);
    expect(output).toContain(`down: ${count} of ${count} recorded processes were running and are ended`);
    await last.untilGone();
    expect(readdirSync(folder())).toEqual([]);
    expect((await local('status')).output).toBe('nothing is up\n');
  });
});
