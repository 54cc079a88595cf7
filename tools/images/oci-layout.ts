import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, type Blob, type Layer } from './layer.ts';

export type Architecture = 'amd64' | 'arm64';
export const architectures: readonly Architecture[] = ['amd64', 'arm64'];
/** Of the machine that this runs on. */
export const ownArchitecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** One image for one architecture. */
export interface PlatformImage {
  readonly architecture: Architecture;
  readonly layers: readonly Layer[];
  /** What a container runs. */
  readonly entrypoint: readonly string[];
  /** Beside PATH and NODE_ENV. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

const json = (mediaType: string, value: object): Blob => {
  const content = Buffer.from(JSON.stringify(value));
  return { mediaType, content, digest: digestOf(content) };
};

const descriptor = ({ mediaType, digest, content }: Blob) => ({ mediaType, digest, size: content.length });

/** The user of the container: nobody that the node knows. */
export const user = { uid: 65_532, gid: 65_532 };

const manifestOf = ({ architecture, layers, entrypoint, environment = {}, labels }: PlatformImage) => {
  const config = json('application/vnd.oci.image.config.v1+json', {
    architecture,
    os: 'linux',
    config: {
      User: `${user.uid}:${user.gid}`,
      Entrypoint: entrypoint,
      Env: Object.entries({ PATH: '/usr/bin', NODE_ENV: 'production', ...environment }).map(
        ([name, value]) => `${name}=${value}`,
      ),
      WorkingDir: '/app',
      Labels: labels,
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const manifest = json('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor(config),
    layers: layers.map(descriptor),
    annotations: labels,
  });
  return { blobs: [...layers, config, manifest], manifest };
};

export interface WrittenImage {
  /** Of the index, under which all architectures are pulled. */
  readonly digest: string;
  /** Compressed bytes of the layers, for each architecture. */
  readonly sizes: ReadonlyMap<Architecture, number>;
}

/**
 * Writes an OCI image layout into `folder`, in place of what was there. `name`: registry, repository and tag.
 * Source: OCI image specification, image layout; containerd takes the name of an image from an annotation of its own.
 */
export const writeLayout = async (
  folder: string,
  name: string,
  images: readonly PlatformImage[],
): Promise<WrittenImage> => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  const manifests = images.map((image) => ({ image, ...manifestOf(image) }));
  const index = json('application/vnd.oci.image.index.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: manifests.map(({ image, manifest }) => ({
      ...descriptor(manifest),
      platform: { os: 'linux', architecture: image.architecture },
    })),
  });
  const blobs = [...manifests.flatMap((one) => one.blobs), index];
  await Promise.all(
    blobs.map(({ digest, content }) => writeFile(join(folder, 'blobs', digest.replace(':', '/')), content)),
  );
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  const named = {
    ...descriptor(index),
    annotations: { 'org.opencontainers.image.ref.name': name, 'io.containerd.image.name': name },
  };
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
  return {
    digest: index.digest,
    sizes: new Map(
      images.map(({ architecture, layers }) => [
        architecture,
        layers.reduce((sum, { content }) => sum + content.length, 0),
      ]),
    ),
  };
};
