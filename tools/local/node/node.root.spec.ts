import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startCommand, type Command } from '../../harness/command.ts';
import { listeningAddresses } from '../../harness/listening-addresses.ts';
import { until } from '../../harness/until.ts';
import { isRunning } from '../../lock.mjs';
import { kubectlFor } from '../kubectl.ts';
import { obtainServers } from '../servers/obtain.ts';
import { localPaths, readState } from '../state.ts';
import { createCgroup, removeCgroup } from './cgroup.ts';
import { nodeClusterProcesses } from './start.ts';

let dir: string;
let last: Command;
beforeAll(() => (dir = mkdtempSync(join(tmpdir(), 'a-node-'))));
afterEach(() => last.destroy());
afterAll(() => rmSync(dir, { recursive: true }));

const controlGroups = () =>
  readdirSync('/sys/fs/cgroup', { recursive: true, encoding: 'utf8' }).filter((path) =>
    /wasabi-s3-operator-[^/]*$/.test(path),
  );
/** Of nodes that others on this machine have. */
const before = new Set(controlGroups());

/** What of a node would be seen from here: processes that have mounts of it, and control groups. */
const remains = () => ({
  processes: readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(dir);
    } catch {
      return false; // ended in between
    }
  }),
  groups: controlGroups().filter((path) => !before.has(path)),
});
const nothing = { processes: [], groups: [] };

describe('npm run local -- up --node', () => {
  const local = async (...args: readonly string[]) => {
    last = startCommand(['local', ...args, '--state', join(dir, 'state')], { tmp: dir });
    return { status: await last.ended, output: last.output() };
  };

  it(
    'has a node that is Ready, listens on loopback alone, and leaves nothing when it is ended',
    { timeout: 300_000 },
    async () => {
      const paths = localPaths(join(dir, 'state'));
      const up = await local('up', '--node', '--servers=');
      expect(up.status, up.output).toBe(0);
      const { processes } = readState(paths);
      expect(processes.map(({ name }) => name).toSorted()).toEqual(nodeClusterProcesses.toSorted());
      const addresses = processes.flatMap(({ pid }) => listeningAddresses(pid));
      expect(addresses.filter((address) => !address.startsWith('127.0.0.1:'))).toEqual([]);

      const { kubectl } = await obtainServers(['kubectl']);
      const run = kubectlFor(kubectl, paths.kubeconfig);
      expect(await run(['get', 'nodes', '--no-headers'])).toMatch(/^node +Ready /);
      // By the proxy into its network.
      expect(await run(['get', '--raw', '/api/v1/nodes/node/proxy/healthz'])).toBe('ok');

      const down = await local('down');
      expect(down.status, down.output).toBe(0);
      expect(processes.filter(isRunning)).toEqual([]);
      expect(remains()).toEqual(nothing);
    },
  );
});

describe('npm start -- --node', () => {
  it('proves the key in a pod, and leaves nothing', { timeout: 600_000 }, async () => {
    last = startCommand(['trial', '--node', '--once'], { tmp: dir });
    expect(await last.ended, last.output()).toBe(0);
    expect(last.output()).toMatch(/^proved: an application in a pod says: key \w+ works$/m);
    await last.untilGone();
    expect(remains()).toEqual(nothing);
  });

  it(
    'leaves no process when it is killed, and its control group goes with the next node',
    { timeout: 300_000 },
    async () => {
      last = startCommand(['trial', '--node'], { tmp: dir });
      await last.untilSaid('node ready', 180_000);
      for (const { pid, command } of await last.processes())
        if (command.includes('/trial/main.ts')) process.kill(pid, 'SIGKILL');
      last.kill('SIGKILL');
      await last.untilGone(60_000);
      await until(remains, ({ processes }) => processes.length === 0, { what: 'no process of the node is left' });
      await removeCgroup(createCgroup());
      expect(remains()).toEqual(nothing);
    },
  );
});
