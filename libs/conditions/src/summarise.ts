import { longestMessage, type Claim, type Fault, type Warning } from '@operator/outcome';
import type { Condition } from './condition.ts';

/** How the pass ended, as far as Ready is concerned. */
export type Verdict =
  | { readonly result: 'settled'; readonly warnings?: readonly Warning[] }
  | { readonly result: 'progressing'; readonly reason: string; readonly message: string }
  | { readonly result: 'blocked'; readonly fault: Fault };

export interface SummaryContext {
  readonly generation: number;
  readonly now: Date;
  readonly verdict: Verdict;
  /** Condition types that are good when True, such as `AuthValid`; every other type is good when absent or False. */
  readonly positive: readonly string[];
  /** Reasons which, on a settled object, only a new spec can help. */
  readonly stalling: readonly string[];
}

const computed: ReadonlySet<string> = new Set(['Ready', 'Reconciling', 'Stalled']);

/**
 * Turns the claims of a pass into the conditions to store, Ready first, then Reconciling or Stalled, then the claims in the
 * order of their types. What is not claimed is dropped. Ready is True only for a settled verdict without an abnormal claim;
 * otherwise it carries the first abnormal claim's reason and message, or the fault's, or
 * the progress. A claim that only informs is stored and speaks neither way. Warnings of a settled verdict stand in the message of
 * Ready and change nothing else. A message that is that of Ready stands there alone. `previous`: as stored,
 * for `lastTransitionTime`. Messages are cut at `longestMessage`. Claims of the three computed types are ignored.
 *
 * Source: kstatus, the Ready, Reconciling and Stalled conditions.
 */
export const summarise = (
  claims: readonly Claim[],
  previous: readonly Condition[],
  context: SummaryContext,
): readonly Condition[] => {
  const { verdict, now, generation } = context;
  const own = new Map<string, Claim>();
  for (const claim of claims) {
    if (!computed.has(claim.type) && !own.has(claim.type)) own.set(claim.type, claim);
  }
  const abnormal = [...own.values()].filter(
    (claim) => claim.onlyInforms !== true && isAbnormal(claim, context.positive),
  );
  const ready = readyClaim(verdict, abnormal[0]);
  const progress = progressClaim(verdict, ready, abnormal, context.stalling);
  const ordered = [...own.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
  const others = [...(progress === undefined ? [] : [progress]), ...ordered].map((claim) =>
    claim.message === ready.message ? { ...claim, message: inShort(claim, verdict) } : claim,
  );
  return [warned(ready, verdict), ...others].map((claim) => {
    const before = previous.find((condition) => condition.type === claim.type);
    return {
      type: claim.type,
      status: claim.status,
      reason: claim.reason,
      message: bounded(claim.message),
      observedGeneration: generation,
      lastTransitionTime: before?.status === claim.status ? before.lastTransitionTime : instant(now),
    };
  });
};

/** True when the claim speaks against Ready: a positive type that is not True, or another type that is not False. */
const isAbnormal = (claim: Pick<Claim, 'type' | 'status'>, positive: readonly string[]): boolean =>
  claim.status !== (positive.includes(claim.type) ? 'True' : 'False');

const warned = (claim: Claim, verdict: Verdict): Claim => {
  const warnings = verdict.result === 'settled' ? (verdict.warnings ?? []) : [];
  if (warnings.length === 0) return claim;
  return { ...claim, message: `${claim.message} Warning: ${warnings.map(({ message }) => message).join(' ')}` };
};

/** One sentence stands once in a description, in Ready; its other conditions say what they add. */
const inShort = ({ type, reason }: Claim, verdict: Verdict): string => {
  if (type === 'Stalled') return `Only a change of the spec helps (${reason}); Ready says why.`;
  if (type !== 'Reconciling') return 'Ready says why.';
  if (verdict.result !== 'blocked') return `At work (${reason}); Ready says on what.`;
  return verdict.fault.kind === 'waiting'
    ? `Waiting (${reason}); Ready says for what.`
    : `Trying again (${reason}); Ready says why.`;
};

const readyClaim = (verdict: Verdict, abnormal: Claim | undefined): Claim => {
  if (abnormal !== undefined) {
    return { type: 'Ready', status: 'False', reason: abnormal.reason, message: abnormal.message };
  }
  switch (verdict.result) {
    case 'settled':
      return { type: 'Ready', status: 'True', reason: 'Ready', message: 'Everything is as declared.' };
    case 'progressing':
      return { type: 'Ready', status: 'False', reason: verdict.reason, message: verdict.message };
    case 'blocked':
      return { type: 'Ready', status: 'False', reason: verdict.fault.reason, message: verdict.fault.message };
  }
};

const progressClaim = (
  verdict: Verdict,
  ready: Claim,
  abnormal: readonly Claim[],
  stalling: readonly string[],
): Claim | undefined => {
  if (verdict.result === 'progressing') {
    return { type: 'Reconciling', status: 'True', reason: verdict.reason, message: verdict.message };
  }
  if (verdict.result === 'blocked') {
    const { fault } = verdict;
    const type = fault.kind === 'terminal' ? 'Stalled' : 'Reconciling';
    return { type, status: 'True', reason: fault.reason, message: fault.message };
  }
  const stalled = abnormal.find((claim) => stalling.includes(claim.reason));
  return stalled === undefined || ready.status === 'True'
    ? undefined
    : { type: 'Stalled', status: 'True', reason: stalled.reason, message: stalled.message };
};

/** RFC 3339 in whole seconds, as Kubernetes writes its own times. */
const instant = (at: Date): string => `${at.toISOString().slice(0, 19)}Z`;

/** Well-formed, for the API server stores U+FFFD for half of a character, such as a cut leaves, and the two would differ for ever. */
const bounded = (message: string): string =>
  (message.length <= longestMessage ? message : `${message.slice(0, longestMessage - 1)}…`).toWellFormed();
