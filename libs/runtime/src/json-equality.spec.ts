import { expect, it } from 'vitest';
import { isSameJson } from './json-equality.ts';

it.each([
  [{ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, true],
  [{ a: undefined }, {}, true],
  [{ a: null }, {}, false],
  [[], {}, false],
  [[1, 2], [2, 1], false],
  [{ a: 1 }, { a: 1, b: 2 }, false],
  [{ a: undefined, b: 1 }, { a: 1, b: undefined }, false],
  [JSON.parse('{"__proto__":1}'), {}, false],
  ['1', 1, false],
])('%j and %j: %s', (a: unknown, b: unknown, same) => {
  expect(isSameJson(a, b)).toBe(same);
});
