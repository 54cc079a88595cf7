import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boundsPath, parseBounds, readBounds, writeForm } from './file.ts';

const form = { machines: ['any'], figures: {} };
const parse = (change: object) => parseBounds(JSON.stringify({ rules: [], quick: form, whole: form, ...change }));

describe('a file of bounds', () => {
  it.each([
    [{ rules: [{ figures: ['*'], worse: 'more' }] }, '/rules/0 must have required properties reason'],
    [{ rules: [{ figures: ['*'], worse: 'worse', reason: 'why' }] }, '/rules/0/worse'],
    [{ rules: [{ figures: ['*'], worse: 'more', share: '5 %', reason: 'why' }] }, '/rules/0/share must be number'],
    [{ rules: [{ figures: [], worse: 'more', reason: 'why' }] }, '/rules/0/figures'],
    [{ whole: undefined }, 'the file must have required properties whole'],
    [{ margins: [] }, 'margins'],
    [
      { quick: { machines: ['any'], figures: { rest: { p99: { unit: 'ms', mean: 1, least: 1, most: 1 } } } } },
      '/quick/figures/rest/p99 must have required properties runs',
    ],
  ])('is refused, case %#', (change, message) => {
    expect(() => parse(change)).toThrow(message);
  });

  it('is refused when it is no YAML, with its path', async () => {
    expect(() => parseBounds('rules: [')).toThrow(/line 1/);
    await expect(readBounds(join(tmpdir(), 'none', 'bounds.yaml'))).rejects.toThrow(/none\/bounds\.yaml: ENOENT/);
  });

  it('of the project is one', async () => {
    await expect(readBounds(boundsPath)).resolves.toBeDefined();
  });
});

describe('what was measured', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'bounds-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('goes into the file, which keeps what a person wrote', async () => {
    const path = join(dir, 'bounds.yaml');
    const before =
      "# Why.\nrules: [{ figures: ['*'], worse: more, reason: why }] # all\nquick: { machines: [a], figures: {} }\n";
    writeFileSync(path, `${before}whole: { machines: [], figures: { gone: {} } }\n`);
    const p99 = { unit: 'ms', mean: 1.5, least: 1, most: 2, runs: 5 } as const;
    await writeForm(path, 'whole', { machines: ['2 × any'], figures: { rest: { 'at rest: p99': p99 } } });
    const text = readFileSync(path, 'utf8');
    expect(text).toContain('# Why.');
    expect(text).toContain('# all');
    expect(text).toContain("'at rest: p99': { unit: ms, mean: 1.5, least: 1, most: 2, runs: 5 }");
    expect(parseBounds(text)).toEqual({
      rules: [{ figures: ['*'], worse: 'more', reason: 'why' }],
      quick: { machines: ['a'], figures: {} },
      whole: { machines: ['2 × any'], figures: { rest: { 'at rest: p99': p99 } } },
    });
  });
});
