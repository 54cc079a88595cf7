import { getEventListeners } from 'node:events';
import { HttpResponse } from '@smithy/core/protocols';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRetryStrategy, failedAttempt, retryDelayMs, withRetries } from './retry.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the pause between attempts', () => {
  it.each([
    ['exponential', 1, 200],
    ['exponential', 2, 400],
    ['exponential', 3, 800],
    ['exponential', 9, 5_000],
    ['linear', 1, 200],
    ['linear', 2, 400],
    ['linear', 3, 600],
    ['linear', 99, 5_000],
  ] as const)('%s: after attempt %i at most %i ms', (strategy, attempt, mostMs) => {
    expect(retryDelayMs(strategy, attempt, () => 1)).toBe(mostMs);
    expect(retryDelayMs(strategy, attempt, () => 0)).toBe(strategy === 'linear' ? mostMs / 2 : 0);
  });
});

describe('the pause that a server asks for', () => {
  const pausesAfter = async (headers: Readonly<Record<string, string>>): Promise<readonly (number | undefined)[]> => {
    const $response = new HttpResponse({ statusCode: 503, headers });
    const error = Object.assign(new Error('later'), { name: 'SlowDown', $response });
    const strategy = createRetryStrategy({ maxAttempts: 2, backoffStrategy: 'linear' }, () => 0);
    const timers = vi.spyOn(globalThis, 'setTimeout').mockClear();
    const { signal } = new AbortController();
    await expect(withRetries(strategy, () => Promise.reject(error), failedAttempt, signal)).rejects.toBe(error);
    return timers.mock.calls.map(([, ms]) => ms);
  };

  it.each(['1e300', '-1e300', 'Infinity', '9'.repeat(30)])('is our own where %s is no date', async (value) => {
    expect(await pausesAfter({ 'x-amz-retry-after': value })).toEqual([100]);
    expect(await pausesAfter({ 'retry-after': value })).toEqual([100]);
  });

  it('is kept where it is longer than ours', async () => {
    const [pauseMs] = await pausesAfter({ 'x-amz-retry-after': '300' });
    expect(pauseMs).toBeGreaterThan(250);
    expect(pauseMs).toBeLessThanOrEqual(300);
  });
});

describe('attempts', () => {
  const strategy = () => createRetryStrategy({ maxAttempts: 2, backoffStrategy: 'exponential' }, () => 0);
  const refused = Object.assign(new Error('no such bucket'), { $metadata: { httpStatusCode: 404 } });
  const broken = Object.assign(new Error('try again'), { name: 'TimeoutError' });

  it.each([
    ['an answer that is not asked for again', [refused], 1],
    ['one that is, in vain', [broken, broken], 2],
  ] as const)('leave nothing with the signal: %s', async (_title, errors, made) => {
    const { signal } = new AbortController();
    let attempts = 0;
    const attempt = () => Promise.reject(errors[attempts++] ?? refused);
    await expect(withRetries(strategy(), attempt, failedAttempt, signal)).rejects.toBe(errors.at(-1));
    expect(attempts).toBe(made);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('end with the reason of the signal while they wait', async () => {
    const patient = createRetryStrategy({ maxAttempts: 2, backoffStrategy: 'linear' }, () => 1);
    const controller = new AbortController();
    const attempt = () => {
      controller.abort(new Error('stopped'));
      return Promise.reject(broken);
    };
    await expect(withRetries(patient, attempt, failedAttempt, controller.signal)).rejects.toThrow('stopped');
  });
});
