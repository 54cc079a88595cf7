import { reasons } from '@operator/api';
import { classOf } from './error-classes.ts';
import type { WireAnswer } from './wire-answer.ts';

/** The clock of a server, as its latest answer showed it. */
export interface ServerClock {
  /** Takes note of the `Date` header of an answer; anything else than a date within a hundred years of now leaves the clock as it is. */
  hear(dateHeader: string | undefined): void;
  /**
   * What the server's clock shows by now: the last header and the time that has passed since. Behind by up to a second, which
   * the header cuts off, and the time that the answer was under way. Undefined before the first answer with a date.
   */
  now(): Date | undefined;
}

/** A clock without a battery begins in 1970. */
const mostYearsAway = 100;

/** The instant in milliseconds; undefined for no date, and for one that is no clock's. */
const plausible = (at: Date, now: Date): number | undefined =>
  Math.abs(at.getUTCFullYear() - now.getUTCFullYear()) <= mostYearsAway ? at.getTime() : undefined;

/** Reads a `Date` header. Source: RFC 9110, IMF-fixdate, which is also how a Date writes itself. */
const instantOf = (dateHeader: string | undefined, now: Date): number | undefined => {
  const at = new Date(dateHeader ?? '');
  return at.toUTCString() === dateHeader ? plausible(at, now) : undefined;
};

const refusesTime = /RequestTimeTooSkewed|RequestExpired|RequestInTheFuture|Signature (?:expired|not yet current)/i;

/**
 * True when a client of the SDK may sign with the `Date` of that answer. It follows that of any answer, a broken one too, while all but the refusal
 * of a time say nothing against the time that was signed with.
 */
export const mayTeachTime = (date: string | undefined, content: Buffer, now: Date): boolean =>
  refusesTime.test(content.toString('latin1', 0, 4_096)) && instantOf(date, now) !== undefined;

/** `elapsedMs`: milliseconds on a clock that never jumps. `now`: what this machine takes for the time. Source: RFC 9110, Date. */
export const createServerClock = (elapsedMs: () => number, now: () => Date): ServerClock => {
  let heard: { readonly dateMs: number; readonly atMs: number } | undefined;
  return {
    hear(dateHeader) {
      const dateMs = instantOf(dateHeader, now());
      if (dateMs !== undefined) heard = { dateMs, atMs: elapsedMs() };
    },
    now: () => (heard === undefined ? undefined : new Date(heard.dateMs + elapsedMs() - heard.atMs)),
  };
};

/** What an answer is, and the headers that tell the time. */
export interface TimedAnswer {
  readonly answer: WireAnswer;
  readonly headers: Readonly<Record<string, string>>;
}

/** The time to sign requests with: this machine's, or the server's once that has refused this machine's. */
export interface SigningClock {
  now(): Date;
  /**
   * Takes note of the answer to what was signed at that time. Returns true when it was refused for that time and `now` is another one since, so
   * that it is worth being sent once more.
   */
  hear(heard: TimedAnswer, signedAt: Date): boolean;
}

/** Well within the quarter of an hour that servers allow, and more than an answer is under way. */
const largestSkewMs = 240_000;
const areApart = (a: number, b: number): boolean => Math.abs(a - b) >= largestSkewMs;

/** Reads what a refusal itself says of the server's time, which no proxy writes. Source: Amazon S3 API, RequestTimeTooSkewed. */
const serverTimeIn = ({ serverTime = '' }: WireAnswer, now: Date): number | undefined =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(serverTime) ? plausible(new Date(serverTime), now) : undefined;

/**
 * What an answer says of the time that the request was signed with. A HEAD that is refused has no code: then it may be the time, or a right that is
 * missing.
 */
const verdictOn = (answer: WireAnswer): 'right' | 'wrong' | 'perhapsWrong' | 'open' => {
  const { code, status = 0 } = answer;
  if ((status < 300 && code === '') || status === 404) return 'right';
  if (classOf(answer).reason === reasons.ClockSkew) return 'wrong';
  return code === '' && (status === 400 || status === 401 || status === 403) ? 'perhapsWrong' : 'open';
};

/**
 * Learns from refusals alone: who accepts a signature has accepted its time, whatever a proxy writes into `Date`. What may have been refused for another
 * reason is tried once with the time that the answer shows; if that is of no use, the clock goes back.
 * Source: Amazon S3 API, RequestTimeTooSkewed; RFC 9111, Age: what a cache answered says nothing of now.
 */
export const createSigningClock = (now: () => Date): SigningClock => {
  let offsetMs = 0;
  /** The offset before one that is being tried. */
  let beforeTrialMs: number | undefined;
  let triedInVainMs: number | undefined;
  const timeMs = (): number => now().getTime() + offsetMs;
  const moveTo = (ms: number): void => {
    offsetMs = areApart(ms, 0) ? ms : 0;
  };

  const hearWrong = (shownMs: number | undefined, signedMs: number): boolean => {
    beforeTrialMs = undefined;
    triedInVainMs = undefined;
    if (shownMs !== undefined && areApart(shownMs, signedMs)) moveTo(shownMs - now().getTime());
    // What was followed has led astray: this machine's own time is left.
    else if (!areApart(timeMs(), signedMs)) moveTo(0);
    return areApart(timeMs(), signedMs);
  };

  const hearPerhapsWrong = (shownMs: number | undefined, signedMs: number): boolean => {
    if (areApart(timeMs(), signedMs)) return true;
    if (shownMs !== undefined && areApart(shownMs, signedMs)) {
      const foundMs = shownMs - now().getTime();
      if (triedInVainMs !== undefined && !areApart(foundMs, triedInVainMs)) return false;
      beforeTrialMs = offsetMs;
      moveTo(foundMs);
      return true;
    }
    if (beforeTrialMs !== undefined) {
      triedInVainMs = offsetMs;
      moveTo(beforeTrialMs);
      beforeTrialMs = undefined;
    }
    return false;
  };

  return {
    now: () => new Date(timeMs()),
    hear({ answer, headers }, signedAt) {
      const verdict = verdictOn(answer);
      const signedMs = signedAt.getTime();
      if (verdict === 'open') return false;
      if (verdict === 'right') {
        if (!areApart(timeMs(), signedMs)) beforeTrialMs = undefined;
        return false;
      }
      const dateMs = headers.age === undefined ? instantOf(headers.date, now()) : undefined;
      return verdict === 'wrong'
        ? hearWrong(serverTimeIn(answer, now()) ?? dateMs, signedMs)
        : hearPerhapsWrong(dateMs, signedMs);
    },
  };
};

/**
 * Makes an attempt, and at once another when the server refused the first for the time that it was signed with, which is corrected by then. Surely
 * nothing was carried out: so this holds for what else is never repeated, and does not count as one of the attempts of a Provider.
 * @throws the error of the last attempt
 */
export const inTime = async <T>(attempt: () => Promise<T>): Promise<T> => {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof Error && 'isClockSkewed' in error && error.isClockSkewed === true) return attempt();
    throw error;
  }
};
