import { expect, it } from 'vitest';
import { createRecentlyUsed } from './recently-used.ts';

it('a value is made once, and again only when others were asked for since', () => {
  const made: string[] = [];
  const valueOf = createRecentlyUsed(2, (key) => {
    made.push(key);
    return { key };
  });
  const first = valueOf('a');
  valueOf('b');
  expect(valueOf('a')).toBe(first);
  valueOf('c');
  expect(valueOf('a')).toBe(first);
  expect(made).toEqual(['a', 'b', 'c']);
  valueOf('b');
  expect(made).toEqual(['a', 'b', 'c', 'b']);
});
