import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** All that a release is made of, in a folder; what needs a registry takes it from there. */
export interface Release {
  readonly version: string;
  /** Full hash of the commit that it was built from. */
  readonly commit: string;
  readonly images: readonly {
    /** As the last part of its repository is called. */
    readonly name: string;
    /** Under which all architectures are pulled. */
    readonly digest: string;
    /** Compressed bytes, by architecture. */
    readonly sizes: Readonly<Record<string, number>>;
  }[];
  readonly charts: readonly string[];
}

/** The paths in the folder of a release. */
export const placesIn = (folder: string) => ({
  /** The Release as JSON. */
  described: join(folder, 'release.json'),
  /** OCI layouts, by the names of the images. */
  layout: (image: string) => join(folder, 'images', image),
  /** What people download, all in one folder. */
  assets: join(folder, 'assets'),
  sbom: (image: string) => join(folder, 'assets', `${image}.spdx.json`),
  chart: (name: string, version: string) => join(folder, 'assets', `${name}-${version}.tgz`),
  provenance: join(folder, 'assets', 'provenance.json'),
  checksums: join(folder, 'assets', 'SHA256SUMS'),
  signature: join(folder, 'assets', 'SHA256SUMS.sigstore.json'),
  notes: join(folder, 'notes.md'),
});

/** @throws Error when nothing was built there */
export const readRelease = async (folder: string): Promise<Release> => {
  const { described } = placesIn(folder);
  const text = await readFile(described, 'utf8').catch(() => undefined); // not there
  if (text === undefined) throw new Error(`${described} is not there. Run first: npm run release -- build`);
  return JSON.parse(text) as Release;
};

/** SHA-256 of a file, hex. */
export const sha256Of = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

/** `digest  name` of each file, as sha256sum writes and checks it. */
export const checksumsOf = async (folder: string, names: readonly string[]): Promise<string> => {
  const lines = await Promise.all(
    names.toSorted().map(async (name) => `${await sha256Of(join(folder, name))}  ${name}\n`),
  );
  return lines.join('');
};
