import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { controllerNames } from '../controllers.ts';
import { projectRoot } from '../paths.ts';
import { buildImage, createBaseLayers } from './build.ts';
import { architectures } from './oci-layout.ts';

// npm run images: builds the image of every controller into dist/images, as OCI layouts, without a Docker engine.

const { values } = parseArgs({ options: { platform: { type: 'string', default: architectures.join(',') } } });
const wanted = values.platform.split(',').map((platform) => platform.replace(/^linux\//, ''));
const unknown = wanted.filter((name) => !architectures.some((architecture) => architecture === name));
if (unknown.length > 0) {
  console.error(
    `--platform: ${unknown.join(', ')} is not known. Use one or more of ${architectures.join(', ')}, with commas between.`,
  );
  process.exit(2);
}
const base = createBaseLayers();
for (const controller of controllerNames) {
  const { name, layout, digest, sizes } = await buildImage(controller, {
    outdir: join(projectRoot, 'dist/images'),
    base,
    architectures: architectures.filter((architecture) => wanted.includes(architecture)),
  });
  const inMebibytes = [...sizes].map(
    ([architecture, bytes]) => `${architecture} ${(bytes / 1024 / 1024).toFixed(1)} MiB`,
  );
  console.log(`${name} ${digest} (${inMebibytes.join(', ')} compressed) in ${relative(projectRoot, layout)}`);
}
