import { expect, it } from 'vitest';
import { createTokenBucket } from './rate.ts';

const free = new AbortController().signal;

/** A bucket on a clock that stands still unless it is moved, and how long each call that it did not let through at once was made to wait. */
const bucketOf = (perSecond: number, burst: number) => {
  const clock = { nowMs: 0 };
  const pauses: number[] = [];
  const bucket = createTokenBucket(
    { perSecond, burst },
    () => clock.nowMs,
    (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    },
  );
  const take = async (calls: number): Promise<readonly number[]> => {
    pauses.length = 0;
    for (let call = 0; call < calls; call += 1) await bucket.take(free);
    return pauses.map(Math.round);
  };
  return { bucket, clock, take };
};

it('lets a burst through at once and the rest at its rate', async () => {
  const { clock, take } = bucketOf(100, 20);
  expect(await take(20)).toEqual([]);
  expect(await take(3)).toEqual([10, 20, 30]);
  clock.nowMs = 30;
  expect(await take(1)).toEqual([10]);
  clock.nowMs = 10_000;
  // No more than a burst is saved up.
  expect(await take(21)).toEqual([10]);
});

it('goes at half its rate when asked to slow down, once for a whole burst of refusals, and comes back', async () => {
  const { bucket, clock, take } = bucketOf(1_000, 10);
  for (let refusal = 0; refusal < 20; refusal += 1) bucket.slowDown();
  // Nothing is saved up.
  expect(await take(2)).toEqual([2, 4]);
  clock.nowMs = 60_000;
  expect(await take(12)).toEqual([1, 2]);
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
  await bucket.take(AbortSignal.timeout(900));
});
