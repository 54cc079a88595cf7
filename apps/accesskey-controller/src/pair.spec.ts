import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { makePair } from './pair.ts';

it('a pair has an id of 20 and a secret of 40 characters, all of them harmless', () => {
  const { accessKeyId, secretAccessKey } = makePair(randomBytes);
  expect(accessKeyId).toMatch(/^[A-Z2-7]{20}$/);
  expect(secretAccessKey.reveal()).toMatch(/^[A-Za-z0-9+/]{40}$/);
});

it('every byte stands for a character, and each character for as many bytes', () => {
  const counts = new Map<string, number>();
  for (let byte = 0; byte < 256; byte += 1) {
    const character = makePair((length) => new Uint8Array(length).fill(byte))
      .secretAccessKey.reveal()
      .charAt(0);
    counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  expect(counts.size).toBe(64);
  expect([...counts.values()].every((count) => count === 4)).toBe(true);
});

it('the secret does not show itself', () => {
  const pair = makePair(randomBytes);
  expect(JSON.stringify(pair)).not.toContain(pair.secretAccessKey.reveal());
});
