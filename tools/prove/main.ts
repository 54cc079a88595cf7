import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { obtainCeph } from '../local/ceph.ts';
import { obtainServers } from '../local/index.ts';
import { localFolder, projectRoot } from '../paths.ts';
import { untilSignal } from '../signals.ts';
import { BadInput, readCommand, usage, type KillsCommand, type PageCommand, type RotationCommand } from './command.ts';
import { isPageCurrent, keySystems, writePage, type KeySystem } from './kill-matrix.ts';
import { describeResult, tableOf } from './report.ts';
import { holds, proveRotation, type RotationResult } from './rotation.ts';

// npm run prove: see `usage`. Progress goes to standard error, the results to standard output.

const log = (line: string) => console.error(line);
const { signal } = untilSignal();
const args = process.argv.slice(2);

if (args.includes('--help') || args.includes('-h')) {
  console.log(usage);
} else {
  try {
    process.exitCode = await run(readCommand(args, () => Date.now() % 2 ** 32));
  } catch (error) {
    if (signal.aborted) {
      process.exitCode = 130;
      log(signal.reason instanceof Error ? signal.reason.message : 'interrupted');
    } else {
      process.exitCode = 2;
      log(error instanceof Error ? error.message : String(error));
      if (error instanceof BadInput) log('npm run prove -- --help shows how it is called.');
    }
  }
}

/** The exit status. */
async function run(command: RotationCommand | KillsCommand | PageCommand): Promise<number> {
  if (command.does === 'rotation') return rotation(command);
  return command.does === 'kills' ? kills(command) : page(command);
}

/** The exit status. */
async function page({ check }: PageCommand): Promise<number> {
  if (!check) await writePage();
  else if (!(await isPageCurrent())) {
    log('docs/kill-matrix.md is not what docs/kill-matrix makes. Run: npm run prove -- kills --page');
    return 1;
  }
  return 0;
}

/** Sees that the servers are there. `byDefault`: those that are taken where none are named. */
async function obtain(
  named: readonly KeySystem[] | undefined,
  byDefault: readonly KeySystem[],
): Promise<readonly KeySystem[]> {
  const isRoot = process.getuid?.() === 0;
  const chosen = named ?? byDefault.filter((server) => server !== 'ceph' || isRoot);
  if (named === undefined && !isRoot) log('not run: ceph (it needs root)');
  if (chosen.includes('ceph')) await obtainCeph({ log, signal });
  const others = chosen.filter((server) => server !== 'ceph');
  await obtainServers(['etcd', 'kube-apiserver', 'kubectl', ...others], { log, signal });
  return chosen;
}

/** The exit status. */
async function kills({ servers, reads, seed }: KillsCommand): Promise<number> {
  const chosen = await obtain(servers, keySystems);
  const others = chosen.filter((server) => server !== 'ceph');
  const env = { KILL_KEEP: '1', KILL_SEED: String(seed), KILL_READS: reads === undefined ? 'all' : String(reads) };
  const statuses: (number | null)[] = [];
  if (others.length > 0)
    statuses.push(await vitest('e2e', 'key-kills.e2e.spec.ts', { ...env, KILL_SERVERS: others.join() }));
  if (chosen.includes('ceph')) statuses.push(await vitest('ceph', 'key-kills.ceph.root.spec.ts', env));
  signal.throwIfAborted();
  if (statuses.some((status) => status !== 0)) return 1;
  await writePage();
  return 0;
}

/** Runs a spec file of e2e/src to its end. The exit status; null after a signal. */
function vitest(project: string, file: string, env: Readonly<Record<string, string>>): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn('vitest', ['run', '--project', project, `e2e/src/${file}`], {
      cwd: projectRoot,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
    });
    const stop = () => child.kill('SIGTERM');
    signal.addEventListener('abort', stop);
    child.once('error', reject);
    child.once('exit', (code) => {
      signal.removeEventListener('abort', stop);
      resolve(code);
    });
  });
}

/** The exit status. */
async function rotation({ servers, rotations, rate, rereadSeconds, seed }: RotationCommand): Promise<number> {
  const chosen = await obtain(servers, ['minio', 'moto', 'ceph']);
  log(`seed ${String(seed)}`);
  const runs = join(localFolder, 'prove');
  mkdirSync(runs, { recursive: true, mode: 0o700 });
  const results: RotationResult[] = [];
  let isProved = true;
  for (const server of chosen) {
    const folder = mkdtempSync(join(runs, `${server}-`));
    try {
      const options = { server, rotations, perSecond: rate, rereadMs: rereadSeconds * 1_000, seed };
      const result = await proveRotation({ ...options, folder, log, signal });
      results.push(result);
      if (holds(result)) rmSync(folder, { recursive: true, force: true });
      else log(`${server}: ${describeResult(result)}; logs are in ${folder}`);
      isProved &&= holds(result);
    } catch (error) {
      signal.throwIfAborted();
      isProved = false;
      log(`${server}: ${error instanceof Error ? error.message : String(error)}; logs are in ${folder}`);
    }
  }
  if (results.length > 0) console.log(tableOf(results));
  return isProved ? 0 : 1;
}
