import { annotations, reasons } from '@operator/api';
import { Fault } from '@operator/outcome';
import type { Provider } from '@operator/references';
import type { Health } from '@operator/s3';

/**
 * Wasabi locks an account for five minutes after many attempts with bad credentials; the runtime may be a tenth early.
 * Source: Wasabi, REST API introduction.
 */
const lockoutMs = 340_000;
/** While an endpoint is away it is asked more often than a healthy one: one call, and everything waits for it. */
const unreachableRetryMs = 15_000;

/** By which share of its period the runtime spreads a pass. */
const earlyShare = 0.1;

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
  /** True until `probed`, for each version of a Provider, and once more when there is a bucket to read from. */
  needsProbe(provider: Provider, version: string, hasBucket: boolean): boolean;
  probed(provider: Provider, version: string, hasBucket: boolean): void;
  forget(providerUid: string): void;
}

const subjectOf = ({ metadata }: Provider, version: string): string =>
  `${version} ${metadata.annotations?.[annotations.reconcileRequestedAt] ?? ''}`;

/** An empty memory. */
export const createCheckMemory = (): CheckMemory => {
  const checks = new Map<string, Checked>();
  const probes = new Map<string, { readonly version: string; readonly hadBucket: boolean }>();
  return {
    standing: (provider, version, now) => {
      const checked = checks.get(provider.metadata.uid);
      if (checked?.subject !== subjectOf(provider, version)) return undefined;
      const dueInMs = checked.dueAt - now.getTime();
      const period = periodMs(provider, checked.result);
      // A pass that comes a little early makes the check. A clock that was set back must not keep an old result alive.
      return dueInMs <= period * earlyShare || dueInMs > period ? undefined : { result: checked.result, dueInMs };
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
      const probe = probes.get(metadata.uid);
      return probe?.version !== version || (hasBucket && !probe.hadBucket);
    },
    probed: ({ metadata }, version, hadBucket) => {
      probes.set(metadata.uid, { version, hadBucket });
    },
    forget: (uid) => {
      checks.delete(uid);
      probes.delete(uid);
    },
  };
};
