import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createStringSharing } from './string-sharing.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const usedMebibytes = (): number => {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

/** MiB that the heap grows by while `make` makes what is held then. */
const growthBy = (make: () => unknown): number => {
  const before = usedMebibytes();
  const held = make();
  const growth = usedMebibytes() - before;
  expect(held).toBeDefined();
  return growth;
};

const parsed = (nth: number): object =>
  JSON.parse(
    JSON.stringify({ name: `object-${nth}`, status: { conditions: [{ message: 'm'.repeat(1_000) }] } }),
  ) as object;
const thousands = (change: (object: object) => object): object[] =>
  Array.from({ length: 10_000 }, (_, nth) => change(parsed(nth)));

describe('the sharing of strings', () => {
  it('keeps a string once that thousands of objects have', () => {
    expect(growthBy(() => thousands((object) => object))).toBeGreaterThan(9);
    expect(growthBy(() => thousands(createStringSharing()))).toBeLessThan(4);
  });

  it('holds little of what no object holds any more', () => {
    const share = createStringSharing();
    const growth = growthBy(() => {
      for (let nth = 0; nth < 10_000; nth += 1) share({ text: `${nth} ${'x'.repeat(1_000)}` });
      return share;
    });
    expect(growth).toBeLessThan(3);
  });

  it('changes nothing of what is told', () => {
    const share = createStringSharing();
    const text =
      '{"__proto__":"an own property","list":["a longer string",{"of":"a longer string"}],"none":null,"n":1,"is":true}';
    for (const round of [1, 2]) expect(JSON.stringify(share(JSON.parse(text) as object)), String(round)).toBe(text);
  });
});
