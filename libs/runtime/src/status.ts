import { conditionTypes, reasons } from '@operator/api';
import { type Condition, type Verdict, summarise } from '@operator/conditions';
import type { Claim } from '@operator/outcome';
import type { Controller } from './controller-deps.ts';
import type { CommonStatus, KubeObject } from './resource.ts';

/** The Ready condition of a stored status. */
export const readyOf = (object: { readonly status?: CommonStatus }): Condition | undefined =>
  object.status?.conditions?.find((condition) => condition.type === conditionTypes.Ready);

/** The runtime's part of a stored status. */
export const commonStatus = ({ status }: { readonly status?: CommonStatus }): CommonStatus => ({
  ...(status?.observedGeneration === undefined ? {} : { observedGeneration: status.observedGeneration }),
  ...(status?.conditions === undefined ? {} : { conditions: status.conditions }),
});

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
