import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../paths.ts';
import { baseComponents } from './base.ts';

/** A package of npm whose code is in a bundle. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** The text of its licence file; empty where it ships none. */
  readonly text: string;
}

/** The packages that the inputs of a bundle come from, each version once. `inputs`: paths below the project. */
export const bundledPackages = async (inputs: readonly string[]): Promise<readonly BundledPackage[]> => {
  const folders = new Set(inputs.flatMap((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []));
  const packages = await Promise.all(
    [...folders].sort().map(async (folder) => {
      const described = JSON.parse(await readFile(join(projectRoot, folder, 'package.json'), 'utf8')) as {
        readonly name: string;
        readonly version: string;
        readonly license?: string;
      };
      const files = (await readdir(join(projectRoot, folder)))
        .filter((file) => /^(licen[cs]e|notice)/i.test(file))
        .sort();
      const texts = await Promise.all(files.map((file) => readFile(join(projectRoot, folder, file), 'utf8')));
      const { name, version, license = 'NOASSERTION' } = described;
      return { name, version, license, text: texts.join('\n') };
    }),
  );
  // npm keeps one version in more than one place where others stand in its way.
  return [...new Map(packages.map((one) => [`${one.name}@${one.version}`, one])).values()];
};

/** The notices that go with a bundle, as licences ask for. */
export const noticesOf = (packages: readonly BundledPackage[]): string =>
  packages
    .map(({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text.trim()}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`);

/** What is in an image. Source: SPDX 2.3, JSON. */
export const sbomOf = (
  image: { readonly name: string; readonly version: string; readonly digest: string },
  packages: readonly BundledPackage[],
): string => {
  const idOf = (text: string) => `SPDXRef-${text.replaceAll(/[^A-Za-z0-9.-]/g, '-')}`;
  const entry = (name: string, version: string, license: string, purl: string) => ({
    SPDXID: idOf(`${name}-${version}`),
    name,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: license,
    copyrightText: 'NOASSERTION',
    filesAnalyzed: false,
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
  });
  const root = entry(
    image.name,
    image.version,
    'Apache-2.0',
    `pkg:oci/${image.name}@${encodeURIComponent(image.digest)}`,
  );
  const parts = [
    ...packages.map(({ name, version, license }) =>
      entry(name, version, license, `pkg:npm/${name.replace('@', '%40')}@${version}`),
    ),
    ...baseComponents.map(({ name, version, license, purl }) => entry(name, version, license, purl)),
  ];
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: image.name,
    documentNamespace: `https://s3.cloud37.dev/spdx/${image.name}/${image.digest.replace(':', '-')}`,
    creationInfo: { created: '1970-01-01T00:00:00Z', creators: ['Tool: wasabi-s3-operator'] },
    packages: [root, ...parts],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: root.SPDXID },
      ...parts.map(({ SPDXID }) => ({
        spdxElementId: root.SPDXID,
        relationshipType: 'CONTAINS',
        relatedSpdxElement: SPDXID,
      })),
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
};
