import { setTimeout as delay } from 'node:timers/promises';

/** Lets calls through at a rate, with bursts. */
export interface TokenBucket {
  /** Waits for this call's turn; first come, first served. @throws the signal's reason when it is aborted meanwhile */
  take(signal: AbortSignal): Promise<void>;
}

/** `elapsedMs`: milliseconds on a clock that never jumps. */
export const createTokenBucket = (
  { perSecond, burst }: { readonly perSecond: number; readonly burst: number },
  elapsedMs: () => number,
): TokenBucket => {
  // Debt is allowed: each waiting call has taken its token already and waits for it to be earned.
  let tokens = burst;
  let filledAtMs = elapsedMs();

  return {
    async take(signal) {
      const nowMs = elapsedMs();
      tokens = Math.min(burst, tokens + ((nowMs - filledAtMs) * perSecond) / 1000);
      filledAtMs = nowMs;
      tokens -= 1;
      if (tokens >= 0) return;
      try {
        await delay((-tokens * 1000) / perSecond, undefined, { signal });
      } catch (aborted) {
        tokens += 1;
        throw aborted;
      }
    },
  };
};
