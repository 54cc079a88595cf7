import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runGitCliff } from 'git-cliff';
import { format } from 'prettier';

/* What has changed, from the commits. cliff.toml says which of them count, and how they are told. */

const tagOf = (version: string): string => `v${version}`;

/** @throws Error with git-cliff's words */
const cliff = async (repository: string, ...args: readonly string[]): Promise<string> => {
  const config = ['--config', join(import.meta.dirname, 'cliff.toml'), '--repository', repository];
  const { stdout } = await runGitCliff([...config, ...args], { stdio: 'pipe', env: { GIT_CLIFF_OFFLINE: 'true' } });
  return String(stdout);
};

/** Every version, the one that is about to be tagged on top. Markdown. */
export const changelog = async (repository: string, version: string): Promise<string> =>
  format(await cliff(repository, '--tag', tagOf(version)), { parser: 'markdown' });

/** What takes the commits of one version: from its tag where it has one, else what has come since the last. */
const commitsOf = async (repository: string, version: string): Promise<readonly string[]> => {
  const { stdout } = await promisify(execFile)('git', ['tag', '--list', tagOf(version)], { cwd: repository });
  return stdout.trim() === '' ? ['--unreleased', '--tag', tagOf(version)] : ['--current'];
};

/** The notes of one version, Markdown without a heading. */
export const notesOf = async (repository: string, version: string): Promise<string> => {
  const text = await cliff(repository, ...(await commitsOf(repository, version)), '--strip', 'header');
  return format(text.trim().split('\n').slice(1).join('\n'), { parser: 'markdown' });
};

/** One line of what Artifact Hub shows. Source: artifacthub.io, Helm annotations, `artifacthub.io/changes`. */
export interface Change {
  readonly kind: 'added' | 'changed' | 'fixed';
  readonly description: string;
}

interface Release {
  readonly commits: readonly {
    readonly group: string;
    readonly scope: string | null;
    readonly message: string;
  }[];
}

/** The changes of one version. */
export const changesOf = async (repository: string, version: string): Promise<readonly Change[]> => {
  const context = await cliff(repository, ...(await commitsOf(repository, version)), '--context');
  const [release] = JSON.parse(context) as readonly Release[];
  return (release?.commits ?? []).map(({ group, scope, message }) => ({
    kind: group.endsWith('Added') ? 'added' : group.endsWith('Fixed') ? 'fixed' : 'changed',
    description: `${scope === null ? '' : `${scope}: `}${message.trim()}`,
  }));
};
