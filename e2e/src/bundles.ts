import { cp, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundleApp } from '@operator/tools/bundle';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder with the run's own copy of the bundles: a build meanwhile takes nothing from under its controllers. */
    bundles: string;
  }
}

/** What a run leaves behind: the logs of its worlds. */
export const runsFolder = join(import.meta.dirname, '../../.local/e2e');
const keptMs = 3_600_000;

/** Runs once before the end-to-end tests: what they start is what is shipped. */
export default async function bundleApps(project: TestProject): Promise<() => Promise<void>> {
  await mkdir(runsFolder, { recursive: true, mode: 0o700 });
  for (const entry of await readdir(runsFolder)) {
    const { mtimeMs } = await stat(join(runsFolder, entry));
    if (Date.now() - mtimeMs > keptMs) await rm(join(runsFolder, entry), { recursive: true, force: true });
  }
  const bundles = await mkdtemp(join(runsFolder, 'bundles-'));
  for (const name of ['provider', 'bucket', 'policy', 'accesskey']) {
    const app = `${name}-controller`;
    await cp(dirname(await bundleApp(`apps/${app}`)), join(bundles, app), { recursive: true });
  }
  project.provide('bundles', bundles);
  return () => rm(bundles, { recursive: true, force: true });
}
