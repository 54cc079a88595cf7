import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { KubeClient } from './kube-client.ts';
import { KubeError } from './kube-error.ts';
import { createLeaseLock, lockLeaseOf, type LeaseLock } from './lease-lock.ts';

interface Stored {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string };
  readonly spec: { readonly holderIdentity: string };
}

const timing = { leaseSeconds: 1, retryMs: 20, marginMs: 300 };
const open = (): AbortSignal => new AbortController().signal;

/** Leases with the API server's optimistic locking. */
const createLeases = () => {
  const leases = new Map<string, Stored>();
  let version = 0;
  const conflict = () => new KubeError({ status: 409, reason: 'Conflict', message: 'changed' });
  const store = (object: unknown): never => {
    const { metadata, spec } = object as Stored;
    const stored = { metadata: { ...metadata, resourceVersion: String((version += 1)) }, spec };
    leases.set(metadata.name, stored);
    return structuredClone(stored) as never;
  };
  const kube: Pick<KubeClient, 'get' | 'create' | 'replace'> = {
    get: async (_resource, { name }) => Promise.resolve(structuredClone(leases.get(name)) as never),
    create: async (_resource, { metadata, ...rest }) => {
      if (leases.has(metadata.name)) throw conflict();
      return Promise.resolve(store({ metadata, ...rest }));
    },
    replace: async (_resource, { metadata, ...rest }) => {
      if (leases.get(metadata.name)?.metadata.resourceVersion !== metadata.resourceVersion) throw conflict();
      return Promise.resolve(store({ metadata, ...rest }));
    },
  };
  return { leases, kube };
};

const lockOf = (
  kube: Pick<KubeClient, 'get' | 'create' | 'replace'>,
  identity: string,
  patienceMs = 30_000,
): LeaseLock =>
  createLeaseLock({
    kube,
    namespace: 'operator',
    identity,
    log: pino({ level: 'silent' }),
    clock: { now: () => new Date(performance.timeOrigin + performance.now()) },
    monotonicMs: () => performance.now(),
    random: () => 0.5,
    timing,
    patienceMs,
  });

describe('a lock by Lease', () => {
  it('lets in one at a time, of one process and of several', async () => {
    const { kube } = createLeases();
    const [one, other] = [lockOf(kube, 'one'), lockOf(kube, 'other')];
    let inside = 0;
    let most = 0;
    const done: string[] = [];
    const work = (lock: LeaseLock, id: string) =>
      lock('trail', open(), async () => {
        inside += 1;
        most = Math.max(most, inside);
        await sleep(5);
        inside -= 1;
        done.push(id);
        return id;
      });
    const all = await Promise.all([work(one, 'a'), work(one, 'b'), work(other, 'c'), work(other, 'd')]);
    expect(all).toEqual(['a', 'b', 'c', 'd']);
    expect(done.toSorted()).toEqual(all);
    expect(most).toBe(1);
  });

  it('has one Lease for each name, and gives it back', async () => {
    const { kube, leases } = createLeases();
    const lock = lockOf(kube, 'one');
    await lock('arn:aws:cloudtrail:eu-west-1:123456789012:trail/main', open(), () => {
      // Another name is another lock.
      return lock('other', open(), () => Promise.resolve());
    });
    expect([...leases.keys()].toSorted()).toEqual(
      [lockLeaseOf('arn:aws:cloudtrail:eu-west-1:123456789012:trail/main'), lockLeaseOf('other')].toSorted(),
    );
    expect(lockLeaseOf('other')).toMatch(/^[a-z0-9-]{1,63}$/);
    expect([...leases.values()].map(({ spec }) => spec.holderIdentity)).toEqual(['', '']);
  });

  it('is given back when what it is for fails, with that failure', async () => {
    const { kube } = createLeases();
    await expect(lockOf(kube, 'one')('trail', open(), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await lockOf(kube, 'other')('trail', open(), () => Promise.resolve('in'))).toBe('in');
  });

  it('of a process that was killed is had once its Lease has ended', async () => {
    const { kube, leases } = createLeases();
    void lockOf(kube, 'killed')('trail', open(), () => new Promise<void>(() => undefined));
    await expect.poll(() => leases.size).toBe(1);
    // Nobody renews it any more.
    const { kube: still } = createLeases();
    const [lease] = leases.values();
    if (lease === undefined) throw new Error('it is held');
    await still.create({} as never, { ...lease });
    expect(await lockOf(still, 'next')('trail', open(), () => Promise.resolve('in'))).toBe('in');
  });

  it('that cannot be had in time is a Fault that names it; one that may not be looked at is the API server’s refusal', async () => {
    const { kube } = createLeases();
    const { promise: ending, resolve: end } = Promise.withResolvers<undefined>();
    const held = lockOf(kube, 'holder')('trail', open(), () => ending);
    await expect.poll(async () => kube.get({} as never, { name: lockLeaseOf('trail') })).toBeDefined();
    await expect(lockOf(kube, 'late', 50)('trail', open(), () => Promise.resolve())).rejects.toMatchObject({
      kind: 'waiting',
      reason: 'Conflict',
      message: expect.stringContaining(`operator/${lockLeaseOf('trail')}`) as string,
    });
    end(undefined);
    await held;
    const forbidden = new KubeError({ status: 403, reason: 'Forbidden', message: 'leases is forbidden' });
    const denied = lockOf({ ...kube, get: () => Promise.reject(forbidden) }, 'denied');
    await expect(denied('trail', open(), () => Promise.resolve())).rejects.toBe(forbidden);
  });

  it('is not waited for once the pass has ended', async () => {
    const { kube } = createLeases();
    const lock = lockOf(kube, 'one');
    const { promise: ending, resolve: end } = Promise.withResolvers<undefined>();
    const held = lock('trail', open(), () => ending);
    const pass = new AbortController();
    const waiting = lock('trail', pass.signal, () => Promise.resolve('never'));
    const third = lock('trail', open(), () => Promise.resolve('third'));
    pass.abort(new Error('the pass ended'));
    await expect(waiting).rejects.toThrow('the pass ended');
    end(undefined);
    await held;
    expect(await third).toBe('third');
  });
});
