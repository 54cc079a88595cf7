import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { between } from '@operator/tools/marked';
import { projectRoot } from '@operator/tools/paths';
import { format, resolveConfig } from 'prettier';
import { commitOf, isHeld, parseResults, showFigure, wishOf, type Results } from '../results.ts';
import type { Figure } from '../scenario.ts';
import { fleetTable, forecastTable, shardTable, sizingTable } from './growth.ts';
import { convergencePlot, latencyPlot, memoryPlot, type Find } from './plots.ts';
import { tables, type Question } from './questions.ts';

const folder = join(import.meta.dirname, '..', 'results');
/** Runs that the others are told beside: `before.jsonl`, and any whose name begins so. */
const isFormer = (file: string): boolean => file.startsWith('before');
const page = 'docs/performance.md';

/** Results by the name of their file. */
export type Kept = ReadonlyMap<string, Results>;

export const readKept = async (): Promise<Kept> => {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.jsonl')).sort();
  return new Map(
    await Promise.all(
      files.map(async (file) => [file, parseResults(await readFile(join(folder, file), 'utf8'))] as const),
    ),
  );
};

const inOrder = (kept: Kept): readonly (readonly [file: string, results: Results])[] =>
  [...kept].toSorted(([, one], [, other]) => (one.header.startedAt < other.header.startedAt ? -1 : 1));

/**
 * What all runs found of a figure, with the aim of the latest; of a scenario that a file is named after, such as a soak of hours, what that file
 * has alone.
 */
const finderOf = (kept: Kept): Find => {
  const found = new Map<string, Figure>();
  for (const [file, { figures }] of inOrder(kept)) {
    for (const one of figures) {
      if (kept.has(`${one.scenario}.jsonl`) && file !== `${one.scenario}.jsonl`) continue;
      const key = `${one.scenario}: ${one.name}`;
      found.set(key, { ...one, values: [...(found.get(key)?.values ?? []), ...one.values] });
    }
  }
  return (scenario, name) => found.get(`${scenario}: ${name}`);
};

const cell = (figure: Figure | undefined): string => (figure === undefined ? '—' : showFigure(figure));

const aimOf = ({ aim }: Figure): string => (aim === undefined ? '' : wishOf(aim));

/** What no kept run answers has no row. */
const questionTable = (questions: readonly Question[], before: Find, now: Find): string => {
  const rows = questions.flatMap(({ question, scenario, name }) => {
    const [former, latest] = [before(scenario, name), now(scenario, name)];
    const judged = latest ?? former;
    if (judged === undefined) return [];
    const missed = latest !== undefined && isHeld(latest) === false ? ', missed' : '';
    return [`| ${question} | ${cell(former)} | ${cell(latest)} | ${aimOf(judged)}${missed} |`];
  });
  const asked = [...new Set(questions.map(({ scenario }) => scenario))].join(' ');
  return rows.length === 0
    ? `No run is kept: \`npm run bench -- ${asked}\` measures it.`
    : ['| question | before | now | aim |', '| --- | --- | --- | --- |', ...rows].join('\n');
};

const runTable = (kept: Kept): string =>
  [
    '| results | commit | begun | machine | scenarios |',
    '| --- | --- | --- | --- | --- |',
    ...[...kept].map(([file, { header, figures }]) => {
      const { cpu, cores, memoryMiB, kernel, node } = header.machine;
      const scenarios = [...new Set(figures.map(({ scenario }) => scenario))].join(', ');
      const at = header.startedAt.slice(0, 16).replace('T', ' ');
      const machine = `${cores} × ${cpu}, ${(memoryMiB / 1024).toFixed(1)} GiB, Linux ${kernel}, Node ${node}`;
      return `| ${basename(file, '.jsonl')} | ${commitOf(header)} | ${at} | ${machine} | ${scenarios} |`;
    }),
  ].join('\n');

/** What the profile of a path goes to, of the controller and of the raw loop. */
const profileTable = (kept: Kept): string => {
  const profiles = inOrder(kept).map(([, { figures }]) => figures.filter(({ scenario }) => scenario === 'profile'));
  const latest = profiles.findLast(({ length }) => length > 0) ?? [];
  const msOf = new Map(latest.map(({ name, values }) => [name, values[0] ?? 0]));
  const shown = (ms: number | undefined): string => (ms === undefined ? '—' : (Math.round(ms * 100) / 100).toFixed(2));
  return [
    '| path | CPU time, ms | controller | raw loop | beyond it |',
    '| --- | --- | --- | --- | --- |',
    ...latest.flatMap(({ name }) => {
      const [path, side, origin] = name.split(': ');
      if (path === undefined || origin === undefined || side !== 'controller') return [];
      const [ours, raw] = [msOf.get(name), msOf.get(`${path}: raw loop: ${origin}`)];
      const beyond = ours === undefined || raw === undefined ? undefined : ours - raw;
      return [`| ${path} | ${origin} | ${shown(ours)} | ${shown(raw)} | ${shown(beyond)} |`];
    }),
  ].join('\n');
};

const numbersIn = (kept: Kept, pattern: RegExp): readonly number[] => {
  const found = [...kept.values()].flatMap(({ figures }) =>
    figures.flatMap(({ scenario, name }) => {
      const number = scenario === 'growth' ? pattern.exec(name)?.[1] : undefined;
      return number === undefined ? [] : [Number(number)];
    }),
  );
  return [...new Set(found)].toSorted((one, other) => one - other);
};

/** Path below the project → content, from what is kept. `text`: the page as it is. */
export const documented = async (kept: Kept, text: string): Promise<ReadonlyMap<string, string>> => {
  const former = new Map([...kept].filter(([file]) => isFormer(file)));
  const later = new Map([...kept].filter(([file]) => !isFormer(file)));
  const before = finderOf(former);
  const now = finderOf(later);
  const fleets = numbersIn(later, /^(\d+) Buckets: /);
  const shards = numbersIn(later, / Buckets in (\d+) shards: /);
  const parts: Record<string, string> = { runs: runTable(kept), profile: profileTable(later) };
  for (const [name, questions] of Object.entries(tables)) parts[name] = questionTable(questions, before, now);
  if (fleets.length > 1) {
    parts.fleets = fleetTable(now, fleets);
    parts.sizing = sizingTable(now, fleets);
    parts.forecast = forecastTable(now, fleets);
    parts.shards = shardTable(now, fleets.at(-1) ?? 0, shards);
  }
  let content = text;
  for (const [name, part] of Object.entries(parts)) content = between(content, name, part);
  const file = join(projectRoot, page);
  return new Map([
    [page, await format(content, { ...(await resolveConfig(file)), filepath: file })],
    ['docs/pictures/convergence.svg', convergencePlot(now)],
    ['docs/pictures/latency.svg', latencyPlot(now)],
    ['docs/pictures/memory.svg', memoryPlot(now, fleets)],
  ]);
};

export const readPage = (): Promise<string> => readFile(join(projectRoot, page), 'utf8');
