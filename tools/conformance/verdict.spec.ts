import { describe, expect, it } from 'vitest';
import type { CaseResult, RawAnswer } from './bench.ts';
import { conclude, judge } from './verdict.ts';

const result = (change: Partial<CaseResult> = {}): CaseResult => ({
  profile: 'Bucket',
  feature: 'cors',
  title: 'declared, it is there',
  ending: 'holds',
  isDecisive: true,
  isLie: false,
  ms: 1,
  ...change,
});
const raw = (found: RawAnswer['raw']): RawAnswer => ({ raw: found, words: `PutBucketCors: ${found}.` });

describe('the verdict on a feature', () => {
  it.each([
    ['supported', 'what the operator declares is seen', [result()], undefined],
    ['supported', 'a lesser case failed', [result(), result({ isDecisive: false, ending: 'fails' })], undefined],
    [
      'unsupported',
      'the object says so and the server refuses',
      [result({ ending: 'saysUnsupported' })],
      raw('refused'),
    ],
    ['unsupported', 'there is no call to try', [result({ ending: 'saysUnsupported' })], raw('none')],
    [
      'lies',
      'the object says so and the server answers 200 to nothing',
      [result({ ending: 'saysUnsupported' })],
      raw('ignored'),
    ],
    ['lies', 'the object is Ready and nothing is seen', [result({ ending: 'fails', isLie: true })], undefined],
    ['notManaged', 'the object says so and a plain call works', [result({ ending: 'saysUnsupported' })], raw('works')],
    ['notManaged', 'the operator failed and a plain call works', [result({ ending: 'fails' })], raw('works')],
    ['unsupported', 'the operator failed and so does a plain call', [result({ ending: 'fails' })], raw('refused')],
    ['notTried', 'the run lacks what the server asks for', [result({ ending: 'saysUnsupported' })], raw('untried')],
    ['unsupported', 'no case decides', [result({ isDecisive: false })], undefined],
  ] as const)('is %s when %s', (verdict, _why, cases, answer) => {
    expect(judge(cases, answer)).toBe(verdict);
  });

  it('counts, and names what failed with what was seen', () => {
    const cases = [
      result({ feature: 'tagging' }),
      result({ ending: 'saysUnsupported', seen: 'cors: the server has no CORS.' }),
      result({ isDecisive: false, ending: 'fails', title: 'it stays', seen: 'it is gone' }),
    ];
    expect(conclude(cases, (_profile, feature) => (feature === 'cors' ? raw('refused') : undefined))).toEqual([
      {
        name: 'Bucket',
        result: 'failure',
        statistics: { passed: 2, failed: 1 },
        features: {
          cors: {
            verdict: 'unsupported',
            passed: 1,
            failed: 1,
            because: 'cors: the server has no CORS. PutBucketCors: refused.',
          },
          tagging: { verdict: 'supported', passed: 1, failed: 0 },
        },
        failures: [{ case: 'cors: it stays', seen: 'it is gone' }],
      },
    ]);
  });
});
