import { inWords } from '../narrate.ts';
import { addCounts, type Counts } from './counts.ts';

/** Something that cannot be had here, so that what it is for is neither passed nor failed. */
export interface NotRun {
  /** In words that fit in brackets behind the stage's name. */
  readonly notRun: string;
}

export type StageResult = Counts | NotRun;

export interface Stage {
  readonly name: string;
  /** Stages without which this one would only repeat their failure. */
  readonly needs?: readonly string[];
  readonly run: () => Promise<StageResult>;
}

export interface StageOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/**
 * Runs the stages in their order, until all have run or the signal is aborted; returns the results of those that were reached, by
 * name. A stage that throws is one failure; one that needs another that failed, too; one that needs another that could not be run
 * is not run either.
 */
export async function runStages(stages: readonly Stage[], options: StageOptions): Promise<Map<string, StageResult>> {
  const results = new Map<string, StageResult>();
  for (const stage of stages) {
    if (options.signal.aborted) break;
    const result = await runStage(stage, results, options);
    if (result !== undefined) results.set(stage.name, result);
  }
  return results;
}

/** Undefined when it was interrupted. */
async function runStage(
  { name, needs = [], run }: Stage,
  results: ReadonlyMap<string, StageResult>,
  { signal, log }: StageOptions,
): Promise<StageResult | undefined> {
  for (const need of needs) {
    const found = results.get(need);
    if (found !== undefined && 'notRun' in found) return { notRun: found.notRun };
  }
  const missing = needs.filter((need) => !holds(results.get(need)));
  if (missing.length > 0) {
    log(`\n== ${name}: not run, for want of: ${missing.join(', ')}`);
    return { passed: 0, failed: 1 };
  }
  log(`\n== ${name}`);
  const startedAt = performance.now();
  try {
    return await run();
  } catch (error) {
    if (signal.aborted) return undefined;
    log(error instanceof Error ? error.message : String(error));
    return { passed: 0, failed: 1 };
  } finally {
    log(`== ${name}: ${inWords(performance.now() - startedAt)}`);
  }
}

const holds = (result: StageResult | undefined): boolean =>
  result !== undefined && !('notRun' in result) && result.failed === 0;

/** What is said in the end, and the sum. A stage that was not reached is a failure; one that could not be run here counts as nothing. */
export function conclude(
  stages: readonly Pick<Stage, 'name'>[],
  results: ReadonlyMap<string, StageResult>,
): { readonly lines: readonly string[]; readonly total: Counts } {
  const lines: string[] = [];
  const counts: Counts[] = [];
  for (const { name } of stages) {
    const result = results.get(name);
    if (result === undefined) counts.push({ passed: 0, failed: 1 });
    else if ('notRun' in result) lines.push(`not run: ${name} (${result.notRun})`);
    else {
      counts.push(result);
      const verdict = result.failed === 0 ? 'held  ' : 'FAILED';
      lines.push(`${verdict} ${name}: ${result.passed} passed, ${result.failed} failed`);
      lines.push(...(result.failures ?? []).map((failure) => `       ${failure}`));
    }
  }
  return { lines, total: addCounts(counts) };
}
