/**
 * Whether a pattern fits, in time that grows with pattern times value: a document comes from anybody, and a regular expression of many
 * stars does not end. Source: IAM User Guide, wildcards: `*` is any run of characters, `?` is one.
 */
export const matches = (pattern: string, value: string): boolean => {
  let [at, from] = [0, 0];
  let star: { readonly at: number; from: number } | undefined;
  while (from < value.length) {
    if (pattern[at] === '*') {
      star = { at, from };
      at += 1;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === value[from])) {
      at += 1;
      from += 1;
    } else if (star !== undefined) {
      star.from += 1;
      at = star.at + 1;
      from = star.from;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(at));
};
