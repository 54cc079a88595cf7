import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleProgram } from '../bundle.ts';
import { controllerNames } from '../controllers.ts';
import { buildImage, createBaseLayers, filesBelow } from '../images/build.ts';
import { createLayer, type Layer } from '../images/layer.ts';
import { ownArchitecture, writeLayout } from '../images/oci-layout.ts';
import { obtainServers } from '../local/servers/obtain.ts';

export const minioImage = 'localhost/minio:1';
export const consumerImage = 'localhost/consumer:1';

/**
 * Builds all that a cluster runs, one after the other: the images that are shipped, MinIO and the consumer. Gives the OCI layout of
 * each, below `outdir`.
 */
export async function* buildClusterImages(outdir: string): AsyncGenerator<string> {
  const base = createBaseLayers();
  for (const controller of controllerNames)
    yield (await buildImage(controller, { outdir, base, architectures: [ownArchitecture] })).layout;
  const [libraries, node] = await base(ownArchitecture);
  if (libraries === undefined || node === undefined) throw new Error('the base of images lacks a layer');
  const write = async (name: string, layers: readonly Layer[], entrypoint: readonly string[]): Promise<string> => {
    const layout = join(outdir, name.replace(/\W/g, '-'));
    await writeLayout(layout, name, [{ architecture: ownArchitecture, layers, entrypoint, labels: {} }]);
    return layout;
  };
  yield await write(minioImage, [libraries, await minioLayer()], ['/usr/bin/minio']);
  yield await write(consumerImage, [libraries, node, await consumerLayer()], ['/usr/bin/node', '/app/main.js']);
}

async function minioLayer(): Promise<Layer> {
  const { minio } = await obtainServers(['minio']);
  return createLayer([{ path: 'usr/bin/minio', content: readFileSync(minio), mode: 0o755 }]);
}

async function consumerLayer(): Promise<Layer> {
  const folder = await mkdtemp(join(tmpdir(), 'consumer-'));
  try {
    await bundleProgram('tools/consumer/main.ts', folder);
    const type = { path: 'app/package.json', content: Buffer.from('{"type":"module"}\n'), mode: 0o644 };
    return await createLayer([...(await filesBelow(folder, 'app')), type]);
  } finally {
    await rm(folder, { recursive: true });
  }
}
