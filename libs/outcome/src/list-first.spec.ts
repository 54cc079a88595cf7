import { describe, expect, it } from 'vitest';
import { listFirst } from './list-first.ts';

describe('a list in a message', () => {
  it.each([
    [[], ''],
    [['a'], 'a'],
    [['a', 'b'], 'a, b'],
    [['a', 'b', 'c'], 'a, b, and 1 more'],
    [['a', 'b', 'c', 'd'], 'a, b, and 2 more'],
  ])('of %j has at most two', (items, text) => {
    expect(listFirst(items, 2)).toBe(text);
  });

  it('has another separator where its items have commas', () => {
    expect(listFirst(['a, b', 'c', 'd'], 2, '; ')).toBe('a, b; c; and 1 more');
  });
});
