import { annotations, reasons } from '@operator/api';
import { Fault } from '@operator/outcome';
import type { Provider } from '@operator/references';
import type { Health } from '@operator/s3';

/** Wasabi locks an account for five minutes after many attempts with bad credentials. Source: Wasabi, REST API introduction. */
const lockoutMs = 300_000;
/** While an endpoint is away it is asked more often than a healthy one: one call, and everything waits for it. */
const unreachableRetryMs = 15_000;

/** How a check ended. */
export type CheckResult = Health | Fault;

/** Milliseconds from one check to the next, by how it ended. */
export const periodMs = (provider: Provider, result: CheckResult): number => {
  const intervalMs = provider.spec.checkIntervalSeconds * 1_000;
  if (!(result instanceof Fault)) return intervalMs;
  if (result.reason !== reasons.AuthFailed) return Math.min(intervalMs, unreachableRetryMs);
  return provider.spec.type === 'wasabi' ? Math.max(intervalMs, lockoutMs) : intervalMs;
};

interface Checked {
  /** Spec, credentials and request that were checked. */
  readonly subject: string;
  readonly dueAt: number;
  readonly result: CheckResult;
}

/** A result that still holds, and the milliseconds for which it does. */
export interface StandingCheck {
  readonly result: CheckResult;
  readonly dueInMs: number;
}

/**
 * The last check of each Provider, in memory: a pass for another cause (a new user of the Provider, say) need not ask the
 * server again, and bad credentials are not tried over and over.
 */
export interface CheckMemory {
  /** Undefined when a check is due: the period is over, or spec, credentials or the request for a pass changed. */
  standing(provider: Provider, version: string, now: Date): StandingCheck | undefined;
  remember(provider: Provider, version: string, now: Date, result: CheckResult): StandingCheck;
  /** True once for each version of a Provider, and once more when there is a bucket to read from. */
  needsProbe(provider: Provider, version: string, hasBucket: boolean): boolean;
  forget(providerUid: string): void;
}

const subjectOf = ({ metadata }: Provider, version: string): string =>
  `${version} ${metadata.annotations?.[annotations.reconcileRequestedAt] ?? ''}`;

/** An empty memory. */
export const createCheckMemory = (): CheckMemory => {
  const checks = new Map<string, Checked>();
  const probes = new Map<string, string>();
  return {
    standing: (provider, version, now) => {
      const checked = checks.get(provider.metadata.uid);
      if (checked?.subject !== subjectOf(provider, version)) return undefined;
      const dueInMs = checked.dueAt - now.getTime();
      // A clock that was set back must not keep an old result alive.
      return dueInMs <= 0 || dueInMs > periodMs(provider, checked.result)
        ? undefined
        : { result: checked.result, dueInMs };
    },
    remember: (provider, version, now, result) => {
      const dueInMs = periodMs(provider, result);
      checks.set(provider.metadata.uid, {
        subject: subjectOf(provider, version),
        dueAt: now.getTime() + dueInMs,
        result,
      });
      return { result, dueInMs };
    },
    needsProbe: ({ metadata }, version, hasBucket) => {
      const [empty, read] = [`${version} empty`, `${version} read`];
      const former = probes.get(metadata.uid);
      if (former === read || (former === empty && !hasBucket)) return false;
      probes.set(metadata.uid, hasBucket ? read : empty);
      return true;
    },
    forget: (uid) => {
      checks.delete(uid);
      probes.delete(uid);
    },
  };
};
