import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { bundleControllers } from '@operator/tools/harness';
import { obtainServers } from '@operator/tools/local';
import { inWords } from '@operator/tools/narrate';
import { localFolder, projectRoot } from '@operator/tools/paths';
import { untilSignal } from '@operator/tools/signals';
import { checkBounds, formOf, machineOf, recordRuns } from './bounds/bounds.ts';
import { boundsPath, readBounds, writeForm } from './bounds/file.ts';
import { readOptions, usage, UsageError, type KeptCommand, type Options } from './command.ts';
import { makeCrowd, type Crowd } from './crowd.ts';
import {
  isViolated,
  parseResults,
  requireNumbers,
  renderComparison,
  renderTable,
  toLines,
  type Header,
  type Results,
} from './results.ts';
import type { Bench, Figure, Scenario } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';

// npm run bench: see `usage`. A table for each scenario on standard output, JSON lines at the end; what goes on, on standard error.

const resultsFolder = join(localFolder, 'bench', 'results');
const log = (line: string) => console.error(line);

const run = async (options: Options, signal: AbortSignal): Promise<number> => {
  const chosen = scenarios.filter(({ name }) => options.scenarios.includes(name));
  for (const scenario of chosen) scenario.check?.(options);
  // Of the tree that is bundled: it may change while the rounds go on.
  const subject = describe(
    options.quick,
    chosen.map(({ name }) => name),
  );
  await obtainServers(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl', 'minio', 'moto'], {
    log,
    signal,
  });
  // Apart from the results: what is old in there goes.
  const runs = join(localFolder, 'bench', 'runs');
  const { bundles, remove } = await bundleControllers(runs);
  const dir = await mkdtemp(join(runs, 'run-'));
  let crowd: Promise<Crowd> | undefined;
  let failed = 0;
  let misses = 0;
  try {
    for (let nth = 1; nth <= options.repeat; nth += 1) {
      if (options.repeat > 1) log(`\n=== ${nth} of ${options.repeat}`);
      const own = join(dir, String(nth));
      mkdirSync(own);
      const round = await measureAll(
        chosen,
        { ...subject, startedAt: new Date().toISOString() },
        {
          ...options,
          signal,
          bundles,
          dir: own,
          log,
          crowd: (bench) => (crowd ??= makeCrowd(bench)),
        },
      );
      failed += round.failed;
      misses += options.check ? await check(round.results) : tellViolated(round.results);
    }
  } finally {
    // Servers that a scenario has not stopped when it was interrupted end with this process.
    if (!signal.aborted) await (await crowd?.catch(() => undefined))?.close();
    await Promise.all([remove(), failed > 0 ? undefined : rm(dir, { recursive: true, force: true, maxRetries: 5 })]);
    if (failed > 0) log(`logs are in ${dir}`);
  }
  return failed + misses > 0 ? 1 : 0;
};

/** Each scenario once; the figures are kept in a file of their own, as soon as they are there, and printed. */
const measureAll = async (
  chosen: readonly Scenario[],
  header: Header,
  given: Omit<Bench, 'found' | 'crowd'> & {
    readonly save: boolean;
    readonly crowd: (bench: Bench) => Promise<Crowd>;
  },
): Promise<{ readonly results: Results; readonly failed: number }> => {
  const { signal } = given;
  const figures: Figure[] = [];
  const path = given.save ? pathFor(header) : undefined;
  const bench: Bench = {
    ...given,
    found: (more) => {
      if (more.length === 0) return;
      more.forEach(requireNumbers);
      figures.push(...more);
      console.log(`\n${renderTable(more)}`);
      // At once: who ends the rest, or whom it ends, keeps what was found.
      if (path !== undefined) writeFileSync(path, toLines({ header, figures }));
    },
    crowd: () => given.crowd(bench),
  };
  let failed = 0;
  const measure = async (scenario: Scenario): Promise<void> => {
    signal.throwIfAborted();
    log(`\n== ${scenario.name}: ${scenario.title}`);
    const startedAt = performance.now();
    try {
      bench.found(await Promise.race([scenario.run(bench), rejectionOf(signal)]));
    } catch (error) {
      signal.throwIfAborted();
      failed += 1;
      log(`${scenario.name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    log(`== ${scenario.name}: ${inWords(performance.now() - startedAt)}`);
  };
  try {
    let long: Promise<void> | undefined;
    for (const scenario of chosen) {
      if (scenario.isTimed) await long;
      const running = measure(scenario);
      if (scenario.isLong === true) {
        long = running;
        long.catch(() => undefined); // met where it is waited for
      } else await running;
    }
    await long;
  } finally {
    if (signal.aborted) log(`interrupted${path !== undefined && figures.length > 0 ? `; kept in ${path}` : ''}`);
  }
  console.log(`\n${toLines({ header, figures })}`);
  if (path !== undefined && figures.length > 0) log(`kept in ${path}`);
  return { results: { header, figures }, failed };
};

/** Says which counts miss their aims; returns how many. */
const tellViolated = ({ figures }: Results): number => {
  const violated = figures.filter(isViolated);
  for (const { scenario, name } of violated) log(`violated: ${scenario}, ${name}`);
  return violated.length;
};

/** Says what is beyond its bound; returns how many figures are. */
const check = async (results: Results): Promise<number> => {
  const bounds = await readBounds(boundsPath);
  const lines = checkBounds(bounds, results);
  for (const line of lines) log(`beyond its bound: ${line}`);
  if (lines.length === 0) log(`of ${results.figures.length} figures, all that have a bound are within it`);
  const machine = machineOf(results);
  const [measuredOn] = formOf(bounds, results).machines;
  if (lines.length > 0 && measuredOn !== undefined && machine !== measuredOn)
    log(`bounds of times are of ${measuredOn}; this is ${machine}`);
  return lines.length;
};

const readResults = (path: string): Results => {
  try {
    return parseResults(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
};

/** @throws UsageError for runs that cannot be recorded */
const recorded = (...given: Parameters<typeof recordRuns>): ReturnType<typeof recordRuns> => {
  try {
    return recordRuns(...given);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
};

const useKept = async (command: KeptCommand): Promise<number> => {
  if ('compare' in command) {
    const [before, after] = command.compare;
    console.log(renderComparison(readResults(before), readResults(after)));
    return 0;
  }
  if ('check' in command) {
    let beyond = 0;
    for (const path of command.check) beyond += await check(readResults(path));
    return beyond > 0 ? 1 : 0;
  }
  const { form, measured, notes } = recorded(await readBounds(boundsPath), command.record.map(readResults));
  await writeForm(boundsPath, form, measured);
  for (const note of notes) log(note);
  const count = Object.values(measured.figures).reduce((sum, byName) => sum + Object.keys(byName).length, 0);
  log(`${boundsPath} has bounds for ${count} figures of ${form} runs`);
  return 0;
};

const rejectionOf = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

const git = (...args: readonly string[]): string =>
  execFileSync('git', [...args], { cwd: projectRoot, encoding: 'utf8' }).trim();

const describe = (quick: boolean, names: readonly string[]): Omit<Header, 'startedAt'> => ({
  commit: git('rev-parse', 'HEAD'),
  isDirty: git('status', '--porcelain') !== '',
  machine: {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    node: process.version,
  },
  quick,
  scenarios: names,
});

/** Where results are kept: beside earlier ones of the same day and commit. */
const pathFor = ({ startedAt, commit, quick }: Header): string => {
  mkdirSync(resultsFolder, { recursive: true });
  const base = join(resultsFolder, `${quick ? 'quick-' : ''}${startedAt.slice(0, 10)}-${commit.slice(0, 9)}`);
  let path = `${base}.jsonl`;
  for (let nth = 2; existsSync(path); nth += 1) path = `${base}-${nth}.jsonl`;
  return path;
};

const { signal } = untilSignal();
try {
  const options = readOptions(process.argv.slice(2), scenarios);
  if (options === 'help') {
    console.log(usage(scenarios));
  } else {
    process.exitCode = 'scenarios' in options ? await run(options, signal) : await useKept(options);
  }
} catch (error) {
  if (signal.aborted) process.exit(130);
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
