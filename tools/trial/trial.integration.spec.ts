import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controllerNames } from '../controllers.ts';
import { startCommand, type Command } from '../harness/command.ts';
import { allKinds, Kube, searchLogs, SecretsMade, until } from '../harness/index.ts';
import { kubectlFor } from '../local/kubectl.ts';

let tmp: string;
let trial: Command;
beforeEach(() => (tmp = mkdtempSync(join(tmpdir(), 'trial-'))));
afterEach(async () => {
  await trial.destroy();
  rmSync(tmp, { recursive: true });
});

const start = (...args: string[]) => (trial = startCommand(['trial', ...args], { tmp }));
const left = async () => ({ processes: await trial.processes(), files: readdirSync(tmp) });
const isStarted = async (...programs: string[]) => {
  const commands = (await trial.processes()).map(({ command }) => command);
  return programs.every((program) => commands.some((command) => command.includes(program)));
};

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { server: string; 'certificate-authority': string } }[];
  readonly users: readonly { readonly user: { token: string } }[];
}

/** The administrator's way in, as a person finds it. */
const wayIn = (kubeconfigPath: string) => {
  const { clusters, users } = JSON.parse(readFileSync(kubeconfigPath, 'utf8')) as Kubeconfig;
  const cluster = clusters[0]?.cluster;
  return {
    url: cluster?.server ?? '',
    ca: readFileSync(cluster?.['certificate-authority'] ?? '', 'utf8'),
    adminToken: users[0]?.user.token ?? '',
  };
};

/** What the trial has put out of the secrets that are in the cluster by now; `made`: how many those are. */
const findLeaks = async (kubeconfigPath: string) => {
  const [, folder = ''] = /^Logs: (.*)\. Ctrl-C/m.exec(trial.output()) ?? [];
  const at = wayIn(kubeconfigPath);
  const made = new SecretsMade();
  made.add('the administrator token of the API server', at.adminToken);
  const kube = new Kube(at);
  for (const secret of await kube.list('Secret')) made.addFrom(JSON.stringify(secret));
  const leaks = [...made.search('the output', trial.output()), ...(await searchLogs(made, folder))];
  for (const kind of allKinds)
    if (kind !== 'Secret') leaks.push(...made.search(`${kind} objects`, await kube.dump(kind)));
  leaks.push(...made.search('command lines', JSON.stringify(await trial.processes())));
  await kube.close();
  return { made: made.size, leaks };
};

describe('npm start', () => {
  it('proves the quickstart example with the issued key and exits 0', { timeout: 300_000 }, async () => {
    start('--once');
    expect(await trial.ended, trial.output()).toBe(0);
    const output = trial.output();
    expect(output.match(/^proved: .*/gm)).toHaveLength(3);
    for (const kind of ['provider', 'bucket', 'bucketpolicy', 'accesskey']) {
      expect(output).toMatch(new RegExp(`^${kind}\\.s3\\.cloud37\\.dev/quickstart .* True `, 'm'));
    }
    await trial.untilGone();
    expect(await left()).toEqual({ processes: [], files: [] });
  });

  it(
    'stays with a kubeconfig that works until Ctrl-C, has put no secret out by then, leaves nothing and exits 0',
    { timeout: 300_000 },
    async () => {
      start();
      await trial.untilSaid('Ctrl-C stops everything');
      const kubectlPath = /^Look around: (\S+)/m.exec(trial.output())?.[1] ?? '';
      const kubeconfigPath = /^Its kubeconfig: (\S+)/m.exec(trial.output())?.[1] ?? '';
      const names = await kubectlFor(kubectlPath, kubeconfigPath)(['get', 's3', '-A', '-o', 'name']);
      expect(names.trim().split('\n')).toHaveLength(4);
      const servers = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'minio'];
      const controllers = controllerNames.map((name) => `${name}-controller/main.js`);
      expect(await isStarted(...servers, ...controllers)).toBe(true);
      const leases = await kubectlFor(kubectlPath, kubeconfigPath)(['get', 'leases', '-n', 'default', '-o', 'name']);
      expect(leases.match(/(provider|bucket|policy|accesskey)-controller$/gm)).toHaveLength(4);
      // The administrator's token, MinIO's root key, the issued one, and the key of the proofs.
      expect(await findLeaks(kubeconfigPath)).toEqual({ made: 4, leaks: [] });

      trial.interrupt();
      expect(await trial.ended, trial.output()).toBe(0);
      await trial.untilGone();
      expect(await left()).toEqual({ processes: [], files: [] });
    },
  );

  it.each([
    ['its API server starts', () => isStarted('kube-apiserver')],
    ['it bundles and MinIO starts', () => isStarted('kube-controller-manager', 'minio server')],
  ])('leaves nothing when Ctrl-C comes while %s, and exits 130', { timeout: 300_000 }, async (what, isUnderWay) => {
    start();
    await until(isUnderWay, (holds) => holds, { what, timeoutMs: 120_000, everyMs: 20 });
    trial.interrupt();
    expect(await trial.ended, trial.output()).toBe(130);
    expect(trial.output()).toMatch(/^interrupted$/m);
    await trial.untilGone();
    expect(await left()).toEqual({ processes: [], files: [] });
  });

  it('leaves nothing when the process that started it is killed', { timeout: 300_000 }, async () => {
    start();
    await until(
      () => isStarted('kube-controller-manager', 'minio server'),
      (holds) => holds,
      { what: 'it bundles and MinIO starts', timeoutMs: 120_000, everyMs: 20 },
    );
    trial.kill('SIGKILL');
    // What is under way ends first, as after Ctrl-C; here nobody waits for its exit.
    await trial.untilGone(60_000);
    expect(await left()).toEqual({ processes: [], files: [] });
  });
});
