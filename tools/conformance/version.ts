import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { obtainCeph } from '../local/ceph.ts';
import { serverSources } from '../local/versions.ts';
import { projectRoot } from '../paths.ts';
import type { OwnServer } from './command.ts';

/** The version of a server that this project starts. */
export const versionOfServer = async (name: OwnServer): Promise<string> =>
  // Debian's release moves on: the folder has the version that is there.
  name === 'ceph' ? basename(await obtainCeph()) : serverSources[name].version;

/** The version of the operator in this clone, and its commit where git can tell. */
export const versionOfOperator = async (): Promise<{ readonly version: string; readonly commit?: string }> => {
  const { version } = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const described = promisify(execFile)('git', ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'], {
    cwd: projectRoot,
  });
  return described.then(
    ({ stdout }) => ({ version, commit: stdout.trim() }),
    () => ({ version }),
  );
};
