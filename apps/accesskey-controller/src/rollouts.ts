import { annotations, type AccessKeySpec, type AccessKeyStatus } from '@operator/api';
import type { KubeClient, Resource } from '@operator/runtime';
import { explainForbidden } from './forbidden.ts';

type Target = NonNullable<AccessKeySpec['rollout']>[number];
export type RolloutStatus = NonNullable<AccessKeyStatus['rollouts']>[number];

/** What is read of a workload. Source: Kubernetes API, apps/v1. */
export interface Workload {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string; readonly generation?: number };
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: { readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> } };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly desiredNumberScheduled?: number;
    readonly updatedNumberScheduled?: number;
    readonly numberAvailable?: number;
  };
}

/** One entry of `spec.rollout`, as it was found. */
export interface SeenRollout {
  readonly status: RolloutStatus;
  /** What is to be restarted for the pair in the Secret; undefined where nothing is. */
  readonly outdated: Workload | undefined;
}

/** Which pair the Secret has, and of which AccessKey. */
export interface PairInSecret {
  readonly pairGeneration: number;
  readonly uid: string;
}

const plurals: Readonly<Record<Target['kind'], string>> = {
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
};
const resourceOf = (kind: Target['kind']): Resource => ({ group: 'apps', version: 'v1', kind, plural: plurals[kind] });

/** Where and how the workloads of one AccessKey are reached. */
export interface RolloutPlace {
  readonly kube: Pick<KubeClient, 'get' | 'patch'>;
  /** Of the AccessKey. */
  readonly namespace: string;
  readonly signal: AbortSignal;
}

/** Reads what `spec.rollout` names. @throws Fault `waiting` Forbidden where the controller has no right to */
export const observeRollouts = (
  targets: readonly Target[],
  pair: PairInSecret,
  { kube, namespace, signal }: RolloutPlace,
): Promise<readonly SeenRollout[]> =>
  Promise.all(
    targets.map(async (target) => {
      const ref = { namespace, name: target.name };
      const found = await kube.get<Workload>(resourceOf(target.kind), ref, { signal }).catch(explainNoRollouts);
      return lookAt(target, found, pair);
    }),
  );

const explainNoRollouts = explainForbidden(
  'spec.rollout restarts workloads, and the controller may not: set rbac.rollouts to true in the values of its chart.',
);

/** On the template of Pods: which pair they were made for. */
const annotationOf = (uid: string): string => `${annotations.pairPrefix}${uid}`;

/** The pair that the Pods are made for; undefined where nothing says. */
const pairOf = ({ spec }: Workload, uid: string): number | undefined => {
  const value = Number(spec?.template?.metadata?.annotations?.[annotationOf(uid)]);
  return Number.isInteger(value) && value > 0 ? value : undefined;
};

/** Whether all Pods are of the template as it stands. Source: kubectl rollout status. */
const hasRolledOut = ({ kind }: Target, { metadata, spec, status = {} }: Workload): boolean => {
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) return false;
  if (kind === 'DaemonSet') {
    const { desiredNumberScheduled: wanted = 0, updatedNumberScheduled = 0, numberAvailable = 0 } = status;
    return updatedNumberScheduled >= wanted && numberAvailable >= wanted;
  }
  const { replicas: wanted = 1 } = spec ?? {};
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  return updatedReplicas >= wanted && replicas <= updatedReplicas && availableReplicas >= wanted;
};

/** `workload`: undefined where there is none. Pure. */
export const lookAt = (
  target: Target,
  workload: Workload | undefined,
  { pairGeneration, uid }: PairInSecret,
): SeenRollout => {
  const made = workload === undefined ? undefined : pairOf(workload, uid);
  // Pods that were made before there was a second pair have the first one.
  const isCurrent = (made ?? 1) === pairGeneration;
  return {
    status: {
      kind: target.kind,
      name: target.name,
      ...(made === undefined ? {} : { pairGeneration: made }),
      finished: workload !== undefined && isCurrent && hasRolledOut(target, workload),
    },
    outdated: isCurrent ? undefined : workload,
  };
};

/**
 * Restarts what still has Pods of a former pair, each once: the annotation on the template of its Pods says for which pair they are made.
 * @returns whether anything was written
 * @throws KubeError 409 when somebody else wrote it since
 */
export const applyRollouts = async (
  seen: readonly SeenRollout[],
  { pairGeneration, uid }: PairInSecret,
  { kube, namespace, signal }: RolloutPlace,
): Promise<boolean> => {
  let wrote = false;
  for (const { status, outdated } of seen) {
    if (outdated === undefined) continue;
    const { resourceVersion } = outdated.metadata;
    const template = { metadata: { annotations: { [annotationOf(uid)]: String(pairGeneration) } } };
    const patch = { metadata: { uid: outdated.metadata.uid, resourceVersion }, spec: { template } };
    await kube.patch(resourceOf(status.kind), { namespace, name: status.name }, patch, { signal });
    wrote = true;
  }
  return wrote;
};
