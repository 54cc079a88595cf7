import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { pack } from 'tar-stream';

/** One file of an image. `path`: without a leading slash. */
export type ImageFile =
  | { readonly path: string; readonly content: Buffer; readonly mode: number }
  | { readonly path: string; readonly linkTo: string };

/** A blob of an image, by the digest of its content. */
export interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly content: Buffer;
}

export interface Layer extends Blob {
  /** Digest of the tar before it was compressed, as an image's config lists it. */
  readonly diffId: string;
}

export const digestOf = (content: Buffer): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;

/** What two builds would otherwise differ by. */
const epoch = new Date(0);

const compareText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

const foldersOf = (files: readonly ImageFile[]): readonly string[] => {
  const folders = new Set<string>();
  for (const { path } of files)
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) folders.add(path.slice(0, at));
  for (const file of files) folders.delete(file.path);
  return [...folders];
};

/**
 * Packs files into a layer: owned by root, of the epoch, in order of their paths, so that the same files always have the same digest.
 * Source: OCI image specification, image layer filesystem changeset.
 */
export const createLayer = async (files: readonly ImageFile[]): Promise<Layer> => {
  const tar = pack();
  const whole = buffer(tar);
  const base = { uid: 0, gid: 0, mtime: epoch };
  const entries = [
    ...foldersOf(files).map((path) => ({
      path,
      write: () => tar.entry({ ...base, name: `${path}/`, type: 'directory', mode: 0o755 }),
    })),
    ...files.map((file) => ({
      path: file.path,
      write: () =>
        'linkTo' in file
          ? tar.entry({ ...base, name: file.path, type: 'symlink', linkname: file.linkTo, mode: 0o777 })
          : tar.entry({ ...base, name: file.path, mode: file.mode }, file.content),
    })),
  ];
  for (const { write } of entries.sort((one, other) => compareText(one.path, other.path))) write();
  tar.finalize();
  const plain = await whole;
  const content = await promisify(gzip)(plain, { level: 9 });
  return {
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    digest: digestOf(content),
    content,
    diffId: digestOf(plain),
  };
};
