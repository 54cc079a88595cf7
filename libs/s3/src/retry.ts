import { reasons } from '@operator/api';
import { unlessAborted } from '@operator/outcome';
import { ConfiguredRetryStrategy, getRetryAfterHint, isThrottlingError, isTransientError } from '@smithy/core/retry';
import type { RetrySettings } from './connection.ts';
import { classOf } from './error-classes.ts';
import { answerOf } from './wire-answer.ts';

type Refresh = ConfiguredRetryStrategy['refreshRetryTokenForRetry'];

const baseMs = 200;
const capMs = 5_000;

/** Milliseconds to wait after the failed attempt of that number, from 1. Exponential has full jitter, linear has half. */
export const retryDelayMs = (
  strategy: RetrySettings['backoffStrategy'],
  attempt: number,
  random: () => number,
): number =>
  strategy === 'linear'
    ? Math.min(capMs, baseMs * attempt) * (0.5 + random() / 2)
    : Math.min(capMs, baseMs * 2 ** (attempt - 1)) * random();

class ProviderRetryStrategy extends ConfiguredRetryStrategy {
  override async refreshRetryTokenForRetry(...[token, info]: Parameters<Refresh>): ReturnType<Refresh> {
    const { retryAfterHint, ...attempt } = info;
    const error: unknown = info.error;
    // The SDK counts IAM's "two keys at most" as throttling, for the likeness of the name. No wait ends that.
    if (error instanceof Error && error.name === 'LimitExceededException') throw error;
    // A server may ask for any number, such as 1e300, which is no date: a timer would take it for a millisecond.
    const isDate = retryAfterHint !== undefined && !Number.isNaN(retryAfterHint.getTime());
    return super.refreshRetryTokenForRetry(token, isDate ? info : attempt);
  }
}

/**
 * The SDK's retry with a Provider's settings. One for each Provider: its bucket of retry tokens keeps the sum of all retries
 * small while a server is failing. `maxAttempts` counts the first attempt.
 */
export const createRetryStrategy = (settings: RetrySettings, random: () => number): ConfiguredRetryStrategy =>
  new ProviderRetryStrategy(settings.maxAttempts, (attempt) => retryDelayMs(settings.backoffStrategy, attempt, random));

/** True for a failure that was told within an answer of 200, whose status does not say that it passes. */
const failedIn200 = (error: unknown): boolean => {
  const answer = answerOf(error);
  if (answer?.status === undefined || answer.status >= 300) return false;
  const { reason } = classOf(answer);
  return reason === reasons.ServerError || reason === reasons.Throttled;
};

type FailedAttempt = Parameters<Refresh>[1];

/** What the strategy is told of an attempt that failed with an error of the SDK's kind. */
export const failedAttempt = (caught: unknown): FailedAttempt => {
  const error = (caught instanceof Error ? caught : new Error(String(caught))) as NonNullable<FailedAttempt['error']>;
  const retryAfterHint = getRetryAfterHint(error.$response);
  return {
    error,
    // The strategy repeats the first two kinds, and no other.
    errorType: isThrottlingError(error)
      ? 'THROTTLING'
      : isTransientError(error) || failedIn200(error)
        ? 'TRANSIENT'
        : 'CLIENT_ERROR',
    ...(retryAfterHint === undefined ? {} : { retryAfterHint }),
  };
};

/**
 * Makes attempts until one succeeds or the strategy wants no more.
 * @throws the error of the last attempt; the reason of `signal` when that ends a wait
 */
export const withRetries = async <T>(
  strategy: ConfiguredRetryStrategy,
  attempt: () => Promise<T>,
  describe: (error: unknown) => FailedAttempt,
  signal: AbortSignal,
): Promise<T> => {
  let token = await strategy.acquireInitialRetryToken('');
  for (;;) {
    try {
      const result = await attempt();
      strategy.recordSuccess(token);
      return result;
    } catch (error) {
      // The strategy waits itself, and cannot be stopped; its own words, where no attempts are left, add nothing.
      const pause = strategy.refreshRetryTokenForRetry(token, describe(error)).catch(() => undefined);
      const next = await unlessAborted(signal, pause);
      if (next === undefined) throw error;
      token = next;
    }
  }
};
