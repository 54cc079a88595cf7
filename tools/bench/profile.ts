import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { basename, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '@operator/tools/paths';

/** What Node writes with `--cpu-prof`. Source: Chrome DevTools Protocol, Profiler.Profile. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
      readonly columnNumber: number;
    };
    readonly children?: readonly number[];
  }[];
  /** Node ids, one a sample. */
  readonly samples?: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas?: readonly number[];
}

export interface Cost {
  /** Function and place. */
  readonly name: string;
  /** Milliseconds in the function itself. */
  readonly selfMs: number;
  /** Milliseconds in it and in what it called; recursion counts once. */
  readonly totalMs: number;
}

/** What each function cost, dearest by itself first. `placeOf`: names the place of a call frame. */
export const costsOf = (
  { nodes, samples = [], timeDeltas = [] }: CpuProfile,
  placeOf: (url: string, line: number, column: number) => string,
): readonly Cost[] => {
  const self = new Map<number, number>();
  samples.forEach((id, index) => self.set(id, (self.get(id) ?? 0) + (timeDeltas[index] ?? 0) / 1_000));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const costs = new Map<string, { selfMs: number; totalMs: number }>();
  const walk = (id: number, above: ReadonlySet<string>): number => {
    const node = byId.get(id);
    if (node === undefined) return 0;
    const { functionName, url, lineNumber, columnNumber } = node.callFrame;
    const place = url === '' ? '' : ` ${placeOf(url, lineNumber, columnNumber)}`;
    const name = `${functionName === '' ? '(anonymous)' : functionName}${place}`;
    const selfMs = self.get(id) ?? 0;
    const within = new Set(above).add(name);
    const totalMs = (node.children ?? []).reduce((sum, child) => sum + walk(child, within), selfMs);
    const cost = costs.get(name) ?? { selfMs: 0, totalMs: 0 };
    cost.selfMs += selfMs;
    if (!above.has(name)) cost.totalMs += totalMs;
    costs.set(name, cost);
    return totalMs;
  };
  const [root] = nodes;
  if (root !== undefined) walk(root.id, new Set());
  return [...costs].map(([name, cost]) => ({ name, ...cost })).toSorted((one, other) => other.selfMs - one.selfMs);
};

/** The dearest functions of a profile as text: `most` by their own time, `most` by that of all they call. Idle time is left out. */
export const tellTop = (path: string, most = 25): string => {
  const profile = JSON.parse(readFileSync(path, 'utf8')) as CpuProfile;
  const all = costsOf(profile, sourcePlaces());
  const costs = all.filter(({ name }) => !/^\((root|idle|program)\)$/.test(name));
  const busyMs = all.filter(({ name }) => name !== '(idle)').reduce((sum, { selfMs }) => sum + selfMs, 0);
  const line = (ms: number, name: string) =>
    `${ms.toFixed(0).padStart(8)} ms ${((ms / busyMs) * 100).toFixed(1).padStart(5)} %  ${name}`;
  const byTotal = costs.toSorted((one, other) => other.totalMs - one.totalMs);
  const origins = new Map<string, number>();
  for (const { name, selfMs } of costs) origins.set(originOf(name), (origins.get(originOf(name)) ?? 0) + selfMs);
  const program = all.find(({ name }) => name === '(program)');
  return [
    `${basename(path)}: ${busyMs.toFixed(0)} ms busy, of which outside JavaScript ${program?.selfMs.toFixed(0) ?? '0'} ms`,
    'by origin:',
    ...[...origins]
      .toSorted(([, one], [, other]) => other - one)
      .slice(0, 12)
      .map(([origin, ms]) => line(ms, origin)),
    'by themselves:',
    ...costs.slice(0, most).map(({ selfMs, name }) => line(selfMs, name)),
    'with what they call:',
    ...byTotal.slice(0, most).map(({ totalMs, name }) => line(totalMs, name)),
  ].join('\n');
};

/** The project of ours, the package or the module of Node that a function belongs to; what has no place is native. */
const originOf = (name: string): string =>
  /(?:^|[ /])(node_modules\/(?:@[^/]+\/)?[^/]+|(?:libs|apps)\/[^/]+|node:\S+(?=:\d+$))/.exec(name)?.[1] ??
  'native and garbage collector';

/** Finds the sources of bundles by their maps: `libs/runtime/src/informer.ts:40`. */
const sourcePlaces = (): ((url: string, line: number, column: number) => string) => {
  const maps = new Map<string, SourceMap | undefined>();
  const mapOf = (path: string): SourceMap | undefined => {
    if (!maps.has(path)) {
      const text = existsSync(`${path}.map`) ? readFileSync(`${path}.map`, 'utf8') : undefined;
      maps.set(path, text === undefined ? undefined : new SourceMap(JSON.parse(text) as SourceMapPayload));
    }
    return maps.get(path);
  };
  return (url, line, column) => {
    if (!url.startsWith('file:')) return `${url}:${line + 1}`;
    const path = fileURLToPath(url);
    const entry = mapOf(path)?.findEntry(line, column);
    if (entry === undefined || !('originalSource' in entry)) return `${relative(projectRoot, path)}:${line + 1}`;
    return `${entry.originalSource.replace(/^(\.\.\/)+/, '')}:${entry.originalLine + 1}`;
  };
};
