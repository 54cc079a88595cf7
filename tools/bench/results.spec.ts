import { describe, expect, it } from 'vitest';
import {
  isHeld,
  isViolated,
  parseResults,
  renderComparison,
  renderTable,
  requireNumbers,
  spreadOf,
  toLines,
  type Results,
} from './results.ts';
import type { Figure } from './scenario.ts';

const figure = (change: Partial<Figure> = {}): Figure => ({
  scenario: 'rest',
  name: 'writes',
  unit: 'count',
  values: [0],
  ...change,
});
const results = (figures: readonly Figure[], change: Partial<Results['header']> = {}): Results => ({
  header: {
    commit: '0123456789abcdef',
    isDirty: false,
    startedAt: '2026-01-02T03:04:05.000Z',
    machine: { cpu: 'any', cores: 2, memoryMiB: 4_096, kernel: '6', node: 'v26' },
    quick: false,
    ...change,
  },
  figures,
});

describe('spreadOf', () => {
  it.each([
    [[3], { median: 3, min: 3, max: 3 }],
    [[10, 2, 1], { median: 2, min: 1, max: 10 }],
    [[4, 1, 2, 3], { median: 2.5, min: 1, max: 4 }],
  ])('of %j is %j', (values, want) => {
    expect(spreadOf(values)).toEqual(want);
  });

  it('refuses a figure without a value', () => {
    expect(() => spreadOf([])).toThrow('without a value');
  });
});

describe('an aim', () => {
  it.each([
    ['is none', figure(), undefined, false],
    ['of a count holds when every run does', figure({ values: [0, 0], aim: { atMost: 0 } }), true, false],
    ['of a count is violated by one run', figure({ values: [0, 0, 1], aim: { atMost: 0 } }), false, true],
    ['of a count from below, too', figure({ values: [5, 5, 4], aim: { atLeast: 5 } }), false, true],
    ['of a time asks the median', figure({ unit: 'ms', values: [1, 2, 900], aim: { atMost: 300 } }), true, false],
    [
      'of a time is missed without a violation',
      figure({ unit: 'ms', values: [301], aim: { atMost: 300 } }),
      false,
      false,
    ],
  ])('%s', (_, given, held, violated) => {
    expect([isHeld(given), isViolated(given)]).toEqual([held, violated]);
  });
});

describe('results', () => {
  it('are read as they were written', () => {
    const given = results([
      figure(),
      figure({ name: 'p99', unit: 'ms', values: [1.5, 2], aim: { atMost: 300 }, note: 'one' }),
    ]);
    expect(parseResults(toLines(given))).toEqual(given);
  });

  it('are refused without a commit', () => {
    expect(() => parseResults('{"scenario":"rest"}\n')).toThrow('line 1 is no header of results: must');
  });

  it.each([
    ['garbage', 'line 2 is no JSON'],
    ['{"scenario":"rest","name":"p99","unit":"ms"}', 'line 2 is no figure'],
    ['{"scenario":"rest","name":"p99","unit":"ms","values":[null]}', 'line 2 is no figure: /values/0 must be number'],
    ['{"scenario":"rest","name":"p99","unit":"ms","values":[1e999]}', 'line 2 is no figure: /values/0 must be number'],
    ['{"scenario":"rest","name":"p99","unit":"hours","values":[1]}', 'line 2 is no figure: /unit'],
  ])('are refused with %s for a figure', (line, message) => {
    expect(() => parseResults(`${toLines(results([]))}${line}\n`)).toThrow(message);
  });

  it.each([[[]], [[1, NaN]], [[Infinity]]])('have no figure of %j', (values) => {
    expect(() => requireNumbers(figure({ values }))).toThrow('rest: writes was measured as');
  });

  it('become a table', () => {
    expect(
      renderTable([
        figure({ aim: { atMost: 0 } }),
        figure({ name: 'p99', unit: 'ms', values: [280, 310.4, 900], aim: { atMost: 300 }, note: 'at rest' }),
      ]),
    ).toBe(
      [
        'scenario  figure  median  spread         unit   aim           note',
        'rest      writes  0                      count  ≤ 0 held',
        'rest      p99     310.4   280 – 900 (3)  ms     ≤ 300 MISSED  at rest',
      ].join('\n'),
    );
  });

  it('are compared by what both have', () => {
    const before = results([figure({ name: 'p99', unit: 'ms', values: [200] }), figure(), figure({ name: 'old' })]);
    const after = results([figure({ name: 'p99', unit: 'ms', values: [150] }), figure(), figure({ name: 'new' })], {
      commit: 'fedcba9876543210',
      isDirty: true,
    });
    expect(renderComparison(before, after)).toBe(
      [
        'scenario  figure  012345678  fedcba987+  unit   change',
        'rest      p99     200        150         ms     -25.0 %',
        'rest      writes  0          0           count  0 %',
        'only in 012345678: rest old',
        'only in fedcba987+: rest new',
      ].join('\n'),
    );
  });

  it('are compared with the machines when those differ', () => {
    const machine = { cpu: 'other', cores: 4, memoryMiB: 4_096, kernel: '6', node: 'v26' };
    expect(
      renderComparison(results([]), results([], { machine, quick: true, startedAt: '2026-01-03T03:04:05.000Z' }))
        .split('\n')
        .slice(1),
    ).toEqual([
      '012345678 2026-01-02T03:04: any, 2 cores, node v26',
      '012345678 2026-01-03T03:04: other, 4 cores, node v26, --quick',
    ]);
  });
});
