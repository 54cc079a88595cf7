import { join } from 'node:path';
import { projectRoot } from '../paths.ts';
import { untilSignal } from '../signals.ts';
import { obtainPrograms } from './programs.ts';
import { publishRelease, verifyRelease } from './publish.ts';
import { readRelease } from './release.ts';
import { byWorkflow, createSigning } from './signing.ts';

// node tools/release/publication.ts publish | verify, of what `npm run release -- build` has built. It holds the rights to push and to sign, so
// it needs no package: nothing of another author runs beside it. See .github/workflows/release.yml.

const steps = new Map([
  ['publish', publishRelease],
  ['verify', verifyRelease],
]);
const step = steps.get(process.argv[2] ?? '');
if (step === undefined) {
  console.error('usage: node tools/release/publication.ts publish|verify');
  process.exit(2);
}

const { signal } = untilSignal();
const log = console.log;
const folder = join(projectRoot, 'dist/release');
/** Only in the workflow's own repository is there somebody who may push. */
const registry = `ghcr.io/${process.env.GITHUB_REPOSITORY ?? 'cloud37/wasabi-s3-operator'}`;

try {
  const release = await readRelease(folder);
  const { run } = await obtainPrograms({ log, signal });
  const signing = createSigning((...args) => run('cosign', ...args), byWorkflow(release.version));
  await step(release, { folder, registry, run, signing, log });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
