import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { watch } from 'chokidar';

/** Editors and git write several files for one change. */
const settleMs = 150;

/** A file that a controller is made of. */
const isSource = (path: string): boolean => /\.(ts|json)$/.test(path) && !path.endsWith('.spec.ts');

/**
 * Calls back with the first file of each change in the sources of one app and of all libs. Folders are watched, not files: a file that
 * an editor or git replaces is seen again, and a new one too. Returns the way to stop.
 */
export function watchSources(
  root: string,
  app: string,
  changed: (path: string) => void,
  onError: (error: unknown) => void,
): () => Promise<void> {
  const libs = readdirSync(join(root, 'libs')).map((lib) => join(root, 'libs', lib, 'src'));
  const folders = [join(root, 'apps', app, 'src'), ...libs].filter((folder) => existsSync(folder));
  const watcher = watch(folders, {
    ignoreInitial: true,
    ignored: (path, stats) => stats?.isFile() === true && !isSource(path),
  });
  let timer: NodeJS.Timeout | undefined;
  watcher.on('all', (event, path) => {
    if (!isSource(path) || !['add', 'change', 'unlink'].includes(event)) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      changed(relative(root, path));
    }, settleMs);
  });
  watcher.on('error', onError);
  return async () => {
    clearTimeout(timer);
    await watcher.close();
  };
}
