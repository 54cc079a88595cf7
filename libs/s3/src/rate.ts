import { setTimeout as delay } from 'node:timers/promises';

/** Lets calls through at a rate, with bursts, and more slowly for a while when the server asks for it. */
export interface TokenBucket {
  /** Waits for this call's turn; first come, first served. @throws the signal's reason when it is aborted meanwhile */
  take(signal: AbortSignal): Promise<void>;
  /** Halves the rate, at most once a second; it comes back by a fiftieth of the full rate each second. */
  slowDown(): void;
}

const slowDownAtMostEveryMs = 1_000;
/** Of the full rate. */
const slowest = 1 / 64;
const regainedPerSecond = 1 / 50;

const pauseFor = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal });

/** `elapsedMs`: milliseconds on a clock that never jumps. `pause` waits, and throws the signal's reason when that is aborted. */
export const createTokenBucket = (
  { perSecond, burst }: { readonly perSecond: number; readonly burst: number },
  elapsedMs: () => number,
  pause: (ms: number, signal: AbortSignal) => Promise<void> = pauseFor,
): TokenBucket => {
  // Debt is allowed: each waiting call has taken its token already and waits for it to be earned.
  let tokens = burst;
  let rate = perSecond;
  let filledAtMs = elapsedMs();
  let slowedAtMs = -Infinity;

  const fill = (): void => {
    const nowMs = elapsedMs();
    const seconds = (nowMs - filledAtMs) / 1_000;
    tokens = Math.min(burst, tokens + seconds * rate);
    rate = Math.min(perSecond, rate + seconds * perSecond * regainedPerSecond);
    filledAtMs = nowMs;
  };

  return {
    async take(signal) {
      fill();
      tokens -= 1;
      if (tokens >= 0) return;
      try {
        await pause((-tokens * 1_000) / rate, signal);
      } catch (aborted) {
        tokens += 1;
        throw aborted;
      }
    },
    slowDown() {
      fill();
      if (filledAtMs - slowedAtMs < slowDownAtMostEveryMs) return;
      slowedAtMs = filledAtMs;
      rate = Math.max(rate / 2, perSecond * slowest);
      // What was saved up belongs to the burst that the server could not bear.
      tokens = Math.min(tokens, 0);
    },
  };
};
