import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { obtainServers } from '../local/servers/obtain.ts';
import { between, contentBetween } from '../marked.ts';
import { projectRoot } from '../paths.ts';
import { runProgram } from '../run-program.ts';
import { untilSignal } from '../signals.ts';
import { countTests } from '../test/counts.ts';
import { tries, withKept, type Try } from './tries.ts';

// npm run kubernetes-versions: the tests to which the control plane matters, on each Kubernetes that is supported, and those of the
// charts with helm 3. What came of it goes into docs/kubernetes-versions.md. `--only 1.35` or `--only helm-3` tries one.

const page = join(projectRoot, 'docs/kubernetes-versions.md');
const { signal } = untilSignal();
const nameOf = ({ kubernetes, helm }: Try) => (helm === '3' ? 'helm-3' : kubernetes);

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true } } });
const unknown = (values.only ?? []).filter((name) => !tries.some((one) => nameOf(one) === name));
if (unknown.length > 0) {
  console.error(`--only: ${unknown.join(', ')} is not known. Use ${tries.map(nameOf).join(', ')}.`);
  process.exit(2);
}

/** What a program says of itself. */
const told = async (program: string, ...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)(program, [...args])).stdout.trim();

const tryOut = async ({ kubernetes, helm, files }: Try): Promise<void> => {
  // What is obtained below, and what the tests obtain, is chosen by it.
  process.env.WASABI_S3_OPERATOR_KUBERNETES = kubernetes;
  process.env.WASABI_S3_OPERATOR_HELM = helm;
  const servers = await obtainServers(
    ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl', 'minio', 'versitygw', 'helm'],
    { log: console.log, signal },
  );
  const dir = mkdtempSync(join(tmpdir(), 'kubernetes-versions-'));
  try {
    const report = join(dir, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const projects = ['--project=integration', '--project=e2e'];
    const status = await runProgram('vitest', ['run', ...projects, ...reporters, ...files], {
      env: process.env,
      signal,
    });
    signal.throwIfAborted();
    const counts = countTests(existsSync(report) ? readFileSync(report, 'utf8') : undefined, status);
    const kept = {
      kubernetes: (await told(servers['kube-apiserver'], '--version')).replace('Kubernetes ', ''),
      helm: await told(servers.helm, 'version', '--template', '{{ .Version }}'),
      passed: counts.passed,
      failed: counts.failed,
      date: new Date().toISOString().slice(0, 10),
    };
    const text = readFileSync(page, 'utf8');
    const next = between(text, 'results', withKept(contentBetween(text, 'results'), kept));
    writeFileSync(page, await format(next, { ...(await resolveConfig(page)), filepath: page }));
    console.log(`Kubernetes ${kept.kubernetes}, helm ${kept.helm}: ${kept.passed} passed, ${kept.failed} failed`);
    for (const failure of counts.failures ?? []) console.log(`  ${failure}`);
    if (counts.failed > 0) process.exitCode = 1;
  } finally {
    rmSync(dir, { recursive: true });
  }
};

try {
  for (const one of tries) if (values.only?.includes(nameOf(one)) ?? true) await tryOut(one);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
