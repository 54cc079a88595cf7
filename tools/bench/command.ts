import { parseArgs } from 'node:util';
import { crowdKinds, type CrowdKind } from './crowd.ts';
import type { Bench, Scenario } from './scenario.ts';

/** The command line names something that is not there; the message says what would be right. */
export class UsageError extends Error {}

export interface Options extends Pick<
  Bench,
  'quick' | 'runs' | 'sizes' | 'kinds' | 'crowdBuckets' | 'soakMinutes' | 'fleets' | 'shards' | 'peers'
> {
  readonly scenarios: readonly string[];
  /** How often all of them are measured, each time into a file of its own. */
  readonly repeat: number;
  /** Keep the results in .local/bench/results. */
  readonly save: boolean;
  /** Compare what was found with bounds.yaml. */
  readonly check: boolean;
}

/** What to do with files of results that are kept; nothing is run. */
export type KeptCommand =
  | { readonly compare: readonly [before: string, after: string] }
  | { readonly check: readonly string[] }
  | { readonly record: readonly string[] };

export const usage = (scenarios: readonly Scenario[]): string =>
  [
    'usage: npm run bench -- [scenario…] [flags]',
    '',
    ...scenarios.map(
      ({ name, title, only }) => `  ${name.padEnd(10)} ${title}${only === 'named' ? '; only when named' : ''}`,
    ),
    '',
    '  --quick               small and short, for its counts only',
    '  --runs N              of each measurement, 3; of thousands of objects fewer',
    '  --sizes N,N,…         numbers of objects to converge, 300,1000',
    `  --kinds KIND,KIND,…   to converge, ${crowdKinds.join(',')}`,
    '  --crowd N             Buckets of the crowd, with a policy and a key for each fifth; 10000',
    '  --soak-minutes N      10; slopes of memory are told from 60 on',
    '  --fleets N,N,…        numbers of Buckets of growth, 2500,5000,10000,20000',
    '  --shards N,N,…        of the largest of them, 1,2,4,8',
    '  --peer NAME=FOLDER    another operator to compare with: its binary `manager` and its CRDs in `crds`',
    '  --repeat N            measure all of it so often, 1; the crowd is made once',
    '  --no-save             keep no results',
    '  --check               compare what was found with tools/bench/bounds.yaml, of --quick the counts',
    '',
    'with files of results, such as .local/bench/results/*.jsonl, nothing is run:',
    '  --compare A B         one beside the other',
    '  --check FILE…         with tools/bench/bounds.yaml',
    '  --record FILE…        mean and spread of five runs or more, into tools/bench/bounds.yaml',
  ].join('\n');

/**
 * Reads the command line; without scenarios, all that are not run by name alone.
 * @throws UsageError
 */
export const readOptions = (
  argv: readonly string[],
  scenarios: readonly Pick<Scenario, 'name' | 'only'>[],
): Options | KeptCommand | 'help' => {
  const { values, positionals } = parse(argv);
  if (values.help === true) return 'help';
  const kept = readKept(values, positionals);
  if (kept !== undefined) return kept;
  const known = scenarios.map(({ name }) => name);
  for (const name of positionals) {
    if (!known.includes(name)) throw new UsageError(`no scenario ${name}; there are: ${known.join(', ')}`);
  }
  const quick = values.quick === true;
  const usual = scenarios.filter(({ only }) => only === undefined || (only === 'whole' && !quick));
  return {
    scenarios: positionals.length === 0 ? usual.map(({ name }) => name) : positionals,
    repeat: whole('--repeat', values.repeat ?? '1'),
    quick,
    runs: whole('--runs', values.runs ?? (quick ? '1' : '3')),
    sizes: ascending('--sizes', values.sizes ?? (quick ? '100' : '300,1000')),
    kinds: (values.kinds?.split(',') ?? crowdKinds).map(readKind),
    crowdBuckets: whole('--crowd', values.crowd ?? (quick ? '100' : '10000')),
    fleets: ascending('--fleets', values.fleets ?? (quick ? '50,100' : '2500,5000,10000,20000')),
    shards: ascending('--shards', values.shards ?? (quick ? '1,2' : '1,2,4,8')),
    soakMinutes: positive('--soak-minutes', values['soak-minutes'] ?? (quick ? '0.5' : '10')),
    peers: new Map((values.peer ?? []).map(readPeer)),
    save: values['no-save'] !== true,
    check: values.check === true,
  };
};

/** Undefined when something is to be run. */
const readKept = (
  values: { readonly compare?: boolean; readonly check?: boolean; readonly record?: boolean },
  positionals: readonly string[],
): KeptCommand | undefined => {
  const chosen = (['compare', 'record', 'check'] as const).filter((name) => values[name] === true);
  if (chosen.length > 1) throw new UsageError(`${chosen.map((name) => `--${name}`).join(' and ')} do not go together`);
  if (values.compare === true) {
    const [before, after, ...rest] = positionals;
    if (before === undefined || after === undefined || rest.length > 0)
      throw new UsageError('--compare takes two files of results');
    return { compare: [before, after] };
  }
  if (values.record === true) {
    if (positionals.length === 0) throw new UsageError('--record takes files of results');
    return { record: positionals };
  }
  const files = positionals.filter((name) => name.endsWith('.jsonl'));
  if (files.length === 0 || values.check !== true) return undefined;
  if (files.length < positionals.length)
    throw new UsageError('--check takes files of results, or scenarios to run, not both');
  return { check: files };
};

const parse = (argv: readonly string[]) => {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: 'boolean' },
        quick: { type: 'boolean' },
        runs: { type: 'string' },
        repeat: { type: 'string' },
        sizes: { type: 'string' },
        kinds: { type: 'string' },
        crowd: { type: 'string' },
        'soak-minutes': { type: 'string' },
        peer: { type: 'string', multiple: true },
        fleets: { type: 'string' },
        shards: { type: 'string' },
        compare: { type: 'boolean' },
        check: { type: 'boolean' },
        record: { type: 'boolean' },
        'no-save': { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
};

const ascending = (flag: string, text: string): readonly number[] => {
  const numbers = text.split(',').map((number) => whole(flag, number));
  if (new Set(numbers).size < numbers.length) throw new UsageError(`${flag}: ${text} has one number twice`);
  return numbers.toSorted((one, other) => one - other);
};

const positive = (flag: string, text: string): number => {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value)))
    throw new UsageError(`${flag}: ${JSON.stringify(text)} is no positive number`);
  return value;
};

const whole = (flag: string, text: string): number => {
  const value = positive(flag, text);
  if (!Number.isInteger(value)) throw new UsageError(`${flag}: ${text} is no whole number`);
  return value;
};

const readKind = (text: string): CrowdKind => {
  const kind = crowdKinds.find((known) => known === text);
  if (kind === undefined) throw new UsageError(`--kinds: no ${text}; there are: ${crowdKinds.join(', ')}`);
  return kind;
};

const readPeer = (text: string): readonly [string, string] => {
  const [name, path] = text.split(/=(.*)/s);
  if (name === undefined || name === '' || path === undefined || path === '') {
    throw new UsageError(`--peer: ${JSON.stringify(text)} is not NAME=FOLDER`);
  }
  return [name, path];
};
