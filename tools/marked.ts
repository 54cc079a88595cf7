/** `text` with `content` in its place, between `<!-- name -->` and `<!-- /name -->`. @throws Error when there is no such place */
export const between = (text: string, name: string, content: string): string => {
  const [from, to] = placeOf(text, name);
  return `${text.slice(0, from)}\n\n${content}\n\n${text.slice(to)}`;
};

/** What stands between `<!-- name -->` and `<!-- /name -->`. @throws Error when there is no such place */
export const contentBetween = (text: string, name: string): string => text.slice(...placeOf(text, name)).trim();

const placeOf = (text: string, name: string): readonly [from: number, to: number] => {
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`no place for ${name}: ${start} … ${end} is missing`);
  return [from + start.length, to];
};
