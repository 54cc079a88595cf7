import { describe, expect, it } from 'vitest';
import { parseDuration } from './duration.ts';

describe('parseDuration', () => {
  it.each([
    ['1s', 1_000],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['168h', 604_800_000],
    ['169h', undefined],
    ['0s', undefined],
    ['5', undefined],
    ['-1s', undefined],
    ['', undefined],
  ])('%s is %s ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
});
