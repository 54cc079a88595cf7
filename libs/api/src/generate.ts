import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { crdOf } from './crd.ts';
import { kinds } from './kinds.ts';

// Writes crds/*.yaml, one file for each kind. With --check it writes nothing and fails when a file is not current.

const folder = new URL('../../../crds/', import.meta.url);
// The files are put one behind the other, as by `helm show crds` of helm 3.
const header = '---\n# Generated from libs/api; not to be edited. Rewritten by: npm run generate\n';

// Where all of a folder is applied at once, the kinds come before the objects: files are taken by their names.
const wanted = new Map(
  kinds.map((kind) => [
    `00-${kind.resource.group}_${kind.resource.plural}.yaml`,
    header + stringify(crdOf(kind), { lineWidth: 0, aliasDuplicateObjects: false }),
  ]),
);

await mkdir(folder, { recursive: true });
const present = new Map<string, string>();
for (const file of await readdir(folder)) {
  if (file.endsWith('.yaml')) present.set(file, await readFile(new URL(file, folder), 'utf8'));
}

/** First line that differs, for people. */
const firstDifference = (have: string, want: string): string => {
  const haveLines = have.split('\n');
  const wantLines = want.split('\n');
  const at = wantLines.findIndex((line, index) => line !== haveLines[index]);
  const line = at === -1 ? wantLines.length : at;
  return `line ${String(line + 1)}: has "${haveLines[line] ?? ''}", should have "${wantLines[line] ?? ''}"`;
};

const differences = [
  ...[...wanted].flatMap(([file, want]) => {
    const have = present.get(file);
    if (have === want) return [];
    return [`crds/${file}: ${have === undefined ? 'missing' : firstDifference(have, want)}`];
  }),
  ...[...present.keys()].filter((file) => !wanted.has(file)).map((file) => `crds/${file}: stands for no kind`),
];

if (process.argv.includes('--check')) {
  if (differences.length > 0) {
    process.stderr.write(`Not current with libs/api (npm run generate mends it):\n${differences.join('\n')}\n`);
    process.exitCode = 1;
  }
} else {
  for (const [file, content] of wanted) await writeFile(new URL(file, folder), content);
  for (const file of present.keys()) if (!wanted.has(file)) await rm(new URL(file, folder));
  process.stdout.write(differences.length === 0 ? 'crds/ was current.\n' : `Wrote crds/:\n${differences.join('\n')}\n`);
}
