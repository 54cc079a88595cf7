import { describe, expect, it } from 'vitest';
import { foreignStatusSteps } from './foreign-status.ts';

const ready = { type: 'Ready', status: 'False' };
const theirs = { type: 'Theirs', status: 'True' };

describe('foreignStatusSteps', () => {
  it.each<[string, object, object, readonly string[]]>([
    ['nothing foreign', { a: 1, list: ['x'] }, { list: ['x'], a: 1 }, []],
    ['the default of a new object', {}, { observedGeneration: -1 }, []],
    ['a field', { a: 1 }, { a: 1, ownership: 'Created' }, ['/status/ownership']],
    [
      'a field within a field',
      { intent: { at: 't' } },
      { intent: { at: 't', serverTime: 's' } },
      ['/status/intent/serverTime'],
    ],
    ['a key with a slash', { map: {} }, { map: { 'a/b~c': '1' } }, ['/status/map/a~1b~0c']],
    [
      'conditions, from the last one on',
      { conditions: [ready] },
      { conditions: [{ ...theirs, type: 'A' }, ready, theirs] },
      ['/status/conditions/2', '/status/conditions/0'],
    ],
    ['a field that is undefined in what was applied', { a: undefined }, { a: 1 }, ['/status/a']],
  ])('%s', (_title, wanted, stored, paths) => {
    expect(foreignStatusSteps(wanted, stored)).toEqual(paths.map((path) => ({ op: 'remove', path })));
  });
});
