import { describe, expect, it } from 'vitest';
import { creatorAmong, type Contender } from './claims.ts';

describe('creatorAmong', () => {
  const contender = (uid: string, day: number, remembers = false): Contender => ({
    namespace: 'a',
    name: uid,
    uid,
    creationTimestamp: `2026-05-0${String(day)}T00:00:00Z`,
    remembers,
  });
  it.each<[string, readonly Contender[], string | undefined]>([
    ['nobody', [], undefined],
    ['the older', [contender('b', 2), contender('a', 3)], 'b'],
    ['the lower uid of the same age', [contender('b', 2), contender('a', 2)], 'a'],
    ['the one that had it, though younger', [contender('a', 1), contender('b', 2, true)], 'b'],
    ['the older of two that had it', [contender('b', 1, true), contender('a', 2, true)], 'b'],
  ])('%s', (_title, contenders, want) => {
    expect(creatorAmong(contenders)?.uid).toBe(want);
    expect(creatorAmong(contenders.toReversed())?.uid).toBe(want);
  });
});
