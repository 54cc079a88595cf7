import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { obtainCeph } from '../local/ceph.ts';
import { nodeClusterServers, obtainNodeSystem } from '../local/node/start.ts';
import { obtainServers, Unobtainable, type ObtainOptions } from '../local/servers/obtain.ts';
import type { ServerName } from '../local/versions.ts';
import { projectRoot } from '../paths.ts';
import { runProgram } from '../run-program.ts';
import { untilSignal } from '../signals.ts';
import { countTests, type Counts } from './counts.ts';
import { nxEnvironment } from './nx-environment.ts';
import { conclude, runStages, type Stage, type StageResult } from './stages.ts';

// npm test: everything in one go, the cheap things first. npm run test:root: what needs root; what cannot be had on this machine
// is told as not run, and is no failure. The last line is `N passed, N failed`. With `--counts FILE` the two numbers go there as
// well, and below them what did not hold, for a caller that adds them to others and says the sum.

const {
  values: { counts: countsPath },
  positionals,
} = parseArgs({ options: { counts: { type: 'string' } }, allowPositionals: true });
const isRoot = positionals[0] === 'root';

const { signal } = untilSignal();
const reports = mkdtempSync(join(tmpdir(), 'wasabi-s3-operator-test-'));

// Servers in Go may hold more of what they no longer need: 100 MiB of an API server's memory for a fifth of the CPU time of its start.
const here = { env: { GOGC: '400', ...process.env, ...nxEnvironment(projectRoot) }, signal };

/** A check that holds or does not: one test. */
const check =
  (program: string, ...args: readonly string[]) =>
  async (): Promise<Counts> =>
    (await runProgram(program, args, here)) === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };

const tests = (project: string) => async (): Promise<Counts> => {
  const report = join(reports, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const status = await runProgram('vitest', ['run', '--project', project, ...reporters], here);
  return countTests(existsSync(report) ? readFileSync(report, 'utf8') : undefined, status);
};

const controlPlane = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'] as const;

const monitoring = ['prometheus', 'promtool', 'otelcol'] as const;

const clients = ['aws', 'rclone', 'objstore'] as const;

const servers = (names: readonly ServerName[]) => async (): Promise<Counts> => {
  await obtainServers(names, { log: console.log, signal });
  return { passed: 1, failed: 0 };
};

/** Not run where it cannot be had. */
const whereObtainable = (obtain: (options: ObtainOptions) => Promise<unknown>) => async (): Promise<StageResult> => {
  try {
    await obtain({ log: console.log, signal });
    return { passed: 1, failed: 0 };
  } catch (error) {
    if (error instanceof Unobtainable) return { notRun: error.message };
    throw error;
  }
};

const needsRoot = (run: () => Promise<StageResult>) => (): Promise<StageResult> =>
  process.getuid?.() === 0 ? run() : Promise.resolve({ notRun: 'only root can run them' });

const rootStages: readonly Stage[] = [
  { name: 'Ceph RGW', run: whereObtainable(obtainCeph) },
  { name: 'servers', run: servers([...controlPlane, 'minio', 'helm']) },
  { name: 'tests on Ceph RGW', needs: ['Ceph RGW', 'servers'], run: tests('ceph') },
  { name: 'tests that need root', needs: ['servers'], run: needsRoot(tests('root')) },
  { name: 'a node', run: whereObtainable(obtainNodeSystem) },
  { name: 'servers of a node', needs: ['a node'], run: servers(nodeClusterServers) },
  { name: 'tests on a node', needs: ['a node', 'servers', 'servers of a node'], run: tests('node') },
];

const allStages: readonly Stage[] = [
  // All projects as one program: each alone would read all that it imports once more, which is three times the CPU time.
  { name: 'types', run: check('tsc', '-p', 'tsconfig.all.json') },
  { name: 'lint', run: check('eslint', '--max-warnings', '0', '.') },
  { name: 'dead code', run: check('knip') },
  { name: 'format', run: check('prettier', '--check', '.') },
  { name: 'generated CRDs', run: check('node', 'libs/api/src/generate.ts', '--check') },
  { name: 'generated parts of charts and docs', run: check('node', 'tools/charts/generate.ts', '--check') },
  { name: 'unit tests', run: tests('unit') },
  {
    name: 'servers',
    run: servers([
      ...controlPlane,
      'minio',
      'versitygw',
      'moto',
      'seaweedfs',
      'helm',
      'gitops',
      ...clients,
      ...monitoring,
    ]),
  },
  { name: 'integration tests', needs: ['types', 'servers'], run: tests('integration') },
  { name: 'end-to-end tests', needs: ['types', 'servers'], run: tests('e2e') },
  // For its counts, which bounds.yaml holds: how long things take is no matter here.
  {
    name: 'benchmarks',
    needs: ['types', 'servers'],
    run: check('node', 'tools/bench/main.ts', '--quick', '--check', '--no-save'),
  },
];

const stages = isRoot ? rootStages : allStages;
const results = await runStages(stages, { signal, log: console.log }).finally(() =>
  rmSync(reports, { recursive: true, force: true }),
);
const { lines, total } = conclude(stages, results);
console.log('');
lines.forEach((line) => console.log(line));
if (signal.aborted) process.exitCode = 130;
if (total.failed > 0) process.exitCode ??= 1;
if (countsPath !== undefined) {
  const failed = lines.filter((line) => !line.startsWith('held'));
  writeFileSync(countsPath, [`${total.passed} ${total.failed}`, ...failed, ''].join('\n'));
}
const sum = `${total.passed} passed, ${total.failed} failed`;
console.log(countsPath === undefined ? sum : `${isRoot ? 'npm run test:root' : 'npm test'}: ${sum}`);
