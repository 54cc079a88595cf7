import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changelog, changesOf, notesOf } from './changelog.ts';

let repository: string;

const git = (...args: readonly string[]) =>
  execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_SYSTEM: '/dev/null',
      GIT_COMMITTER_DATE: '2026-01-02T03:04:05Z',
      GIT_AUTHOR_DATE: '2026-01-02T03:04:05Z',
    },
  });
const commit = (message: string) => git('commit', '--allow-empty', '-m', message);

beforeAll(() => {
  repository = mkdtempSync(join(tmpdir(), 'changelog-'));
  git('init', '--initial-branch=main');
  commit('feat(s3): add cors');
  commit('test(s3): try cors');
  commit('feat(tools): try out what nobody installs');
  git('tag', 'v0.1.0');
  commit('fix: end an endless body');
  commit('perf(runtime): list in pages');
  commit('feat(api)!: rename a field\n\nIts body.\n\nBREAKING CHANGE: write `later` for `now`');
  commit('whatever it was');
});
afterAll(() => rmSync(repository, { recursive: true }));

describe('the changelog', () => {
  it('tells each version what its users see, the newest first', async () => {
    // What has no tag yet is of today.
    const text = (await changelog(repository, '0.2.0')).replace(/(?<=^## 0\.2\.0 \()[\d-]+/m, 'today');
    expect(text.slice(text.indexOf('## '))).toBe(`## 0.2.0 (today)

### What needs care

- **api:** write \`later\` for \`now\`

### Added

- **api:** rename a field

### Fixed

- end an endless body

### Faster

- **runtime:** list in pages

## 0.1.0 (2026-01-02)

### Added

- **s3:** add cors
`);
  });

  it('gives a version its notes before and after it has its tag', async () => {
    const before = await notesOf(repository, '0.2.0');
    expect(before).toMatch(/^### What needs care\n/);
    expect(before).not.toContain('cors');
    git('tag', 'v0.2.0');
    expect(await notesOf(repository, '0.2.0')).toBe(before);
    git('tag', '--delete', 'v0.2.0');
  });

  it('tells Artifact Hub the changes of one version', async () => {
    expect(await changesOf(repository, '0.2.0')).toEqual([
      { kind: 'fixed', description: 'end an endless body' },
      { kind: 'changed', description: 'runtime: list in pages' },
      { kind: 'added', description: 'api: rename a field' },
    ]);
  });
});
