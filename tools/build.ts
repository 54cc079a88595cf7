import { basename, join, relative } from 'node:path';
import { bundleProgram } from './bundle.ts';
import { projectRoot } from './paths.ts';

// usage: node tools/build.ts apps/<name>

const [app] = process.argv.slice(2);
if (app === undefined) {
  console.error('usage: node tools/build.ts apps/<name>');
  process.exitCode = 2;
} else {
  try {
    const { main } = await bundleProgram(join(app, 'src/main.ts'), join(projectRoot, 'dist/apps', basename(app)));
    console.log(relative(projectRoot, main));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
