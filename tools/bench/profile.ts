import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { relative } from 'node:path';
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

/** Milliseconds by what their names belong to, dearest first. */
export const sumsBy = (
  parts: readonly (readonly [name: string, ms: number])[],
  ownerOf: (name: string) => string,
): readonly (readonly [owner: string, ms: number])[] => {
  const sums = new Map<string, number>();
  for (const [name, ms] of parts) sums.set(ownerOf(name), (sums.get(ownerOf(name)) ?? 0) + ms);
  return [...sums].toSorted(([, one], [, other]) => other - one);
};

/** What a profile says. */
export interface ReadProfile {
  /** Milliseconds in which the process did something. */
  readonly busyMs: number;
  /** Of them, by the project, package or module of Node that the function belongs to; dearest first. */
  readonly origins: readonly (readonly [origin: string, ms: number])[];
  /** Dearest by itself first, without idle time. */
  readonly costs: readonly Cost[];
}

export const readProfile = (path: string): ReadProfile => {
  const all = costsOf(JSON.parse(readFileSync(path, 'utf8')) as CpuProfile, sourcePlaces());
  const costs = all.filter(({ name }) => !/^\((root|idle)\)$/.test(name));
  return {
    busyMs: costs.reduce((sum, { selfMs }) => sum + selfMs, 0),
    origins: sumsBy(
      costs.map(({ name, selfMs }) => [name, selfMs] as const),
      originOf,
    ),
    costs,
  };
};

/** The dearest functions of a profile as text: `most` by their own time, `most` by that of all they call. */
export const tellTop = ({ busyMs, origins, costs }: ReadProfile, most = 25): string => {
  const line = (ms: number, name: string) =>
    `${ms.toFixed(0).padStart(8)} ms ${((ms / busyMs) * 100).toFixed(1).padStart(5)} %  ${name}`;
  const byTotal = costs.toSorted((one, other) => other.totalMs - one.totalMs);
  return [
    `${busyMs.toFixed(0)} ms busy`,
    'by origin:',
    ...origins.slice(0, 12).map(([origin, ms]) => line(ms, origin)),
    'by themselves:',
    ...costs.slice(0, most).map(({ selfMs, name }) => line(selfMs, name)),
    'with what they call:',
    ...byTotal.slice(0, most).map(({ totalMs, name }) => line(totalMs, name)),
  ].join('\n');
};

/** Source: V8, cpu-profiler: what a sample outside of any function is called. */
const native: Readonly<Record<string, string>> = {
  '(program)': 'outside of JavaScript',
  '(garbage collector)': 'garbage collector',
};

/** The project of ours, the package or the module of Node that a function belongs to; what has no place is native. */
const originOf = (name: string): string =>
  native[name] ??
  (/ node:internal\/(?:modules|bootstrap)\//.test(name) ? 'loading of modules' : undefined) ??
  /(?:^|[ /])(node_modules\/(?:@[^/]+\/)?[^/]+|(?:libs|apps|tools)\/[^/]+|node:\S+(?=:\d+$))/.exec(name)?.[1] ??
  'native code called from JavaScript';

/** Who wrote what an origin is of. Where it is nobody's, such as the garbage collector, the origin itself. */
export const authorOf = (origin: string): string => {
  if (origin.startsWith('node_modules/')) return 'packages';
  if (origin.startsWith('node:')) return 'Node’s JavaScript';
  return /^(?:libs|apps|tools)\//.test(origin) ? 'our own code' : origin;
};

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
