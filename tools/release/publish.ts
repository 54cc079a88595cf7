import { readdir, readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { checksumsOf, placesIn, sha256Of, type Release } from './release.ts';
import type { Attested, Signing } from './signing.ts';

/** Where a release goes, and with what. */
export interface Target {
  /** Folder with what was built. */
  readonly folder: string;
  /** Registry and repository that all images and charts lie below. */
  readonly registry: string;
  /** Runs a program to its end; returns what it printed. @throws Error with its words */
  readonly run: (program: 'crane' | 'helm', ...args: readonly string[]) => Promise<string>;
  readonly signing: Signing;
  readonly log: (line: string) => void;
}

const isOnThisMachine = (registry: string): boolean => /^(127\.0\.0\.1|localhost)[:/]/.test(registry);

const imageAt = (registry: string, name: string) => `${registry}/${name}`;
const chartAt = (registry: string, name: string) => `${registry}/charts/${name}`;

/** Digest of what has this name in the registry; undefined when nothing has. */
const digestAt = ({ run }: Target, ref: string): Promise<string | undefined> =>
  run('crane', 'digest', ref).then(
    (text) => text.trim(),
    (error: unknown) => {
      // Its message begins with the command, which has the name.
      const { stderr } = error as { readonly stderr?: unknown };
      if (typeof stderr === 'string' && /404 Not Found|MANIFEST_UNKNOWN|NAME_UNKNOWN/.test(stderr)) return undefined;
      throw error;
    },
  );

/** Source: helm.sh, "Use OCI-based registries". */
const chartLayer = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';

/**
 * The chart of this release in the registry, by digest; undefined when nothing has its tag. Two pushes of one archive have two manifests,
 * as helm writes the time into them, so that the archive is compared. @throws Error when it is another one than was built
 */
const chartRef = async (target: Target, name: string, version: string): Promise<string | undefined> => {
  const at = chartAt(target.registry, name);
  const digest = await digestAt(target, `${at}:${version}`);
  if (digest === undefined) return undefined;
  const ref = `${at}@${digest}`;
  const { layers = [] } = JSON.parse(await target.run('crane', 'manifest', ref)) as {
    readonly layers?: readonly { readonly mediaType: string; readonly digest: string }[];
  };
  const there = layers.find(({ mediaType }) => mediaType === chartLayer)?.digest ?? 'no chart';
  const built = `sha256:${await sha256Of(placesIn(target.folder).chart(name, version))}`;
  if (there !== built)
    throw new Error(
      `${at}:${version} has ${there} in the registry, and ${built} was built. Give the release another version.`,
    );
  return ref;
};

/** Pushes a chart; returns it by the digest that it got. */
const pushChart = async ({ folder, registry, run }: Target, name: string, version: string): Promise<string> => {
  const plain = isOnThisMachine(registry) ? ['--plain-http'] : [];
  const said = await run('helm', 'push', placesIn(folder).chart(name, version), `oci://${registry}/charts`, ...plain);
  const digest = /^Digest: (sha256:[0-9a-f]{64})$/m.exec(said)?.[1];
  if (digest === undefined) throw new Error(`helm push of ${name} told no digest: ${said.trim()}`);
  return `${chartAt(registry, name)}@${digest}`;
};

/** Pushes, signs and attests all of a release. What is there already with the same content stays. @throws Error when it has another content */
export const publishRelease = async (release: Release, target: Target): Promise<void> => {
  const { folder, registry, run, signing, log } = target;
  const { version, images, charts } = release;
  const places = placesIn(folder);
  for (const { name, digest } of images) {
    const tagged = `${imageAt(registry, name)}:${version}`;
    const there = await digestAt(target, tagged);
    if (there !== undefined && there !== digest)
      throw new Error(
        `${tagged} is ${there} in the registry, and ${digest} was built. Give the release another version.`,
      );
    if (there === undefined) await run('crane', 'push', places.layout(name), tagged);
    const ref = `${imageAt(registry, name)}@${digest}`;
    await signing.sign(ref);
    await signing.attest(ref, 'spdxjson', places.sbom(name));
    await signing.attest(ref, 'slsaprovenance1', places.provenance);
    log(`published ${ref}`);
  }
  for (const name of charts) {
    const ref = (await chartRef(target, name, version)) ?? (await pushChart(target, name, version));
    await signing.sign(ref);
    await signing.attest(ref, 'slsaprovenance1', places.provenance);
    log(`published ${ref}`);
  }
  await signing.signFile(places.checksums, places.signature);
};

/** Checks all that `publishRelease` has published, as a user would. @throws Error that says what is not as it should be */
export const verifyRelease = async (release: Release, target: Target): Promise<void> => {
  const { folder, registry, signing, log } = target;
  const { version, images, charts } = release;
  const places = placesIn(folder);
  const provenance = JSON.parse(await readFile(places.provenance, 'utf8')) as unknown;
  const check = async (ref: string, type: Attested, predicate: unknown) => {
    const attested = await signing.verifyAttestation(ref, type);
    if (!attested.some((one) => isDeepStrictEqual(one, predicate)))
      throw new Error(`${ref}: the ${type} that is attested is not the one that was built`);
  };
  for (const { name, digest } of images) {
    const there = await digestAt(target, `${imageAt(registry, name)}:${version}`);
    if (there !== digest)
      throw new Error(`${imageAt(registry, name)}:${version} is ${there ?? 'not there'}, and ${digest} was built`);
    const ref = `${imageAt(registry, name)}@${digest}`;
    await signing.verify(ref);
    await check(ref, 'spdxjson', JSON.parse(await readFile(places.sbom(name), 'utf8')));
    await check(ref, 'slsaprovenance1', provenance);
    log(`verified ${ref}: signature, SBOM, provenance`);
  }
  for (const name of charts) {
    const ref = await chartRef(target, name, version);
    if (ref === undefined) throw new Error(`${chartAt(registry, name)}:${version} is not in the registry`);
    await signing.verify(ref);
    await check(ref, 'slsaprovenance1', provenance);
    log(`verified ${ref}: signature, provenance`);
  }
  await verifyAssets(folder, signing);
  log('verified SHA256SUMS: signature, and each file');
};

/** @throws Error when the list of checksums is not signed, or a file is not as listed */
export const verifyAssets = async (folder: string, signing: Pick<Signing, 'verifyFile'>): Promise<void> => {
  const { assets, checksums, signature } = placesIn(folder);
  await signing.verifyFile(checksums, signature);
  const listed = await readFile(checksums, 'utf8');
  const names = (await readdir(assets)).filter((name) => !name.startsWith('SHA256SUMS'));
  const wrong = (await checksumsOf(assets, names)).split('\n').filter((line) => !listed.split('\n').includes(line));
  if (wrong.length > 0)
    throw new Error(`not as SHA256SUMS lists it: ${wrong.map((line) => line.split('  ')[1]).join(', ')}`);
};
