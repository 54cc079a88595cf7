import { type Logger, pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import type { KubeClient } from './kube-client.ts';
import { KubeError } from './kube-error.ts';
import { type Leadership, createLeadership } from './leader-election.ts';

interface Stored {
  readonly metadata: { readonly resourceVersion?: string };
  readonly spec: { readonly holderIdentity: string; readonly leaseTransitions: number; readonly renewTime: string };
}

const timing = { leaseSeconds: 1, retryMs: 60, marginMs: 300 };
const conflict = () => new KubeError({ status: 409, reason: 'Conflict', message: 'changed' });

/** One Lease with the API server's optimistic locking. */
class LeaseServer {
  lease: Stored | undefined;
  #version = 0;
  readonly unreachable = new Set<string>();
  hasNamespace = true;
  requests = 0;

  kubeFor(identity: string): Pick<KubeClient, 'get' | 'create' | 'replace'> {
    const reach = async () => {
      this.requests += 1;
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (this.unreachable.has(identity))
        throw new KubeError({ status: 0, reason: 'Unreachable', message: 'no answer' });
    };
    const store = (object: unknown): never => {
      this.lease = { ...(object as Stored), metadata: { resourceVersion: String((this.#version += 1)) } };
      return structuredClone(this.lease) as never;
    };
    return {
      get: async () => {
        await reach();
        return structuredClone(this.lease) as never;
      },
      create: async (_resource, object) => {
        await reach();
        if (!this.hasNamespace) throw new KubeError({ status: 404, reason: 'NotFound', message: 'no namespace n' });
        if (this.lease !== undefined) throw conflict();
        return store(object);
      },
      replace: async (_resource, object) => {
        await reach();
        if (this.lease?.metadata.resourceVersion !== object.metadata.resourceVersion) throw conflict();
        return store(object);
      },
    };
  }
}

/** A lease as somebody else has written it. */
const takenBy = (holderIdentity: string): Stored => ({
  metadata: { resourceVersion: `of ${holderIdentity}` },
  spec: { holderIdentity, leaseTransitions: 9, renewTime: '' },
});

interface Candidate {
  readonly leadership: Leadership;
  readonly terms: ('leading' | 'lost' | 'stopped')[];
  readonly stoodBy: boolean[];
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

const running: Candidate[] = [];

interface Traits {
  skewMs?: number;
  readonly isClean?: boolean;
  readonly log?: Logger;
}

const leadershipOf = (server: LeaseServer, identity: string, more: Traits = {}): Leadership =>
  createLeadership({
    kube: server.kubeFor(identity),
    namespace: 'n',
    name: 'lease',
    identity,
    log: more.log ?? pino({ level: 'silent' }),
    clock: { now: () => new Date(Date.now() + (more.skewMs ?? 0)) },
    monotonicMs: () => performance.now(),
    random: Math.random,
    timing,
  });

const run = (server: LeaseServer, identity: string, more: Traits = {}): Candidate => {
  const leadership = leadershipOf(server, identity, more);
  const stop = new AbortController();
  const terms: Candidate['terms'] = [];
  const stoodBy: boolean[] = [];
  const ended = leadership.run(async (lost, hasStoodBy) => {
    terms.push('leading');
    stoodBy.push(hasStoodBy);
    await new Promise<void>((resolve) => {
      for (const signal of [lost, stop.signal]) signal.addEventListener('abort', () => resolve(), { once: true });
    });
    terms.push(lost.aborted ? 'lost' : 'stopped');
    return more.isClean ?? true;
  }, stop.signal);
  const candidate = { leadership, terms, stoodBy, stop, ended };
  running.push(candidate);
  return candidate;
};

const until = async (check: () => boolean, withinMs = 60_000): Promise<number> => {
  const from = performance.now();
  while (!check()) {
    if (performance.now() - from > withinMs) throw new Error('not in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - from;
};

afterEach(async () => {
  for (const { stop } of running) stop.abort();
  await Promise.all(running.splice(0).map(({ ended }) => ended));
});

describe('leader election', () => {
  it('tells a leader whether it stood by', async () => {
    const server = new LeaseServer();
    const first = run(server, 'a');
    await until(() => first.terms.length === 1);
    const second = run(server, 'b');
    await new Promise((resolve) => setTimeout(resolve, 200));
    first.stop.abort();
    await until(() => second.terms.length === 1);
    expect([first.stoodBy, second.stoodBy]).toEqual([[false], [true]]);
  });

  it('lets one of several lead, and another at once when it stops', async () => {
    const server = new LeaseServer();
    const candidates = ['a', 'b', 'c'].map((identity) => run(server, identity));
    const leaders = () => candidates.filter(({ leadership }) => leadership.mayWrite());
    await until(() => leaders().length === 1);
    const [first] = leaders();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(leaders()).toEqual([first]);
    first?.stop.abort();
    await first?.ended;
    expect(await until(() => leaders().length === 1)).toBeLessThan(500);
    expect(first?.terms).toEqual(['leading', 'stopped']);
  });

  it('takes over from a silent leader only when its lease is over, whatever the clocks say', async () => {
    const server = new LeaseServer();
    const first = run(server, 'a', { skewMs: -3_600_000 });
    await until(() => first.leadership.mayWrite());
    const second = run(server, 'b', { skewMs: 3_600_000 });
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    expect(second.terms).toEqual([]);
    server.unreachable.add('a');
    const tookMs = await until(() => second.leadership.mayWrite());
    expect(tookMs).toBeGreaterThan(800);
    expect(first.terms).toEqual(['leading', 'lost']);
    expect(server.lease?.spec.leaseTransitions).toBe(1);
  });

  it('stops writing before anybody else can begin', async () => {
    const server = new LeaseServer();
    const first = run(server, 'a');
    await until(() => first.leadership.mayWrite());
    const second = run(server, 'b');
    server.unreachable.add('a');
    for (let looks = 0; !second.leadership.mayWrite(); looks += 1) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      expect(first.leadership.mayWrite() && second.leadership.mayWrite()).toBe(false);
    }
    expect(first.leadership.mayWrite()).toBe(false);
  });

  it('stops writing until its next renewal when the machine has slept, and gains nothing from a clock set back', async () => {
    const server = new LeaseServer();
    const traits = { skewMs: 0 };
    const only = run(server, 'a', traits);
    await until(() => only.leadership.mayWrite());
    traits.skewMs = 3_600_000; // the monotonic clock stands still in a suspend
    expect(only.leadership.mayWrite()).toBe(false);
    await until(() => only.leadership.mayWrite());
    expect(only.terms).toEqual(['leading']);
    server.unreachable.add('a');
    traits.skewMs = 0;
    await until(() => !only.leadership.mayWrite());
  });

  it('campaigns again after a loss, and leads when the lease is free', async () => {
    const server = new LeaseServer();
    const only = run(server, 'a');
    await until(() => only.leadership.mayWrite());
    server.unreachable.add('a');
    await until(() => only.terms.includes('lost'));
    server.unreachable.clear();
    await until(() => only.leadership.mayWrite());
    expect(only.terms).toEqual(['leading', 'lost', 'leading']);
  });

  it('tells of every later term that another may have led in between', async () => {
    const server = new LeaseServer();
    const leadership = leadershipOf(server, 'a');
    const ended = new AbortController();
    const stoodBy: boolean[] = [];
    void leadership.run(async (lost, hasStoodBy) => {
      stoodBy.push(hasStoodBy);
      server.lease = takenBy('x');
      await new Promise<void>((resolve) => lost.addEventListener('abort', () => resolve(), { once: true }));
      server.lease = takenBy('');
      return true;
    }, ended.signal);
    await until(() => stoodBy.length === 2);
    ended.abort();
    expect(stoodBy).toEqual([false, true]);
  });

  it('is lost when somebody else takes the lease by force', async () => {
    const server = new LeaseServer();
    const first = run(server, 'a');
    await until(() => first.leadership.mayWrite());
    server.lease = takenBy('x');
    await until(() => !first.leadership.mayWrite());
    expect(first.terms[1] ?? (await until(() => first.terms.length > 1), first.terms[1])).toBe('lost');
  });

  it('does not campaign again at once when what it leads ends by itself', async () => {
    const server = new LeaseServer();
    const leadership = leadershipOf(server, 'a');
    let terms = 0;
    const ended = new AbortController();
    void leadership.run(async () => {
      terms += 1;
      return true;
    }, ended.signal);
    await new Promise((resolve) => setTimeout(resolve, 600));
    ended.abort();
    expect(terms).toBeLessThanOrEqual(12);
  });

  it('says that the namespace of the lease is not there, once, and asks for it at leisure', async () => {
    const server = new LeaseServer();
    server.hasNamespace = false;
    const lines: string[] = [];
    const only = run(server, 'a', { log: pino({}, { write: (line: string) => void lines.push(line) }) });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(lines.filter((line) => line.includes('no namespace n'))).toHaveLength(1);
    // A look and an attempt every 60 ms.
    expect(server.requests).toBeLessThanOrEqual(24);
    server.hasNamespace = true;
    await until(() => only.leadership.mayWrite());
  });

  it('says in one line, without a stack, that the lease cannot be renewed, however often that is tried', async () => {
    const server = new LeaseServer();
    const lines: { readonly msg: string; readonly status?: number; readonly err?: unknown }[] = [];
    const only = run(server, 'a', {
      log: pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[0]) }),
    });
    await until(() => only.leadership.mayWrite());
    server.unreachable.add('a');
    await until(() => only.terms.includes('lost'));
    await until(() => lines.some(({ msg }) => msg.startsWith('Cannot reach the lease')));
    expect(lines.filter(({ msg }) => msg.includes('the lease'))).toEqual([
      expect.objectContaining({ msg: 'Cannot renew the lease: no answer', status: 0, reason: 'Unreachable' }),
      expect.objectContaining({ msg: 'Cannot reach the lease; trying again: no answer', status: 0 }),
    ]);
    expect(lines.filter(({ err }) => err !== undefined)).toEqual([]);
  });

  it('keeps the lease when a pass goes on after the stop', async () => {
    const server = new LeaseServer();
    const first = run(server, 'a', { isClean: false });
    await until(() => first.leadership.mayWrite());
    first.stop.abort();
    await first.ended;
    expect(server.lease?.spec.holderIdentity).toBe('a');
  });
});
