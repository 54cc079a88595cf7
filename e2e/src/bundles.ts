import { bundleApp } from '@operator/tools/bundle';

/** Runs once before the end-to-end tests: what they start is what is shipped. */
export default async function bundleApps(): Promise<void> {
  for (const name of ['provider', 'bucket', 'policy', 'accesskey']) await bundleApp(`apps/${name}-controller`);
}
