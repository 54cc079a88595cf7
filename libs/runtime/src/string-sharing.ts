/** How many strings are looked through for each that arrives, at most twice. */
const remembered = 512;
/** Strings that short are shared by `JSON.parse` itself. */
const shared = 10;

/**
 * Returns a function that lets an object from JSON share the strings that it has in common with those before it, and the ones that stand in it more
 * than once: API version, namespace, endpoint, message, names. Ten thousand objects would else hold ten thousand of each. It changes the object.
 */
export const createStringSharing = (): (<T extends object>(object: T) => T) => {
  // What neither of two terms has seen again is forgotten, so that nothing is held for long that no object holds.
  let recent = new Map<string, string>();
  let former = new Map<string, string>();
  const sharedOf = (text: string): string => {
    const known = recent.get(text);
    if (known !== undefined) return known;
    const kept = former.get(text) ?? text;
    if (recent.size === remembered) [former, recent] = [recent, new Map<string, string>()];
    recent.set(kept, kept);
    return kept;
  };
  const share = <T extends object>(object: T): T => {
    const fields = object as Record<string, unknown>;
    for (const key of Object.keys(fields)) {
      const value = fields[key];
      if (typeof value === 'string') {
        if (value.length > shared) fields[key] = sharedOf(value);
      } else if (typeof value === 'object' && value !== null) share(value);
    }
    return object;
  };
  return share;
};
