import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '@operator/tools/paths';
import { documented, readKept, readPage } from './document.ts';

// Writes the figures of docs/performance.md and its pictures, from the results in tools/bench/results.

for (const [path, content] of await documented(await readKept(), await readPage()))
  await writeFile(join(projectRoot, path), content);
