import { join } from 'node:path';
import { bundleControllers } from '@operator/tools/harness';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder with the run's own copy of the bundles. */
    bundles: string;
  }
}

/** What a run leaves behind: the logs of its worlds. */
export const runsFolder = join(import.meta.dirname, '../../.local/e2e');

/** Runs once before the end-to-end tests: what they start is what is shipped. */
export default async function bundleApps(project: TestProject): Promise<() => Promise<void>> {
  const { bundles, remove } = await bundleControllers(runsFolder);
  project.provide('bundles', bundles);
  return remove;
}
