import { stripVTControlCharacters } from 'node:util';

/** How many tests, or checks that count as one, held and did not. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** What failed: the test and its first line, each in one line. Left out where there is no more to say than the number. */
  readonly failures?: readonly string[];
}

/** As much of a report of vitest's JSON reporter as is counted. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly TestFile[];
}

interface TestFile {
  readonly name: string;
  readonly status: string;
  readonly message?: string;
  readonly assertionResults: readonly {
    readonly status: string;
    readonly fullName: string;
    readonly failureMessages?: readonly string[];
  }[];
}

/**
 * Counts one run of vitest. A file that failed before its first test counts as one failure; so does a run that ended badly
 * without a failed test in its report, or without any report: a runner that crashed is no success.
 * `report`: the JSON text; undefined when there is none. `status`: exit status, `null` after a signal.
 */
export function countTests(report: string | undefined, status: number | null): Counts {
  const parsed = parseReport(report);
  if (!parsed) return { passed: 0, failed: 1 };
  const brokenFiles = parsed.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  const failed = parsed.numFailedTests + brokenFiles;
  const failures = parsed.testResults.flatMap(failuresIn);
  return {
    passed: parsed.numPassedTests,
    failed: failed === 0 && status !== 0 ? 1 : failed,
    ...(failures.length > 0 && { failures }),
  };
}

const failuresIn = (file: TestFile): readonly string[] => {
  if (file.status === 'failed' && file.assertionResults.length === 0)
    return [`${file.name}: ${firstLine(file.message)}`];
  return file.assertionResults
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => `${fullName}: ${firstLine(failureMessages?.[0])}`);
};

const firstLine = (text = 'no message'): string => stripVTControlCharacters(text).trim().split('\n', 1)[0] ?? '';

function parseReport(report: string | undefined): Report | undefined {
  if (report === undefined) return undefined;
  try {
    const parsed = JSON.parse(report) as Partial<Report>;
    const { numPassedTests, numFailedTests, testResults } = parsed;
    if (typeof numPassedTests !== 'number' || typeof numFailedTests !== 'number' || !testResults) return undefined;
    return { numPassedTests, numFailedTests, testResults };
  } catch {
    return undefined; // cut off in the middle of a crash
  }
}

export const addCounts = (counts: readonly Counts[]): Counts => ({
  passed: counts.reduce((sum, { passed }) => sum + passed, 0),
  failed: counts.reduce((sum, { failed }) => sum + failed, 0),
});
