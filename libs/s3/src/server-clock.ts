/** The clock of a server, as its latest answer showed it. */
export interface ServerClock {
  /** Takes note of the `Date` header of an answer; anything else than a date leaves the clock as it is. */
  hear(dateHeader: string | undefined): void;
  /**
   * What the server's clock shows by now: the last header and the time that has passed since. Behind by up to a second, which
   * the header cuts off, and the time that the answer was under way. Undefined before the first answer with a date.
   */
  now(): Date | undefined;
}

/** `elapsedMs`: milliseconds on a clock that never jumps. Source: RFC 9110, Date. */
export const createServerClock = (elapsedMs: () => number): ServerClock => {
  let heard: { readonly dateMs: number; readonly atMs: number } | undefined;
  return {
    hear(dateHeader) {
      const dateMs = Date.parse(dateHeader ?? '');
      if (!Number.isNaN(dateMs)) heard = { dateMs, atMs: elapsedMs() };
    },
    now: () => (heard === undefined ? undefined : new Date(heard.dateMs + elapsedMs() - heard.atMs)),
  };
};

/** The time to sign requests with: this machine's, or the server's once the two are too far apart for what is signed to be taken. */
export interface SigningClock {
  now(): Date;
  /** Takes note of the headers of the answer to what was signed at that time. Returns true when they show that it was a wrong one. */
  hear(headers: Readonly<Record<string, string>>, signedAt: Date): boolean;
}

/** Well within the quarter of an hour that servers allow, and more than an answer is under way. */
const largestSkewMs = 240_000;

/** Source: Amazon S3 API, RequestTimeTooSkewed; RFC 9111, Age: what a cache answered says nothing of now. */
export const createSigningClock = (now: () => Date): SigningClock => {
  let offsetMs = 0;
  return {
    now: () => new Date(now().getTime() + offsetMs),
    hear({ date = '', age }, signedAt) {
      const serverMs = Date.parse(date);
      if (age !== undefined || Number.isNaN(serverMs)) return false;
      const foundMs = serverMs - now().getTime();
      if (Math.abs(foundMs - offsetMs) >= largestSkewMs) offsetMs = foundMs;
      return Math.abs(serverMs - signedAt.getTime()) >= largestSkewMs;
    },
  };
};
