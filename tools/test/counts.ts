/** How many tests, or checks that count as one, held and did not. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** As much of a report of vitest's JSON reporter as is counted. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
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
  return { passed: parsed.numPassedTests, failed: failed === 0 && status !== 0 ? 1 : failed };
}

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
