import { proveRotation } from '@operator/tools/prove';
import { expect, it } from 'vitest';
import { runsFolder } from './bundles.ts';

/* The short form of `npm run prove -- rotation`. */

const seed = Number(process.env.PROVE_SEED ?? Date.now() % 2 ** 32);

it(`an application goes on through rotations in which controllers are killed (PROVE_SEED=${String(seed)})`, async () => {
  const rotations = 2;
  const result = await proveRotation({
    server: 'minio',
    rotations,
    perSecond: 20,
    rereadMs: 1_000,
    seed,
    folder: runsFolder,
    log: console.log,
    signal: AbortSignal.timeout(280_000),
  });
  expect(result).toMatchObject({ rotations, refused: 0, failed: 0, codes: [], leaks: [] });
  // The one that never reads again works until its time is over, and no longer.
  expect(result.former).toMatchObject({ beforeNotDone: 0, afterDone: 0 });
  expect(result.former.before).toBeGreaterThan(10);
  expect(result.former.after).toBeGreaterThanOrEqual(rotations * 10);
  expect(result.kills).toBeGreaterThanOrEqual(rotations * 4);
  expect(result.requests).toBeGreaterThan(50);
});
