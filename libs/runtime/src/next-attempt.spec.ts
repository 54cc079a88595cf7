import { reasons } from '@operator/api';
import { terminal, transient, waiting } from '@operator/outcome';
import { describe, expect, it } from 'vitest';
import { KubeError, objectChanged } from './kube-error.ts';
import { leadershipLost } from './leadership-lost.ts';
import { type Ended, scheduleNext } from './next-attempt.ts';

/** A queue that writes down what it is told. */
const told = (ended: Ended): { result: string; inMs: number | undefined; queue: string[] } => {
  const queue: string[] = [];
  const record = (name: string) => (key: string, ms?: number) => {
    queue.push(ms === undefined ? `${name} ${key}` : `${name} ${key} ${ms}`);
    return 500;
  };
  const { result, inMs } = scheduleNext(
    { add: record('add'), addAfter: record('addAfter'), forget: record('forget'), retry: record('retry') },
    'n/a',
    ended,
    () => 0.5,
  );
  return { result, inMs, queue };
};

const kubeError = (status: number, retryAfterMs?: number) =>
  new KubeError({ status, reason: 'R', message: 'M', retryAfterMs });

describe('the next attempt', () => {
  it.each<[string, Ended, string, readonly string[]]>([
    ['waits for an event where nothing is to be done', { how: 'idle' }, 'idle', ['forget n/a']],
    [
      'looks again no later than it is asked to',
      { how: 'blocked', fault: waiting('ProviderNotFound', 'none'), resyncMs: 600_000, withinMs: 9_000 },
      'waiting',
      ['forget n/a', 'addAfter n/a 9000'],
    ],
    ['waits for an event of a paused object', { how: 'paused' }, 'paused', ['forget n/a']],
    ['waits for an event after a deletion', { how: 'finalized' }, 'finalized', ['forget n/a']],
    ['waits for an event of an object that was given up', { how: 'given-up' }, 'terminal', ['forget n/a']],
    ['is at once in the next term', { how: 'aborted' }, 'aborted', ['add n/a']],
    [
      'is the resync of a settled object',
      { how: 'settled', inMs: 5_000 },
      'settled',
      ['forget n/a', 'addAfter n/a 5000'],
    ],
    [
      'looks at what progresses',
      { how: 'progressing', delayMs: 100 },
      'progressing',
      ['forget n/a', 'addAfter n/a 100'],
    ],
    [
      'backs off from a transient fault, no shorter than it asks for',
      { how: 'blocked', fault: transient(reasons.Throttled, '', { retryAfterMs: 7 }), resyncMs: 5_000 },
      'transient',
      ['retry n/a 7'],
    ],
    [
      'asks again after a minute for what waits',
      { how: 'blocked', fault: waiting(reasons.ProviderNotReady, ''), resyncMs: 5_000 },
      'waiting',
      ['forget n/a', 'addAfter n/a 60000'],
    ],
    [
      'is the resync of what only a new spec can help',
      { how: 'blocked', fault: terminal(reasons.SpecInvalid, ''), resyncMs: 5_000 },
      'terminal',
      ['forget n/a', 'addAfter n/a 5000'],
    ],
    ['backs off from a conflict', { how: 'failed', caught: objectChanged('a') }, 'conflict', ['retry n/a']],
    ['backs off from an object that is gone', { how: 'failed', caught: kubeError(404) }, 'conflict', ['retry n/a']],
    [
      'backs off where another process leads, so that its own timers have room',
      { how: 'failed', caught: leadershipLost() },
      'aborted',
      ['retry n/a'],
    ],
    [
      'waits for the API server as long as it asks for',
      { how: 'failed', caught: kubeError(429, 3_000) },
      'transient',
      ['retry n/a 3000'],
    ],
    ['backs off from a bug', { how: 'failed', caught: new TypeError('x') }, 'transient', ['retry n/a']],
  ])('%s', (_title, ended, result, queue) => {
    expect(told(ended)).toMatchObject({ result, queue });
  });

  it.each<[string, Ended, number | undefined]>([
    ['a back-off', { how: 'blocked', fault: transient(reasons.Throttled, ''), resyncMs: 5_000 }, 500],
    ['a wait', { how: 'blocked', fault: waiting(reasons.ProviderNotReady, ''), resyncMs: 5_000 }, 60_000],
    ['a resync', { how: 'blocked', fault: terminal(reasons.SpecInvalid, ''), resyncMs: 5_000 }, 5_000],
    ['a failure', { how: 'failed', caught: new TypeError('x') }, 500],
    ['no failure', { how: 'settled', inMs: 5_000 }, undefined],
  ])('says how long it is until then after %s', (_title, ended, inMs) => {
    expect(told(ended).inMs).toBe(inMs);
  });
});
