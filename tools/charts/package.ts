import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, parseAllDocuments, parseDocument, stringify } from 'yaml';
import { imageRepository } from '../images/build.ts';
import { projectRoot } from '../paths.ts';
import { controllerNames } from '../controllers.ts';
import { chartValues } from './values.ts';

const run = promisify(execFile);

interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: { readonly description: string } };
    }[];
  };
}

const yamlIn = async (folder: string): Promise<readonly unknown[]> => {
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.yaml')).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as unknown));
};

/** What Artifact Hub shows of a chart. Source: artifacthub.io, Helm annotations. */
const artifactHubAnnotations = async (): Promise<Readonly<Record<string, string>>> => {
  const crds = (await yamlIn(join(projectRoot, 'crds'))) as readonly Crd[];
  const examples = await yamlIn(join(projectRoot, 'docs/examples/quickstart'));
  return {
    'artifacthub.io/license': 'Apache-2.0',
    'artifacthub.io/operator': 'true',
    'artifacthub.io/crds': stringify(
      crds.flatMap(({ metadata, spec }) =>
        spec.versions.map((version) => ({
          kind: spec.names.kind,
          version: version.name,
          name: metadata.name,
          displayName: spec.names.kind,
          description: version.schema.openAPIV3Schema.description,
        })),
      ),
    ),
    'artifacthub.io/crdsExamples': stringify(
      examples.filter((example) => (example as { apiVersion?: string }).apiVersion?.startsWith('s3.cloud37.dev/')),
    ),
  };
};

/** Source: artifacthub.io, Helm annotations. */
const annotationsOf = (released: Released | undefined): Readonly<Record<string, string>> =>
  released === undefined
    ? {}
    : {
        'artifacthub.io/changes': stringify(released.changes),
        'artifacthub.io/images': stringify(
          [...released.digests].map(([name, digest]) => ({ name, image: `${imageRepository}/${name}@${digest}` })),
        ),
      };

/** What a chart has only as it is released. */
export interface Released {
  /** Of the images, by their names: they go into the values. */
  readonly digests: ReadonlyMap<string, string>;
  /** What Artifact Hub shows as the changes of this version. */
  readonly changes: readonly { readonly kind: string; readonly description: string }[];
}

/** Values that name the image of each controller by its digest. `text`: values.yaml of the chart. */
const withDigests = (chart: string, text: string, digests: Released['digests']): string => {
  const values = parseDocument(text);
  for (const name of controllerNames) {
    const path = ['operator', 'image', 'digest'];
    const digest = digests.get(`${name}-controller`);
    if (chart === 's3-provider-operator') values.setIn(['controllers', name, ...path], digest);
    else if (chart === `${name}-controller`) values.setIn(path, digest);
  }
  return values.toString({ lineWidth: 0 });
};

/**
 * Packages every chart that can be installed, with the library in it; returns their archives by name. `from`: the folder of their
 * sources, those of this clone by default.
 * @throws Error with helm's words
 */
export const packageCharts = async (
  helm: string,
  outdir: string,
  { released, from = join(projectRoot, 'charts') }: { readonly released?: Released; readonly from?: string } = {},
): Promise<ReadonlyMap<string, string>> => {
  const scratch = await mkdtemp(join(tmpdir(), 'charts-'));
  try {
    await cp(from, scratch, { recursive: true });
    await mkdir(outdir, { recursive: true });
    const annotations = await artifactHubAnnotations();
    const packaged = new Map<string, string>();
    for (const { chart } of chartValues) {
      const file = join(scratch, chart, 'Chart.yaml');
      const described = parse(await readFile(file, 'utf8')) as { readonly version: string };
      await writeFile(file, stringify({ ...described, annotations: { ...annotations, ...annotationsOf(released) } }));
      if (released !== undefined) {
        const values = join(scratch, chart, 'values.yaml');
        await writeFile(values, withDigests(chart, await readFile(values, 'utf8'), released.digests));
      }
      await run(helm, ['dependency', 'update', join(scratch, chart)]);
      await run(helm, ['package', join(scratch, chart), '--destination', outdir]);
      packaged.set(chart, join(outdir, `${chart}-${described.version}.tgz`));
    }
    return packaged;
  } finally {
    await rm(scratch, { recursive: true });
  }
};
