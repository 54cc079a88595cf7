import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Commit } from './judge.ts';

const run = promisify(execFile);
/** Of what git prints. */
const mostBytes = 64 * 2 ** 20;

/**
 * The commits that lead to HEAD, without merges: after `base`, and not in a release, which nobody can change any more. In a
 * shallow clone that does not reach back to `base`, those that it has. Asks nothing of any remote.
 * @throws Error when `repository` is no clone, or a whole one that lacks `base`
 */
export async function commitsSince(base: string, repository: string): Promise<readonly Commit[]> {
  const git = async (...args: readonly string[]) =>
    (await run('git', [...args], { cwd: repository, maxBuffer: mostBytes })).stdout;

  const isShallow = (await git('rev-parse', '--is-shallow-repository')).trim() === 'true';
  const hasBase = await git('cat-file', '-e', `${base}^{commit}`).then(
    () => true,
    () => false,
  );
  if (!hasBase && !isShallow)
    throw new Error(`commit ${base}, after which commits are judged, is not in this clone. Fetch its history.`);
  const judgedBefore = ['--not', ...(hasBase ? [base] : []), '--tags'];
  const listed = await git('log', '-z', '--no-merges', '--format=%h%n%B', 'HEAD', ...judgedBefore);
  const commits = listed.split('\0').filter((entry) => entry !== '');
  return Promise.all(
    commits.map(async (entry) => {
      const [hash = ''] = entry.split('\n', 1);
      return { hash, message: entry.slice(hash.length + 1), scopes: await scopesOf(git, hash) };
    }),
  );
}

/** Folders at the root (`ci` for `.ci`), and those of apps/ and libs/, which have the names of their projects. */
async function scopesOf(git: (...args: readonly string[]) => Promise<string>, hash: string) {
  const list = async (...below: readonly string[]) =>
    (await git('ls-tree', '-d', '--name-only', '-z', hash, ...below)).split('\0').filter((path) => path !== '');
  const folders = [...(await list()), ...(await list('apps/', 'libs/'))];
  return new Set(folders.map((path) => path.slice(path.lastIndexOf('/') + 1).replace(/^\./, '')));
}
