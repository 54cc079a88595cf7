import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../paths.ts';
import { tries, withKept } from './tries.ts';

const head = ['| Kubernetes | helm | passed | failed | date |', '| --- | --- | --- | --- | --- |'];

describe('the tries', () => {
  it('are three of Kubernetes, and one with helm 3, of files that are there', () => {
    expect(tries.map(({ kubernetes, helm }) => `${kubernetes} ${helm}`)).toEqual([
      '1.37 4',
      '1.36 4',
      '1.35 4',
      '1.36 3',
    ]);
    for (const { files } of tries)
      for (const file of files) expect(existsSync(join(projectRoot, file)), file).toBe(true);
  });
});

describe('the table', () => {
  const kept = { kubernetes: 'v1.36.3', helm: 'v4.3.1', passed: 7, failed: 0, date: '2026-11-29' };

  it('begins with its first row', () => {
    expect(withKept('', kept)).toBe([...head, '| v1.36.3 | v4.3.1 | 7 | 0 | 2026-11-29 |'].join('\n'));
  });

  it('has each try once, in order, with the last result', () => {
    const before = [
      ...head,
      '| v1.36.1    | v3.22.0 | 1 | 0 | 2026-01-01 |',
      '| v1.36.1    | v4.0.0  | 1 | 2 | 2026-01-01 |',
      '| v1.37.2    | v4.3.1  | 9 | 0 | 2026-01-01 |',
      '| v1.30.0    | v4.3.1  | 9 | 0 | 2024-01-01 |',
    ].join('\n');
    expect(withKept(before, kept)).toBe(
      [
        ...head,
        '| v1.37.2    | v4.3.1  | 9 | 0 | 2026-01-01 |',
        '| v1.36.3 | v4.3.1 | 7 | 0 | 2026-11-29 |',
        '| v1.36.1    | v3.22.0 | 1 | 0 | 2026-01-01 |',
      ].join('\n'),
    );
  });
});
