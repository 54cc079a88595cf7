import { describe, expect, it } from 'vitest';
import { countTests } from './counts.ts';

const report = (numPassedTests: number, numFailedTests: number, testResults: readonly object[] = []) =>
  JSON.stringify({ numPassedTests, numFailedTests, testResults });

describe('countTests', () => {
  it.each([
    ['all passed', report(7, 0), 0, { passed: 7, failed: 0 }],
    ['some failed', report(5, 2), 1, { passed: 5, failed: 2 }],
    [
      'a file that does not load',
      report(5, 0, [{ name: 'a.spec.ts', status: 'failed', message: 'no such module\n  at', assertionResults: [] }]),
      1,
      { passed: 5, failed: 1, failures: ['a.spec.ts: no such module'] },
    ],
    [
      'a failed file counts by its tests',
      report(5, 1, [
        {
          name: 'a.spec.ts',
          status: 'failed',
          assertionResults: [
            { status: 'passed', fullName: 'a works', failureMessages: [] },
            { status: 'failed', fullName: 'b works', failureMessages: ['\u001b[31mexpected 1\u001b[39m\n  at b.ts'] },
          ],
        },
      ]),
      1,
      { passed: 5, failed: 1, failures: ['b works: expected 1'] },
    ],
    ['an error outside any test', report(5, 0), 1, { passed: 5, failed: 1 }],
    ['a runner ended by a signal after its report', report(5, 0), null, { passed: 5, failed: 1 }],
    ['a runner that crashed', undefined, 134, { passed: 0, failed: 1 }],
    ['a report cut off', '{"numPassedTests": 5', 0, { passed: 0, failed: 1 }],
    ['something else', '{}', 0, { passed: 0, failed: 1 }],
  ] as const)('%s', (_name, text, status, want) => {
    expect(countTests(text, status)).toEqual(want);
  });
});
