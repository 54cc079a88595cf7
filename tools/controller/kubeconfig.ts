import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * The current kubeconfig: the first file of KUBECONFIG, else that of `npm run local`, else kubectl's own.
 * @throws Error with one line when there is none
 */
export function currentKubeconfig(
  env: Readonly<Record<string, string | undefined>>,
  localKubeconfig: string,
  exists: (path: string) => boolean = existsSync,
): string {
  const named = env.KUBECONFIG?.split(delimiter).find((path) => path !== '');
  if (named !== undefined) {
    if (exists(named)) return named;
    throw new Error(`KUBECONFIG names ${named}, which does not exist`);
  }
  const usual = [localKubeconfig, join(env.HOME ?? homedir(), '.kube', 'config')];
  const found = usual.find(exists);
  if (found === undefined)
    throw new Error(`no kubeconfig in KUBECONFIG, ${usual.join(' or ')}: npm run local -- up makes one`);
  return found;
}
