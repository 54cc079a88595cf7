import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { architectures } from '../images/oci-layout.ts';
import { obtainServers } from '../local/servers/obtain.ts';
import { between } from '../marked.ts';
import { projectRoot } from '../paths.ts';
import { runProgram } from '../run-program.ts';
import { untilSignal } from '../signals.ts';
import { buildRelease } from './build.ts';
import { changelog } from './changelog.ts';
import { obtainPrograms } from './programs.ts';
import { readRelease } from './release.ts';
import { tryRelease } from './trial.ts';
import { isVersion, setVersion } from './version.ts';

// npm run release -- prepare VERSION | build | trial: see docs/release.md. .github/workflows/release.yml runs build, and then publication.ts
// where it may write; trial does what that does with a registry on this machine.

const usage = `usage: npm run release -- prepare VERSION   version, charts and CHANGELOG.md, to be committed
       npm run release -- build             all that needs no registry, into dist/release
       npm run release -- trial             publishes and verifies with a registry and a key pair on this machine, and tries forgeries`;

const page = join(projectRoot, 'docs/release.md');
const { signal } = untilSignal();
const log = console.log;
const refuse = (message: string): never => {
  console.error(message);
  process.exit(2);
};

const folder = join(projectRoot, 'dist/release');

const prepare = async (version: string): Promise<void> => {
  await setVersion(projectRoot, version);
  for (const file of ['libs/api/src/generate.ts', 'tools/charts/generate.ts'])
    if ((await runProgram('node', [file], { env: process.env, signal })) !== 0) throw new Error(`${file} has failed`);
  await writeFile(join(projectRoot, 'CHANGELOG.md'), await changelog(projectRoot, version));
  log(`Version ${version} is prepared. Read CHANGELOG.md and docs/upgrading.md, then:
  git commit --all --message "chore: release ${version}"
  git tag v${version} && git push origin main v${version}`);
};

const tryOut = async (): Promise<void> => {
  const release = await readRelease(folder);
  const { paths, run } = await obtainPrograms({ log, signal });
  const tried = await tryRelease(release, { folder, crane: paths.crane, run, log, signal });
  const cells = (values: readonly string[]) => `| ${values.map((value) => value.replaceAll('|', '\\|')).join(' | ')} |`;
  const table = [
    cells(['tried', 'answer']),
    cells(['---', '---']),
    ...tried.map(({ what, answer }) => cells([what, answer])),
  ].join('\n');
  for (const { what, answer, isAsWanted } of tried) log(`${isAsWanted ? 'held  ' : 'FAILED'} ${what}: ${answer}`);
  const sizes = release.images.map(({ name, sizes: of }) =>
    cells([
      name,
      ...architectures.map((one) => (one in of ? `${((of[one] ?? 0) / 2 ** 20).toFixed(1)} MiB` : 'not built')),
    ]),
  );
  const cosign = (await run('cosign', 'version', '--json')).trim();
  const { gitVersion } = JSON.parse(cosign) as { readonly gitVersion: string };
  const kept = [
    `Version ${release.version}, ${new Date().toISOString().slice(0, 10)}, cosign ${gitVersion}.`,
    '',
    cells(['image', ...architectures.map((one) => `${one}, compressed`)]),
    cells(['---', ...architectures.map(() => '---')]),
    ...sizes,
    '',
    table,
  ].join('\n');
  const text = between(await readFile(page, 'utf8'), 'trial', kept);
  await writeFile(page, await format(text, { ...(await resolveConfig(page)), filepath: page }));
  if (tried.some(({ isAsWanted }) => !isAsWanted)) process.exitCode = 1;
};

const { values, positionals } = parseArgs({
  options: { platform: { type: 'string', default: architectures.join(',') } },
  allowPositionals: true,
});
const [command = '', version = ''] = positionals;
const wanted = values.platform.split(',').map((name) => name.replace(/^linux\//, ''));
const unknown = wanted.filter((name) => !architectures.some((architecture) => architecture === name));
if (unknown.length > 0)
  refuse(`--platform: ${unknown.join(', ')} is not known. Use one or more of ${architectures.join(', ')}.`);

try {
  switch (command) {
    case 'prepare':
      if (!isVersion(version)) refuse(`prepare: ${JSON.stringify(version)} is no version. Use one such as 0.2.0.`);
      await prepare(version);
      break;
    case 'build': {
      const { helm } = await obtainServers(['helm'], { log, signal });
      await buildRelease(folder, { helm, architectures: architectures.filter((one) => wanted.includes(one)), log });
      log('built into dist/release: nothing was pushed');
      break;
    }
    case 'trial':
      await tryOut();
      break;
    default:
      refuse(usage);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
