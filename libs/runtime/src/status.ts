import { conditionTypes, reasons } from '@operator/api';
import { type Condition, type Verdict, summarise } from '@operator/conditions';
import type { Claim } from '@operator/outcome';
import type { Controller } from './controller-deps.ts';
import { type CommonStatus, type KubeObject, ownStatus } from './resource.ts';

/** RFC 3339 in whole seconds, as Kubernetes writes its own times. */
const secondOf = (now: Date): string => `${now.toISOString().slice(0, 19)}Z`;

/** The Ready condition of a stored status. */
export const readyOf = (object: { readonly status?: CommonStatus }): Condition | undefined =>
  object.status?.conditions?.find((condition) => condition.type === conditionTypes.Ready);

/** The runtime's part of a stored status. */
export const commonStatus = ({ status }: { readonly status?: CommonStatus }): CommonStatus => ({
  ...(status?.observedGeneration === undefined ? {} : { observedGeneration: status.observedGeneration }),
  ...(status?.conditions === undefined ? {} : { conditions: status.conditions }),
});

/**
 * The runtime's part of a status that is recorded in the midst of a pass: conditions stay as they are, and Reconciling stands among
 * them, so that nobody takes the object for done. Pure.
 */
export const reconcilingStatus = (
  { metadata, status }: { readonly metadata: { readonly generation: number }; readonly status?: CommonStatus },
  now: Date,
): CommonStatus => {
  const { conditions = [] } = status ?? {};
  if (conditions.some(({ type, status: is }) => type === conditionTypes.Reconciling && is === 'True')) {
    return commonStatus({ ...(status === undefined ? {} : { status }) });
  }
  const reconciling: Condition = {
    type: conditionTypes.Reconciling,
    status: 'True',
    reason: reasons.Converging,
    message: 'A change is under way.',
    observedGeneration: metadata.generation,
    lastTransitionTime: secondOf(now),
  };
  const replaced: ReadonlySet<string> = new Set([conditionTypes.Reconciling, conditionTypes.Stalled]);
  const others = conditions.filter(({ type }) => !replaced.has(type));
  const ready = others.filter(({ type }) => type === conditionTypes.Ready);
  const rest = others.filter(({ type }) => type !== conditionTypes.Ready);
  return {
    ...commonStatus({ ...(status === undefined ? {} : { status }) }),
    conditions: [...ready, reconciling, ...rest],
  };
};

/** The stored status with one more claim among its conditions, and the rest as it stands. Pure. */
export const pausedStatus = <Spec, Status>(
  object: KubeObject<Spec, Status>,
  claim: Claim,
  now: Date,
): Status & CommonStatus => {
  const { conditions = [] } = object.status ?? {};
  const before = conditions.find(({ type }) => type === claim.type);
  const paused: Condition = {
    type: claim.type,
    status: claim.status,
    reason: claim.reason,
    message: claim.message,
    observedGeneration: object.metadata.generation,
    lastTransitionTime: before?.status === claim.status ? before.lastTransitionTime : secondOf(now),
  };
  const others = conditions.filter(({ type }) => type !== claim.type);
  return { ...ownStatus(object), ...commonStatus(object), conditions: [...others, paused] };
};

/** What a pass says about an object, beside the kind's own part of the status. */
export interface Judgement {
  readonly claims: readonly Claim[];
  readonly verdict: Verdict;
  readonly now: Date;
}

/**
 * The whole status to store: the kind's own part, and the conditions that follow from claims and verdict. Pure. `object`: as
 * stored, for the times of transitions.
 */
export const statusOf = <Spec, Status>(
  object: KubeObject<Spec, Status>,
  own: Status,
  { claims, verdict, now }: Judgement,
  kind: Pick<Controller<Spec, Status>, 'positiveConditions' | 'stallingReasons'>,
): Status & CommonStatus => {
  const { generation } = object.metadata;
  const conditions = summarise(claims, object.status?.conditions ?? [], {
    generation,
    now,
    verdict,
    positive: kind.positiveConditions ?? [],
    stalling: kind.stallingReasons ?? [reasons.Unsupported],
  });
  const hasVerdict =
    verdict.result === 'settled' || (verdict.result === 'blocked' && verdict.fault.kind === 'terminal');
  const observedGeneration = hasVerdict ? generation : object.status?.observedGeneration;
  return { ...own, ...(observedGeneration === undefined ? {} : { observedGeneration }), conditions };
};
