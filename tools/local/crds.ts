import { join } from 'node:path';
import { projectRoot } from '../paths.ts';
import type { Kubectl } from './kubectl.ts';

/** Installs the four kinds, from crds/, and waits until they are served. */
export async function installCrds(kubectl: Kubectl): Promise<void> {
  const crds = join(projectRoot, 'crds');
  await kubectl(['apply', '--server-side', '-f', crds]);
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', '-f', crds]);
}
