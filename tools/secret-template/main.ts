import { readFileSync } from 'node:fs';
import { renderManifests } from './render.ts';

// usage: npm run secret-template -- FILE: the Secret that the AccessKeys of a manifest make, with a sample pair and without a cluster. `-` reads
// standard input. Its exit status is 1 when a template is wrong.

const [file, ...others] = process.argv.slice(2);
if (file === undefined || others.length > 0) {
  console.error('usage: npm run secret-template -- FILE, or - for standard input');
  process.exitCode = 2;
} else {
  try {
    const { text, problems } = renderManifests(readFileSync(file === '-' ? 0 : file, 'utf8'));
    process.stdout.write(text);
    for (const problem of problems) console.error(problem);
    if (problems.length > 0) process.exitCode = 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
