import { join, relative } from 'node:path';
import { bundleApp } from './bundle.ts';
import { projectRoot } from './paths.ts';

// usage: node tools/build.ts apps/<name>

const [app] = process.argv.slice(2);
if (app === undefined) {
  console.error('usage: node tools/build.ts apps/<name>');
  process.exitCode = 2;
} else {
  try {
    console.log(relative(projectRoot, await bundleApp(app, join(projectRoot, 'dist/apps'))));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
