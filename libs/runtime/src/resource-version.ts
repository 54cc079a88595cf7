/**
 * Compares two resource versions as the whole numbers that they are: negative when `a` is older, 0 when they are the same.
 * Source: Kubernetes KEP-5504, comparable resource versions.
 */
export const compareResourceVersions = (a: string, b: string): number =>
  a.length === b.length ? (a < b ? -1 : a > b ? 1 : 0) : a.length - b.length;
