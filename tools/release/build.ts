import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { packageCharts } from '../charts/package.ts';
import { controllerNames } from '../controllers.ts';
import { pinnedFiles } from '../images/base.ts';
import { buildImage, createBaseLayers } from '../images/build.ts';
import type { Architecture } from '../images/oci-layout.ts';
import { projectRoot } from '../paths.ts';
import { changesOf, notesOf } from './changelog.ts';
import { builderOf, provenanceOf } from './provenance.ts';
import { checksumsOf, placesIn, sha256Of, type Release } from './release.ts';

/** Builds all of a release that needs no registry into `folder`, in place of what was there. */
export const buildRelease = async (
  folder: string,
  {
    helm,
    architectures,
    log,
  }: {
    readonly helm: string;
    readonly architectures: readonly Architecture[];
    readonly log: (line: string) => void;
  },
): Promise<Release> => {
  const places = placesIn(folder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(places.assets, { recursive: true });
  const { version } = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const { stdout: head } = await promisify(execFile)('git', ['rev-parse', 'HEAD'], { cwd: projectRoot });
  const commit = head.trim();

  const base = createBaseLayers();
  const images: Release['images'][number][] = [];
  for (const controller of controllerNames) {
    const built = await buildImage(controller, { outdir: join(folder, 'images'), base, architectures });
    await copyFile(`${built.layout}.spdx.json`, places.sbom(built.name));
    const sizes = Object.fromEntries(built.sizes);
    images.push({ name: built.name, digest: built.digest, sizes });
    const inWords = Object.entries(sizes).map(([name, bytes]) => `${name} ${(bytes / 1024 / 1024).toFixed(1)} MiB`);
    log(`image ${built.name}@${built.digest} (${inWords.join(', ')} compressed)`);
  }

  const changes = await changesOf(projectRoot, version);
  const digests = new Map(images.map(({ name, digest }) => [name, digest]));
  const charts = await packageCharts(helm, places.assets, { released: { digests, changes } });
  for (const archive of charts.values()) log(`chart ${basename(archive)}`);

  const crds = await readdir(join(projectRoot, 'crds'));
  const texts = await Promise.all(crds.sort().map((file) => readFile(join(projectRoot, 'crds', file), 'utf8')));
  await writeFile(join(places.assets, 'crds.yaml'), texts.join(''));

  const lockDigest = await sha256Of(join(projectRoot, 'package-lock.json'));
  const provenance = provenanceOf({
    version,
    commit,
    lockDigest,
    pinned: pinnedFiles(architectures),
    builder: builderOf(process.env),
  });
  await writeFile(places.provenance, `${JSON.stringify(provenance, null, 2)}\n`);
  await writeFile(places.checksums, await checksumsOf(places.assets, await readdir(places.assets)));
  await writeFile(places.notes, await notesOf(projectRoot, version));

  const release: Release = { version, commit, images, charts: [...charts.keys()] };
  await writeFile(places.described, `${JSON.stringify(release, null, 2)}\n`);
  return release;
};
