const everyMs = 15_000;

/** `1 min 5 s`, `4.2 s`. */
export function inWords(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/**
 * Does something that people wait for: a line at its start, one every 15 s with how far it is (what it last said) and since
 * when, and one at its end with the time it took. The same lines on a terminal and in a log file.
 */
export async function narrate<T>(
  what: string,
  log: (line: string) => void,
  work: (say: (text: string) => void) => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  const elapsed = () => inWords(performance.now() - startedAt);
  let said = '';
  log(`${what} …`);
  const timer = setInterval(() => log(`${what}: ${said === '' ? '' : `${said}, `}${elapsed()} so far`), everyMs);
  try {
    const result = await work((text) => (said = text));
    log(`${what}: done in ${elapsed()}`);
    return result;
  } catch (error) {
    log(
      `${what}: not done after ${elapsed()} (${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)})`,
    );
    throw error;
  } finally {
    clearInterval(timer);
  }
}
