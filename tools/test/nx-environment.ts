import { join } from 'node:path';

/**
 * What Nx gets in its environment for `npm test`. Results come from the clone alone, whatever else the caller's environment
 * names: a result that another clone or another machine had proves nothing of this one. No process of Nx stays behind, and none of
 * its screens is drawn over our lines. `root`: of the clone. `undefined` removes a variable.
 */
export const nxEnvironment = (root: string): Readonly<Record<string, string | undefined>> => ({
  NX_CACHE_DIRECTORY: join(root, '.nx', 'cache'),
  NX_WORKSPACE_DATA_DIRECTORY: join(root, '.nx', 'workspace-data'),
  NX_SELF_HOSTED_REMOTE_CACHE_SERVER: undefined,
  NX_DAEMON: 'false',
  NX_TUI: 'false',
});
