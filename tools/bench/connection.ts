import { canBePod } from '@operator/tools/harness';

/** How the controllers of a benchmark reach the API server, and the note of figures that depend on it: as in a pod where the machine can. */
export const connection = (): { readonly asPod: boolean; readonly note: string } =>
  canBePod()
    ? { asPod: true, note: 'with a service account, as in a pod' }
    : { asPod: false, note: 'with a kubeconfig, whose reader costs 13 MiB and 100 ms' };
