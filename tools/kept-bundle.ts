import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, normalize } from 'node:path';
import { bundleProgram, commitOf, type BundleOptions } from './bundle.ts';
import type { ControllerName } from './controllers.ts';
import { acquireLock } from './lock.mjs';
import { localFolder, projectRoot } from './paths.ts';

/** What a kept bundle was made of: the digests of files below the project, by their paths. */
interface Manifest {
  readonly commit: string | undefined;
  readonly digests: Readonly<Record<string, string>>;
}

/**
 * As `bundleProgram`, but takes the last bundle of this program again while all that went into it is as it was: tests and trials
 * start the same four controllers many times over, and each bundling is seconds of CPU time. What is shipped is bundled anew.
 * Returns the path of its `main.js`. Processes that want the same bundle make it once.
 * @throws Error with esbuild's messages
 */
export async function keptBundle(
  entry: string,
  outdir: string,
  options: BundleOptions = {},
  keptIn: string = join(localFolder, 'bundles'),
): Promise<string> {
  const variant = hash('sha256', JSON.stringify([entry, options.replace])).slice(0, 12);
  const kept = join(keptIn, `${basename(dirname(dirname(entry)))}-${variant}`);
  const release = await acquireLock(`${kept}.lock`);
  try {
    if (!(await isCurrent(kept))) await makeAnew(entry, kept, options);
    await rm(outdir, { recursive: true, force: true });
    await cp(join(kept, 'files'), outdir, { recursive: true });
  } finally {
    release();
  }
  return join(outdir, 'main.js');
}

/** A kept bundle of a controller, in `<folder>/<name>-controller`; returns the path of its `main.js`. */
export const bundleController = (name: ControllerName, folder: string, options: BundleOptions = {}): Promise<string> =>
  keptBundle(`apps/${name}-controller/src/main.ts`, join(folder, `${name}-controller`), options);

async function makeAnew(entry: string, kept: string, options: BundleOptions): Promise<void> {
  // Whose lock we have makes it alone; one that was killed has left its own here.
  const aside = `${kept}.new`;
  try {
    const begunAt = Date.now();
    const { inputs, commit } = await bundleProgram(entry, join(aside, 'files'), options);
    const paths = [...inputs.map(pathOf), ...settingsOf(inputs)];
    const digests = Object.fromEntries(await digestsOf(paths));
    // What was written meanwhile may be in the bundle as it was before: it equals nothing that is found later.
    for (const path of paths) if ((await stat(join(projectRoot, path))).mtimeMs >= begunAt) digests[path] = '';
    const manifest: Manifest = { commit, digests };
    await writeFile(join(aside, 'manifest.json'), JSON.stringify(manifest));
    await rm(kept, { recursive: true, force: true });
    await rename(aside, kept);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function isCurrent(kept: string): Promise<boolean> {
  const path = join(kept, 'manifest.json');
  if (!existsSync(path)) return false;
  const { commit, digests } = JSON.parse(await readFile(path, 'utf8')) as Manifest;
  if (commit !== (await commitOf(projectRoot))) return false;
  const found = await digestsOf(Object.keys(digests));
  return found.every(([path, digest]) => digest !== '' && digest === digests[path]);
}

/** esbuild says `(disabled):` before what a package wants left out. */
const pathOf = (input: string) => normalize(input.replace(/^\(disabled\):/, ''));

/** What decides how inputs are found and compiled: by what, which packages, and what package.json and tsconfig.json above them say. */
function settingsOf(inputs: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const input of inputs)
    for (let folder = dirname(pathOf(input)); !folders.has(folder); folder = dirname(folder)) folders.add(folder);
  const names = ['package.json', 'tsconfig.json', 'tsconfig.base.json', 'package-lock.json'];
  const settings = [...folders].flatMap((folder) => names.map((name) => join(folder, name)));
  return ['tools/bundle.ts', ...settings.filter((path) => existsSync(join(projectRoot, path)))];
}

/** The digest of a file that is gone is empty, as no other is. */
const digestsOf = (paths: readonly string[]): Promise<[string, string][]> =>
  Promise.all(
    paths.map(async (path): Promise<[string, string]> => {
      const full = join(projectRoot, path);
      return [path, existsSync(full) ? hash('sha256', await readFile(full)) : ''];
    }),
  );
