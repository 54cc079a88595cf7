import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { downloadPinned } from '../local/servers/download.ts';
import base from './base.json' with { type: 'json' };
import type { ImageFile } from './layer.ts';
import { user, type Architecture } from './oci-layout.ts';

/* What every image stands on: the libraries that Node needs, from pinned packages of Debian, and Node itself from npm. */

const run = promisify(execFile);

/** Debian keeps in its archive only what is current; what it had on a day stays in its snapshots. */
const archives = ['http://deb.debian.org/debian', 'https://snapshot.debian.org/archive/debian/20261129T000000Z'];

/** A package from the first archive that has it. `folder`: where downloads are kept. */
const debianPackage = async (
  { path, sha256 }: { readonly path: string; readonly sha256: string },
  folder: string,
): Promise<string> => {
  const refusals: string[] = [];
  for (const archive of archives) {
    try {
      return await downloadPinned({ url: `${archive}/${path}`, algorithm: 'sha256', digest: sha256 }, { folder });
    } catch (error) {
      refusals.push(`${archive}/${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(`The Debian package ${basename(path)} cannot be had. ${refusals.join('; ')}`);
};

/** Files of a tar that are wanted, links among them. `take`: the path in the image; undefined leaves the file out. */
const filesOfTar = async (tar: Readable, take: (path: string) => string | undefined): Promise<readonly ImageFile[]> => {
  const files: ImageFile[] = [];
  const entries = extract();
  entries.on('entry', (header, stream, next) => {
    const path = take(header.name.replace(/^\.\//, ''));
    buffer(stream).then((content) => {
      if (path !== undefined && header.type === 'symlink') files.push({ path, linkTo: header.linkname });
      if (path !== undefined && header.type === 'file')
        files.push({ path, content, mode: header.mode & 0o111 ? 0o755 : 0o644 });
      next();
    }, next);
  });
  await pipeline(tar, entries);
  return files;
};

/** Libraries and the loader; no locales, tools or debuggers. */
const wantedLibrary =
  /^usr\/lib(64)?\/([a-z0-9_]+-linux-gnu\/)?(ld-linux[^/]*|lib(c|m|dl|pthread|rt|resolv|nss_dns|nss_files|atomic|gcc_s|stdc\+\+)\.so\.\d[^/]*)$/;
const copyright = /^usr\/share\/doc\/([^/]+)\/copyright$/;

const libraries = async (architecture: Architecture, folder: string): Promise<readonly ImageFile[]> => {
  const files: ImageFile[] = [];
  for (const { files: byArchitecture } of base.debian.packages) {
    const file = await debianPackage(byArchitecture[architecture], folder);
    const unpacked = spawn('dpkg-deb', ['--fsys-tarfile', file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const started = new Promise<void>((resolve, reject) => {
      unpacked.once('spawn', resolve);
      unpacked.once('error', (error) => {
        reject(new Error('dpkg-deb is needed to unpack packages of Debian: install dpkg', { cause: error }));
      });
    });
    await started;
    files.push(
      ...(await filesOfTar(unpacked.stdout, (path) =>
        wantedLibrary.test(path) || copyright.test(path) ? path : undefined,
      )),
    );
  }
  return files;
};

/** Node and its licence, as npm has it. @throws Error when npm hands out another file than the pinned one */
const nodeFiles = async (architecture: Architecture, folder: string): Promise<readonly ImageFile[]> => {
  const pinned = base.node.files[architecture];
  const file = join(folder, `${pinned.package}-${base.node.version}.tgz`);
  if (!existsSync(file)) {
    const aside = await mkdtemp(join(folder, '.npm-'));
    await run('npm', ['pack', `${pinned.package}@${base.node.version}`, '--pack-destination', aside]);
    await rename(join(aside, basename(file)), file);
    await rm(aside, { recursive: true });
  }
  const content = await readFile(file);
  const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`;
  if (integrity !== pinned.integrity) {
    await rm(file);
    throw new Error(`${basename(file)} is not the pinned one: ${integrity}, not ${pinned.integrity}`);
  }
  const places: Readonly<Record<string, string>> = {
    'package/bin/node': 'usr/bin/node',
    'package/LICENSE': 'usr/share/doc/node/copyright',
  };
  return filesOfTar(Readable.from([content]).pipe(createGunzip()), (path) => places[path]);
};

const text = (path: string, content: string): ImageFile => ({ path, content: Buffer.from(content), mode: 0o644 });

/** The merged /usr of Debian, users, and how names are looked up. There is no shell. */
const system: readonly ImageFile[] = [
  { path: 'lib', linkTo: 'usr/lib' },
  { path: 'lib64', linkTo: 'usr/lib64' },
  text('etc/passwd', `root:x:0:0:root:/:/sbin/nologin\nnonroot:x:${user.uid}:${user.gid}:nonroot:/:/sbin/nologin\n`),
  text('etc/group', `root:x:0:\nnonroot:x:${user.gid}:\n`),
  text('etc/nsswitch.conf', 'hosts: files dns\n'),
  text('usr/lib64/.keep', ''),
];

/** The files of the base by layer. `folder`: where downloads are kept. */
export const baseFiles = async (
  architecture: Architecture,
  folder: string,
): Promise<{ readonly system: readonly ImageFile[]; readonly node: readonly ImageFile[] }> => {
  await mkdir(folder, { recursive: true });
  return {
    system: [...system, ...(await libraries(architecture, folder))],
    node: await nodeFiles(architecture, folder),
  };
};

const purlOf = (name: string, version: string): string =>
  `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?distro=${base.debian.suite}`;

/** A package that is in an image. */
export interface Component {
  readonly name: string;
  readonly version: string;
  /** SPDX licence expression. Of Debian's packages, that of what is taken out of them; the whole texts are in the image. */
  readonly license: string;
  readonly purl: string;
}

/** What the base is made of, for the list of what is in an image. */
export const baseComponents: readonly Component[] = [
  ...base.debian.packages.map(({ name, version, license }) => ({
    name,
    version,
    license,
    purl: purlOf(name, version),
  })),
  {
    name: 'node',
    version: base.node.version,
    license: base.node.license,
    purl: `pkg:generic/node@${base.node.version}`,
  },
];

/** A file that the base is made of. */
export interface Pinned {
  readonly uri: string;
  /** Algorithm → hex. */
  readonly digest: Readonly<Record<string, string>>;
}

/** The files that the base of these architectures is made of. */
export const pinnedFiles = (wanted: readonly Architecture[]): readonly Pinned[] =>
  wanted.flatMap((architecture) => [
    ...base.debian.packages.map(({ name, version, files }) => ({
      uri: `${purlOf(name, version)}&arch=${architecture}`,
      digest: { sha256: files[architecture].sha256 },
    })),
    {
      uri: `pkg:npm/${base.node.files[architecture].package}@${base.node.version}`,
      digest: {
        sha512: Buffer.from(base.node.files[architecture].integrity.slice('sha512-'.length), 'base64').toString('hex'),
      },
    },
  ]);
