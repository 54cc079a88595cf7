import { writeFileSync } from 'node:fs';
import { untilSignal } from '../signals.ts';
import { clean } from './cleaning.ts';
import { cleanUsers } from './cleaning-users.ts';
import { BadInput, readCommand, usage, type MatrixCommand, type RunCommand } from './command.ts';
import { isMatrixCurrent, writeMatrix } from './kept.ts';
import { countsOf, toYaml, verdictsOf } from './report.ts';
import { runConformance, startOwn } from './run.ts';
import { clientOf, reach, targetAt, type Target } from './target.ts';

// npm run conformance: see `usage`. Progress goes to standard error, the report to a file or to standard output.

const log = (line: string) => console.error(line);
const { signal } = untilSignal();
const args = process.argv.slice(2);

if (args.includes('--help') || args.includes('-h')) {
  console.log(usage);
} else {
  try {
    const command = readCommand(args);
    process.exitCode = command.does === 'matrix' ? await matrix(command) : await run(command);
  } catch (error) {
    if (signal.aborted) {
      process.exitCode = 130;
      log(signal.reason instanceof Error ? signal.reason.message : 'interrupted');
    } else {
      process.exitCode = 2;
      log(error instanceof Error ? error.message : String(error));
      if (error instanceof BadInput) log('npm run conformance -- --help shows how it is called.');
    }
  }
}

/** The exit status. */
async function matrix({ check }: MatrixCommand): Promise<number> {
  if (!check) await writeMatrix();
  else if (!(await isMatrixCurrent())) {
    log('docs/compatibility.md is not what docs/conformance makes. Run: npm run conformance -- --matrix');
    return 1;
  }
  return 0;
}

/** The exit status. */
async function run(command: RunCommand): Promise<number> {
  const { target, stop } = await targetOf(command);
  try {
    if (command.does === 'clean') {
      await reach(target);
      const client = clientOf(target);
      const left = await clean(client, command.bucketPrefix, { ofThisRun: false, log }).finally(() => client.destroy());
      return left + (await cleanUsers(target, { log })) === 0 ? 0 : 1;
    }
    const howToReproduce = ['npm run conformance --', ...args].join(' ');
    const report = await runConformance(target, { ...command, log, signal, howToReproduce });
    const text = toYaml(report);
    if (command.report === undefined) console.log(text);
    else writeFileSync(command.report, text);
    for (const [feature, verdict] of Object.entries(verdictsOf(report))) log(`${verdict.padEnd(12)}${feature}`);
    const { passed, failed } = countsOf(report);
    log(`${String(passed)} cases passed, ${String(failed)} failed`);
    return failed === 0 ? 0 : 1;
  } finally {
    await stop();
  }
}

async function targetOf({ at }: RunCommand): Promise<{ readonly target: Target; readonly stop: () => Promise<void> }> {
  return typeof at === 'string'
    ? startOwn(at, { log, signal })
    : { target: await targetAt(at), stop: () => Promise.resolve() };
}
