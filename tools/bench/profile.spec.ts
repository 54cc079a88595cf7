import { expect, it } from 'vitest';
import { authorOf, costsOf, type CpuProfile } from './profile.ts';

const frame = (functionName: string, lineNumber: number) => ({
  functionName,
  url: functionName.startsWith('(') ? '' : 'file:///main.js',
  lineNumber,
  columnNumber: 0,
});

it('tells what each function costs by itself and with what it calls, recursion once', () => {
  const profile: CpuProfile = {
    nodes: [
      { id: 1, callFrame: frame('(root)', -1), children: [2, 5] },
      { id: 2, callFrame: frame('outer', 1), children: [3] },
      { id: 3, callFrame: frame('inner', 2), children: [4] },
      { id: 4, callFrame: frame('outer', 1) },
      { id: 5, callFrame: frame('(idle)', -1) },
    ],
    samples: [2, 3, 3, 4, 5],
    timeDeltas: [1_000, 2_000, 3_000, 4_000, 90_000],
  };
  expect(costsOf(profile, (_, line) => `main.ts:${line}`)).toEqual([
    { name: '(idle)', selfMs: 90, totalMs: 90 },
    { name: 'outer main.ts:1', selfMs: 5, totalMs: 10 },
    { name: 'inner main.ts:2', selfMs: 5, totalMs: 9 },
    { name: '(root)', selfMs: 0, totalMs: 100 },
  ]);
});

it('tells who wrote the code of an origin', () => {
  const origins = ['node_modules/@smithy/core', 'node:_http_client', 'libs/s3', 'apps/bucket-controller'];
  expect(origins.map(authorOf)).toEqual(['packages', 'Node’s JavaScript', 'our own code', 'our own code']);
  expect(authorOf('garbage collector')).toBe('garbage collector');
});
