/**
 * What the promise gives, unless the signal aborts before; the promise itself goes on. Nothing of it stays with the signal: one that is joined
 * from others (`AbortSignal.any`) lives as long as they do while anybody listens to it.
 * @throws the reason of the signal
 */
export const unlessAborted = async <T>(signal: AbortSignal, promise: Promise<T>): Promise<T> => {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
};
