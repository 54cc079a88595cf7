import { spreadOf } from '../results.ts';
import { slopeOf } from '../slope.ts';
import type { Find } from './plots.ts';

/** A straight line: `base` without any object, and so much more for each. */
export interface Line {
  readonly base: number;
  readonly each: number;
}

/** By least squares. @throws Error without two sizes */
export const lineOf = (points: readonly (readonly [objects: number, value: number])[]): Line => {
  const each = slopeOf(points);
  if (!Number.isFinite(each)) throw new Error('a line needs two sizes');
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  return { base: mean(1) - each * mean(0), each };
};

const forecasts = [100_000, 1_000_000] as const;
/** Seconds between two looks at an object at which nothing has changed for long. */
const longestPauseSeconds = 3_600;

const grouped = (value: number): string => {
  const size = Math.abs(value);
  const text = String(Number(size < 0.1 ? value.toPrecision(2) : value.toFixed(size >= 100 ? 0 : 2)));
  return text.replaceAll(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ' ');
};

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const headOf = (...cells: readonly string[]): readonly string[] => [row(...cells), row(...cells.map(() => '---'))];

const columns = [
  ['memory', 'memory', 'MiB'],
  ['most memory', 'most memory', 'MiB'],
  ['caches synced', 'start to caches synced', 's'],
  ['all looked at', 'start to all looked at', 's'],
  ['CPU time until then', 'CPU time until then', 's'],
  ['calls for a look', 'calls to storage for each look', ''],
  ['in etcd for each', 'bytes in etcd per object', 'B'],
  ['etcd, database', 'database of etcd', 'MiB'],
  ['API server, memory', 'memory of the API server', 'MiB'],
] as const;

const valueOf = (find: Find, what: string, figure: string): number | undefined => {
  const found = find('growth', `${what}: ${figure}`);
  return found && spreadOf(found.values).median;
};

const shown = (value: number | undefined, unit: string): string =>
  value === undefined ? '' : `${grouped(value)}${unit === '' ? '' : ` ${unit}`}`;

/** What was measured at each size. */
export const fleetTable = (find: Find, fleets: readonly number[]): string =>
  [
    ...headOf('Buckets', ...columns.map(([title]) => title)),
    ...fleets.map((fleet) =>
      row(grouped(fleet), ...columns.map(([, figure, unit]) => shown(valueOf(find, `${fleet} Buckets`, figure), unit))),
    ),
  ].join('\n');

/** What was measured of the largest fleet in shards. */
export const shardTable = (find: Find, fleet: number, shards: readonly number[]): string =>
  [
    ...headOf('shards', 'memory of one', 'of all', 'caches synced', 'all looked at', 'CPU time until then, of all'),
    ...shards.map((count) => {
      const value = (figure: string, unit: string) =>
        shown(valueOf(find, `${fleet} Buckets in ${count} shards`, figure), unit);
      return row(
        String(count),
        value('memory of a shard', 'MiB'),
        value('memory of all', 'MiB'),
        value('start to caches synced', 's'),
        value('start to all looked at', 's'),
        value('CPU time until then, of all', 's'),
      );
    }),
  ].join('\n');

const lineThrough =
  (find: Find, fleets: readonly number[]) =>
  (figure: string): Line =>
    lineOf(
      fleets.flatMap((fleet) => {
        const value = valueOf(find, `${fleet} Buckets`, figure);
        return value === undefined ? [] : [[fleet, value] as const];
      }),
    );

const sizes = [1_000, 10_000, 100_000] as const;
/** What a container is given beyond what was measured, in steps of that many MiB. */
const spare = 1.5;
const stepMebibytes = 64;
/** Calls a second that a Provider allows by default, and at Amazon and Wasabi. */
const callLimits = [1_000, 100] as const;

/** What a controller needs for a fleet: by the lines, and by the calls that its server allows. */
export const sizingTable = (find: Find, fleets: readonly number[]): string => {
  const line = lineThrough(find, fleets);
  const at = ({ base, each }: Line, objects: number) => base + each * objects;
  const calls = valueOf(find, `${fleets.at(-1) ?? 0} Buckets`, 'calls to storage for each look') ?? NaN;
  const [memory, looks, cpu] = [line('memory'), line('start to all looked at'), line('CPU time until then')];
  const duration = (seconds: number) =>
    seconds < 120
      ? shown(Math.ceil(Number(seconds.toPrecision(3))), 's')
      : shown(Math.ceil(Number((seconds / 60).toPrecision(3))), 'min');
  return [
    ...headOf(
      'Buckets',
      'memory',
      'limit to set',
      'cores at rest',
      'calls a second at rest',
      ...callLimits.map((limit) => `all looked at, with ${grouped(limit)} calls a second`),
    ),
    ...sizes.map((objects) => {
      const needed = at(memory, objects);
      return row(
        grouped(objects),
        shown(Math.round(needed), 'MiB'),
        shown(Math.ceil((needed * spare) / stepMebibytes) * stepMebibytes, 'MiB'),
        grouped(Number(((cpu.each * objects) / longestPauseSeconds).toPrecision(1))),
        grouped(Number(((calls * objects) / longestPauseSeconds).toPrecision(2))),
        ...callLimits.map((limit) => duration(Math.max(at(looks, objects), (calls * objects) / limit))),
      );
    }),
  ].join('\n');
};

/** The lines through what was measured, and where they lead. */
export const forecastTable = (find: Find, fleets: readonly number[]): string => {
  const line = lineThrough(find, fleets);
  const largest = fleets.at(-1) ?? 0;
  const calls = valueOf(find, `${largest} Buckets`, 'calls to storage for each look') ?? NaN;
  const stored = valueOf(find, `${largest} Buckets`, 'bytes in etcd per object') ?? NaN;
  const looks = line('CPU time until then');
  const lines: readonly (readonly [what: string, line: Line, unit: string])[] = [
    ['memory of the bucket-controller', line('memory'), 'MiB'],
    ['start to caches synced', line('start to caches synced'), 's'],
    ['start to all looked at', line('start to all looked at'), 's'],
    ['CPU time until then', looks, 's'],
    ['cores at rest, with pauses of an hour', { base: 0, each: looks.each / longestPauseSeconds }, ''],
    ['calls a second at rest, with pauses of an hour', { base: 0, each: calls / longestPauseSeconds }, ''],
    ['objects in etcd', { base: 0, each: stored / 2 ** 20 }, 'MiB'],
    ['memory of the API server', line('memory of the API server'), 'MiB'],
    ['memory of etcd', line('memory of etcd'), 'MiB'],
  ];
  return [
    ...headOf('of n Buckets', 'formula', ...forecasts.map(grouped)),
    ...lines.map(([what, { base, each }, unit]) =>
      row(
        what,
        `${base === 0 ? '' : `${grouped(base)} + `}${grouped(each * 1_000)} × n / 1000${unit === '' ? '' : ` ${unit}`}`,
        ...forecasts.map((objects) => shown(base + each * objects, unit)),
      ),
    ),
  ].join('\n');
};
