/**
 * A value for each key, made when it is first asked for. The `most` that were asked for last are kept: keys come from objects of tenants and from
 * answers of servers, and have no end.
 */
export const createRecentlyUsed = <T extends object>(most: number, make: (key: string) => T): ((key: string) => T) => {
  const kept = new Map<string, T>();
  return (key) => {
    const value = kept.get(key) ?? make(key);
    kept.delete(key);
    kept.set(key, value);
    const [oldest] = kept.keys();
    if (kept.size > most && oldest !== undefined) kept.delete(oldest);
    return value;
  };
};

/** More regions and endpoints than one Provider has at a time. */
export const mostEndpoints = 64;
