/** How many entries a memory has that nobody clears: of Events for their counts, of objects for what they were told. */
const remembered = 4_096;

/** Sets an entry as the newest and forgets the oldest beyond the limit. */
export const remember = <V>(entries: Map<string, V>, key: string, value: V): void => {
  entries.delete(key);
  entries.set(key, value);
  if (entries.size > remembered) entries.delete(entries.keys().next().value ?? '');
};
