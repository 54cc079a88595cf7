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
