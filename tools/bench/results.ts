import Type from 'typebox';
import { Value } from 'typebox/value';
import { units, type Figure, type Unit } from './scenario.ts';

/** Where and of what figures were taken: the first line of a file of results. */
export interface Header {
  readonly commit: string;
  /** The working tree was not what the commit says. */
  readonly isDirty: boolean;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryMiB: number;
    readonly kernel: string;
    readonly node: string;
  };
  readonly quick: boolean;
  /** What was to be measured; one that failed has no figures. Results of before November 2026 do not say. */
  readonly scenarios?: readonly string[];
}

export interface Results {
  readonly header: Header;
  readonly figures: readonly Figure[];
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws Error when there is no value */
export const spreadOf = (values: readonly number[]): Spread => {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (index: number): number => {
    const value = sorted[index];
    if (value === undefined) throw new Error('a figure without a value');
    return value;
  };
  const half = (sorted.length - 1) / 2;
  return { median: (at(Math.floor(half)) + at(Math.ceil(half))) / 2, min: at(0), max: at(sorted.length - 1) };
};

/** Undefined without an aim. A count must hold in every run, whatever else in the median. */
export const isHeld = ({ unit, values, aim }: Figure): boolean | undefined => {
  if (aim === undefined) return undefined;
  const { median, min, max } = spreadOf(values);
  return 'atLeast' in aim
    ? (unit === 'count' ? min : median) >= aim.atLeast
    : (unit === 'count' ? max : median) <= aim.atMost;
};

/** A count that does not hold is a defect; a time that does not is a fact about this machine and hour. */
export const isViolated = (figure: Figure): boolean => figure.unit === 'count' && isHeld(figure) === false;

/** The commit, with `+` where the working tree was another. */
export const commitOf = ({ commit, isDirty }: Header): string => `${commit.slice(0, 9)}${isDirty ? '+' : ''}`;

/** JSON lines: the header, then one figure a line. */
export const toLines = ({ header, figures }: Results): string =>
  [header, ...figures].map((line) => `${JSON.stringify(line)}\n`).join('');

/** @throws Error when the text is no file of results */
export const parseResults = (text: string): Results => {
  const [header, ...figures] = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      try {
        return JSON.parse(line) as unknown;
      } catch (cause) {
        throw new Error(`line ${index + 1} is no JSON`, { cause });
      }
    });
  return {
    header: requireShape(headerSchema, header, 'line 1 is no header of results') as Header,
    figures: figures.map((line, index) => requireShape(figureSchema, line, `line ${index + 2} is no figure`) as Figure),
  };
};

const headerSchema = Type.Object({
  commit: Type.String(),
  isDirty: Type.Boolean(),
  startedAt: Type.String({ minLength: 10 }),
  machine: Type.Object({
    cpu: Type.String(),
    cores: Type.Number(),
    memoryMiB: Type.Number(),
    kernel: Type.String(),
    node: Type.String(),
  }),
  quick: Type.Boolean(),
  scenarios: Type.Optional(Type.Array(Type.String())),
});

const figureSchema = Type.Object({
  scenario: Type.String(),
  name: Type.String(),
  unit: Type.Union(units.map((unit) => Type.Literal(unit))),
  values: Type.Array(Type.Number(), { minItems: 1 }),
  aim: Type.Optional(Type.Union([Type.Object({ atLeast: Type.Number() }), Type.Object({ atMost: Type.Number() })])),
  note: Type.Optional(Type.String()),
});

const requireShape = (schema: Type.TSchema, line: unknown, what: string): unknown => {
  const [wrong] = Value.Errors(schema, line);
  if (wrong !== undefined) throw new Error(`${what}: ${`${wrong.instancePath} ${wrong.message}`.trim()}`);
  return line;
};

/** @throws Error for a value that is no number: JSON has none for it, and a file with it could not be read */
export const requireNumbers = ({ scenario, name, values }: Figure): void => {
  if (values.length === 0 || !values.every(Number.isFinite))
    throw new Error(`${scenario}: ${name} was measured as ${values.length === 0 ? 'nothing' : values.join(', ')}`);
};

/** A table for people: one line a figure, with its aim where it has one. */
export const renderTable = (figures: readonly Figure[]): string =>
  inColumns(
    ['scenario', 'figure', 'median', 'spread', 'unit', 'aim', 'note'],
    figures.map((figure) => {
      const { scenario, name, unit, values, note = '' } = figure;
      const { median, min, max } = spreadOf(values);
      const spread = values.length === 1 ? '' : `${round(min, unit)} – ${round(max, unit)} (${values.length})`;
      return [scenario, name, round(median, unit), spread, unit, aimOf(figure), note];
    }),
  );

/** An aim in signs: `≤ 60`. */
export const wishOf = (aim: NonNullable<Figure['aim']>): string =>
  'atLeast' in aim ? `≥ ${aim.atLeast}` : `≤ ${aim.atMost}`;

const aimOf = (figure: Figure): string => {
  const { aim } = figure;
  if (aim === undefined) return '';
  return `${wishOf(aim)} ${isHeld(figure) === true ? 'held' : 'MISSED'}`;
};

/**
 * Medians of the figures that both have, and the change from the first to the second in percent. Then what must be known to read
 * them: a different machine or size, and figures that only one has.
 */
export const renderComparison = (before: Results, after: Results): string => {
  const identity = ({ scenario, name, unit }: Figure) => JSON.stringify([scenario, name, unit]);
  const former = new Map(before.figures.map((figure) => [identity(figure), figure]));
  const rows = after.figures.flatMap((figure) => {
    const other = former.get(identity(figure));
    if (other === undefined) return [];
    const [one, two] = [spreadOf(other.values).median, spreadOf(figure.values).median];
    const change = one === two ? '0 %' : one === 0 ? '' : `${(((two - one) / one) * 100).toFixed(1)} %`;
    return [[figure.scenario, figure.name, round(one, figure.unit), round(two, figure.unit), figure.unit, change]];
  });
  const isOfOne = commitOf(before.header) === commitOf(after.header);
  const name = ({ header }: Results) => `${commitOf(header)}${isOfOne ? ` ${header.startedAt.slice(0, 16)}` : ''}`;
  const table = inColumns(['scenario', 'figure', name(before), name(after), 'unit', 'change'], rows);
  const conditions = ({ header: { quick, machine } }: Results) =>
    [machine.cpu, `${machine.cores} cores`, `node ${machine.node}`, ...(quick ? ['--quick'] : [])].join(', ');
  const onlyIn = (own: Results, others: Results) => {
    const known = new Set(others.figures.map(identity));
    const only = own.figures.filter((figure) => !known.has(identity(figure)));
    return only.length === 0
      ? []
      : [`only in ${name(own)}: ${only.map((one) => `${one.scenario} ${one.name}`).join('; ')}`];
  };
  const differs = conditions(before) !== conditions(after);
  return [
    table,
    ...(differs ? [`${name(before)}: ${conditions(before)}`, `${name(after)}: ${conditions(after)}`] : []),
    ...onlyIn(before, after),
    ...onlyIn(after, before),
  ].join('\n');
};

const digits: Readonly<Record<Unit, number>> = {
  ratio: 2,
  count: 2,
  ms: 1,
  s: 1,
  B: 0,
  MiB: 1,
  'per second': 1,
  '%': 1,
};

/** Its median, and minimum and maximum where it has several values: `38.2 per second (37.7 – 40.2)`. */
export const showFigure = ({ values, unit }: Figure): string => {
  const { median, min, max } = spreadOf(values);
  const named = unit === 'count' || unit === 'ratio' ? '' : unit === 'per second' ? '/s' : ` ${unit}`;
  const range = values.length === 1 || min === max ? '' : ` (${round(min, unit)} – ${round(max, unit)})`;
  return `${round(median, unit)}${named}${range}`;
};

/** A whole number stays whole. */
const round = (value: number, unit: Unit): string => String(Number(value.toFixed(digits[unit])));

const inColumns = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};
