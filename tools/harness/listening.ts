/**
 * The port on which a controller serves a path, as its log says: the last one, for a log may hold several starts.
 * Undefined as long as it has not said so in a line that is complete.
 */
export const portIn = (log: string, path: string): number | undefined =>
  log
    .split('\n')
    .slice(0, -1)
    .reduce<number | undefined>((last, line) => portOf(line, path) ?? last, undefined);

const portOf = (line: string, path: string): number | undefined => {
  if (!line.includes('"event":"listening"')) return undefined;
  const { port, paths } = JSON.parse(line) as { readonly port: number; readonly paths: readonly string[] };
  return paths.includes(path) ? port : undefined;
};
