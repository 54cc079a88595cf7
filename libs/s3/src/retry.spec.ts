import { describe, expect, it } from 'vitest';
import { retryDelayMs } from './retry.ts';

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
