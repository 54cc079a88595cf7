import { describe, expect, it } from 'vitest';
import { entriesIn } from './entries.ts';

describe('entriesIn', () => {
  it.each([
    ['one', ['one']],
    [' one , two', ['one', 'two']],
    ['one,,two,', ['one', 'two']],
    [' , ', []],
    ['', []],
    [undefined, []],
  ])('of %j', (value, entries) => {
    expect(entriesIn(value)).toEqual(entries);
  });
});
