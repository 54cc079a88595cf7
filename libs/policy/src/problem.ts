import { listFirst } from '@operator/outcome';

/** What is wrong with one element of a document. */
export interface Problem {
  /** Such as `statement[2].action[0]`; empty for the document as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Collects problems below one path. */
export class Findings {
  readonly problems: Problem[] = [];

  add(path: string, message: string): void {
    this.problems.push({ path, message });
  }
}

/** The path of a key: `a.key`, or `a["key"]` when the key is not a plain name. */
export const at = (path: string, key: string | number): string => {
  if (typeof key === 'number') return `${path}[${String(key)}]`;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return `${path}[${JSON.stringify(key.slice(0, 64))}]`;
  return path === '' ? key : `${path}.${key}`;
};

/** Shown text of a value: short, and JSON so that odd characters are seen. */
export const shown = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
};

/**
 * Why a value that is to be text is none. A number or a boolean is what YAML made of text without quotes: 020222070707 became
 * 2185785799 and `yes` became true before anybody here saw it, so it is never turned back into text.
 */
export const notText = (value: unknown, wanted = 'text'): string => {
  if (typeof value !== 'number' && typeof value !== 'boolean') return `must be ${wanted}; it is ${shown(value)}`;
  return `must be ${wanted}; it is ${shown(value)}, which is how YAML reads what is not quoted: quote it`;
};

const told = 5;

/** The problems as one line for a condition; at most the first five in full. */
export const describeProblems = (problems: readonly Problem[]): string => {
  const lines = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return listFirst(lines, told, '; ');
};
