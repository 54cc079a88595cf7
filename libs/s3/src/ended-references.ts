/**
 * True when something in a bucket of this name may stand by references that ended. `ended`: with the names of the buckets that each led to;
 * where a reference has none, they are not known, and any bucket may be one.
 */
export const mayHaveEnded = (ended: ReadonlyMap<string, readonly string[]>, bucket: string): boolean =>
  [...ended.values()].some((names) => names.length === 0 || names.includes(bucket));
