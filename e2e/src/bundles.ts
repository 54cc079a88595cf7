import { cp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundleApp } from '@operator/tools/bundle';

/** Where the tests start the controllers from: a copy, so that a build meanwhile takes nothing from under them. */
export const bundlesFolder = join(import.meta.dirname, '../../.local/e2e/bundles');

/** Runs once before the end-to-end tests: what they start is what is shipped. */
export default async function bundleApps(): Promise<void> {
  await rm(bundlesFolder, { recursive: true, force: true });
  for (const name of ['provider', 'bucket', 'policy', 'accesskey']) {
    const app = `${name}-controller`;
    await cp(dirname(await bundleApp(`apps/${app}`)), join(bundlesFolder, app), { recursive: true });
  }
}
