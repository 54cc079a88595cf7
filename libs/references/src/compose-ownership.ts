import type { ControllerTools } from '@operator/runtime';
import { createProverSource } from '@operator/secrets';
import { clusterIdentity } from './cluster.ts';
import { ownerGone } from './owner-gone.ts';
import { createOwnership, type Ownership } from './ownership.ts';

/** The Ownership of a process, made of what the runtime gives it. `random`: bytes from a cryptographic source. */
export const composeOwnership = (
  { kube, config, operatorNamespace }: Pick<ControllerTools, 'kube' | 'config' | 'operatorNamespace'>,
  random: (bytes: number) => Buffer,
): Ownership => {
  const clusterId = clusterIdentity(kube);
  const formerClusters = config.formerClusterIds;
  return createOwnership({
    clusterId,
    formerClusters,
    prover: createProverSource(kube, operatorNamespace, random),
    ownerGone: ownerGone(kube, clusterId, formerClusters),
  });
};
