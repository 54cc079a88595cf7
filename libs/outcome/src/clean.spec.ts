import { expect, it } from 'vitest';
import { clean, oneLine } from './clean.ts';

it.each([
  ['a word', 'a word'],
  [' two\r\n\tb\u0000', 'two b'],
  ['\u001b[2J\u202ex\u2028', '[2J x'],
  ['123456789', '1234567…'],
  ['123456\u{1f600}9', '123456\ufffd…'],
])('%j is shown as %j', (text, shown) => {
  expect(oneLine(text, 8)).toBe(shown);
});

it.each(['A'.repeat(80), `${'IQoJb3JpZ2luX2Vj%2F'.repeat(20)}%3D`])('%j looks like a token', (token) => {
  expect(clean(`The token ${token} is expired.`, 400)).toBe('The token … is expired.');
  expect(oneLine(`logs/${token}`, 800)).toBe(`logs/${token}`);
});
