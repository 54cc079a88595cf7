import { expect, it } from 'vitest';
import { keptReport } from './kept.ts';
import { verdictsOf } from './report.ts';
import { runConformance, startOwn } from './run.ts';
import { versionOfServer } from './version.ts';

const kept = keptReport('ceph');
// Debian's release moves on, and another version may have something else.
const isSame = kept?.server.version === (await versionOfServer('ceph'));

it('finds on Ceph RGW what its kept report says, where it has the same version', { timeout: 900_000 }, async () => {
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const { signal } = new AbortController();
  const { target, stop } = await startOwn('ceph', { log, signal });
  try {
    const report = await runConformance(target, {
      bucketPrefix: 'ci-',
      profiles: ['Bucket', 'Policy', 'Keys', 'Events'],
      parallel: 8,
      log,
      signal,
      howToReproduce: 'npm run conformance -- --server ceph',
    });
    const failures = lines.filter((line) => /FAILED|seen:/.test(line)).join('\n');
    if (kept !== undefined && isSame) expect(verdictsOf(report), failures).toEqual(verdictsOf(kept));
    else console.log(`compared with nothing: the kept report is of Ceph ${kept?.server.version ?? 'no version'}`);
    expect(Object.keys(verdictsOf(report)).length).toBeGreaterThan(20);
  } finally {
    await stop();
  }
});
