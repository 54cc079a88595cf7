import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { obtainServers } from '../local/servers/obtain.ts';
import { inWords } from '../narrate.ts';
import { projectRoot } from '../paths.ts';
import { untilSignal } from '../signals.ts';
import { addCounts, countTests, type Counts } from './counts.ts';
import { nxEnvironment } from './nx-environment.ts';

// npm test: everything in one go, the cheap things first. The last line is `N passed, N failed`.

interface Stage {
  readonly name: string;
  /** Stages without which this one would only repeat their failure. */
  readonly needs?: readonly string[];
  readonly run: () => Promise<Counts>;
}

const { signal } = untilSignal();
const reports = mkdtempSync(join(tmpdir(), 'wasabi-s3-operator-test-'));

/** A check that holds or does not: one test. */
const check =
  (program: string, ...args: readonly string[]) =>
  async (): Promise<Counts> =>
    (await runProgram(program, args)) === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };

const tests = (project: string) => async (): Promise<Counts> => {
  const report = join(reports, `${project}.json`);
  const status = await runProgram('vitest', [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  return countTests(existsSync(report) ? readFileSync(report, 'utf8') : undefined, status);
};

const servers = async (): Promise<Counts> => {
  const controlPlane = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'] as const;
  const names = [...controlPlane, 'minio', 'versitygw', 'moto', 'seaweedfs'] as const;
  await obtainServers(names, { log: console.log, signal });
  return { passed: 1, failed: 0 };
};

const stages: readonly Stage[] = [
  { name: 'types', run: check('nx', 'run-many', '-t', 'typecheck', '--outputStyle=static') },
  { name: 'lint', run: check('nx', 'run-many', '-t', 'lint', '--outputStyle=static') },
  { name: 'format', run: check('prettier', '--check', '.') },
  { name: 'generated files', run: check('node', 'libs/api/src/generate.ts', '--check') },
  { name: 'unit tests', run: tests('unit') },
  { name: 'servers', run: servers },
  { name: 'integration tests', needs: ['types', 'servers'], run: tests('integration') },
  { name: 'end-to-end tests', needs: ['types', 'servers'], run: tests('e2e') },
  // For its counts: how long things take is no matter here.
  { name: 'benchmarks', needs: ['types', 'servers'], run: check('node', 'tools/bench/main.ts', '--quick') },
];

const results = new Map<string, Counts>();
try {
  for (const stage of stages) {
    signal.throwIfAborted();
    results.set(stage.name, await runStage(stage));
  }
} catch (error) {
  if (!signal.aborted) throw error;
  process.exitCode = 130;
} finally {
  rmSync(reports, { recursive: true, force: true });
}

const total = addCounts([...results.values()]);
console.log('');
for (const [name, { passed, failed }] of results)
  console.log(`${failed === 0 ? 'held  ' : 'FAILED'} ${name}: ${passed} passed, ${failed} failed`);
const unrun = stages.filter(({ name }) => !results.has(name)).length;
if (total.failed + unrun > 0) process.exitCode ??= 1;
console.log(`${total.passed} passed, ${total.failed + unrun} failed`);

async function runStage({ name, needs = [], run }: Stage): Promise<Counts> {
  const missing = needs.filter((need) => results.get(need)?.failed !== 0);
  if (missing.length > 0) {
    console.log(`\n== ${name}: not run, for want of: ${missing.join(', ')}`);
    return { passed: 0, failed: 1 };
  }
  console.log(`\n== ${name}`);
  const startedAt = performance.now();
  try {
    return await run();
  } catch (error) {
    signal.throwIfAborted();
    console.log(error instanceof Error ? error.message : error);
    return { passed: 0, failed: 1 };
  } finally {
    console.log(`== ${name}: ${inWords(performance.now() - startedAt)}`);
  }
}

/** Runs a program of the project to its end, its output being ours. Its exit status; null after a signal. */
function runProgram(program: string, args: readonly string[]): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      cwd: projectRoot,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...nxEnvironment(projectRoot) },
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
