import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { type RunningEventRecorder, createEventRecorder } from './events.ts';
import { KubeError } from './kube-error.ts';

const object = {
  apiVersion: 'g/v1',
  kind: 'Thing',
  metadata: { name: 'a', namespace: 'n', uid: 'u', resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z' },
};

let sent: string[];
let created: Record<string, unknown>[];
let fail: KubeError | undefined;
let monotonicMs: number;
let warnings: string[];
let events: RunningEventRecorder;

beforeEach(() => {
  sent = [];
  created = [];
  warnings = [];
  fail = undefined;
  monotonicMs = 0;
  const answer = async (line: string): Promise<never> => {
    await Promise.resolve();
    if (fail !== undefined) {
      const failure = fail;
      if (fail.status === 404) fail = undefined;
      throw failure;
    }
    sent.push(line);
    return undefined as never;
  };
  events = createEventRecorder({
    kube: {
      create: async (_resource, event) => {
        await answer(`create ${String(event.reason)} ${String(event.count)}`);
        created.push(event);
        return undefined as never;
      },
      patch: async (_resource, _ref, patch) => answer(`patch ${String((patch as { count: number }).count)}`),
    },
    component: 'thing-controller',
    instance: 'pod_1',
    log: pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line) }),
    clock: { now: () => new Date('2026-03-01T00:00:00Z') },
    monotonicMs: () => monotonicMs,
  });
});

const tell = async (reason: string, message = 'm', times = 1): Promise<void> => {
  for (let time = 0; time < times; time += 1) {
    events.record(object, 'Normal', reason, message);
    await events.flush(1_000);
  }
};

describe('Events', () => {
  it('are created once and counted from then on', async () => {
    await tell('Created', 'm', 3);
    expect(sent).toEqual(['create Created 1', 'patch 2', 'patch 3']);
    expect(created[0]).toMatchObject({
      involvedObject: { apiVersion: 'g/v1', kind: 'Thing', namespace: 'n', name: 'a', uid: 'u', resourceVersion: '7' },
      type: 'Normal',
      reason: 'Created',
      message: 'm',
      source: { component: 'thing-controller' },
      firstTimestamp: '2026-03-01T00:00:00Z',
      lastTimestamp: '2026-03-01T00:00:00Z',
    });
  });

  it('that repeat while one is on its way are sent together', async () => {
    for (let time = 0; time < 10; time += 1) events.record(object, 'Normal', 'Busy', 'm');
    await events.flush(1_000);
    expect(sent).toEqual(['create Busy 1', 'patch 10']);
  });

  it('are told anew when the API server has forgotten them', async () => {
    await tell('Created');
    fail = new KubeError({ status: 404, reason: 'NotFound', message: 'gone' });
    await tell('Created');
    expect(sent).toEqual(['create Created 1', 'create Created 2']);
  });

  it('are limited for each object to a burst and one in five minutes', async () => {
    for (let number = 0; number < 60; number += 1) await tell(`Reason${number}`);
    expect(sent).toHaveLength(25);
    monotonicMs += 300_000;
    await tell('Later');
    await tell('TooSoon');
    expect(sent.at(-1)).toBe('create Later 1');
    expect(sent).toHaveLength(26);
  });

  it('never fail the one that tells them, and their failure is logged once', async () => {
    fail = new KubeError({ status: 403, reason: 'Forbidden', message: 'no' });
    await tell('One');
    await tell('Two');
    expect(warnings).toHaveLength(1);
    fail = undefined;
    await tell('Three');
    expect(sent).toEqual(['create Three 1']);
  });

  it('have a message of at most 1 024 characters', async () => {
    await tell('Long', 'x'.repeat(3_000));
    expect(created[0]?.message).toHaveLength(1_024);
  });
});
