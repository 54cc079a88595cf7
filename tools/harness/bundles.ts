import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { controllerNames, type ControllerName } from '../controllers.ts';
import { bundleController } from '../kept-bundle.ts';
import type { OurKind } from './kube.ts';

const keptMs = 3_600_000;

/** Who looks after each kind. */
export const controllerOf: Readonly<Record<OurKind, ControllerName>> = {
  Provider: 'provider',
  Bucket: 'bucket',
  BucketPolicy: 'policy',
  AccessKey: 'accesskey',
};

/**
 * Bundles the controllers into a folder of its own below `runsFolder`. What earlier runs left in `runsFolder` goes when it is an
 * hour old.
 */
export async function bundleControllers(
  runsFolder: string,
): Promise<{ readonly bundles: string; readonly remove: () => Promise<void> }> {
  await mkdir(runsFolder, { recursive: true, mode: 0o700 });
  for (const entry of await readdir(runsFolder)) {
    const { mtimeMs } = await stat(join(runsFolder, entry));
    if (Date.now() - mtimeMs > keptMs) await rm(join(runsFolder, entry), { recursive: true, force: true });
  }
  const bundles = await mkdtemp(join(runsFolder, 'bundles-'));
  for (const name of controllerNames) await bundleController(name, bundles);
  return { bundles, remove: () => rm(bundles, { recursive: true, force: true }) };
}

/**
 * Bundles the controllers into a folder below `folder`, with a clock for their decisions that a test sets (`createDecisionClock`).
 * What they sign goes by the clock of the machine.
 */
export async function bundleWithDecisionClock(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const bundles = await mkdtemp(join(folder, 'bundles-'));
  const replace = { module: 'libs/runtime/src/system-clock.ts', by: 'tools/harness/bundled/system-clock.ts' };
  for (const name of controllerNames) await bundleController(name, bundles, { replace });
  return bundles;
}
