import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createRetryStrategy, failedAttempt, retryDelayMs, withRetries } from './retry.ts';

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
