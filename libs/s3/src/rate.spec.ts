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
