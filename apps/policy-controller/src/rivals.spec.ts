import { expect, it } from 'vitest';
import { hasLostDocument } from './rivals.ts';

it.each([
  [{ appliedHash: 'x' }, { applied: false }, true],
  [{ pendingHash: 'x' }, undefined, true],
  [{ appliedHash: 'x', pendingHash: 'y' }, { appliedHash: 'x' }, false],
  [{ applied: false }, {}, false],
  [undefined, { appliedHash: 'x' }, false],
])('a status that was %j and is %j has lost its document: %s', (before, after, want) => {
  const of = (status: typeof before | typeof after) => (status === undefined ? {} : { status });
  expect(hasLostDocument(of(after), of(before))).toBe(want);
});
