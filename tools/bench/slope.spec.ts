import { expect, it } from 'vitest';
import { seeded } from '../harness/seeded.ts';
import { slopeOf } from './slope.ts';

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
