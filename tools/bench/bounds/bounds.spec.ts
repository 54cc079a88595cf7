import { describe, expect, it } from 'vitest';
import type { Results } from '../results.ts';
import type { Figure } from '../scenario.ts';
import { checkBounds, recordRuns, type Bounds, type Measured, type Rule } from './bounds.ts';

const figure = (name: string, unit: Figure['unit'], ...values: number[]): Figure => ({
  scenario: 'rest',
  name,
  unit,
  values,
});
let runs = 0;
const results = (
  figures: readonly Figure[],
  { quick = false, node = 'v26', ...header }: Partial<Results['header']> & { readonly node?: string } = {},
): Results => ({
  header: {
    commit: '0123456789abcdef',
    isDirty: false,
    startedAt: new Date(Date.UTC(2026, 0, 1) + (runs += 1) * 60_000).toISOString(),
    machine: { cpu: 'any', cores: 2, memoryMiB: 4_096, kernel: '6', node },
    quick,
    ...header,
  },
  figures,
});
const rule = (change: Partial<Rule> = {}): Rule => ({ figures: ['*'], worse: 'more', reason: 'why', ...change });
const none = { machines: [], figures: {} };
const bounds = (rules: readonly Rule[], rest: Readonly<Record<string, Measured>> = {}): Bounds => {
  const form = { machines: ['2 × any, node v26'], figures: { rest } };
  return { rules, quick: form, whole: form };
};
const measured = (mean: number, unit: Figure['unit'] = 'ms'): Measured => ({
  unit,
  mean,
  least: mean - 1,
  most: mean + 1,
  runs: 5,
});

describe('a figure', () => {
  it.each([
    ['holds within a share of the mean', rule({ share: 0.2 }), 120, []],
    [
      'is beyond it',
      rule({ share: 0.2 }),
      121,
      ['rest: p99: 121 ms, bound at most 120; it was 100 over 5 runs (99 – 101)'],
    ],
    ['holds with a fixed margin', rule({ plus: 5 }), 105, []],
    [
      'is beyond a fixed margin',
      rule({ plus: 5 }),
      106,
      ['rest: p99: 106 ms, bound at most 105; it was 100 over 5 runs (99 – 101)'],
    ],
    ['may be better', rule(), 1, []],
    [
      'is too little where less is worse',
      rule({ worse: 'less', share: 0.1 }),
      89,
      ['rest: p99: 89 ms, bound at least 90; it was 100 over 5 runs (99 – 101)'],
    ],
    [
      'must be what it was where either is worse',
      rule({ worse: 'either' }),
      99,
      ['rest: p99: 99 ms, bound at least 100, at most 100; it was 100 over 5 runs (99 – 101)'],
    ],
    ['has no bound where it only tells', rule({ worse: 'neither' }), 1_000, []],
  ])('%s', (_, one, value, want) => {
    expect(checkBounds(bounds([one], { p99: measured(100) }), results([figure('p99', 'ms', value)]))).toEqual(want);
  });

  it('is judged by its median, and a count by every value', () => {
    const known = bounds([rule()], { time: measured(2), writes: measured(2, 'count') });
    const found = [figure('time', 'ms', 1, 2, 9), figure('writes', 'count', 2, 2, 3)];
    expect(checkBounds(known, results(found))).toEqual([
      'rest: writes: 2 – 3 count, bound at most 2; it was 2 over 5 runs (1 – 3)',
    ]);
  });

  it('is held to the first rule that names it', () => {
    const rules = [
      rule({ figures: ['start: *', '*: p9*'], unit: 'count' }),
      rule({ figures: ['rest: p*'], share: 1 }),
      rule(),
    ];
    expect(checkBounds(bounds(rules, { p99: measured(100) }), results([figure('p99', 'ms', 200)]))).toEqual([]);
    expect(checkBounds(bounds(rules, { '5.0 (p)': measured(1) }), results([figure('5.0 (p)', 'ms', 2)]))).toHaveLength(
      1,
    );
  });

  it('needs a rule and a bound, and is missed when it is not there', () => {
    expect(checkBounds(bounds([]), results([figure('p99', 'ms', 1)]))).toEqual([
      'rest: p99: no rule says how far it may be off',
    ]);
    expect(checkBounds(bounds([rule()], { p50: measured(1) }), results([figure('p99', 'ms', 1)]))).toEqual([
      'rest: p99: has no bound yet',
      'rest: p50: has a bound and was not measured',
    ]);
    expect(checkBounds(bounds([rule()], { p99: measured(1, 'count') }), results([figure('p99', 'ms', 1)]))).toEqual([
      'rest: p99: is in ms, and its bound in count',
    ]);
  });

  it('is missing when its scenario was to run and gave nothing', () => {
    const known = bounds([rule()], { p50: measured(1) });
    expect(checkBounds(known, results([], { scenarios: ['rest', 'peer'] }))).toEqual([
      'nothing was measured',
      'rest: p50: has a bound and was not measured',
    ]);
  });

  it('that is a count is judged by its aim too', () => {
    const known = bounds([rule({ plus: 9 })], { writes: measured(0, 'count') });
    const found = { ...figure('writes', 'count', 0, 1), aim: { atMost: 0 } };
    expect(checkBounds(known, results([found]))).toEqual(['rest: writes: 0, 1 count misses its aim']);
  });

  it('without end is beyond any bound', () => {
    expect(checkBounds(bounds([rule()], { p99: measured(1) }), results([figure('p99', 'ms', Infinity)]))).toHaveLength(
      1,
    );
  });

  it('of a quick run is checked when it is a count', () => {
    const known = bounds([rule()], { writes: measured(0, 'count'), bytes: measured(10, 'B') });
    const found = [figure('p99', 'ms', 1), figure('writes', 'count', 1), figure('bytes', 'B', 11)];
    expect(checkBounds(known, results(found, { quick: true }))).toEqual([
      'rest: writes: 1 count, bound at most 0; it was 0 over 5 runs (-1 – 1)',
      'rest: bytes: 11 B, bound at most 10; it was 10 over 5 runs (9 – 11)',
    ]);
  });
});

describe('runs', () => {
  const run = (ms: number, writes: readonly number[] = [0]) =>
    results([figure('p99', 'ms', 1, ms, 900), figure('writes', 'count', ...writes)]);
  const five = [10, 11, 12, 13, 14.5].map((ms) => run(ms, [1, 2]));

  it('become means and spreads', () => {
    const { form, measured: found, notes } = recordRuns({ rules: [rule({ plus: 5 })], quick: none, whole: none }, five);
    expect({ form, notes }).toEqual({ form: 'whole', notes: [] });
    expect(found).toEqual({
      machines: ['2 × any, node v26'],
      figures: {
        rest: {
          p99: { unit: 'ms', mean: 12.1, least: 10, most: 14.5, runs: 5 },
          writes: { unit: 'count', mean: 1.5, least: 1, most: 2, runs: 5 },
        },
      },
    });
  });

  it('leave other scenarios as they were, and say what a person should look at', () => {
    const former = bounds([rule({ unit: 'count' }), rule({ figures: ['rest: told'], worse: 'neither' })], {
      gone: measured(1),
    });
    const other = { p50: measured(1) };
    const known = { ...former, whole: { ...former.whole, figures: { ...former.whole.figures, other } } };
    const some = five.map((one, index) => ({
      ...one,
      figures: [...one.figures, figure('told', 's', 1), ...(index === 0 ? [figure('rare', 'count', 1)] : [])],
    }));
    const { measured: found, notes } = recordRuns(known, some);
    expect(Object.keys(found.figures)).toEqual(['other', 'rest']);
    expect(Object.keys(found.figures.rest ?? {})).toEqual(['p99', 'writes']);
    expect(notes).toEqual([
      'rest: p99: no rule says how far it may be off',
      'rest: writes: its own runs, 1 – 2, go beyond the margin of 1.5',
      'rest: rare: in 1 of the runs only, so it gets no bound',
      'rest: gone: is in none of the runs, so its bound is gone',
    ]);
  });

  it('of the quick form give counts alone', () => {
    const quick = five.map(({ figures }) => results(figures, { quick: true }));
    const { form, measured: found } = recordRuns(bounds([rule()]), quick);
    expect(form).toBe('quick');
    expect(Object.keys(found.figures.rest ?? {})).toEqual(['writes']);
  });

  it.each([
    [five.slice(1), '4 runs are too few: a spread needs 5'],
    [[...five, results([], { quick: true })], 'some runs are quick and some are not'],
    [[...five, five[0]], 'one run is there more than once'],
    [
      [...five, results([{ ...figure('writes', 'count', 1), aim: { atMost: 0 } }])],
      'counts that miss their aim are no measure: rest: writes',
    ],
    [[...five, results([figure('p99', 's', 1)])], 'rest: p99 is not in the same unit in all runs'],
  ])('are refused, case %#', (runs, message) => {
    expect(() => recordRuns(bounds([rule()]), runs as Results[])).toThrow(message);
  });

  describe('of several machines', () => {
    const elsewhere = results([figure('p99', 'ms', 7), figure('writes', 'count', 9), figure('memory', 'MiB', 70)], {
      node: 'v27',
    });
    const record = (...runs: readonly Results[]) => recordRuns(bounds([rule({ plus: 99 })]), [elsewhere, ...runs]);

    it('bind times to the machine of most runs, and all else to all', () => {
      const { measured: found, notes } = record(...five);
      expect(found.machines).toEqual(['2 × any, node v26', '2 × any, node v27']);
      expect(found.figures.rest?.p99).toMatchObject({ mean: 12.1, least: 10, runs: 5 });
      expect(found.figures.rest?.writes).toMatchObject({ most: 9, runs: 6 });
      expect(notes).toEqual(['rest: memory: in 1 of the runs only, so it gets no bound']);
    });

    it('bind times to all where none has five, and say so', () => {
      const { measured: found, notes } = record(...five.slice(1));
      expect(found.figures.rest?.p99).toMatchObject({ least: 7, runs: 5 });
      expect(notes).toContain('rest: p99: 4 of its 5 runs are of 2 × any, node v26, so all count');
    });
  });

  it('of another machine do not stand beside what stays', () => {
    const former = bounds([rule()]);
    const known = { ...former, whole: { ...former.whole, figures: { other: { p50: measured(1) } } } };
    const elsewhere = five.map(({ figures }) => results(figures, { node: 'v27' }));
    expect(() => recordRuns(known, elsewhere)).toThrow('other would stay as on 2 × any, node v26');
  });

  it('of several commits are recorded, and that is said', () => {
    const [first, ...rest] = five;
    const dirty = results(first?.figures ?? [], { isDirty: true });
    expect(recordRuns(bounds([rule({ plus: 9 })]), [dirty, ...rest]).notes).toEqual([
      'the runs are not of one commit: 012345678+, 012345678',
    ]);
  });
});
