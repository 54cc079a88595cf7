import { expect, it } from 'vitest';
import { describeResult, tableOf } from './report.ts';
import { holds, type RotationResult } from './rotation.ts';

const good: RotationResult = {
  server: 'minio',
  seconds: 100,
  requests: 9_990,
  refused: 0,
  failed: 0,
  rotations: 2,
  kills: 10,
  former: { before: 400, beforeNotDone: 0, after: 30, afterDone: 0 },
  codes: [],
  leaks: [],
};

it('a proof that holds is told in one row', () => {
  expect(holds(good)).toBe(true);
  expect(
    tableOf([good])
      .split('\n')
      .at(-1)
      ?.split(/ *\| */)
      .filter(Boolean),
  ).toEqual([...['minio', '2', '10', '9990', '100', '0', '0', '400 of 400 done', '30 of 30 refused']]);
});

it.each<[string, Partial<RotationResult>]>([
  [
    '1 requests were refused for their credentials; the answers were InvalidAccessKeyId',
    { refused: 1, codes: ['InvalidAccessKeyId'] },
  ],
  ['2 requests failed', { failed: 2 }],
  ['3 requests failed before the retention ended', { former: { ...good.former, beforeNotDone: 3 } }],
  ['4 requests were not refused after it', { former: { ...good.former, afterDone: 4 } }],
  ['secret put out: the key in the log', { leaks: ['the key in the log'] }],
  ['less was tried than was asked for', { former: { ...good.former, after: 19 } }],
  ['less was tried than was asked for', { kills: 1 }],
])('does not hold: %s', (told, change) => {
  const bad = { ...good, ...change };
  expect(holds(bad)).toBe(false);
  expect(describeResult(bad)).toBe(told);
});
