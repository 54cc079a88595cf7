import { describe, expect, it } from 'vitest';
import { judgeCommit } from './judge.ts';

const scopes = new Set(['s3', 'runtime', 'docs']);
const judge = (message: string) => judgeCommit({ message, scopes });

describe('a commit message', () => {
  it.each([
    ['with a scope', 'fix(s3): end an endless body\n'],
    ['without a scope', 'docs: say how long it takes'],
    ['with two scopes', 'refactor(s3,runtime): share the back-off'],
    ['with a body and footers', 'feat(s3)!: add cors\n\nWhy it is so.\n\nBREAKING CHANGE: none is left\nRefs: #11\n'],
    ['that begins with a name', 'test(s3): MinIO says the year 1'],
  ])('%s holds', (_title, message) => {
    expect(judge(message)).toEqual([]);
  });

  it.each([
    ['without a type', 'end an endless body', [/"end an endless body" is not of the form "type\(scope\): subject"/]],
    ['that is a fixup', 'fixup! fix(s3): end an endless body', [/is not of the form/]],
    ['without a subject', 'fix(s3): ', [/is not of the form/]],
    ['that is empty', '', [/"" is not of the form/]],
    ['of an unknown type', 'bug(s3): end it', [/type "bug" is unknown. Use one of feat, fix/]],
    ['with an unknown scope', 'fix(s4): end it', [/scope "s4" is neither a project nor a folder/]],
    ['with an empty scope', 'fix(): end it', [/scope "" is neither/]],
    ['that is too long', `fix(s3): ${'a'.repeat(112)}`, [/has 121 characters, more than 120/]],
    ['with a capital', 'fix(s3): End it', [/begins with a capital/]],
    ['with a full stop', 'fix(s3): end it.', [/ends with a full stop/]],
    ['without a blank line', 'fix(s3): end it\nfor good', [/second line is not blank/]],
    [
      'with a footer in other words',
      'fix(s3): end it\n\nBreaking change: all',
      [/"Breaking change: all" is not a footer/],
    ],
    ['with two faults', 'bug(s3): end it.', [/type "bug"/, /full stop/]],
  ])('%s is told', (_title, message, wanted) => {
    const wrong = judge(message);
    expect(wrong).toHaveLength(wanted.length);
    for (const [index, pattern] of wanted.entries()) expect(wrong[index]).toMatch(pattern);
  });
});
