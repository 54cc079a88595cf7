import { readFileSync } from 'node:fs';
import { asFault } from '@operator/outcome';
import { expect, it } from 'vitest';
import { conditionTypes, eventReasons, reasons } from './conditions.ts';

/** A section of a page of docs. */
const section = (file: string, title: string): string => {
  const page = readFileSync(new URL(`../../../docs/${file}`, import.meta.url), 'utf8');
  return page.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? '';
};

it.each([
  ['conditions.md', 'Conditions', conditionTypes],
  ['observability.md', 'Events', eventReasons],
])('%s tells all of these: %s', (file, title, words) => {
  const told = section(file, title);
  expect(Object.keys(words).filter((word) => !told.includes(`\`${word}\``))).toEqual([]);
});

it('troubleshooting.md has an entry for every reason, and for nothing else', () => {
  const rows = section('troubleshooting.md', 'Reasons').matchAll(/^\| (`[^|]*)\|/gm);
  const entries = [...rows].flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
  expect([...new Set(entries)].sort()).toEqual(Object.keys(reasons).sort());
});

it('a bug has the same reason wherever it is met', () => {
  expect(asFault(new Error('bug')).reason).toBe(reasons.InternalError);
});
