/** Waits until a promise has settled, however, but for so many milliseconds at most. Returns whether it has. */
export const within = async (ms: number, ending: Promise<unknown>): Promise<boolean> => {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, ms, false);
  const ended = ending.then(
    () => true,
    () => true,
  );
  const hasEnded = await Promise.race([ended, late]);
  clearTimeout(timer);
  return hasEnded;
};
