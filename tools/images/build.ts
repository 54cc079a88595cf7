import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleProgram, nodeEnvironment, nodeFlags } from '../bundle.ts';
import type { ControllerName } from '../controllers.ts';
import { projectRoot } from '../paths.ts';
import { cacheFolder } from '../local/servers/cache.ts';
import { baseFiles } from './base.ts';
import { createLayer, type ImageFile, type Layer } from './layer.ts';
import { bundledPackages, noticesOf, sbomOf } from './notices.ts';
import { writeLayout, type Architecture, type WrittenImage } from './oci-layout.ts';

export interface BuiltImage extends WrittenImage {
  readonly name: string;
  /** Folder of the OCI image layout; what is in the image stands in `sbom.spdx.json` beside it. */
  readonly layout: string;
}

/** The layers that all images share, made once for each architecture. */
export type BaseLayers = (architecture: Architecture) => Promise<readonly Layer[]>;

export const createBaseLayers = (): BaseLayers => {
  const made = new Map<Architecture, Promise<readonly Layer[]>>();
  const make = async (architecture: Architecture): Promise<readonly Layer[]> => {
    const { system, node } = await baseFiles(architecture, join(cacheFolder(), 'images'));
    return [await createLayer(system), await createLayer(node)];
  };
  return (architecture) => {
    const layers = made.get(architecture) ?? make(architecture);
    made.set(architecture, layers);
    return layers;
  };
};

/** Where the chart looks for images. */
export const imageRepository = 'ghcr.io/cloud37/wasabi-s3-operator';

/** The files below a folder, as files below `at` of an image. */
export const filesBelow = async (folder: string, at: string): Promise<readonly ImageFile[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => {
        const file = join(parentPath, name);
        return { path: `${at}${file.slice(folder.length)}`, content: await readFile(file), mode: 0o644 };
      }),
  );
};

/** Builds the image of one controller as an OCI layout in `<outdir>/<name>-controller`, for the architectures given. */
export const buildImage = async (
  controller: ControllerName,
  {
    outdir,
    base,
    architectures,
  }: { readonly outdir: string; readonly base: BaseLayers; readonly architectures: readonly Architecture[] },
): Promise<BuiltImage> => {
  const name = `${controller}-controller`;
  const bundle = await mkdtemp(join(tmpdir(), `${name}-`));
  try {
    const { inputs } = await bundleProgram(join('apps', name, 'src/main.ts'), bundle);
    const packages = await bundledPackages(inputs);
    const layer = await createLayer([
      ...(await filesBelow(bundle, 'app')),
      { path: 'app/package.json', content: Buffer.from('{"type":"module"}\n'), mode: 0o644 },
      { path: 'usr/share/doc/operator/THIRD-PARTY-NOTICES', content: Buffer.from(noticesOf(packages)), mode: 0o644 },
    ]);
    const { version, license, description } = JSON.parse(
      await readFile(join(projectRoot, 'package.json'), 'utf8'),
    ) as Readonly<Record<'version' | 'license' | 'description', string>>;
    const labels = {
      'org.opencontainers.image.title': name,
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': license,
      'org.opencontainers.image.description': description,
    };
    const images = await Promise.all(
      architectures.map(async (architecture) => ({
        architecture,
        layers: [...(await base(architecture)), layer],
        entrypoint: ['/usr/bin/node', ...nodeFlags, '/app/main.js'],
        environment: nodeEnvironment,
        labels,
      })),
    );
    const layout = join(outdir, name);
    await mkdir(outdir, { recursive: true });
    const written = await writeLayout(layout, `${imageRepository}/${name}:${version}`, images);
    await writeFile(`${layout}.spdx.json`, sbomOf({ name, version, digest: written.digest }, packages));
    return { ...written, name, layout };
  } finally {
    await rm(bundle, { recursive: true });
  }
};
