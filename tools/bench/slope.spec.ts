import { expect, it } from 'vitest';
import { seeded } from '@operator/tools/harness';
import { lowestOf, slopeOf } from './slope.ts';

it('finds the slope of a line, and of noise around it', () => {
  expect(
    slopeOf([
      [0, 1],
      [1, 3],
      [2, 5],
    ]),
  ).toBe(2);
  const random = seeded(7);
  const noisy = Array.from({ length: 1_000 }, (_, x) => [x, 3 * x + random.next()] as const);
  expect(slopeOf(noisy)).toBeCloseTo(3, 3);
});

it('has no slope without two points', () => {
  expect(slopeOf([])).toBeNaN();
  expect(slopeOf([[1, 1]])).toBeNaN();
});

it('takes the lowest of each group, and no group that is not whole', () => {
  const saw = [5, 9, 6, 10, 7, 11, 1].map((y, x) => [x, y] as const);
  expect(lowestOf(saw, 2)).toEqual([
    [0, 5],
    [2, 6],
    [4, 7],
  ]);
  expect(slopeOf(lowestOf(saw, 2))).toBe(0.5);
  expect(lowestOf([], 2)).toEqual([]);
});

it('makes the same choices from the same seed, evenly', () => {
  const draw = (seed: number) => {
    const random = seeded(seed);
    return Array.from({ length: 10_000 }, () => random.below(10));
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  for (let number = 0; number < 10; number += 1) {
    expect(draw(3).filter((drawn) => drawn === number).length).toBeGreaterThan(850);
  }
});
