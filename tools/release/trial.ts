import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { retryPortRaces, startChild, waitUntilReady } from '../local/child.ts';
import { freePort } from '../local/ports.ts';
import { checksumsOf, placesIn, type Release } from './release.ts';
import { forgeryIn, type Bundle } from './forgery.ts';
import { publishRelease, verifyAssets, verifyRelease, type Target } from './publish.ts';
import { byNewKeyPair, createSigning } from './signing.ts';

/** What was tried, and what came of it. */
export interface Tried {
  readonly what: string;
  /** The words of whoever refused it, or what was seen. */
  readonly answer: string;
  readonly isAsWanted: boolean;
}

/** cosign says what it does in many lines; the last one that begins with "Error" says why it did not. */
const reasonOf = (error: unknown): string => {
  const lines = (error instanceof Error ? error.message : String(error)).split('\n').map((line) => line.trim());
  const said = lines.findLast((line) => /^error/i.test(line)) ?? lines.findLast((line) => line !== '') ?? '';
  return said.replace(/^(error: |error during command execution: )*/i, '').replaceAll(/127\.0\.0\.1:\d+/g, 'REGISTRY');
};

/** What says something else than what was signed. */
const reworded = ({ dsseEnvelope, ...rest }: Bundle): Bundle => {
  const statement = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString('utf8')) as object;
  const payload = Buffer.from(JSON.stringify({ ...statement, reworded: true })).toString('base64');
  return { ...rest, dsseEnvelope: { ...dsseEnvelope, payload } };
};

/**
 * Publishes a release into a registry on 127.0.0.1, signed with a key pair of its own, verifies it, and then changes one thing after
 * the other: each must be refused. Asks nothing of any other machine.
 */
export const tryRelease = async (
  release: Release,
  {
    folder,
    crane,
    run,
    log,
    signal,
  }: {
    readonly folder: string;
    readonly crane: string;
    readonly run: (program: 'crane' | 'helm' | 'cosign', ...args: readonly string[]) => Promise<string>;
    readonly log: (line: string) => void;
    readonly signal: AbortSignal;
  },
): Promise<readonly Tried[]> => {
  const dir = await mkdtemp(join(tmpdir(), 'release-'));
  const [host, server] = await retryPortRaces(async () => {
    const at = `127.0.0.1:${await freePort()}`;
    const child = await startChild({
      name: 'registry',
      command: crane,
      args: ['registry', 'serve', `--address=${at}`],
      logPath: join(dir, 'registry.log'),
      lifetime: 'parent',
    });
    await waitUntilReady(child, async () => (await fetch(`http://${at}/v2/`)).ok, { signal });
    return [at, child] as const;
  });
  try {
    const cosign = (...args: readonly string[]) => run('cosign', ...args);
    const [keys, otherKeys] = [join(dir, 'keys'), join(dir, 'other-keys')];
    for (const one of [keys, otherKeys]) await mkdir(one);
    const signing = createSigning(cosign, await byNewKeyPair(keys, cosign));
    const others = createSigning(cosign, await byNewKeyPair(otherKeys, cosign));
    const target: Target = { folder, registry: `${host}/wasabi-s3-operator`, run, signing, log };

    const tried: Tried[] = [];
    const succeeds = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      const answer = await work().then(
        () => undefined,
        (error: unknown) => reasonOf(error),
      );
      tried.push({ what, answer: answer ?? 'holds', isAsWanted: answer === undefined });
    };
    const isRefused = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      const answer = await work().then(
        () => undefined,
        (error: unknown) => reasonOf(error),
      );
      tried.push({ what, answer: answer ?? 'NOT REFUSED', isAsWanted: answer !== undefined });
    };

    await succeeds('publish, sign and attest everything', () => publishRelease(release, target));
    await succeeds('verify signatures, SBOMs, provenance and files', () => verifyRelease(release, target));
    await succeeds('publish the same once more', () => publishRelease(release, target));

    const [image] = release.images;
    if (image === undefined) throw new Error('the release has no image');
    const repository = `wasabi-s3-operator/${image.name}`;
    const original = { repository, digest: image.digest };
    const forgery = forgeryIn(host);

    await isRefused('verify with the key of somebody else', () =>
      others.verify(`${host}/${repository}@${image.digest}`),
    );

    const altered = `${host}/altered/${image.name}`;
    const [architecture = ''] = Object.keys(image.sizes);
    const platform = await run(
      'crane',
      'digest',
      `--platform=linux/${architecture}`,
      `${host}/${repository}:${release.version}`,
    );
    await run(
      'crane',
      'mutate',
      '--label=altered=yes',
      `--tag=${altered}:1`,
      `${host}/${repository}@${platform.trim()}`,
    );
    const alteredDigest = (await run('crane', 'digest', `${altered}:1`)).trim();
    await isRefused('verify an image that was altered', () => signing.verify(`${altered}@${alteredDigest}`));
    await forgery.moveSignatures(original, { repository: `altered/${image.name}`, digest: alteredDigest });
    await isRefused('the same, with the signatures of the true one beside it', () =>
      signing.verify(`${altered}@${alteredDigest}`),
    );

    const reworded1 = `${host}/reworded/${image.name}`;
    await run('crane', 'copy', `${host}/${repository}@${image.digest}`, `${reworded1}:1`);
    await forgery.moveSignatures(original, { repository: `reworded/${image.name}`, digest: image.digest }, reworded);
    for (const [what, type] of [
      ['an SBOM', 'spdxjson'],
      ['a provenance', 'slsaprovenance1'],
    ] as const)
      await isRefused(`verify ${what} whose words were altered`, () =>
        signing.verifyAttestation(`${reworded1}@${image.digest}`, type),
      );

    const copy = join(dir, 'copy');
    await cp(join(folder, 'assets'), join(copy, 'assets'), { recursive: true });
    const { sbom, assets, checksums } = placesIn(copy);
    await writeFile(sbom(image.name), (await readFile(sbom(image.name), 'utf8')).replace('SPDX-2.3', 'SPDX-2.2'));
    await isRefused('take files of which one was altered', () => verifyAssets(copy, signing));
    const names = (await readdir(assets)).filter((name) => !name.startsWith('SHA256SUMS'));
    await writeFile(checksums, await checksumsOf(assets, names));
    await isRefused('the same, with a list of checksums that fits', () => verifyAssets(copy, signing));

    const other = { ...release, images: [{ ...image, digest: `sha256:${'0'.repeat(64)}` }] };
    await isRefused('publish another content under a version that is there', () => publishRelease(other, target));

    const [chart] = release.charts;
    if (chart === undefined) throw new Error('the release has no chart');
    const archive = placesIn(copy).chart(chart, release.version);
    await writeFile(archive, Buffer.concat([await readFile(archive), Buffer.from('altered')]));
    const charts = { ...release, images: [] };
    const altering = { ...target, folder: copy };
    await isRefused('publish another chart under a version that is there', () => publishRelease(charts, altering));
    await isRefused('verify a chart that is another one than was built', () => verifyRelease(charts, altering));
    return tried;
  } finally {
    await server.stop();
    await rm(dir, { recursive: true });
  }
};
