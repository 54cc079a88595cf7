import type { CommonStatus, StoredObject } from '../src/index.ts';

export type Kstatus = 'Terminating' | 'InProgress' | 'Failed' | 'Current';

/**
 * What Flux, Helm, Argo CD and kpt take an object for, as kstatus computes it for a custom resource: its deletion, then the generation,
 * then Reconciling and Stalled in the order in which they stand, then Ready. What says nothing is Current.
 * Source: sigs.k8s.io/cli-utils, pkg/kstatus/status: checkGenericProperties, checkGeneration, checkReadyCondition.
 */
export const kstatusOf = ({ metadata, status }: StoredObject & { readonly status?: CommonStatus }): Kstatus => {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  const { observedGeneration, conditions = [] } = status ?? {};
  if (observedGeneration !== undefined && observedGeneration !== metadata.generation) return 'InProgress';
  for (const condition of conditions) {
    if (condition.type === 'Reconciling' && condition.status === 'True') return 'InProgress';
    if (condition.type === 'Stalled' && condition.status === 'True') return 'Failed';
  }
  const ready = conditions.find(({ type }) => type === 'Ready');
  return ready === undefined || ready.status === 'True' ? 'Current' : 'InProgress';
};
