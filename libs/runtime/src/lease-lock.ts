import { createHash } from 'node:crypto';
import { reasons } from '@operator/api';
import { unlessAborted, waiting } from '@operator/outcome';
import { createLeadership, leaseResource, type LeaderElectionOptions } from './leader-election.ts';

/**
 * Runs what only one at a time may do to a thing that many share, in this process and in all others of the cluster. `name`: of the thing.
 * `held` aborts when the Lease is lost.
 * @throws the signal's reason when that aborts before its turn; Fault `waiting` Conflict when the Lease cannot be had; KubeError;
 * what `run` throws
 */
export type LeaseLock = <T>(name: string, signal: AbortSignal, run: (held: AbortSignal) => Promise<T>) => Promise<T>;

export interface LeaseLockOptions extends Omit<LeaderElectionOptions, 'name'> {
  /** Milliseconds that the Lease may be somebody else's: longer than that of a process that was killed lasts; 30 000 when absent. */
  readonly patienceMs?: number;
}

/** The name of the Lease for a thing: what it is called itself may hold anything. */
export const lockLeaseOf = (name: string): string =>
  `s3-operator-lock-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;

/** A lock for each name: turns within the process, and a Lease between processes, which stays after its first use. */
export const createLeaseLock = ({ patienceMs = 30_000, ...options }: LeaseLockOptions): LeaseLock => {
  const turns = new Map<string, Promise<undefined>>();

  const inTurn = async <T>(name: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> => {
    const former = turns.get(name);
    const { promise: ended, resolve: end } = Promise.withResolvers<undefined>();
    const mine = Promise.resolve(former).then(() => ended);
    turns.set(name, mine);
    try {
      signal.throwIfAborted();
      await unlessAborted(signal, Promise.resolve(former));
      return await run();
    } finally {
      end(undefined);
      if (turns.get(name) === mine) turns.delete(name);
    }
  };

  const underLease = async <T>(
    name: string,
    signal: AbortSignal,
    run: (held: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const lease = lockLeaseOf(name);
    // Whoever may not look at it is told so at once; who leads tries on.
    await options.kube.get(leaseResource, { namespace: options.namespace, name: lease }, { signal });
    const ended = new AbortController();
    const timer = setTimeout(() => ended.abort(), patienceMs);
    let outcome: Promise<T> | undefined;
    const log = options.log.child({ lock: name }, { level: 'warn' });
    await createLeadership({ ...options, name: lease, log }).run(
      async (lost) => {
        clearTimeout(timer);
        outcome = run(lost);
        await outcome.catch(() => undefined); // it is thrown below
        ended.abort();
        return true;
      },
      AbortSignal.any([signal, ended.signal]),
    );
    clearTimeout(timer);
    if (outcome !== undefined) return outcome;
    signal.throwIfAborted();
    throw waiting(
      reasons.Conflict,
      `Lease ${options.namespace}/${lease}, the lock for ${name}, could not be had within ${String(patienceMs / 1_000)} s. ` +
        'Another process holds it, or this one may not write Leases there: see the log of the controller.',
      { retryAfterMs: 60_000 },
    );
  };

  return (name, signal, run) => inTurn(name, signal, () => underLease(name, signal, run));
};
