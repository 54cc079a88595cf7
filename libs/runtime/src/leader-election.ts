import { setTimeout as sleep } from 'node:timers/promises';
import { reasons } from '@operator/api';
import type { Clock } from '@operator/outcome';
import type { Logger } from 'pino';
import { jittered } from './backoff.ts';
import type { KubeClient } from './kube-client.ts';
import { isKubeError, refusal } from './kube-error.ts';
import type { Resource } from './resource.ts';

export const leaseResource: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
};

export interface LeaderElectionOptions {
  /** Not fenced: its writes are what leadership comes from. */
  readonly kube: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly namespace: string;
  readonly name: string;
  /** Of this process alone: never the same after a restart. */
  readonly identity: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly monotonicMs: () => number;
  readonly random: () => number;
  readonly timing?: LeaseTiming;
}

/** A killed leader is replaced after at most `leaseSeconds` and two retries, a stopped one after one retry. */
export interface LeaseTiming {
  /** How long others leave a silent leader alone. */
  readonly leaseSeconds: number;
  /** Milliseconds between two renewals, and between two looks of those who wait. */
  readonly retryMs: number;
  /** Milliseconds before the end of the lease when this process stops writing: longer than a write under way takes. */
  readonly marginMs: number;
}

/**
 * What a leader does until `lost` aborts or there is nothing left to do; false when something of it goes on nevertheless.
 * `stoodBy`: another process may have led since this one started, so what it wrote last may not have arrived here yet.
 */
export type Lead = (lost: AbortSignal, stoodBy: boolean) => Promise<boolean>;

/** Leadership of one controller. */
export interface Leadership {
  /** True while no other process can have taken over. Costs nothing: it looks at the clocks. */
  mayWrite(): boolean;
  /**
   * Campaigns, calls `lead` with a signal that aborts when leadership is lost, waits for it to end, and campaigns again,
   * until `signal` aborts and `lead` has ended. Then releases the lease, if `lead` says that nothing of it goes on.
   */
  run(lead: Lead, signal: AbortSignal): Promise<void>;
}

/** Source: Kubernetes API, LeaseSpec. Times are RFC 3339 with microseconds. */
interface Lease {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion?: string };
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

const defaultTiming: LeaseTiming = { leaseSeconds: 12, retryMs: 1_500, marginMs: 3_000 };

/**
 * Leader election by Lease. The lease of another is only taken when it stayed the same for its whole duration by our own
 * monotonic clock, so clocks that differ or jump cannot make two leaders.
 *
 * A process that loses the lease does not exit: it aborts its passes, waits for them to end and campaigns again, its caches
 * warm. An API server that is away for longer than the lease thus costs no restarts.
 */
export const createLeadership = (options: LeaderElectionOptions): Leadership => {
  const { kube, namespace, name, identity, log, monotonicMs, random } = options;
  const timing = options.timing ?? defaultTiming;
  const leaseMs = timing.leaseSeconds * 1_000;
  let lease: Lease | undefined;
  /** The start of the last renewal that succeeded: others count from a later moment. */
  let renewedAt = -Infinity;
  /** The same by the wall clock, which goes on while the machine sleeps. */
  let renewedOnWallAt = -Infinity;
  /** When the record of another was first seen as it is. */
  let observed = { resourceVersion: '', at: -Infinity };

  const wallMs = (): number => options.clock.now().getTime();
  /** Milliseconds for which this process may still write. A wall clock that jumps ends that early, and never extends it. */
  const remainingMs = (): number =>
    leaseMs - timing.marginMs - Math.max(monotonicMs() - renewedAt, wallMs() - renewedOnWallAt);
  const mayWrite = (): boolean => remainingMs() > 0;
  /** A leader hears of its end in time, whatever the API server does. */
  const patience = () => ({
    timeoutMs: Math.ceil(mayWrite() ? Math.min(timing.retryMs * 2, remainingMs()) : timing.retryMs * 2),
  });

  const recordOf = (holderIdentity: string): Lease => {
    const now = options.clock.now().toISOString().replace('Z', '000Z');
    const isOurs = lease?.spec?.holderIdentity === identity;
    return {
      metadata: {
        name,
        namespace,
        ...(lease === undefined ? {} : { resourceVersion: lease.metadata.resourceVersion ?? '' }),
      },
      spec: {
        holderIdentity,
        leaseDurationSeconds: timing.leaseSeconds,
        renewTime: now,
        acquireTime: (isOurs ? lease?.spec?.acquireTime : undefined) ?? now,
        leaseTransitions: (lease?.spec?.leaseTransitions ?? 0) + (isOurs || lease === undefined ? 0 : 1),
      },
    };
  };

  /** Creates or renews the lease. Returns false when another was faster; throws when the API server does not answer. */
  const acquire = async (): Promise<boolean> => {
    const startedAt = monotonicMs();
    const startedOnWallAt = wallMs();
    const requested = patience();
    try {
      lease =
        lease === undefined
          ? await kube.create<Lease>(leaseResource, asApplied(recordOf(identity)), requested)
          : await kube.replace<Lease>(leaseResource, asApplied(recordOf(identity)), requested);
      renewedAt = startedAt;
      renewedOnWallAt = startedOnWallAt;
      return true;
    } catch (caught) {
      // A lease that was there may go; one that cannot be made lacks its namespace.
      if (!isKubeError(caught, 409) && !(lease !== undefined && isKubeError(caught, 404))) throw caught;
      lease = undefined;
      return false;
    }
  };

  /** Milliseconds until the lease may be taken: 0 when it is free now. */
  const look = async (): Promise<number> => {
    lease = await kube.get<Lease>(leaseResource, { namespace, name }, patience());
    const holder = lease?.spec?.holderIdentity ?? '';
    if (lease === undefined || holder === '' || holder === identity) return 0;
    const resourceVersion = lease.metadata.resourceVersion ?? '';
    if (observed.resourceVersion !== resourceVersion) observed = { resourceVersion, at: monotonicMs() };
    const durationMs = (lease.spec?.leaseDurationSeconds ?? timing.leaseSeconds) * 1_000;
    return Math.max(0, observed.at + durationMs - monotonicMs());
  };

  /** True after the time, false when the signal aborted. */
  const pause = (ms: number, signal: AbortSignal): Promise<boolean> =>
    sleep(jittered(ms, 0.1, random), true, { signal }).catch(() => false);

  /** The stack of a refusal is that of every request, and says nothing. */
  const warn = (what: string, caught: unknown): void => {
    if (isKubeError(caught)) log.warn({ event: 'lease', ...refusal(caught) }, `${what}: ${caught.message}`);
    else log.warn({ event: 'lease', err: caught }, `${what}.`);
  };

  /** How leadership was won; undefined when the signal aborted before. */
  const campaign = async (signal: AbortSignal): Promise<'at once' | 'after a wait' | undefined> => {
    let told = '';
    let freeInMs = Infinity;
    let hasWaited = false;
    do {
      try {
        freeInMs = await look();
        if (freeInMs === 0) {
          if (await acquire()) return hasWaited ? 'after a wait' : 'at once';
          freeInMs = Infinity;
        }
        const holder = lease?.spec?.holderIdentity ?? '';
        if (holder !== told) log.info({ event: 'lease', holder }, `standing by; ${holder || 'nobody'} leads`);
        told = holder;
      } catch (caught) {
        freeInMs = Infinity;
        if (told !== 'failed') warn('Cannot reach the lease; trying again', caught);
        told = 'failed';
      }
      // Looking at the moment when a dead leader's lease ends makes the gap no longer than it has to be.
      hasWaited = true;
    } while (await pause(Math.min(timing.retryMs, freeInMs + 50), signal));
    return undefined;
  };

  /** Renews until leadership is lost or `ended` aborts. */
  const keep = async (ended: AbortSignal): Promise<void> => {
    let isTold = false;
    while (await pause(Math.min(timing.retryMs, Math.max(remainingMs(), 0)), ended)) {
      try {
        const isRenewed = await acquire();
        isTold = false;
        if (isRenewed) continue;
        // Somebody changed the record: if it is still ours, the next renewal will hold.
        if ((await look()) > 0) renewedAt = -Infinity;
      } catch (caught) {
        if (!isTold) warn('Cannot renew the lease', caught);
        isTold = true;
      }
      if (!mayWrite()) return;
    }
  };

  const release = async (): Promise<void> => {
    if (!mayWrite() || lease === undefined) return;
    try {
      await kube.replace<Lease>(leaseResource, asApplied(recordOf('')), { timeoutMs: timing.retryMs });
      log.info({ event: 'lease' }, 'released the lease');
    } catch (caught) {
      warn('Could not release the lease; it ends by itself', caught);
    }
    renewedAt = -Infinity;
  };

  return {
    mayWrite,
    async run(lead, signal) {
      let stoodBy = false;
      while (!signal.aborted) {
        const won = await campaign(signal);
        if (won === undefined) return;
        stoodBy ||= won === 'after a wait';
        log.info({ event: 'lease', identity }, 'leading');
        const lost = new AbortController();
        const ended = new AbortController();
        const leading = lead(lost.signal, stoodBy).finally(() => ended.abort());
        leading.catch(() => undefined); // met below, after the renewals have ended
        stoodBy = true; // in the next term
        await keep(ended.signal);
        if (ended.signal.aborted) {
          if (await leading) await release();
          await pause(timing.retryMs, signal);
          continue;
        }
        log.error({ event: 'lease', reason: reasons.LeadershipLost }, 'leadership lost; its passes are aborted');
        lost.abort(new Error('leadership lost'));
        await leading;
      }
    },
  };
};

const asApplied = (lease: Lease): Parameters<KubeClient['replace']>[1] => ({
  metadata: { ...lease.metadata },
  spec: lease.spec,
});
