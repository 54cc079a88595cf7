/** One commit, as it is judged. */
export interface Commit {
  /** Abbreviated hash, for the message. */
  readonly hash: string;
  /** The whole message: header, blank line, body. */
  readonly message: string;
  /** What a scope may name: the projects of this commit and the folders at its root. */
  readonly scopes: ReadonlySet<string>;
}

const types = ['feat', 'fix', 'perf', 'refactor', 'test', 'docs', 'build', 'ci', 'bench', 'style', 'chore', 'revert'];
/** As wide as a line of the sources. */
const longestHeader = 120;

/**
 * What is wrong with a commit message; empty when nothing is. Merges are not judged.
 * Source: Conventional Commits 1.0.0; CONTRIBUTING.md.
 */
export const judgeCommit = ({ message, scopes }: Pick<Commit, 'message' | 'scopes'>): readonly string[] => {
  const [header = '', second, ...rest] = message.trimEnd().split('\n');
  const parts = /^(?<type>[a-z]+)(?:\((?<scope>[^()]*)\))?!?: (?<subject>\S.*)$/.exec(header)?.groups;
  if (parts === undefined)
    return [`"${header}" is not of the form "type(scope): subject". Write for example "fix(s3): end an endless body".`];
  const { type = '', scope, subject = '' } = parts;
  const wrong: string[] = [];
  if (!types.includes(type)) wrong.push(`type "${type}" is unknown. Use one of ${types.join(', ')}.`);
  for (const name of scope?.split(',') ?? [])
    if (!scopes.has(name))
      wrong.push(`scope "${name}" is neither a project nor a folder at the root. Use one, or leave the scope out.`);
  if (header.length > longestHeader)
    wrong.push(
      `the first line has ${header.length} characters, more than ${longestHeader}. Say less, or say it in the body.`,
    );
  if (/^[A-Z][a-z]+(?=[\s,;:]|$)/.test(subject))
    wrong.push(`subject "${subject}" begins with a capital. Begin in lower case.`);
  if (subject.endsWith('.')) wrong.push(`subject "${subject}" ends with a full stop. Leave it out.`);
  if (second !== undefined && second !== '')
    wrong.push('the second line is not blank. Part subject and body by a blank line.');
  const breaking = rest.find((line) => /^breaking[ -]changes?\b/i.test(line));
  if (breaking !== undefined && !/^BREAKING[ -]CHANGE: \S/.test(breaking))
    wrong.push(`"${breaking}" is not a footer that tools read. Write "BREAKING CHANGE: " and what breaks.`);
  return wrong;
};
