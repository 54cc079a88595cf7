/** The entries of a list with commas between, as in an annotation or a flag; spaces around them, and empty ones, do not count. */
export const entriesIn = (value: string | undefined): readonly string[] =>
  (value ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
