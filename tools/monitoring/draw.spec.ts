import { expect, it } from 'vitest';
import { drawRows, inWords, legendOf } from './draw.ts';
import { rows } from './panels.ts';

it('names a line by its labels, as Grafana does', () => {
  expect(legendOf('{{kind}}: {{reason}} {{none}}', { kind: 'Bucket', reason: 'Ready' })).toBe('Bucket: Ready ');
});

it.each([
  [0, 's', '0'],
  [0.25, 's', '250 ms'],
  [5_400, 's', '1.5 h'],
  [-90, 's', '-1.5 min'],
  [3 * 86_400, 's', '3 d'],
  [104_857_600, 'bytes', '100 MiB'],
  [0.5, 'percentunit', '50 %'],
  [1.2345, 'ops', '1.23/s'],
  [3, 'short', '3'],
] as const)('shows %d %s as %s', (value, unit, want) => {
  expect(inWords(value, unit)).toBe(want);
});

it('draws every panel, without data too', () => {
  const [row] = rows;
  const [panel] = row?.panels ?? [];
  const [query] = panel?.queries ?? [];
  if (row === undefined || query === undefined) throw new Error('no panel');
  const line = { metric: { kind: 'Bucket', ready: 'True' }, values: [[1, '1'] as const, [2, '3'] as const] };
  const empty = drawRows([row], new Map());
  const drawn = drawRows([row], new Map([[query, [line]]]));
  for (const picture of [empty, drawn]) expect(picture.subarray(1, 4).toString()).toBe('PNG');
  expect(drawn.equals(empty)).toBe(false);
});
