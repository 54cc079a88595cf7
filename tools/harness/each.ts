/** Does something with every item, `atOnce` of them at the same time. The first failure, or the signal, ends the rest. */
export async function forEach<T>(
  items: Iterable<T>,
  atOnce: number,
  signal: AbortSignal,
  act: (item: T) => Promise<unknown>,
): Promise<void> {
  // One iterator that all of them draw from.
  const left = items[Symbol.iterator]();
  const failure = new AbortController();
  const ended = AbortSignal.any([signal, failure.signal]);
  const work = async () => {
    for (let item = left.next(); item.done !== true && !ended.aborted; item = left.next()) await act(item.value);
  };
  await Promise.all(
    Array.from({ length: atOnce }, () =>
      work().catch((error: unknown) => {
        failure.abort();
        throw error;
      }),
    ),
  );
  signal.throwIfAborted();
}
