import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DebianPackage } from '../versions.ts';
import { upstreamVersionOf } from './debian.ts';

const run = promisify(execFile);

/**
 * Takes programs out of a package of the Debian that runs here, without installing it, into `folder/<version>`. Needs no root, where
 * the lists of packages are there. Every version appears by a rename, whole.
 * @throws Error, in one line: no apt, no such package, or a version that does not serve
 */
export async function unpackDebianPackage(
  { name, accepts }: DebianPackage,
  programs: readonly string[],
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const aside = await mkdtemp(join(folder, '.unpack-'));
  const options = { cwd: aside, ...(signal === undefined ? {} : { signal }) };
  try {
    const apt = (...args: readonly string[]) =>
      run('apt-get', args, options).catch((error: unknown) => {
        throw new Error(whyAptFailed(args, error), { cause: error });
      });
    const download = () => apt('download', name);
    await download().catch(async () => {
      // The lists may be absent, or name a version that the mirror has no more.
      await apt('update');
      await download();
    });
    const [file = ''] = readdirSync(aside);
    const { stdout } = await run('dpkg-deb', ['--field', file, 'Version'], options);
    const version = upstreamVersionOf(stdout.trim());
    if (!accepts.test(version)) throw new Error(`Debian has ${name} ${version}`);
    await run('dpkg-deb', ['--extract', file, 'content'], options);
    const bin = join(aside, 'content/usr/bin');
    const lacking = programs.filter((program) => !readdirSync(bin).includes(program));
    if (lacking.length > 0) throw new Error(`${file} has no ${lacking.join(', ')} in it`);
    await rm(join(folder, version), { recursive: true, force: true });
    await rename(bin, join(folder, version));
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

const whyAptFailed = (args: readonly string[], error: unknown): string => {
  const { code, stderr = '', message } = error as { code?: unknown; stderr?: string; message: string };
  if (code === 'ENOENT') return 'this machine has no apt-get';
  const said = stderr.split('\n').find((line) => line.startsWith('E: ')) ?? message.split('\n', 1)[0] ?? '';
  return `apt-get ${args.join(' ')}: ${said}`;
};
