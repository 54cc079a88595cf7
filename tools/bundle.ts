import { join } from 'node:path';
import { build } from 'esbuild';
import { projectRoot } from './paths.ts';

/**
 * Bundles one app, `apps/<name>`, into `dist/apps/<name>/main.js` with a source map beside it; returns that path.
 * Names are kept, for logs and stacks; nothing is minified, so that a stack in production can be read.
 * @throws Error with esbuild's messages
 */
export async function bundleApp(app: string): Promise<string> {
  const outfile = join(projectRoot, 'dist', app, 'main.js');
  await build({
    absWorkingDir: projectRoot,
    entryPoints: [join(app, 'src/main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    sourcemap: 'linked',
    keepNames: true,
    logLevel: 'silent',
    // Some dependencies are CommonJS and ask for Node's own modules by `require`, which an ES module does not have.
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
    },
  });
  return outfile;
}
