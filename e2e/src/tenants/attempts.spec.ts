import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@operator/tools/paths';
import { expect, it } from 'vitest';
import { attempts } from './attempts.ts';
import { exhaustion } from './exhaustion.ts';

const page = readFileSync(join(projectRoot, 'docs/security.md'), 'utf8');
const numbers = [...attempts, ...exhaustion].map(({ threat }) => threat);

it('every attempt has a number of its own', () => {
  expect(numbers.filter((number, index) => numbers.indexOf(number) !== index)).toEqual([]);
});

it('every number stands in one row of docs/security.md', () => {
  const rows = [...page.matchAll(/^\| T(\d+)(?:–T(\d+))? +\|/gm)].flatMap(([, first, last = first]) =>
    Array.from(
      { length: Number(last) - Number(first) + 1 },
      (_, index) => `T${String(Number(first) + index).padStart(2, '0')}`,
    ),
  );
  expect(rows.filter((number, index) => rows.indexOf(number) !== index)).toEqual([]);
  expect(numbers.filter((number) => !rows.includes(number))).toEqual([]);
});
