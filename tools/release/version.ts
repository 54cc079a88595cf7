import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Source: semver.org, version 2.0.0, without build metadata, which no tag of an image may have. */
const semver = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

export const isVersion = (text: string): boolean => semver.test(text);

interface Lock {
  version: string;
  readonly packages: Readonly<Record<string, { version?: string }>>;
}

const readLock = async (root: string): Promise<Lock> =>
  JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as Lock;

/** The folders of the project's own packages, '' for its root. */
const ownFolders = ({ packages }: Lock): readonly string[] =>
  Object.keys(packages).filter((path) => !path.split('/').includes('node_modules'));

const line = /^( {2}"version": ")([^"]*)(",?)$/m;

/** Path of each package.json of the project's own → its version. */
export const ownVersions = async (root: string): Promise<ReadonlyMap<string, string | undefined>> =>
  new Map(
    await Promise.all(
      ownFolders(await readLock(root)).map(async (folder) => {
        const path = join(folder, 'package.json');
        return [path, line.exec(await readFile(join(root, path), 'utf8'))?.[2]] as const;
      }),
    ),
  );

/** Sets the version of the project: in the package.json of its root and of each workspace, and in package-lock.json. */
export const setVersion = async (root: string, version: string): Promise<void> => {
  const lock = await readLock(root);
  lock.version = version;
  for (const folder of ownFolders(lock)) {
    const file = join(root, folder, 'package.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace(line, `$1${version}$3`));
    const locked = lock.packages[folder];
    if (locked !== undefined) locked.version = version;
  }
  await writeFile(join(root, 'package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`);
};
