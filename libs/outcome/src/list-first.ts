/** The first of the items as a message names them, at most `most`, and how many more there are: `a, b, and 3 more`. */
export const listFirst = (items: readonly string[], most: number, separator = ', '): string => {
  const more = items.length - most;
  return [...items.slice(0, most), ...(more > 0 ? [`and ${String(more)} more`] : [])].join(separator);
};
