import { commitOf, isViolated, spreadOf, type Results } from '../results.ts';
import type { Figure, Unit } from '../scenario.ts';

/** Which way a figure is worse; those that are worse `neither` way tell what was done, and have no bound. */
export type Worse = 'more' | 'less' | 'either' | 'neither';

/** How far figures may be from what was measured, and why so far. A person chooses it. */
export interface Rule {
  /** `scenario: name`, where `*` is any text. */
  readonly figures: readonly string[];
  /** Only those in this unit. */
  readonly unit?: Unit;
  readonly worse: Worse;
  /** Share of the mean. */
  readonly share?: number;
  /** In the unit of the figure. */
  readonly plus?: number;
  readonly reason: string;
}

/** One figure over several runs. */
export interface Measured {
  readonly unit: Unit;
  readonly mean: number;
  readonly least: number;
  readonly most: number;
  readonly runs: number;
}

/** What the runs of one form, quick or whole, gave. */
export interface Form {
  /** Where it was measured; the first is the one that figures in time are bound to. */
  readonly machines: readonly string[];
  /** By scenario and name. */
  readonly figures: Readonly<Record<string, Readonly<Record<string, Measured>>>>;
}

export interface Bounds {
  /** The first that names a figure holds for it. */
  readonly rules: readonly Rule[];
  readonly quick: Form;
  readonly whole: Form;
}

const leastRuns = 5;

type Seen = Figure & { readonly machine: string };

export const machineOf = ({ header: { machine } }: Results): string =>
  `${machine.cores} × ${machine.cpu}, node ${machine.node}`;

/** What is known of runs of that form. */
export const formOf = (bounds: Bounds, { header: { quick } }: Results): Form => (quick ? bounds.quick : bounds.whole);

const matches = ({ figures, unit }: Rule, figure: Figure): boolean =>
  (unit === undefined || unit === figure.unit) &&
  figures.some((pattern) => patternOf(pattern).test(`${figure.scenario}: ${figure.name}`));

const patternOf = (text: string): RegExp =>
  new RegExp(
    `^${text
      .split('*')
      .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
      .join('.*')}$`,
    's',
  );

const ruleOf = ({ rules }: Bounds, figure: Figure): Rule | undefined => rules.find((rule) => matches(rule, figure));

/** What is counted: the same on every machine, however busy. */
const isCounted = ({ unit }: Figure): boolean => unit === 'count' || unit === 'B';

/** What goes by how fast a machine is; the rest is the same on any of its size, or nearly so. */
const isTimed = ({ unit }: Figure): boolean => ['ms', 's', 'per second', '%'].includes(unit);

/** The quick form is too small, and its machine too busy, to say anything of time or memory. */
const isMeant = ({ header: { quick } }: Results, figure: Figure): boolean => !quick || isCounted(figure);

/** A count must hold each time, all else in the median. */
const rangeOf = (figure: Figure): { readonly least: number; readonly most: number } => {
  const { median, min, max } = spreadOf(figure.values);
  return isCounted(figure) ? { least: min, most: max } : { least: median, most: median };
};

/** A figure's bounds; an open end is infinite. */
const limitsOf = ({ worse, share = 0, plus = 0 }: Rule, { mean }: Measured) => {
  const margin = Math.abs(mean) * share + plus;
  return {
    atMost: worse === 'more' || worse === 'either' ? mean + margin : Infinity,
    atLeast: worse === 'less' || worse === 'either' ? mean - margin : -Infinity,
  };
};

const isWithin = (
  { least, most }: { readonly least: number; readonly most: number },
  { atMost, atLeast }: ReturnType<typeof limitsOf>,
): boolean => {
  // Sums of shares are not exact.
  const slack = (limit: number) => 1e-9 * Math.max(1, Math.abs(limit));
  return most <= atMost + slack(atMost) && least >= atLeast - slack(atLeast);
};

const short = (value: number): string => String(Number(value.toPrecision(4)));

const range = (least: number, most: number): string =>
  least === most ? short(least) : `${short(least)} – ${short(most)}`;

/**
 * One line for each figure that is beyond its bound, has none, or was not measured although its scenario was to run, and for each count that
 * misses its aim. Empty: all hold.
 */
export const checkBounds = (bounds: Bounds, results: Results): readonly string[] => {
  const { figures: known } = formOf(bounds, results);
  const meant = results.figures.filter((figure) => isMeant(results, figure));
  const beyond = meant.flatMap((figure) => {
    const name = `${figure.scenario}: ${figure.name}`;
    const rule = ruleOf(bounds, figure);
    if (rule === undefined) return [`${name}: no rule says how far it may be off`];
    if (rule.worse === 'neither') return [];
    const measured = known[figure.scenario]?.[figure.name];
    if (measured === undefined) return [`${name}: has no bound yet`];
    if (measured.unit !== figure.unit) return [`${name}: is in ${figure.unit}, and its bound in ${measured.unit}`];
    const found = rangeOf(figure);
    const limits = limitsOf(rule, measured);
    if (isWithin(found, limits)) return [];
    const bound = [
      ...(limits.atLeast === -Infinity ? [] : [`at least ${short(limits.atLeast)}`]),
      ...(limits.atMost === Infinity ? [] : [`at most ${short(limits.atMost)}`]),
    ].join(', ');
    const before = `${short(measured.mean)} over ${measured.runs} runs (${range(measured.least, measured.most)})`;
    return [`${name}: ${range(found.least, found.most)} ${figure.unit}, bound ${bound}; it was ${before}`];
  });
  const violated = results.figures
    .filter(isViolated)
    .map(
      ({ scenario, name, values, unit }) =>
        `${scenario}: ${name}: ${values.map(short).join(', ')} ${unit} misses its aim`,
    );
  const has = new Set(results.figures.map(({ scenario, name }) => JSON.stringify([scenario, name])));
  const wanted = [...(results.header.scenarios ?? []), ...results.figures.map(({ scenario }) => scenario)];
  const missing = [...new Set(wanted)].flatMap((scenario) =>
    Object.keys(known[scenario] ?? {})
      .filter((name) => !has.has(JSON.stringify([scenario, name])))
      .map((name) => `${scenario}: ${name}: has a bound and was not measured`),
  );
  const nothing = results.figures.length === 0 ? ['nothing was measured'] : [];
  return [...nothing, ...violated, ...beyond, ...missing];
};

/** The machines of these runs, that of most of them first. */
const machinesOf = (runs: readonly Results[]): readonly string[] =>
  [...Map.groupBy(runs, machineOf)]
    .toSorted(([, some], [, others]) => others.length - some.length)
    .map(([machine]) => machine);

/**
 * What bounds are to be computed from: the scenarios that these runs had are measured anew, the others stay. A figure in time is that of the
 * machine of most runs where it has five runs there, else of all.
 * `notes`: what a person should look at.
 * @throws Error when they are fewer than five, the same twice, of different forms or other machines than what stays, or miss the aim of a count
 */
export const recordRuns = (
  bounds: Bounds,
  runs: readonly Results[],
): { readonly form: 'quick' | 'whole'; readonly measured: Form; readonly notes: readonly string[] } => {
  const [first] = runs;
  if (first === undefined || runs.length < leastRuns)
    throw new Error(`${runs.length} runs are too few: a spread needs ${leastRuns}`);
  if (runs.some(({ header }) => header.quick !== first.header.quick))
    throw new Error('some runs are quick and some are not');
  const machines = machinesOf(runs);
  const [mostly] = machines;
  if (new Set(runs.map(({ header }) => header.startedAt)).size < runs.length)
    throw new Error('one run is there more than once');
  const missed = runs.flatMap(({ figures }) =>
    figures.filter(isViolated).map(({ scenario, name }) => `${scenario}: ${name}`),
  );
  if (missed.length > 0) throw new Error(`counts that miss their aim are no measure: ${missed.join('; ')}`);
  const former = formOf(bounds, first);
  const stay = Object.keys(former.figures).filter((scenario) =>
    runs.every(({ figures }) => figures.every((figure) => figure.scenario !== scenario)),
  );
  const [here, there] = [machines.join('; '), former.machines.join('; ')];
  if (stay.length > 0 && there !== here)
    throw new Error(`${stay.join(', ')} would stay as on ${there}, and these runs are of ${here}: measure them too`);

  const commits = new Set(runs.map(({ header }) => commitOf(header)));
  const notes: string[] = [];
  if (commits.size > 1 || [...commits].some((commit) => commit.endsWith('+')))
    notes.push(`the runs are not of one commit: ${[...commits].join(', ')}`);
  const seen = new Map<string, Map<string, Seen[]>>();
  for (const run of runs) {
    const machine = machineOf(run);
    for (const figure of run.figures) {
      if (!isMeant(run, figure)) continue;
      const ofScenario = seen.get(figure.scenario) ?? new Map<string, Seen[]>();
      const before = ofScenario.get(figure.name) ?? [];
      seen.set(figure.scenario, ofScenario.set(figure.name, [...before, { ...figure, machine }]));
    }
  }
  const figures: Record<string, Record<string, Measured>> = Object.fromEntries(
    Object.entries(former.figures).filter(([scenario]) => !seen.has(scenario)),
  );
  for (const [scenario, byName] of seen) {
    const entries: Record<string, Measured> = {};
    for (const [name, all] of byName) {
      const [figure] = all;
      if (figure === undefined) continue;
      const rule = ruleOf(bounds, figure);
      if (rule?.worse === 'neither') continue;
      if (all.some(({ unit }) => unit !== figure.unit))
        throw new Error(`${scenario}: ${name} is not in the same unit in all runs`);
      const there = isTimed(figure) ? all.filter(({ machine }) => machine === mostly) : all;
      const found = there.length < leastRuns ? all : there;
      if (found.length < leastRuns) {
        notes.push(`${scenario}: ${name}: in ${found.length} of the runs only, so it gets no bound`);
        continue;
      }
      if (found.length > there.length)
        notes.push(`${scenario}: ${name}: ${there.length} of its ${found.length} runs are of ${mostly}, so all count`);
      const measured = measure(figure.unit, found);
      entries[name] = measured;
      if (rule === undefined) notes.push(`${scenario}: ${name}: no rule says how far it may be off`);
      else if (!isWithin(measured, limitsOf(rule, measured)))
        notes.push(
          `${scenario}: ${name}: its own runs, ${range(measured.least, measured.most)}, go beyond the margin of ${short(measured.mean)}`,
        );
    }
    for (const name of Object.keys(former.figures[scenario] ?? {}))
      if (!byName.has(name)) notes.push(`${scenario}: ${name}: is in none of the runs, so its bound is gone`);
    figures[scenario] = entries;
  }
  return { form: first.header.quick ? 'quick' : 'whole', measured: { machines, figures }, notes };
};

const measure = (unit: Unit, found: readonly Figure[]): Measured => {
  const medians = found.map(({ values }) => spreadOf(values).median);
  const ranges = found.map(rangeOf);
  const digits = (value: number) => Number(value.toPrecision(4));
  return {
    unit,
    mean: digits(medians.reduce((sum, median) => sum + median, 0) / medians.length),
    least: digits(Math.min(...ranges.map(({ least }) => least))),
    most: digits(Math.max(...ranges.map(({ most }) => most))),
    runs: found.length,
  };
};
