import { startWorld as startHarnessWorld, type ServerName, type World } from '@operator/tools/harness';
import { inject } from 'vitest';
import { runsFolder } from './bundles.ts';

/** `name`: of the spec file; its logs stay in .local/e2e/<name>-<random>/logs for an hour. */
export const startWorld = (name: string, servers: readonly ServerName[]): Promise<World> =>
  startHarnessWorld(name, servers, { bundles: inject('bundles'), folder: runsFolder });
