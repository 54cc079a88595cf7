import { expect, it } from 'vitest';
import { createWriteMemory, type StoredForm } from './write-memory.ts';

const at = (seconds: number) => new Date(seconds * 1_000);
const form = (found: string, isByArn = false): StoredForm => ({ sent: 'sent', found, isByArn });
const begin = (before: string | undefined = 'before') => {
  const memory = createWriteMemory();
  memory.willWrite('uid', 'sent', before, at(0));
  return memory;
};

it('what comes back right after a write is learned, when it only has ARNs for canonical users', () => {
  expect(begin().learn('uid', form('stored', true), at(1))).toBe(true);
});

it('what differs in more is never learned, however often it comes back', () => {
  const memory = begin();
  for (let seconds = 0; seconds < 10; seconds += 2) {
    expect(memory.learn('uid', form('stored'), at(seconds + 1))).toBe(false);
    memory.willWrite('uid', 'sent', 'stored', at(seconds + 2));
  }
});

it.each<[string, (memory: ReturnType<typeof begin>) => boolean]>([
  ['without a write', () => createWriteMemory().learn('uid', form('stored', true), at(1))],
  ['of another document', (memory) => memory.learn('uid', { ...form('stored', true), sent: 'other' }, at(1))],
  ['of another object', (memory) => memory.learn('other', form('stored', true), at(1))],
  [
    'later than the first look',
    (memory) => memory.learn('uid', form('before'), at(1)) || memory.learn('uid', form('stored', true), at(2)),
  ],
  ['long after the write', (memory) => memory.learn('uid', form('stored', true), at(11))],
  ['from what stood there before', (memory) => memory.learn('uid', form('before', true), at(1))],
  [
    'from what stood there before the first of two writes',
    (memory) => {
      memory.willWrite('uid', 'sent', 'stored', at(1));
      return memory.learn('uid', form('before', true), at(2));
    },
  ],
  [
    'of an object that is gone',
    (memory) => {
      memory.forget('uid');
      return memory.learn('uid', form('stored', true), at(1));
    },
  ],
])('nothing is learned %s', (_title, learn) => {
  expect(learn(begin())).toBe(false);
});
