import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@operator/tools/paths';
import { describe, expect, it } from 'vitest';
import type { Figure } from '../scenario.ts';
import { documented, readKept, readPage, type Kept } from './document.ts';
import { fleetTable, forecastTable, lineOf, shardTable, sizingTable } from './growth.ts';

const figure = (scenario: string, name: string, unit: Figure['unit'], ...values: number[]): Figure => ({
  scenario,
  name,
  unit,
  values,
});
const run = (startedAt: string, ...figures: Figure[]) => ({
  header: {
    commit: '0123456789abcdef',
    isDirty: false,
    startedAt,
    machine: { cpu: 'any', cores: 2, memoryMiB: 4_096, kernel: '6', node: 'v26' },
    quick: false,
  },
  figures,
});

it('is what the kept results say: else run `npm run generate`', async () => {
  for (const [path, content] of await documented(await readKept(), await readPage()))
    expect(content, path).toBe(readFileSync(join(projectRoot, path), 'utf8'));
});

describe('the page', () => {
  const p99 = (ms: number) => ({ ...figure('latency', 'at rest: p99', 'ms', ms), aim: { atMost: 60 } });
  const page = async (kept: Kept): Promise<string> => {
    const files = await documented(kept, await readPage());
    return files.get('docs/performance.md') ?? '';
  };
  const rowOf = (text: string, first: string) =>
    text
      .split('\n')
      .find((line) => line.startsWith(`| ${first} `))
      ?.replaceAll(/ +/g, ' ');

  it('tells what all runs found beside the former ones, with the aim', async () => {
    const before = run('2026-01-01T00:00:00.000Z', p99(90));
    const late = run('2026-01-03T00:00:00.000Z', { ...p99(61), values: [61, 70] });
    const early = run('2026-01-02T00:00:00.000Z', p99(50), figure('latency', 'at rest: p50', 'ms', 30, 20, 40));
    const text = await page(
      new Map([
        ['a.jsonl', late],
        ['b.jsonl', early],
        ['before.jsonl', before],
      ]),
    );
    expect(rowOf(text, 'p99')).toBe('| p99 | 90 ms | 61 ms (50 – 70) | ≤ 60, missed |');
    expect(rowOf(text, 'a Bucket that arrives at rest, p50')).toBe(
      '| a Bucket that arrives at rest, p50 | — | 30 ms (20 – 40) | |',
    );
  });

  it('tells of a scenario what the file has that is named after it, however old it is', async () => {
    const changes = (count: number) => figure('soak', 'changes', 'count', count);
    const text = await page(
      new Map([
        ['soak.jsonl', run('2026-01-01T00:00:00.000Z', changes(16_000), p99(70))],
        ['whole.jsonl', run('2026-01-02T00:00:00.000Z', changes(4_000), p99(50))],
      ]),
    );
    expect(rowOf(text, 'changes')).toBe('| changes | — | 16000 | |');
    expect(rowOf(text, 'p99')).toContain('60 ms (50 – 70)');
  });

  it('tells what a profile goes to, beside that of the raw loop', async () => {
    const ms = (name: string, value: number) => figure('profile', name, 'ms', value);
    const figures = [
      ms('look: controller: libs/s3', 1.5),
      ms('look: raw loop: libs/s3', 1.25),
      ms('boot: controller: all', 900),
    ];
    const text = await page(new Map([['a.jsonl', run('2026-01-01', ...figures)]]));
    expect(rowOf(text, 'look')).toBe('| look | libs/s3 | 1.50 | 1.25 | 0.25 |');
    expect(rowOf(text, 'boot')).toBe('| boot | all | 900.00 | — | — |');
  });
});

describe('growth', () => {
  const of = (fleet: number, name: string, unit: Figure['unit'], value: number) =>
    figure('growth', `${fleet} Buckets: ${name}`, unit, value);
  const figures = [2_000, 4_000].flatMap((fleet) => [
    of(fleet, 'memory', 'MiB', 80 + fleet / 200),
    of(fleet, 'start to caches synced', 's', 1),
    of(fleet, 'start to all looked at', 's', 2 + fleet / 1_000),
    of(fleet, 'CPU time until then', 's', fleet / 1_000),
    of(fleet, 'calls to storage for each look', 'count', 2),
    of(fleet, 'bytes in etcd per object', 'B', 2_621.44),
    of(fleet, 'memory of the API server', 'MiB', 400 + fleet / 50),
    of(fleet, 'memory of etcd', 'MiB', 50 + fleet / 100),
  ]);
  const all = [...figures, figure('growth', '4000 Buckets in 2 shards: memory of a shard', 'MiB', 90, 92)];
  const find = (scenario: string, name: string) => all.find((one) => one.scenario === scenario && one.name === name);
  const rows = (table: string) => table.split('\n');

  it('is a line through what was measured', () => {
    const { base, each } = lineOf([
      [1, 5],
      [2, 7],
      [3, 9],
    ]);
    expect([base, each]).toEqual([3, 2]);
    expect(() => lineOf([[1, 5]])).toThrow('two sizes');
  });

  it('leads to a hundred thousand and a million', () => {
    const table = rows(forecastTable(find, [2_000, 4_000]));
    expect(table).toContain('| memory of the bucket-controller | 80 + 5 × n / 1000 MiB | 580 MiB | 5 080 MiB |');
    expect(table).toContain('| CPU time until then | 1 × n / 1000 s | 100 s | 1 000 s |');
    expect(table).toContain('| objects in etcd | 2.5 × n / 1000 MiB | 250 MiB | 2 500 MiB |');
    expect(table).toContain('| calls a second at rest, with pauses of an hour | 0.56 × n / 1000 | 55.56 | 556 |');
  });

  it('says what to give a controller, and how fast its server lets it start', () => {
    expect(rows(sizingTable(find, [2_000, 4_000])).slice(2)).toEqual([
      '| 1 000 | 85 MiB | 128 MiB | 0.0003 | 0.56 | 3 s | 20 s |',
      '| 10 000 | 130 MiB | 256 MiB | 0.003 | 5.6 | 20 s | 4 min |',
      '| 100 000 | 580 MiB | 896 MiB | 0.03 | 56 | 4 min | 34 min |',
    ]);
  });

  it('is told size by size, and in shards', () => {
    expect(rows(fleetTable(find, [2_000]))[2]).toMatch(
      /^\| 2 000 \| 90 MiB \| {2}\| 1 s \| 4 s \| 2 s \| 2 \| 2 621 B \|/,
    );
    expect(rows(shardTable(find, 4_000, [2]))[2]).toMatch(/^\| 2 \| 91 MiB \|/);
  });
});
