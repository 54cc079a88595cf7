import { describe, expect, it } from 'vitest';
import { isPageCurrent, keptKills, keyOperations, keySystems, toPage } from './kill-matrix.ts';

const kept = keySystems.map(keptKills);

describe('docs/kill-matrix.md', () => {
  it('is what the kept results make', async () => {
    expect(await isPageCurrent(), 'run: npm run prove -- kills --page').toBe(true);
  });

  it.each(keySystems)('has every operation on %s, with writes and reads', (system) => {
    const operations = keptKills(system)?.operations;
    expect(Object.keys(operations ?? {})).toEqual([...keyOperations]);
    for (const { writes, reads } of Object.values(operations ?? {})) {
      expect(writes.length).toBeGreaterThan(1);
      expect(reads.length).toBeGreaterThan(0);
    }
  });

  it('is not made where a server or an operation is missing', () => {
    expect(() => toPage(kept.slice(1))).toThrow(
      'There are no results on minio. Run: npm run prove -- kills --servers minio',
    );
    const [minio, ...others] = kept;
    if (minio === undefined) throw new Error('nothing is kept of minio');
    const some = Object.entries(minio.operations).filter(([operation]) => operation !== 'revoke');
    const without = { ...minio, operations: Object.fromEntries(some) as typeof minio.operations };
    expect(() => toPage([without, ...others])).toThrow('The results on minio have no revoke. Run the kills again.');
  });
});
