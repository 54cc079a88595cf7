import { expect, it } from 'vitest';
import { createTokenBucket } from './rate.ts';

const free = new AbortController().signal;
const takenMs = async (bucket: ReturnType<typeof createTokenBucket>, calls: number) => {
  const startMs = performance.now();
  await Promise.all(Array.from({ length: calls }, () => bucket.take(free)));
  return performance.now() - startMs;
};

it('lets a burst through at once and the rest at its rate', async () => {
  const bucket = createTokenBucket({ perSecond: 100, burst: 20 }, () => performance.now());
  expect(await takenMs(bucket, 20)).toBeLessThan(60);
  const nextMs = await takenMs(bucket, 20);
  expect(nextMs).toBeGreaterThan(120);
  expect(nextMs).toBeLessThan(1_000);
});

it('goes at half its rate when asked to slow down, once for a whole burst of refusals, and comes back', async () => {
  let nowMs = 0;
  const bucket = createTokenBucket({ perSecond: 1_000, burst: 10 }, () => nowMs);
  for (let refusal = 0; refusal < 20; refusal += 1) bucket.slowDown();
  // Nothing is saved up; 100 calls at 500 a second.
  const slowedMs = await takenMs(bucket, 100);
  expect(slowedMs).toBeGreaterThan(150);
  nowMs = 60_000;
  await takenMs(bucket, 10);
  const freshMs = await takenMs(bucket, 100);
  expect(freshMs).toBeGreaterThan(80);
  expect(freshMs).toBeLessThan(slowedMs);
});

it('gives the turn of a cancelled call back', async () => {
  let nowMs = 0;
  const bucket = createTokenBucket({ perSecond: 1, burst: 1 }, () => nowMs);
  await bucket.take(free);
  const controller = new AbortController();
  const waiting = [1, 2, 3].map(() => bucket.take(controller.signal));
  controller.abort();
  expect((await Promise.allSettled(waiting)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  nowMs = 1_000;
  expect(await takenMs(bucket, 1)).toBeLessThan(500);
});
