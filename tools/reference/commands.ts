/** A command of kubectl that a page tells people to type. */
export interface PageCommand {
  readonly page: string;
  /** Up to a pipe: what comes after it is the shell's. */
  readonly command: string;
}

/** The commands of kubectl in the blocks and in the sentences of a page, in their order; of `a && b` both. */
export const kubectlIn = (page: string, text: string): readonly PageCommand[] =>
  [...text.matchAll(/^(kubectl .+)$|`(kubectl [^`]+)`/gm)].flatMap(([, line, inline = '']) =>
    (line ?? inline)
      .split(' && ')
      .filter((command) => command.startsWith('kubectl '))
      .map((command) => ({ page, command: command.split(' | ', 1)[0] ?? '' })),
  );

/** Words as a shell makes them of a command without variables: quotes hold one together, and `$(…)` stands for any text. */
export const wordsOf = (command: string): readonly string[] =>
  [...command.replace(/"?\$\([^)]*\)"?/g, '1').matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'),
  );

/** The fields of objects that the columns or the path of a command lead to, as `kubectl explain` takes them. */
export const fieldsOf = (words: readonly string[]): readonly string[] =>
  words
    .filter((word) => /^(-o|--output)?=?(custom-columns|jsonpath)=/.test(word))
    .flatMap((word) => [...word.replace(/\[[^\]]*\]/g, '').matchAll(/\.((?:metadata|spec|status)(?:\.\w+)*)/g)])
    .map(([, path = '']) => path);
