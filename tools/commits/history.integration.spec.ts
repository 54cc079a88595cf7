import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitsSince } from './history.ts';

let dir: string;
let whole: string;
let base: string;

/** By nobody's configuration but its own. */
const git = (cwd: string, ...args: readonly string[]) =>
  execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
  }).trim();

const commit = (repository: string, path: string, message: string) => {
  mkdirSync(join(repository, path, '..'), { recursive: true });
  writeFileSync(join(repository, path), message);
  git(repository, 'add', '.');
  git(repository, 'commit', '--no-verify', '-m', message);
  return git(repository, 'rev-parse', 'HEAD');
};

const subjects = async (repository: string, from = base) =>
  (await commitsSince(from, repository)).map(({ message }) => message.split('\n', 1)[0]);

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'commits-'));
  whole = join(dir, 'whole');
  mkdirSync(whole);
  git(whole, 'init', '--initial-branch=main');
  base = commit(whole, 'libs/s3/a.ts', 'whatever it was');
  commit(whole, 'apps/bucket-controller/b.ts', 'feat: one\n\nIts body.');
  git(whole, 'checkout', '-b', 'side');
  commit(whole, '.ci/run', 'feat: aside');
  git(whole, 'checkout', 'main');
  commit(whole, 'docs/c.md', 'feat: two');
  git(whole, 'merge', '--no-ff', '-m', 'Merge side', 'side');
});
afterAll(() => rmSync(dir, { recursive: true }));

const clone = (name: string, ...args: readonly string[]) => {
  git(dir, 'clone', ...args, `file://${whole}`, name);
  return join(dir, name);
};

describe('the commits that are judged', () => {
  it('are those after the base on every way to HEAD, without merges', async () => {
    expect((await subjects(whole)).toSorted()).toEqual(['feat: aside', 'feat: one', 'feat: two']);
    expect(await subjects(whole, git(whole, 'rev-parse', 'HEAD'))).toEqual([]);
  });

  it('come with their whole message, and with what a scope may name then', async () => {
    const commits = await commitsSince(base, whole);
    const one = commits.find(({ message }) => message.startsWith('feat: one'));
    expect(one?.message.trimEnd()).toBe('feat: one\n\nIts body.');
    expect(one?.scopes).toEqual(new Set(['apps', 'bucket-controller', 'libs', 's3']));
    const aside = commits.find(({ message }) => message.startsWith('feat: aside'));
    expect(aside?.scopes.has('ci')).toBe(true);
  });

  it('are in a shallow clone those that it has', async () => {
    expect(await subjects(clone('shallow', '--depth=2'))).not.toContain('whatever it was');
    expect(await subjects(clone('shallow-whole', '--depth=99'))).toHaveLength(3);
  });

  it('are not those of a release', async () => {
    const released = clone('released');
    git(released, 'tag', 'v1.0.0');
    commit(released, 'e.ts', 'fix: three');
    expect(await subjects(released)).toEqual(['fix: three']);
  });

  it('cannot be told where the base is missing, or no clone is', async () => {
    await expect(commitsSince('0'.repeat(40), whole)).rejects.toThrow(/is not in this clone/);
    await expect(commitsSince(base, tmpdir())).rejects.toThrow(/not a git repository/);
  });
});
