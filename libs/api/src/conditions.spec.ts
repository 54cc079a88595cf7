import { readFileSync } from 'node:fs';
import { asFault } from '@operator/outcome';
import { expect, it } from 'vitest';
import { conditionTypes, reasons } from './conditions.ts';

/** A section of docs/conditions.md. */
const section = (title: string): string => {
  const page = readFileSync(new URL('../../../docs/conditions.md', import.meta.url), 'utf8');
  return page.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? '';
};

it.each([
  ['Conditions', conditionTypes],
  ['Reasons', reasons],
])('the page on conditions tells all of these: %s', (title, words) => {
  const told = section(title);
  expect(Object.keys(words).filter((word) => !told.includes(`\`${word}\``))).toEqual([]);
});

it('a bug has the same reason wherever it is met', () => {
  expect(asFault(new Error('bug')).reason).toBe(reasons.InternalError);
});
